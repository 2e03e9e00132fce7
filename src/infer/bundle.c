#include "infer/bundle.h"

#include "files/weights.h"

#include <string.h>

const char bundle_weights[] = "f32, bf16 or int8";

/* ---- the weights ---- */

static enum sft_status weights_of_name(enum weights_kind *kind, const char *name, struct sft_err *err)
{
    static const struct {
        const char *name;
        enum weights_kind kind;
    } kinds[] = {{"f32", WEIGHTS_F32}, {"bf16", WEIGHTS_BF16}, {"int8", WEIGHTS_INT8}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i].name) == 0) {
            *kind = kinds[i].kind;
            return SFT_OK;
        }
    return sft_fail(err, SFT_EUSAGE, "--weights: unknown kind '%s' (%s)", name, bundle_weights);
}

/* How matrices are kept, by what is asked for and what the kernels take. */
static enum sft_status choose_weights(struct weights_kept *kept, const struct kernels *kernels,
                                      const struct bundle_options *options, struct sft_err *err)
{
    kept->as = WEIGHTS_AS_STORED;
    if (!kernels->reads_bf16)
        kept->as = WEIGHTS_F32;
    else if (options->for_generation && strcmp(kernels->precision, "bf16") == 0)
        kept->as = WEIGHTS_BF16;
    if (options->weights && weights_of_name(&kept->as, options->weights, err))
        return err->status;
    if (!kernels->reads_bf16 && kept->as != WEIGHTS_F32)
        return sft_fail(err, SFT_EUSAGE, "--weights %s: the %s kernels read floats alone (f32)", options->weights,
                        kernels->isa);
    kept->mapped = options->adapter != NULL;
    kept->transposed = options->for_generation || kept->as == WEIGHTS_INT8; /* whose scales are rows' */
    return SFT_OK;
}

/* What an adapter has of its own is known as what it trained, and has no gradients. */
static enum sft_status adapt(struct tensor_table *table, const struct peft_adapter *adapter,
                             const struct model_config *config, struct sft_err *err)
{
    struct adapter_spec spec = {0};
    const enum sft_status status = peft_spec(&spec, adapter, table, config, err);
    if (!status)
        tensor_table_adapt(table, &spec);
    adapter_spec_free(&spec);
    tensor_table_drop_gradients(table);
    return status;
}

/* The model of the table, with values: those of the files in `dir`, and on top of these the adapter's. */
static enum sft_status load_values(struct bundle *b, struct tensor_table *table, const struct model_config *config,
                                   size_t file_vocab, const char *dir, const struct weights_kept *kept,
                                   struct sft_err *err)
{
    if (weights_check_to_read(table, kept, config, file_vocab, dir, &b->unused, err) ||
        transformer_init_of(&b->model, config, b->kernels, table, err) ||
        weights_load_set(&b->model.params, kept, b->kernels->quantize_rows, config, file_vocab, dir, err) ||
        (b->adapter.dir && peft_load(&b->model.params, &b->adapter, config, err)))
        return err->status;
    transformer_bind(&b->model);
    return SFT_OK;
}

/* Tokens that the model lacks a row for get one, as training would add them. */
static enum sft_status load_weights(struct bundle *b, size_t file_vocab, const struct weights_kept *kept,
                                    struct sft_err *err)
{
    struct model_config config = b->files.config;
    const size_t tokens = tokenizer_vocab_size(b->files.tokenizer);
    if (tokens > config.vocab_size)
        config.vocab_size = tokens;
    struct tensor_table table;
    tensor_table_init(&table, &config);
    tensor_table_choose(&table, NULL);
    enum sft_status status = b->adapter.dir ? adapt(&table, &b->adapter, &config, err) : SFT_OK;
    if (!status)
        status = load_values(b, &table, &config, file_vocab, b->files.path, kept, err);
    tensor_table_free(&table);
    return status;
}

static enum sft_status open_adapter(struct bundle *b, const char *dir, struct sft_err *err)
{
    if (!dir)
        return SFT_OK;
    if (peft_open(&b->adapter, dir, err))
        return err->status;
    b->files.config.vocab_size = peft_vocab_size(&b->adapter, &b->files.config);
    return model_files_adapt(&b->files, dir, err);
}

/* Its vocabulary is as its files have it again. */
static enum sft_status leave_template(struct bundle *b, struct sft_err *err)
{
    template_free(&b->template);
    b->template.end_of_turn = TOKEN_NONE;
    tokenizer_free(b->files.tokenizer);
    b->files.tokenizer = NULL;
    return model_files_reload_tokenizer(&b->files, &b->files.tokenizer, err);
}

enum sft_status bundle_open(struct bundle *b, const char *dir, const struct bundle_options *options,
                            const struct template_options *chosen, struct sft_err *err)
{
    struct weights_kept kept = {0};
    *b = (struct bundle){.template = {.end_of_turn = TOKEN_NONE}};
    b->kernels = kernels_select(options->precision, b->kernels_why, sizeof b->kernels_why);
    if (!b->kernels)
        return sft_fail(err, SFT_EUSAGE, "%s", b->kernels_why);
    if (choose_weights(&kept, b->kernels, options, err) || model_files_open(&b->files, dir, err))
        return err->status;
    const size_t file_vocab = b->files.config.vocab_size;
    if (open_adapter(b, options->adapter, err))
        return err->status;
    const size_t own_tokens = tokenizer_vocab_size(b->files.tokenizer);
    if (chosen && template_init(&b->template, chosen, b->files.tokenizer, err))
        return err->status;
    const bool is_unknown = chosen && chosen->choice == TEMPLATE_AUTO && b->template.tokens_added > 0;
    if (options->known_template_only && is_unknown && leave_template(b, err))
        return err->status;
    if (load_weights(b, file_vocab, &kept, err))
        return err->status;
    b->n_new_tokens = tokenizer_vocab_size(b->files.tokenizer) - own_tokens;
    token_rules_init(&b->rules, b->files.tokenizer, &b->files.generation, b->template.end_of_turn,
                     b->files.config.vocab_size, b->model.config.vocab_size);
    return SFT_OK;
}

void bundle_close(struct bundle *b)
{
    token_rules_free(&b->rules);
    strbuf_free(&b->unused);
    transformer_free(&b->model);
    template_free(&b->template);
    peft_close(&b->adapter);
    model_files_close(&b->files);
    *b = (struct bundle){0};
}

struct decode_model bundle_decode_model(const struct bundle *b)
{
    return decode_model_of(&b->model, &b->rules);
}

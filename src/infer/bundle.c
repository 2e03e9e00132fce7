#include "infer/bundle.h"

#include "files/grow.h"
#include "files/half.h"
#include "files/weights.h"

#include <stdlib.h>
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

/* What an adapter has of its own is known as what it trained, and has no gradients. It knows as many tokens as the
 * config has; the table may have more, the template's. */
static enum sft_status adapt(struct tensor_table *table, const struct peft_adapter *adapter,
                             const struct model_config *config, struct sft_err *err)
{
    struct adapter_spec spec = {0};
    struct tensor_table known;
    tensor_table_init(&known, config);
    const enum sft_status status = peft_spec(&spec, adapter, &known, config, err);
    if (!status)
        tensor_table_adapt(table, &spec);
    tensor_table_free(&known);
    adapter_spec_free(&spec);
    tensor_table_drop_gradients(table);
    return status;
}

/* Rows from n_known on: the mean of those before. */
static void grow(float *values, size_t n_known, size_t rows, size_t cols)
{
    double *sum = mem_calloc(cols, sizeof *sum);
    grow_add(sum, values, n_known, cols);
    for (size_t row = n_known; row < rows; row++)
        grow_mean(values + row * cols, sum, n_known, cols);
    free(sum);
}

/* The adapter's values: of tensors with a row a token the first rows, as many as it knows. */
static enum sft_status load_adapter(const struct bundle *b, struct sft_err *err)
{
    const struct tensor_table *table = &b->model.params.table;
    const size_t n_known = b->files.config.vocab_size;
    struct param_set known = b->model.params;
    known.table = tensor_table_copy(table);
    for (struct tensor *t = known.table.tensors; t < known.table.tensors + table->n_model; t++)
        if (t->per_token) {
            t->rows = n_known;
            t->count = t->rows * t->cols;
        }
    const enum sft_status status = peft_load(&known, &b->adapter, &b->files.config, err);
    tensor_table_free(&known.table);
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_model && !status; t++)
        if (t->per_token && t->trained && !t->trained_rows)
            grow(param_values(&b->model.params, t), n_known, t->rows, t->cols);
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
        (b->adapter.dir && load_adapter(b, err)))
        return err->status;
    transformer_bind(&b->model);
    return SFT_OK;
}

/* ---- what two bundles share ---- */

/* A head that an adapter has parted from the embedding is that of the base, which is tied. */
static const struct tensor *of_base(const struct tensor_table *base, const struct tensor *t)
{
    const struct tensor *found = tensor_find(base, t->pattern, t->layer);
    return found ? found : base->head;
}

/* How a tensor is kept: as the base has it, and there, unless the adapter trained it, or has more rows of it. */
static void share(struct tensor_table *table, const struct tensor_table *base)
{
    for (size_t i = 0; i < table->n_model; i++) {
        struct tensor *t = &table->tensors[i];
        const struct tensor *theirs = of_base(base, t);
        t->elsewhere = !t->trained && t->count == theirs->count;
        if (t->elsewhere) {
            t->kept = theirs->kept;
            t->transposed = theirs->transposed;
        }
    }
    tensor_table_place(table);
}

/* Row `row` (cols) of a matrix with a row a token, whatever it is kept as. */
static void copy_row(float *to, const struct param_set *params, const struct tensor *t, size_t row)
{
    const struct matrix m = param_matrix(params, t);
    const size_t first = row * t->cols;
    for (size_t i = 0; i < t->cols; i++)
        to[i] = m.w        ? m.w[first + i]
                : m.w_bf16 ? f32_from_bf16(m.w_bf16[first + i])
                           : m.scales[row] * (float)m.w_int8[first + i];
}

/* The base's rows, n_known of which its files have, and the mean of these for those that it has not. */
static void copy_rows(const struct param_set *params, const struct tensor *t, const struct param_set *base,
                      const struct tensor *theirs, size_t n_known)
{
    float *values = param_values(params, t);
    for (size_t row = 0; row < t->rows && row < theirs->rows; row++)
        copy_row(values + row * t->cols, base, theirs, row);
    grow(values, n_known, t->rows, t->cols);
}

/* What is not the adapter's alone. */
static void take_from_base(struct param_set *params, const struct bundle *base)
{
    const struct param_set *from = &base->model.params;
    for (size_t i = 0; i < params->table.n_model; i++) {
        const struct tensor *t = &params->table.tensors[i], *theirs = of_base(&from->table, t);
        if (t->elsewhere)
            param_place(params, t, (struct param_place){param_memory(from, theirs), param_scales(from, theirs)});
        else if (t->per_token)
            copy_rows(params, t, from, theirs, base->files.config.vocab_size);
    }
}

/* The model of the table, with values: the base's, and on top of these the adapter's. */
static enum sft_status take_values(struct bundle *b, struct tensor_table *table, const struct model_config *config,
                                   const struct bundle *base, struct sft_err *err)
{
    share(table, &base->model.params.table);
    if (transformer_init_of(&b->model, config, b->kernels, table, err))
        return err->status;
    take_from_base(&b->model.params, base);
    if (load_adapter(b, err))
        return err->status;
    transformer_bind(&b->model);
    return SFT_OK;
}

/* ---- a bundle ---- */

/* Tokens that the model lacks a row for get one, as training would add them. From the files, whose vocabulary has
 * file_vocab tokens, or from a base that is open. */
static enum sft_status load_weights(struct bundle *b, size_t file_vocab, const struct weights_kept *kept,
                                    const struct bundle *base, struct sft_err *err)
{
    struct model_config config = b->files.config;
    const size_t tokens = tokenizer_vocab_size(b->files.tokenizer);
    if (tokens > config.vocab_size)
        config.vocab_size = tokens;
    struct tensor_table table;
    tensor_table_init(&table, &config);
    tensor_table_choose(&table, NULL);
    enum sft_status status = b->adapter.dir ? adapt(&table, &b->adapter, &b->files.config, err) : SFT_OK;
    if (!status)
        status = base ? take_values(b, &table, &config, base, err)
                      : load_values(b, &table, &config, file_vocab, b->files.path, kept, err);
    tensor_table_free(&table);
    return status;
}

static enum sft_status open_adapter(struct bundle *b, const char *dir, struct sft_err *err)
{
    if (!dir)
        return SFT_OK;
    if (peft_open(&b->adapter, dir, err))
        return err->status;
    peft_fit_model(&b->adapter, &b->files.config);
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

static enum sft_status open_template(struct bundle *b, const struct bundle_options *options,
                                     const struct template_options *chosen, struct sft_err *err)
{
    if (chosen && template_init(&b->template, chosen, b->files.tokenizer, err))
        return err->status;
    const bool is_unknown = chosen && chosen->choice == TEMPLATE_AUTO && b->template.tokens_added > 0;
    return options->known_template_only && is_unknown ? leave_template(b, err) : SFT_OK;
}

/* Ids from own_tokens on, the template's, that no row was trained for. */
static size_t count_new_tokens(const struct bundle *b, size_t own_tokens)
{
    const struct tensor *rows = b->model.params.table.token_embedding;
    size_t n = 0;
    for (size_t id = own_tokens; id < tokenizer_vocab_size(b->files.tokenizer); id++)
        n += id >= b->files.config.vocab_size || !tensor_trains_row(rows, (int32_t)id);
    return n;
}

/* From the directory `dir`; its weights too, unless there is a base that has them. */
static enum sft_status open_files(struct bundle *b, const char *dir, const struct bundle_options *options,
                                  const struct weights_kept *kept, const struct template_options *chosen,
                                  const struct bundle *base, struct sft_err *err)
{
    if (model_files_open(&b->files, dir, err))
        return err->status;
    const size_t file_vocab = b->files.config.vocab_size;
    if (open_adapter(b, options->adapter, err))
        return err->status;
    const size_t own_tokens = tokenizer_vocab_size(b->files.tokenizer);
    if (open_template(b, options, chosen, err) || load_weights(b, file_vocab, kept, base, err))
        return err->status;
    b->n_new_tokens = count_new_tokens(b, own_tokens);
    token_rules_init(&b->rules, b->files.tokenizer, &b->files.generation, b->template.end_of_turn,
                     b->files.config.vocab_size, b->model.config.vocab_size);
    return SFT_OK;
}

enum sft_status bundle_open(struct bundle *b, const char *dir, const struct bundle_options *options,
                            const struct template_options *chosen, struct sft_err *err)
{
    struct weights_kept kept = {0};
    *b = (struct bundle){.template = {.end_of_turn = TOKEN_NONE}};
    b->kernels = kernels_select(options->precision, b->kernels_why, sizeof b->kernels_why);
    if (!b->kernels)
        return sft_fail(err, SFT_EUSAGE, "%s", b->kernels_why);
    if (choose_weights(&kept, b->kernels, options, err))
        return err->status;
    return open_files(b, dir, options, &kept, chosen, NULL, err);
}

enum sft_status bundle_open_beside(struct bundle *b, const struct bundle *base, const struct bundle_options *options,
                                   const struct template_options *chosen, struct sft_err *err)
{
    if (base->adapter.dir || !options->adapter)
        SFT_BUG("a model that is beside another has an adapter, and that has none");
    *b = (struct bundle){.template = {.end_of_turn = TOKEN_NONE}, .kernels = base->kernels};
    return open_files(b, base->files.path, options, NULL, chosen, base, err);
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

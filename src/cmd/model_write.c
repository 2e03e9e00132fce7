#include "cmd/model_write.h"

#include "base/mem.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/model_report.h"
#include "files/model_files.h"
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_merge.h"
#include "files/weights.h"

#include <stdlib.h>

/* A model on its way from one place to another: its weights are read where they are written. */
struct exported {
    struct model_files files;
    struct tensor_table table; /* of what is written: a view of one of the two tables below */
    struct model_config config_in_files;
    struct tensor_table table_in_files;
    struct weights *weights;
    struct peft_adapter adapter; /* that is merged; dir NULL: there is none */
    struct param_set adapted;    /* its values */
    struct peft_merge *merge;
    struct model_check check; /* of what was written */
    const volatile int *stop; /* set by a signal */
    struct chat_template template;
    bool has_template; /* and it is one that is known */
    const struct card_options *card; /* NULL: it gets none */
    bool has_card;                   /* there is a place for it */
    struct strbuf beside, lacks;     /* what goes beside it, and what the card has not: for the report */
};

/* weights_pass, until a signal comes. */
static enum sft_status pass_weights(const void *from, const struct tensor *tensor, values_take *take, void *context,
                                    struct sft_err *err)
{
    const struct exported *m = from;
    return *m->stop ? sft_fail(err, SFT_EINTERRUPTED, "stopped; nothing is written")
                    : weights_pass(m->weights, tensor, take, context, err);
}

/* Of an adapter, all that it trained is in memory, and nothing of its base. */
static enum sft_status load_adapter(struct exported *m, struct sft_err *err)
{
    struct tensor_table table;
    struct adapter_spec spec = {0};
    const struct model_config *config = &m->files.config;
    tensor_table_init(&table, config);
    enum sft_status status = peft_spec(&spec, &m->adapter, &table, config, err);
    if (!status) {
        tensor_table_adapt(&table, &spec);
        tensor_table_drop_gradients(&table);
        tensor_table_place_trained(&table);
        status = param_set_allocate(&m->adapted, &table, err);
    }
    if (!status)
        status = peft_load(&m->adapted, &m->adapter, config, err);
    adapter_spec_free(&spec);
    tensor_table_free(&table);
    return status;
}

static enum sft_status merge_adapter(struct exported *m, struct sft_err *err)
{
    if (model_files_adapt(&m->files, m->adapter.dir, err) || load_adapter(m, err))
        return err->status;
    peft_merge_begin(&m->merge, &m->adapted, m->adapter.config.has_frozen_rows, (struct model_values){pass_weights, m},
                     &m->table_in_files);
    m->table = tensor_table_of_model(&m->adapted.table);
    return SFT_OK;
}

static enum sft_status open_model(struct exported *m, const struct model_argument *model, struct sft_err *err)
{
    struct strbuf unused = {0};
    if (model_files_open(&m->files, model->model.dir, err))
        return err->status;
    const size_t file_vocab = m->files.config.vocab_size;
    m->config_in_files = m->files.config;
    if (model->adapter.dir) {
        if (peft_open(&m->adapter, model->adapter.dir, err))
            return err->status;
        peft_fit_model(&m->adapter, &m->files.config);
        m->config_in_files = m->files.config;       /* the same tensors, */
        m->config_in_files.vocab_size = file_vocab; /* with as many rows as there are */
    }
    tensor_table_init(&m->table_in_files, &m->config_in_files);
    m->table = m->table_in_files;
    enum sft_status status = weights_begin(&m->weights, &m->table_in_files, &m->config_in_files, model->model.dir,
                                           &unused, err);
    if (!status)
        model_argument_tell(model, &unused);
    if (!status && model->adapter.dir)
        status = merge_adapter(m, err);
    strbuf_free(&unused);
    return status;
}

/* What the model's chat template does, where it has one and that is known; to a tokenizer of its own, so that the
 * model's stays as it is. */
static void open_template(struct exported *m)
{
    const struct template_options own = {.choice = TEMPLATE_AUTO};
    struct sft_err unknown = {0};
    struct tokenizer *tok;
    if (!m->files.tokenizer || !tokenizer_chat_template(m->files.tokenizer) ||
        model_files_reload_tokenizer(&m->files, &tok, &unknown))
        return;
    m->has_template = !template_init(&m->template, &own, tok, &unknown);
    tokenizer_free(tok);
}

/* Whether it has one at all. */
static bool has_template(const struct exported *m)
{
    return m->has_template || (m->files.tokenizer && tokenizer_chat_template(m->files.tokenizer));
}

static void close_model(struct exported *m)
{
    model_check_free(&m->check);
    strbuf_free(&m->beside);
    strbuf_free(&m->lacks);
    if (m->has_template)
        template_free(&m->template);
    peft_merge_end(m->merge);
    param_set_free(&m->adapted);
    peft_close(&m->adapter);
    weights_end(m->weights);
    tensor_table_free(&m->table_in_files);
    model_files_close(&m->files);
}

/* The model card: in the directory, or beside the file, unless somebody else's is there. */
static bool has_place_for_card(const struct write_target *target)
{
    char *dir = path_dirname(target->path);
    const bool has = !target->format->ending || model_card_has_place(dir);
    free(dir);
    return has;
}

static enum sft_status write_card(const struct write_target *target, const struct model_argument *model,
                                  struct exported *m, const char *staged, struct sft_err *err)
{
    if (!m->has_card)
        return SFT_OK;
    const struct model_card_of of = {.model = model,
                                     .path = target->path,
                                     .format = target->format,
                                     .dtype = target->dtype,
                                     .options = m->card,
                                     .config = &m->files.config,
                                     .n_parameters = m->table.n_parameters,
                                     .adapter = m->adapter.dir ? &m->adapter.config : NULL,
                                     .has_template = has_template(m),
                                     .template = m->has_template ? m->template.name : NULL};
    char *dir = target->format->ending ? path_dirname(staged) : mem_strdup(staged);
    const enum sft_status status = model_card_write(dir, &of, &m->lacks, err);
    free(dir);
    return status;
}

static enum sft_status save(const struct write_target *target, const struct exported *m, const char *path,
                            struct sft_err *err)
{
    const struct tokenizer *own = m->files.tokenizer_path ? m->files.tokenizer : NULL; /* the adapter's */
    const struct model_meta meta = {.base_config = m->files.config_json,
                                    .base_generation = m->files.generation.raw,
                                    .eos_token_id = own ? tokenizer_eos_id(own) : -1,
                                    .pad_token_id = own ? tokenizer_pad_id(own) : -1,
                                    .bos_token_id = own ? tokenizer_bos_id(own) : -1,
                                    .dtype = target->dtype,
                                    .max_shard_bytes = target->max_shard_bytes,
                                    .license = m->card ? m->card->license : NULL,
                                    .base_model = m->card ? m->card->base_model : NULL};
    const struct model_out out = {.values = m->merge ? peft_merged(m->merge) : (struct model_values){pass_weights, m},
                                  .table = &m->table,
                                  .config = &m->files.config,
                                  .meta = &meta,
                                  .tokenizer = m->files.tokenizer,
                                  .generation = &m->files.generation,
                                  .template = m->has_template ? &m->template : NULL};
    return target->format->save(&out, path, err);
}

/* It is there whole, or not at all, and not before it has been opened and run. */
static enum sft_status write_model(const struct write_target *target, const struct model_argument *model,
                                   struct exported *m, struct sft_err *err)
{
    struct staging staging;
    char *staged;
    enum sft_status status = write_target_stage(target, &staging, &staged, err);
    if (!status)
        status = save(target, m, staged, err);
    if (!status)
        status = model_check(&m->check,
                             &(struct model_check_of){.original = m->files.path,
                                                      .adapter = m->adapter.dir,
                                                      .written = staged,
                                                      .dtype = target->dtype,
                                                      .memory = mem_available(),
                                                      .stop = m->stop},
                             err);
    if (!status)
        status = write_card(target, model, m, staged, err);
    if (!status)
        status = write_target_commit(target, &staging, err);
    free(staged);
    staging_close(&staging);
    return status;
}

enum sft_status model_write(const struct model_argument *model, const struct write_target *target,
                            const struct card_options *card, struct sft_err *err)
{
    struct exported m = {.stop = stop_on_signals(), .card = card};
    enum sft_status status = write_target_check(target, err);
    if (!status)
        status = open_model(&m, model, err);
    if (!status) {
        open_template(&m);
        m.has_card = card && has_place_for_card(target);
        model_report_beside(target, card != NULL, m.has_card, &m.beside);
        status = write_model(target, model, &m, err);
    }
    if (!status)
        model_report(target, &(struct model_report_of){.check = &m.check,
                                                       .n_parameters = m.table.n_parameters,
                                                       .beside = m.beside.len ? m.beside.data : "",
                                                       .lacks = m.lacks.len ? m.lacks.data : "",
                                                       .has_template = has_template(&m),
                                                       .has_turns = m.has_template});
    close_model(&m);
    return status;
}

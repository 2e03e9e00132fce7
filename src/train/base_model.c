#include "train/base_model.h"

#include "base/log.h"
#include "base/path.h"
#include "files/hub_cache.h"
#include "files/peft/peft_base.h"
#include "files/weights.h"
#include "train/options.h"

#include <stdlib.h>

/* A row for each token: control tokens were added, or the base's tokenizer has more than its model. */
static void grow_vocabulary(struct base_model *base)
{
    const size_t n_tokens = tokenizer_vocab_size(base->tokenizer), n_rows = base->files.config.vocab_size;
    base->config.vocab_size = n_tokens > n_rows ? n_tokens : n_rows;
}

/* Take over what model_files_open, whose status it is, has opened. */
static enum sft_status take_files(struct base_model *base, enum sft_status status, const struct settings *settings,
                                  struct sft_err *err)
{
    const struct template_options template = template_options_of(settings);
    base->config = base->files.config;
    base->tokenizer = base->files.tokenizer;
    base->files.tokenizer = NULL;
    base->n_own_tokens = base->tokenizer ? tokenizer_vocab_size(base->tokenizer) : 0;
    if (status || template_init(&base->template, &template, base->tokenizer, err))
        return err->status;
    if (base->config.family)
        grow_vocabulary(base);
    return SFT_OK;
}

/* A model is asked for, and an adapter named, or the run of one. */
static enum sft_status check_whole(const char *path, struct sft_err *err)
{
    struct sft_err none;
    const char *link, *base = NULL;
    char *dir;
    if (path_holds(path, "config.json") || peft_dir_find(path, &dir, &link, &none))
        return SFT_OK;
    struct peft_config config;
    if (!peft_config_read(&config, dir, &none))
        base = config.base_model;
    sft_fail(err, SFT_EUSAGE,
             "[model] base: %s is a LoRA adapter%s%s, not a whole model (base names the model that it is for, adapter "
             "the adapter to go on from)",
             path, base ? " of " : "", base ? base : "");
    peft_config_free(&config);
    free(dir);
    return SFT_EUSAGE;
}

static enum sft_status open_at(struct base_model *base, const char *path, const struct settings *settings,
                               struct sft_err *err)
{
    return take_files(base, model_files_open(&base->files, path, err), settings, err);
}

enum sft_status base_model_open(struct base_model *base, const struct settings *settings, struct sft_err *err)
{
    char *path;
    *base = (struct base_model){0};
    enum sft_status status = hub_cache_resolve(settings->model.base, &path, err);
    if (!status)
        status = check_whole(path, err);
    if (!status)
        status = open_at(base, path, settings, err);
    free(path);
    return status;
}

enum sft_status base_model_open_for_data(struct base_model *base, const struct settings *settings, struct sft_err *err)
{
    char *path;
    *base = (struct base_model){0};
    enum sft_status status = hub_cache_resolve(settings->model.base, &path, err);
    if (status)
        return status;
    char *config = path_join(path, "config.json");
    const bool has_model = !path_is_dir(path) || path_exists(config);
    status = has_model ? open_at(base, path, settings, err)
                       : take_files(base, model_files_open_tokenizer(&base->files, path, err), settings, err);
    free(config);
    free(path);
    return status;
}

enum sft_status base_model_take_back_template(struct base_model *base, struct tokenizer **tokenizer,
                                              struct chat_template *template, struct sft_err *err)
{
    *template = base->template;
    *tokenizer = base->tokenizer;
    base->template = (struct chat_template){0};
    base->tokenizer = NULL;
    const enum sft_status status = model_files_reload_tokenizer(&base->files, &base->tokenizer, err);
    if (!status)
        grow_vocabulary(base);
    return status;
}

size_t base_model_max_length(const struct base_model *base, uint64_t asked)
{
    const size_t positions = base->config.n_positions; /* 0: no model, only its tokenizer */
    return positions && positions < asked ? positions : (size_t)asked;
}

enum sft_status base_model_check_weights(const struct base_model *base, struct sft_err *err)
{
    struct strbuf unused = {0};
    if (!weights_are_there(base->files.path))
        return SFT_OK;
    const struct model_files *files = &base->files;
    const enum sft_status status = weights_check(&base->config, files->config.vocab_size, files->path, &unused, err);
    if (!status && unused.len)
        log_warning("%s: tensors that are not used: %s", base->files.path, unused.data);
    strbuf_free(&unused);
    return status;
}

enum sft_status base_model_load_weights(const struct base_model *base, const struct tensor_table *table, float *params,
                                        uint64_t seed, struct sft_err *err)
{
    if (weights_are_there(base->files.path))
        return weights_load(params, table, &base->config, base->files.config.vocab_size, base->files.path, err);
    params_init_random(params, table, &base->config, seed);
    return SFT_OK;
}

struct model_meta base_model_meta(const struct base_model *base, const struct dtype *dtype)
{
    return (struct model_meta){.base_config = base->files.config_json,
                               .base_generation = base->files.generation.raw,
                               .eos_token_id = tokenizer_eos_id(base->tokenizer),
                               .pad_token_id = tokenizer_pad_id(base->tokenizer),
                               .bos_token_id = tokenizer_bos_id(base->tokenizer),
                               .dtype = dtype};
}

void base_model_close(struct base_model *base)
{
    template_free(&base->template);
    tokenizer_free(base->tokenizer);
    model_files_close(&base->files);
    *base = (struct base_model){0};
}

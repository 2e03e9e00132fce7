#include "train/base_model.h"

#include "base/io.h"
#include "base/log.h"
#include "files/model_dir.h"
#include "model/config_read.h"
#include "text/tokenizer/tokenizer_load.h"
#include "train/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A base is a Hugging Face directory, or a config.json with tokenizer files beside it. */
static char *directory(const struct base_model *base)
{
    return path_is_dir(base->path) ? mem_strdup(base->path) : path_dirname(base->path);
}

static enum sft_status open_tokenizer(struct base_model *base, const struct settings *settings, struct sft_err *err)
{
    const struct template_options template = template_options_of(settings);
    char *dir = directory(base);
    enum sft_status status = tokenizer_load(&base->tokenizer, dir, err);
    if (!status && base->config.family)
        status = model_config_check_vocab(&base->config, tokenizer_model_vocab_size(base->tokenizer), dir, err);
    if (!status)
        status = template_init(&base->template, &template, base->tokenizer, err);
    free(dir);
    return status;
}

static enum sft_status open_generation(struct base_model *base, struct sft_err *err)
{
    char *dir = directory(base);
    const enum sft_status status = generation_config_load(&base->generation, dir, base->config_json, &base->config,
                                                          err);
    free(dir);
    return status;
}

/* A row for each token: control tokens were added, or the base's tokenizer has more than its model. */
static void grow_vocabulary(struct base_model *base)
{
    const size_t n_tokens = tokenizer_vocab_size(base->tokenizer);
    base->config.vocab_size = n_tokens > base->vocab_size ? n_tokens : base->vocab_size;
}

enum sft_status base_model_open(struct base_model *base, const struct settings *settings, struct sft_err *err)
{
    *base = (struct base_model){.path = settings->model.base};
    if (model_config_load(&base->config, base->path, &base->config_json, err) || open_generation(base, err) ||
        open_tokenizer(base, settings, err))
        return err->status;
    base->vocab_size = base->config.vocab_size;
    grow_vocabulary(base);
    return SFT_OK;
}

enum sft_status base_model_open_for_data(struct base_model *base, const struct settings *settings, struct sft_err *err)
{
    *base = (struct base_model){.path = settings->model.base};
    if (!path_exists(base->path))
        return sft_fail(err, SFT_EIO, "%s: %s", base->path, strerror(ENOENT));
    char *dir = directory(base), *config = path_join(dir, "config.json");
    const bool has_model = path_exists(config);
    free(config);
    free(dir);
    return has_model ? base_model_open(base, settings, err) : open_tokenizer(base, settings, err);
}

enum sft_status base_model_take_back_template(struct base_model *base, struct tokenizer **tokenizer,
                                              struct chat_template *template, struct sft_err *err)
{
    char *dir = directory(base);
    *template = base->template;
    *tokenizer = base->tokenizer;
    base->template = (struct chat_template){0};
    base->tokenizer = NULL;
    const enum sft_status status = tokenizer_load(&base->tokenizer, dir, err);
    if (!status)
        grow_vocabulary(base);
    free(dir);
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
    if (!path_is_dir(base->path))
        return SFT_OK;
    const enum sft_status status = hf_check_weights(&base->config, base->vocab_size, base->path, &unused, err);
    if (!status && unused.len)
        log_warning("%s: tensors that are not used: %s", base->path, unused.data);
    strbuf_free(&unused);
    return status;
}

enum sft_status base_model_load_weights(const struct base_model *base, const struct tensor_table *table, float *params,
                                        uint64_t seed, struct sft_err *err)
{
    if (path_is_dir(base->path))
        return hf_load_params(params, table, &base->config, base->vocab_size, base->path, err);
    params_init_random(params, table, &base->config, seed);
    return SFT_OK;
}

struct hf_meta base_model_meta(const struct base_model *base)
{
    return (struct hf_meta){.base_config = base->config_json,
                            .base_generation = base->generation.raw,
                            .eos_token_id = tokenizer_eos_id(base->tokenizer),
                            .pad_token_id = tokenizer_pad_id(base->tokenizer),
                            .bos_token_id = tokenizer_bos_id(base->tokenizer),
                            .dtype = ST_F32};
}

void base_model_close(struct base_model *base)
{
    template_free(&base->template);
    tokenizer_free(base->tokenizer);
    json_free(base->config_json);
    generation_config_free(&base->generation);
    *base = (struct base_model){0};
}

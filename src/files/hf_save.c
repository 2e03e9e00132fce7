#include "files/hf_save.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/version.h"
#include "files/generation.h"
#include "files/hf_weights.h"
#include "model/config_write.h"
#include "text/tokenizer/tokenizer_save.h"

#include <stdlib.h>

/* ---- config.json, generation_config.json ---- */

static enum sft_status write_json(const char *dir, const char *name, const json *root, struct sft_err *err)
{
    struct strbuf text = {0};
    char *path = path_join(dir, name);
    json_print(root, &text);
    strbuf_putc(&text, '\n');
    const enum sft_status status = io_write_file(path, text.data, text.len, err);
    strbuf_free(&text);
    free(path);
    return status;
}

struct special_token {
    const char *key;
    int32_t id, of_base; /* -1: none */
};

/* In config.json an id that is none is null rather than nothing: where a key is absent, transformers takes the
 * family's default. */
static void set_config_ids(json *root, const struct special_token *tokens, size_t count, size_t vocab_size)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t id = tokens[i].id >= 0 ? tokens[i].id : tokens[i].of_base;
        if (id < 0)
            json_set_null(root, tokens[i].key);
        else
            generation_set_end_token(root, tokens[i].key, id, NULL, vocab_size);
    }
}

/* generation_config.json is the base's, but for the tokens that are others now. */
static void set_generation_ids(json *root, const struct special_token *tokens, size_t count,
                               const struct model_meta *meta, size_t vocab_size)
{
    for (size_t i = 0; i < count; i++) {
        const json *of_base = json_get(root, tokens[i].key), *of_config = json_get(meta->base_config, tokens[i].key);
        const bool is_said = of_base && !json_is_null(of_base);
        const int32_t id = tokens[i].id >= 0 ? tokens[i].id : tokens[i].of_base;
        if (tokens[i].id < 0 && is_said)
            continue;
        if (id >= 0)
            generation_set_end_token(root, tokens[i].key, id, is_said ? NULL : of_config, vocab_size);
        else
            json_set_null(root, tokens[i].key);
    }
}

enum { N_SPECIAL = 3 };

static enum sft_status write_config(const struct model_config *config, const struct model_meta *meta,
                                    const struct special_token *tokens, const char *dir, struct sft_err *err)
{
    json *root = meta->base_config ? json_copy(meta->base_config) : json_new_object();
    model_config_write(root, config);
    set_config_ids(root, tokens, N_SPECIAL, config->vocab_size);
    json_set_string(root, "dtype", meta->dtype->torch);
    json_set_string(root, "sft_version", SFT_VERSION); /* beside the base's transformers_version */
    json_set_string(root, "torch_dtype", meta->dtype->torch); /* for transformers before 4.56 */
    const enum sft_status status = write_json(dir, "config.json", root, err);
    json_free(root);
    return status;
}

static enum sft_status write_generation_config(const struct model_config *config, const struct model_meta *meta,
                                               const struct special_token *tokens, const char *dir,
                                               struct sft_err *err)
{
    json *root = meta->base_generation ? json_copy(meta->base_generation) : json_new_object();
    set_generation_ids(root, tokens, N_SPECIAL, meta, config->vocab_size);
    const enum sft_status status = write_json(dir, "generation_config.json", root, err);
    json_free(root);
    return status;
}

/* ---- the whole ---- */

enum sft_status hf_save(const struct model_out *m, const char *dir, struct sft_err *err)
{
    const struct special_token tokens[N_SPECIAL] = {
        {"bos_token_id", m->meta->bos_token_id, m->config->bos_token_id},
        {"eos_token_id", m->meta->eos_token_id, m->config->eos_token_id},
        {"pad_token_id", m->meta->pad_token_id, m->config->pad_token_id},
    };
    if (write_config(m->config, m->meta, tokens, dir, err) ||
        write_generation_config(m->config, m->meta, tokens, dir, err) ||
        hf_weights_save(m, dir, err))
        return err->status;
    return m->tokenizer ? tokenizer_save(m->tokenizer, dir, m->config->n_positions, err) : SFT_OK;
}

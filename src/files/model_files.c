#include "files/model_files.h"

#include "base/mem.h"
#include "base/path.h"
#include "files/formats.h"
#include "files/hf_format.h"
#include "model/config_read.h"

#include <stdlib.h>

/* ---- its parts ---- */

enum sft_status model_config_load(struct model_config *config, const char *path, json **raw, struct sft_err *err)
{
    const struct format *format;
    json *root = NULL;
    char *name = NULL;
    *config = (struct model_config){0};
    enum sft_status status = format_find(&format, path, err);
    if (!status)
        status = format->read_config(&root, &name, path, err);
    if (!status && (status = model_config_read(config, root, err))) {
        sft_in_file(err, name, 0);
        *config = (struct model_config){0};
    }
    if (raw)
        *raw = status ? NULL : root;
    if (status || !raw)
        json_free(root);
    free(name);
    return status;
}

static enum sft_status open_config(struct model_files *m, struct sft_err *err)
{
    return model_config_load(&m->config, m->path, &m->config_json, err);
}

static enum sft_status open_generation(struct model_files *m, struct sft_err *err)
{
    if (!m->config.family)
        return SFT_OK;
    return m->format->load_generation(&m->generation, m->path, m->config_json, &m->config, err);
}

static enum sft_status open_tokenizer(struct model_files *m, struct sft_err *err)
{
    return m->format->load_tokenizer(&m->tokenizer, m->path, err);
}

static enum sft_status check_vocabulary(struct model_files *m, struct sft_err *err)
{
    if (!m->config.family || !m->tokenizer)
        return SFT_OK;
    const char *path = m->tokenizer_path ? m->tokenizer_path : m->path;
    char *dir = path_is_dir(path) ? mem_strdup(path) : path_dirname(path); /* that the two are in */
    const enum sft_status status =
        model_config_check_vocab(&m->config, tokenizer_model_vocab_size(m->tokenizer), dir, err);
    free(dir);
    return status;
}

/* ---- the whole ---- */

static enum sft_status find(struct model_files *m, const char *path, struct sft_err *err)
{
    *m = (struct model_files){.path = mem_strdup(path)};
    return format_find(&m->format, path, err);
}

enum sft_status model_files_open(struct model_files *m, const char *path, struct sft_err *err)
{
    if (find(m, path, err) || open_config(m, err) || open_generation(m, err) || open_tokenizer(m, err) ||
        check_vocabulary(m, err))
        return err->status;
    return SFT_OK;
}

/* An adapter is in safetensors, and so has its tokenizer as a Hugging Face directory has it. */
bool model_files_has_tokenizer(const char *dir)
{
    return path_holds(dir, "tokenizer.json") || (path_holds(dir, "vocab.json") && path_holds(dir, "merges.txt"));
}

static enum sft_status adapt_tokenizer(struct model_files *m, const char *dir, struct sft_err *err)
{
    struct tokenizer *own;
    if (format_hf.load_tokenizer(&own, dir, err))
        return err->status;
    tokenizer_free(m->tokenizer);
    m->tokenizer = own;
    m->tokenizer_path = mem_strdup(dir);
    if (tokenizer_eos_id(own) >= 0 && (size_t)tokenizer_eos_id(own) < m->config.vocab_size)
        generation_add_end_token(&m->generation, tokenizer_eos_id(own));
    return check_vocabulary(m, err);
}

enum sft_status model_files_adapt(struct model_files *m, const char *dir, struct sft_err *err)
{
    if (path_holds(dir, "generation_config.json")) {
        generation_config_free(&m->generation);
        if (format_hf.load_generation(&m->generation, dir, m->config_json, &m->config, err))
            return err->status;
    }
    return model_files_has_tokenizer(dir) ? adapt_tokenizer(m, dir, err) : SFT_OK;
}

enum sft_status model_files_open_tokenizer(struct model_files *m, const char *path, struct sft_err *err)
{
    return find(m, path, err) ? err->status : open_tokenizer(m, err);
}

void model_files_survey(struct model_files *m, const char *path,
                        void (*on_problem)(void *context, const struct sft_err *err), void *context)
{
    typedef enum sft_status step(struct model_files *m, struct sft_err *err);
    static step *const steps[] = {open_config, open_generation, open_tokenizer, check_vocabulary};
    struct sft_err err;
    if (find(m, path, &err)) {
        on_problem(context, &err);
        return;
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i](m, &err))
            on_problem(context, &err);
}

enum sft_status model_files_reload_tokenizer(const struct model_files *m, struct tokenizer **tok,
                                             struct sft_err *err)
{
    return m->tokenizer_path ? format_hf.load_tokenizer(tok, m->tokenizer_path, err)
                             : m->format->load_tokenizer(tok, m->path, err);
}

void model_files_close(struct model_files *m)
{
    tokenizer_free(m->tokenizer);
    generation_config_free(&m->generation);
    json_free(m->config_json);
    free(m->path);
    free(m->tokenizer_path);
    *m = (struct model_files){0};
}

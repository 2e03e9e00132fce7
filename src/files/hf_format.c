#include "files/hf_format.h"

#include "base/mem.h"
#include "base/path.h"
#include "files/gguf/gguf.h"
#include "files/hf_files.h"
#include "files/hf_save.h"
#include "files/hub_cache.h"
#include "files/model_dir.h"
#include "files/safetensors.h"
#include "text/tokenizer/tokenizer_load.h"

#include <stdlib.h>

/* ---- a directory ---- */

static bool is_directory(const char *path)
{
    return path_is_dir(path);
}

/* An error in a snapshot of the hub's cache may come of what was not fetched. */
static enum sft_status told(enum sft_status status, const char *path, struct sft_err *err)
{
    return status ? hub_remark_incomplete(path, err) : SFT_OK;
}

static enum sft_status read_config(json **config, char **name, const char *path, struct sft_err *err)
{
    *config = NULL;
    *name = path_join(path, "config.json");
    const bool there = path_exists(*name);
    return told(there ? json_parse_file(*name, config, err) : model_dir_fail(path, err), path, err);
}

/* Of a directory without tokenizer files: whether those of models in GGUF are there, which have theirs in them. */
static bool names_gguf(const char *dir, struct sft_err *err)
{
    char *gguf = path_holds(dir, "tokenizer.json") || path_holds(dir, "vocab.json") ? NULL : gguf_first_file(dir);
    if (gguf)
        sft_fail(err, SFT_EDATA, "%s: no tokenizer, but models in GGUF: name a file, %s", dir, gguf);
    const bool found = gguf != NULL;
    free(gguf);
    return found;
}

static enum sft_status load_tokenizer(struct tokenizer **tok, const char *path, struct sft_err *err)
{
    *tok = NULL;
    if (names_gguf(path, err))
        return SFT_EDATA;
    return told(tokenizer_load(tok, path, err), path, err);
}

/* What is open behind a list of tensors. */
struct hf_weights {
    struct hf_files files;
    struct st_file *opened; /* (files.n) */
};

static enum sft_status open_file(struct st_file *file, const struct hf_files *files, size_t i, struct sft_err *err)
{
    const enum sft_status status = st_open(file, files->paths[i], err);
    if (!files->index.n_shards)
        return status;
    if (status == SFT_EDATA)
        sft_remark(err, "; it is one of the %zu files that %s names: fetch it again", files->n, hf_index_name);
    return status ? status : hf_index_check_shard(&files->index, i, file, err);
}

static enum sft_status open_files(struct stored_tensors *list, const char *path, struct sft_err *err)
{
    struct hf_weights *w = mem_calloc(1, sizeof *w);
    *list = (struct stored_tensors){.files = w};
    if (hf_files_find(&w->files, path, err))
        return err->status;
    w->opened = mem_calloc(w->files.n, sizeof *w->opened);
    for (size_t i = 0; i < w->files.n; i++) {
        struct st_file *file = &w->opened[i];
        if (open_file(file, &w->files, i, err))
            return err->status;
        for (size_t k = 0; k < file->n_tensors; k++)
            stored_tensors_add(list, &file->tensors[k]);
    }
    return SFT_OK;
}

static enum sft_status open_tensors(struct stored_tensors *list, const char *path, struct sft_err *err)
{
    return told(open_files(list, path, err), path, err);
}

static void close_tensors(struct stored_tensors *list)
{
    struct hf_weights *w = list->files;
    for (size_t i = 0; w && w->opened && i < w->files.n; i++)
        st_close(&w->opened[i]);
    if (w) {
        free(w->opened);
        hf_files_free(&w->files);
    }
    free(w);
    free(list->items);
    *list = (struct stored_tensors){0};
}

static enum sft_status list_files(char ***paths, size_t *n_paths, const char *path, struct sft_err *err)
{
    return told(hf_files_list(paths, n_paths, path, NULL, err), path, err);
}

const struct format format_hf = {
    .name = "hf",
    .naming = &naming_hf,
    .matches = is_directory,
    .read_config = read_config,
    .load_generation = generation_config_load,
    .load_tokenizer = load_tokenizer,
    .open_tensors = open_tensors,
    .close_tensors = close_tensors,
    .list_files = list_files,
    .save = hf_save,
    .dtypes = dtype_floats,
};

/* ---- a config.json alone ---- */

static bool is_config(const char *path)
{
    return str_has_ending(path, ".json");
}

static enum sft_status read_config_file(json **config, char **name, const char *path, struct sft_err *err)
{
    *name = mem_strdup(path);
    return json_parse_file(path, config, err);
}

static enum sft_status load_generation_beside(struct generation_config *g, const char *path, const json *config_json,
                                              const struct model_config *config, struct sft_err *err)
{
    char *dir = path_dirname(path);
    const enum sft_status status = generation_config_load(g, dir, config_json, config, err);
    free(dir);
    return status;
}

static enum sft_status load_tokenizer_beside(struct tokenizer **tok, const char *path, struct sft_err *err)
{
    char *dir = path_dirname(path);
    const enum sft_status status = tokenizer_load(tok, dir, err);
    free(dir);
    return status;
}

static enum sft_status list_files_beside(char ***paths, size_t *n_paths, const char *path, struct sft_err *err)
{
    char *dir = path_dirname(path);
    const enum sft_status status = hf_files_list(paths, n_paths, dir, path_basename(path), err);
    free(dir);
    return status;
}

const struct format format_config = {
    .name = "config",
    .naming = &naming_hf,
    .matches = is_config,
    .read_config = read_config_file,
    .load_generation = load_generation_beside,
    .load_tokenizer = load_tokenizer_beside,
    .list_files = list_files_beside,
};

#include "files/gguf/gguf_format.h"

#include "base/mem.h"
#include "files/gguf/gguf_config.h"
#include "files/gguf/gguf_names.h"
#include "files/gguf/gguf_save.h"
#include "files/gguf/gguf_tensors.h"
#include "files/gguf/gguf_tokenizer.h"
#include "files/gguf/gguf_types.h"
#include "files/gguf/modelfile.h"
#include "model/config_read.h"
#include "text/tokenizer/tokenizer_load.h"

#include <stdlib.h>

/* ---- config, generation, tokenizer ---- */

static enum sft_status read_config(json **config, char **name, const char *path, struct sft_err *err)
{
    struct gguf g;
    *config = NULL;
    *name = mem_strdup(path);
    enum sft_status status = gguf_open(&g, path, err);
    if (!status && (status = gguf_config_make(config, &g, err)))
        sft_in_file(err, path, 0);
    gguf_close(&g);
    return status;
}

static enum sft_status load_generation(struct generation_config *generation, const char *path,
                                       const json *config_json, const struct model_config *config, struct sft_err *err)
{
    struct gguf g;
    json *raw = NULL;
    *generation = (struct generation_config){0};
    enum sft_status status = gguf_open(&g, path, err);
    if (!status && ((status = gguf_generation_make(&raw, &g, err)) ||
                    (status = generation_config_take(generation, raw, config_json, config, err))))
        sft_in_file(err, path, 0);
    gguf_close(&g);
    return status;
}

static enum sft_status load_tokenizer(struct tokenizer **tok, const char *path, struct sft_err *err)
{
    struct gguf g;
    json *root = NULL, *config = NULL;
    *tok = NULL;
    enum sft_status status = gguf_open(&g, path, err);
    if (!status && ((status = gguf_tokenizer_make(&root, &config, &g, err)) ||
                    (status = tokenizer_load_trees(tok, root, config, err))))
        sft_in_file(err, path, 0);
    json_free(root);
    json_free(config);
    gguf_close(&g);
    return status;
}

/* ---- tensors ---- */

static enum sft_status read_model_config(struct model_config *config, const struct gguf *g, struct sft_err *err)
{
    json *root;
    enum sft_status status = gguf_config_make(&root, g, err);
    if (!status)
        status = model_config_read(config, root, err);
    json_free(root);
    return status;
}

/* What is open behind a list of tensors. */
struct opened {
    struct gguf g;
    void *files; /* gguf_tensors_open's */
};

static enum sft_status open_tensors(struct stored_tensors *list, const char *path, struct sft_err *err)
{
    struct model_config config;
    struct opened *opened = mem_calloc(1, sizeof *opened);
    *list = (struct stored_tensors){0};
    enum sft_status status = gguf_open(&opened->g, path, err);
    if (!status && ((status = read_model_config(&config, &opened->g, err)) ||
                    (status = gguf_tensors_open(list, &opened->g, &config, err))))
        sft_in_file(err, path, 0);
    opened->files = list->files;
    list->files = opened;
    return status;
}

static void close_tensors(struct stored_tensors *list)
{
    struct opened *opened = list->files;
    if (!opened)
        return;
    list->files = opened->files;
    gguf_tensors_close(list);
    gguf_close(&opened->g);
    free(opened);
}

static enum sft_status list_files(char ***paths, size_t *n_paths, const char *path, struct sft_err *err)
{
    struct gguf g;
    *paths = NULL;
    *n_paths = 0;
    const enum sft_status status = gguf_open(&g, path, err);
    if (!status) {
        *paths = mem_calloc(g.n_files, sizeof **paths);
        for (; *n_paths < g.n_files; ++*n_paths)
            (*paths)[*n_paths] = mem_strdup(g.paths[*n_paths]);
    }
    gguf_close(&g);
    return status;
}

static const struct naming naming = {
    .config = "the metadata", .layers = "block_count", .tensor = gguf_names_theirs};

static const struct format_beside beside[] = {{modelfile_name, MODELFILE_FROM}, {0}};

const struct format format_gguf = {
    .name = "gguf",
    .naming = &naming,
    .matches = gguf_is_file,
    .read_config = read_config,
    .load_generation = load_generation,
    .load_tokenizer = load_tokenizer,
    .open_tensors = open_tensors,
    .close_tensors = close_tensors,
    .list_files = list_files,
    .save = gguf_save,
    .dtypes = gguf_dtypes_written,
    .ending = ".gguf",
    .beside = beside,
};

#include "files/gguf/gguf_format.h"

#include "base/mem.h"
#include "files/gguf/gguf_config.h"
#include "files/gguf/gguf_tensors.h"
#include "model/config_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* By its name or, as in a hub's cache, where files have others, by how it begins. */
static bool matches(const char *path)
{
    struct stat st;
    char begin[4];
    if (stat(path, &st) || !S_ISREG(st.st_mode))
        return false;
    if (str_has_ending(path, ".gguf"))
        return true;
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(begin, 1, sizeof begin, f) : 0;
    if (f)
        fclose(f);
    return gguf_is_magic(begin, n);
}

/* ---- what is said of the model ---- */

static enum sft_status make_config(json **config, const struct gguf *g, const char *path, struct sft_err *err)
{
    return gguf_config_make(config, g, err) ? sft_in_file(err, path, 0) : SFT_OK;
}

static enum sft_status read_config(json **config, char **name, const char *path, struct sft_err *err)
{
    struct gguf g;
    *config = NULL;
    *name = mem_strdup(path);
    enum sft_status status = gguf_open(&g, path, err);
    if (!status)
        status = make_config(config, &g, path, err);
    gguf_close(&g);
    return status;
}

/* ---- tensors ---- */

struct open_model {
    struct gguf gguf;
    struct stored_tensors tensors;
};

static enum sft_status open_tensors(struct stored_tensors *list, const char *path, struct sft_err *err)
{
    struct open_model *m = mem_calloc(1, sizeof *m);
    struct model_config config;
    json *root = NULL;
    *list = (struct stored_tensors){.files = m};
    enum sft_status status = gguf_open(&m->gguf, path, err);
    if (!status)
        status = make_config(&root, &m->gguf, path, err);
    if (!status && (status = model_config_read(&config, root, err)))
        sft_in_file(err, path, 0);
    if (!status)
        status = gguf_tensors_open(&m->tensors, &m->gguf, &config, err);
    for (size_t i = 0; i < m->tensors.n; i++)
        stored_tensors_add(list, m->tensors.items[i]);
    json_free(root);
    return status;
}

static void close_tensors(struct stored_tensors *list)
{
    struct open_model *m = list->files;
    if (m) {
        gguf_tensors_close(&m->tensors);
        gguf_close(&m->gguf);
    }
    free(m);
    free(list->items);
    *list = (struct stored_tensors){0};
}

static enum sft_status list_files(char ***paths, size_t *n_paths, const char *path, struct sft_err *err)
{
    struct gguf g;
    *paths = NULL;
    *n_paths = 0;
    const enum sft_status status = gguf_open(&g, path, err);
    if (!status) {
        *paths = g.paths;
        *n_paths = g.n_files;
        g.paths = mem_calloc(g.n_files, sizeof *g.paths);
    }
    gguf_close(&g);
    return status;
}

const struct format format_gguf = {
    .name = "gguf",
    .matches = matches,
    .read_config = read_config,
    .open_tensors = open_tensors,
    .close_tensors = close_tensors,
    .list_files = list_files,
};

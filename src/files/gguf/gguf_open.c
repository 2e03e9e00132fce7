/* A model's files: one, or as many as llama-gguf-split has made of it (llama.cpp, include/llama.h). */
#include "files/gguf/gguf.h"

#include "base/magic.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- one file ---- */

bool gguf_is_file(const char *path)
{
    struct stat st;
    char bytes[4];
    if (stat(path, &st) || !S_ISREG(st.st_mode)) /* a named pipe would be waited for */
        return false;
    if (path_has_ending(path, ".gguf"))
        return true;
    FILE *file = fopen(path, "rb");
    const size_t n = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        fclose(file);
    return gguf_is_magic(bytes, n);
}

char *gguf_first_file(const char *dir)
{
    char **names, *found = NULL;
    size_t n = 0;
    if (io_list(dir, &names, &n, NULL))
        return NULL;
    for (size_t i = 0; i < n && !found; i++) {
        char *path = path_join(dir, names[i]);
        if (gguf_is_file(path))
            found = path;
        else
            free(path);
    }
    io_list_free(names, n);
    return found;
}

static enum sft_status open_one(struct gguf *g, const char *path, struct sft_err *err)
{
    struct io_map map;
    *g = (struct gguf){0};
    if (io_map(&map, path, err))
        return err->status;
    const enum sft_status status = gguf_parse(g, map.data, map.size, err);
    g->maps = mem_calloc(1, sizeof *g->maps);
    g->paths = mem_calloc(1, sizeof *g->paths);
    g->maps[0] = map;
    g->paths[0] = mem_strdup(path);
    g->n_files = 1;
    for (size_t i = 0; i < g->n_tensors; i++) {
        g->tensors[i].path = g->paths[0];
        g->tensors[i].is_mapped = true;
    }
    if (status && (gguf_is_magic(map.data, map.size) || !magic_refuse(path, map.data, map.size, err)))
        sft_in_file(err, path, 0);
    return status;
}

/* ---- a split model ---- */

/* What its keys say of a file: the how many-th it is, from 0, of how many, and how many tensors all of them have. */
struct split {
    size_t number, count, n_tensors;
};

static enum sft_status read_split(struct split *split, const struct gguf *g, struct sft_err *err)
{
    if (gguf_get_size(g, "split.no", 0, &split->number, err) ||
        gguf_get_size(g, "split.count", 1, &split->count, err) ||
        gguf_get_size(g, "split.tensors.count", g->n_tensors, &split->n_tensors, err))
        return sft_in_file(err, g->paths[0], 0);
    return SFT_OK;
}

/* "-00001-of-00003.gguf" */
static char *split_ending(size_t number, size_t count)
{
    return mem_printf("-%05zu-of-%05zu.gguf", number + 1, count);
}

/* The path of another part than `split` is, which `path` is of; NULL: it is not called as parts are. */
static char *sibling(const char *path, const struct split *split, size_t number)
{
    char *ending = split_ending(split->number, split->count), *theirs = split_ending(number, split->count);
    char *other = str_has_ending(path, ending)
                      ? mem_printf("%.*s%s", (int)(strlen(path) - strlen(ending)), path, theirs)
                      : NULL;
    free(ending);
    free(theirs);
    return other;
}

static enum sft_status fail_name(const char *path, const struct split *split, struct sft_err *err)
{
    char *ending = split_ending(split->number, split->count);
    sft_fail(err, SFT_EDATA,
             "%s: is part %zu of a model in %zu files, whose names end in %s and so on: the others are found by theirs",
             path, split->number + 1, split->count, ending);
    free(ending);
    return SFT_EDATA;
}

/* The first one is open, and is the first of several. */
static enum sft_status check_first(const char *path, const struct split *split, struct sft_err *err)
{
    enum { MOST = 65535 }; /* split.count is 16 bits wide */
    if (split->count > MOST || split->number >= split->count)
        return sft_fail(err, SFT_EDATA, "%s: split.no %zu and split.count %zu do not fit", path, split->number,
                        split->count);
    char *first = sibling(path, split, 0);
    enum sft_status status = SFT_OK;
    if (!first)
        status = fail_name(path, split, err);
    else if (split->number > 0)
        status = sft_fail(err, SFT_EUSAGE, "%s: is part %zu of a model in %zu files (name the first, %s)", path,
                          split->number + 1, split->count, first);
    free(first);
    return status;
}

static enum sft_status join_part(struct gguf *g, const struct split *first, const char *path, size_t number,
                                 struct sft_err *err)
{
    struct gguf part = {0};
    struct split split = {0};
    enum sft_status status = open_one(&part, path, err);
    if (status == SFT_EIO)
        sft_remark(err, "; it is one of the %zu files that %s is the first of", first->count, g->paths[0]);
    if (!status)
        status = read_split(&split, &part, err);
    if (!status && (split.number != number || split.count != first->count))
        status = sft_fail(err, SFT_EDATA, "%s: says that it is part %zu of %zu, but by its name it is part %zu of %zu",
                          path, split.number + 1, split.count, number + 1, first->count);
    if (!status && (status = gguf_join(g, &part, err)))
        sft_in_file(err, path, 0);
    gguf_close(&part);
    return status;
}

static enum sft_status join_parts(struct gguf *g, const struct split *split, const char *path, struct sft_err *err)
{
    if (check_first(path, split, err))
        return err->status;
    for (size_t i = 1; i < split->count; i++) {
        char *other = sibling(path, split, i);
        const enum sft_status status = join_part(g, split, other, i, err);
        free(other);
        if (status)
            return status;
    }
    if (g->n_tensors != split->n_tensors)
        return sft_fail(err, SFT_EDATA, "%s: split.tensors.count is %zu, but its %zu files hold %zu tensors", path,
                        split->n_tensors, split->count, g->n_tensors);
    return SFT_OK;
}

enum sft_status gguf_open(struct gguf *g, const char *path, struct sft_err *err)
{
    struct split split;
    if (open_one(g, path, err) || read_split(&split, g, err))
        return err->status;
    return split.count > 1 || split.number > 0 ? join_parts(g, &split, path, err) : SFT_OK;
}

#include "files/hf_index.h"

#include "base/mem.h"
#include "base/path.h"
#include "files/name_groups.h"

#include <stdlib.h>
#include <string.h>

const char hf_index_name[] = "model.safetensors.index.json";

void hf_index_free(struct hf_index *index)
{
    for (size_t i = 0; i < index->n_entries; i++)
        free(index->entries[i].tensor);
    for (size_t i = 0; i < index->n_shards; i++)
        free(index->shards[i]);
    free(index->entries);
    free(index->shards);
    *index = (struct hf_index){0};
}

/* ---- reading ---- */

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct hf_index_entry *)a)->file, ((const struct hf_index_entry *)b)->file);
}

static int by_tensor(const void *a, const void *b)
{
    return strcmp(((const struct hf_index_entry *)a)->tensor, ((const struct hf_index_entry *)b)->tensor);
}

/* A name in the directory itself. */
static bool is_file_name(const char *name)
{
    return name && *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Entries whose files are still the document's. */
static enum sft_status read_entries(struct hf_index *index, const json *weight_map, struct sft_err *err)
{
    index->entries = mem_calloc(json_size(weight_map), sizeof *index->entries);
    for (const json *entry = json_first(weight_map); entry; entry = json_next(entry)) {
        if (!is_file_name(json_string(entry))) {
            sft_fail(err, SFT_EDATA, "expected a file's name, found %s",
                     json_is_string(entry) ? "a path" : json_type_name(entry));
            return sft_in_key(err, "weight_map.%s", json_key(entry));
        }
        index->entries[index->n_entries++] =
            (struct hf_index_entry){.tensor = mem_strdup(json_key(entry)), .file = json_string(entry)};
    }
    return SFT_OK;
}

/* A shard a file, each entry's number, and the order of tensors. */
static void number_shards(struct hf_index *index)
{
    index->shards = mem_calloc(index->n_entries, sizeof *index->shards);
    qsort(index->entries, index->n_entries, sizeof *index->entries, by_file);
    for (size_t i = 0; i < index->n_entries; i++) {
        struct hf_index_entry *e = &index->entries[i];
        if (index->n_shards == 0 || strcmp(index->shards[index->n_shards - 1], e->file) != 0)
            index->shards[index->n_shards++] = mem_strdup(e->file);
        e->shard = index->n_shards - 1;
        e->file = index->shards[e->shard];
    }
    qsort(index->entries, index->n_entries, sizeof *index->entries, by_tensor);
}

enum sft_status hf_index_read(struct hf_index *index, const json *root, struct sft_err *err)
{
    const json *weight_map = json_get(root, "weight_map");
    *index = (struct hf_index){0};
    if (!json_is_object(weight_map) || json_size(weight_map) == 0)
        return sft_fail_in(err, SFT_EDATA, "weight_map", "expected an object of files");
    const enum sft_status status = read_entries(index, weight_map, err);
    if (!status)
        number_shards(index);
    return status;
}

/* ---- what it says against what is there ---- */

enum sft_status hf_index_check_files(const struct hf_index *index, const char *dir, struct sft_err *err)
{
    struct name_groups missing = {0};
    struct strbuf list = {0};
    for (size_t i = 0; i < index->n_shards; i++) {
        char *path = path_join(dir, index->shards[i]);
        if (!path_has_name(path))
            name_groups_add(&missing, index->shards[i]);
        free(path);
    }
    name_groups_print(&missing, &list);
    if (missing.n_names)
        sft_fail(err, SFT_EDATA, "%s: %zu of the %zu files that %s names %s not there: %s (fetch the directory again)",
                 dir, missing.n_names, index->n_shards, hf_index_name, missing.n_names == 1 ? "is" : "are", list.data);
    const bool is_whole = missing.n_names == 0;
    name_groups_free(&missing);
    strbuf_free(&list);
    return is_whole ? SFT_OK : SFT_EDATA;
}

static const struct hf_index_entry *find_entry(const struct hf_index *index, char *tensor)
{
    const struct hf_index_entry wanted = {.tensor = tensor};
    return bsearch(&wanted, index->entries, index->n_entries, sizeof wanted, by_tensor);
}

/* Tensors of the file that belong into others, and one of these others. */
static void find_strays(const struct hf_index *index, size_t shard, const struct st_file *file,
                        struct name_groups *strays, const char **other)
{
    for (size_t i = 0; i < file->n_tensors; i++) {
        const struct hf_index_entry *e = find_entry(index, file->tensors[i].name);
        if (!e || e->shard == shard)
            continue;
        name_groups_add(strays, e->tensor);
        *other = e->file;
    }
}

static void find_missing(const struct hf_index *index, size_t shard, const struct st_file *file,
                         struct name_groups *missing)
{
    for (size_t i = 0; i < index->n_entries; i++)
        if (index->entries[i].shard == shard && !st_find(file, index->entries[i].tensor))
            name_groups_add(missing, index->entries[i].tensor);
}

enum sft_status hf_index_check_shard(const struct hf_index *index, size_t shard, const struct st_file *file,
                                     struct sft_err *err)
{
    struct name_groups strays = {0}, missing = {0};
    struct strbuf names = {0};
    const char *other = NULL;
    enum sft_status status = SFT_OK;
    find_strays(index, shard, file, &strays, &other);
    find_missing(index, shard, file, &missing);
    if (strays.n_names) {
        name_groups_print(&strays, &names);
        status = sft_fail(err, SFT_EDATA,
                          "holds tensors that %s puts into %s: %s (files have changed places, or are of different "
                          "downloads: fetch the directory again)",
                          hf_index_name, other, names.data);
    } else if (missing.n_names) {
        name_groups_print(&missing, &names);
        status = sft_fail(err, SFT_EDATA,
                          "lacks tensors that %s puts there: %s (the two are of different downloads: fetch the "
                          "directory again)",
                          hf_index_name, names.data);
    }
    name_groups_free(&strays);
    name_groups_free(&missing);
    strbuf_free(&names);
    return status ? sft_in_file(err, file->path, 0) : SFT_OK;
}

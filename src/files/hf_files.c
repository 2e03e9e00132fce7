#include "files/hf_files.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add(struct hf_files *files, char *path)
{
    files->paths = mem_grow(files->paths, &files->capacity, files->n + 1, sizeof *files->paths);
    files->paths[files->n++] = path;
}

void hf_files_free(struct hf_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct hf_files){0};
}

/* Whether a name is there: a link to a file that is not (a cache that was cleared, git-annex) is, and opening it says
 * what is wrong. */
static bool has_name(const char *dir, const char *name)
{
    struct stat st;
    char *path = path_join(dir, name);
    const bool there = lstat(path, &st) == 0;
    free(path);
    return there;
}

/* An index has an entry a tensor and a name a file: tens, so that a linear search will do. */
static bool holds(const struct hf_files *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++)
        if (strcmp(path_basename(files->paths[i]), name) == 0)
            return true;
    return false;
}

/* The different files that an index's weight_map names. */
static enum sft_status read_index(struct hf_files *files, const char *dir, const char *index_path,
                                  struct sft_err *err)
{
    json *index;
    enum sft_status status = json_parse_file(index_path, &index, err);
    if (status)
        return status;
    const json *weight_map = json_get(index, "weight_map");
    if (!json_is_object(weight_map) || json_size(weight_map) == 0)
        status = sft_fail(err, SFT_EDATA, "%s: weight_map: expected an object of files", index_path);
    for (const json *entry = json_first(weight_map); entry && !status; entry = json_next(entry)) {
        const char *name = json_string(entry);
        if (!name || !*name || strchr(name, '/'))
            status = sft_fail(err, SFT_EDATA, "%s: weight_map.%s: expected a file's name", index_path,
                              json_key(entry));
        else if (!holds(files, name))
            add(files, path_join(dir, name));
    }
    json_free(index);
    return status;
}

/* What is there in place of model.safetensors, and what to do about it. */
static enum sft_status fail_no_weights(const char *dir, struct sft_err *err)
{
    static const char *const other_formats[] = {"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5",
                                                "flax_model.msgpack"};
    for (size_t i = 0; i < sizeof other_formats / sizeof *other_formats; i++)
        if (has_name(dir, other_formats[i]))
            return sft_fail(err, SFT_EDATA,
                            "%s: no model.safetensors, only %s, which is not read here; convert it: python3 -c "
                            "'from transformers import AutoModelForCausalLM as M; d = \"%s\"; "
                            "M.from_pretrained(d).save_pretrained(d)'",
                            dir, other_formats[i], dir);
    if (has_name(dir, "adapter_model.safetensors"))
        return sft_fail(err, SFT_EDATA,
                        "%s: no model.safetensors, only a LoRA adapter: merge it into its base first (in Python, "
                        "peft's merge_and_unload, then save_pretrained)",
                        dir);
    return sft_fail(err, SFT_EDATA, "%s: no model.safetensors", dir);
}

enum sft_status hf_files_find(struct hf_files *files, const char *dir, struct sft_err *err)
{
    static const char single[] = "model.safetensors", index[] = "model.safetensors.index.json";
    *files = (struct hf_files){0};
    if (has_name(dir, single)) {
        add(files, path_join(dir, single));
        return SFT_OK;
    }
    if (!has_name(dir, index))
        return fail_no_weights(dir, err);
    char *path = path_join(dir, index);
    const enum sft_status status = read_index(files, dir, path, err);
    free(path);
    return status;
}

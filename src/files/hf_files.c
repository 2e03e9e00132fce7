#include "files/hf_files.h"

#include "base/io.h"
#include "base/mem.h"
#include "files/gguf/gguf.h"

#include <stdlib.h>
#include <string.h>

static const char single_name[] = "model.safetensors";

void hf_files_free(struct hf_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->paths[i]);
    free(files->paths);
    hf_index_free(&files->index);
    *files = (struct hf_files){0};
}

/* Names are asked for: a link to a file that is not there (a cache that was cleared, git-annex) counts, and opening it
 * says what is wrong. */

/* What is there in place of model.safetensors, and what to do about it. */
static enum sft_status fail_no_weights(const char *dir, struct sft_err *err)
{
    static const char *const other_formats[] = {"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5",
                                                "flax_model.msgpack"};
    for (size_t i = 0; i < sizeof other_formats / sizeof *other_formats; i++)
        if (path_holds_name(dir, other_formats[i]))
            return sft_fail(err, SFT_EDATA,
                            "%s: no model.safetensors, only %s, which is not read here; convert it: python3 -c "
                            "'from transformers import AutoModelForCausalLM as M; d = \"%s\"; "
                            "M.from_pretrained(d).save_pretrained(d)'",
                            dir, other_formats[i], dir);
    if (path_holds_name(dir, "adapter_model.safetensors"))
        return sft_fail(err, SFT_EDATA,
                        "%s: no model.safetensors, only a LoRA adapter: merge it into its base first (sft export, with "
                        "--adapter)",
                        dir);
    char *gguf = gguf_first_file(dir);
    if (gguf)
        sft_fail(err, SFT_EDATA, "%s: no model.safetensors, but models in GGUF: name a file, %s", dir, gguf);
    else
        sft_fail(err, SFT_EDATA, "%s: no model.safetensors", dir);
    free(gguf);
    return SFT_EDATA;
}

/* Shards of which nothing says what is in them. */
static enum sft_status fail_no_index(const char *dir, const char *shard, struct sft_err *err)
{
    return sft_fail(err, SFT_EDATA, "%s: %s is there, but not %s, which says what is in it (fetch that too)",
                    dir, shard, hf_index_name);
}

/* The first file named as the shards of transformers are; NULL: there is none. Malloc'd. */
static char *first_shard(const char *dir)
{
    char **names, *found = NULL;
    size_t n_names;
    if (io_list(dir, &names, &n_names, NULL))
        return NULL;
    for (size_t i = 0; i < n_names && !found; i++)
        if (strncmp(names[i], "model-00001-of-", 15) == 0 && str_has_ending(names[i], ".safetensors"))
            found = mem_strdup(names[i]);
    io_list_free(names, n_names);
    return found;
}

/* ---- finding ---- */

static enum sft_status read_index(struct hf_index *index, const char *dir, struct sft_err *err)
{
    json *root;
    char *path = path_join(dir, hf_index_name);
    enum sft_status status = json_parse_file(path, &root, err);
    if (!status && (status = hf_index_read(index, root, err)))
        sft_in_file(err, path, 0);
    json_free(root);
    free(path);
    return status;
}

static enum sft_status find_shards(struct hf_files *files, const char *dir, struct sft_err *err)
{
    if (read_index(&files->index, dir, err) || hf_index_check_files(&files->index, dir, err))
        return err->status;
    files->n = files->index.n_shards;
    files->paths = mem_calloc(files->n, sizeof *files->paths);
    for (size_t i = 0; i < files->n; i++)
        files->paths[i] = path_join(dir, files->index.shards[i]);
    return SFT_OK;
}

enum sft_status hf_files_find(struct hf_files *files, const char *dir, struct sft_err *err)
{
    *files = (struct hf_files){0};
    if (path_holds_name(dir, single_name)) {
        files->paths = mem_calloc(1, sizeof *files->paths);
        files->paths[files->n++] = path_join(dir, single_name);
        return SFT_OK;
    }
    if (path_holds_name(dir, hf_index_name))
        return find_shards(files, dir, err);
    char *shard = first_shard(dir);
    const enum sft_status status = shard ? fail_no_index(dir, shard, err) : fail_no_weights(dir, err);
    free(shard);
    return status;
}

bool hf_files_has_weights(const char *dir)
{
    return path_holds_name(dir, single_name) || path_holds_name(dir, hf_index_name);
}

/* ---- all of them ---- */

bool hf_files_is_small(const char *name)
{
    static const char *const names[] = {"config.json",           "tokenizer.json",          "vocab.json",
                                        "merges.txt",            "tokenizer.model",         "tokenizer_config.json",
                                        "added_tokens.json",     "special_tokens_map.json", "chat_template.jinja"};
    return str_is_one_of(name, strlen(name), names, sizeof names / sizeof *names);
}

static bool holds_weights(const struct hf_files *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++)
        if (strcmp(path_basename(files->paths[i]), name) == 0)
            return true;
    return files->index.n_shards && strcmp(name, hf_index_name) == 0;
}

enum sft_status hf_files_list(char ***paths, size_t *n_paths, const char *dir, const char *config,
                              struct sft_err *err)
{
    struct hf_files files = {0};
    char **names = NULL;
    size_t n_names = 0, n = 0;
    enum sft_status status = config ? SFT_OK : hf_files_find(&files, dir, err);
    if (!status)
        status = io_list(dir, &names, &n_names, err);
    for (size_t i = 0; i < n_names; i++) {
        char *name = names[i];
        if (hf_files_is_small(name) || holds_weights(&files, name) || (config && strcmp(name, config) == 0))
            names[n++] = path_join(dir, name);
        free(name);
    }
    hf_files_free(&files);
    *paths = names;
    *n_paths = n;
    return status;
}

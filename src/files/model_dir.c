#include "files/model_dir.h"

#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "files/gguf/gguf.h"
#include "files/hub_cache.h"
#include "model/config_read.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Without the slashes at its end; malloc'd. */
static char *strip_slashes(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return mem_strndup(path, len);
}

/* What the link `path` points to now; `path` itself where it is none. Malloc'd. */
static char *resolve(const char *path)
{
    char target[4096], *bare = strip_slashes(path);
    const ssize_t len = readlink(bare, target, sizeof target - 1);
    if (len <= 0)
        return bare;
    target[len] = '\0';
    char *dir = path_dirname(bare), *resolved = path_join(dir, target);
    free(dir);
    free(bare);
    return resolved;
}

/* ---- errors ---- */

static const char expected[] = "a model's directory has config.json, model.safetensors and tokenizer.json, or "
                               "vocab.json and merges.txt in place of the latter";

static enum sft_status fail_adapter(const char *dir, struct sft_err *err)
{
    char *path = path_join(dir, "adapter_config.json");
    json *config = NULL;
    const char *base = json_parse_file(path, &config, NULL)
                           ? NULL
                           : json_string(json_get(config, "base_model_name_or_path"));
    sft_fail(err, SFT_EDATA,
             "%s: is a LoRA adapter%s%s, not a whole model: merge it into its base first (sft export %s --out PATH), "
             "or name that as the model, and this as the adapter",
             dir, base ? " of " : "", base ? base : "", dir);
    json_free(config);
    free(path);
    return SFT_EDATA;
}

static enum sft_status fail_file(const char *path, struct sft_err *err)
{
    char *dir = path_dirname(path);
    if (path_holds(dir, "config.json"))
        sft_fail(err, SFT_EIO, "%s: is a file of a model; name its directory, %s", path, dir);
    else
        sft_fail(err, SFT_EIO, "%s: is a file, expected a directory or a .gguf file (%s)", path, expected);
    free(dir);
    return SFT_EIO;
}

static bool is_model_or_run(const char *dir)
{
    return path_holds(dir, "config.json") || path_holds(dir, "best/config.json") || path_holds(dir, "last/config.json");
}

/* "out/chat, out/quickstart": the models and runs in `dir`, or the first of them; nothing where there is none. */
static void list_models(const char *dir, struct strbuf *out)
{
    enum { MOST = 6 };
    char **names = NULL;
    size_t count = 0, n = 0;
    if (io_list(dir, &names, &count, NULL))
        return;
    for (size_t i = 0; i < count && n <= MOST; i++) {
        char *path = path_join(dir, names[i]);
        if (is_model_or_run(path) && n++ < MOST)
            strbuf_printf(out, "%s%s", n > 1 ? ", " : "", path);
        else if (n > MOST)
            strbuf_puts(out, ", ...");
        free(path);
    }
    io_list_free(names, count);
}

static enum sft_status fail_without_config(const char *dir, struct sft_err *err)
{
    char *gguf = gguf_first_file(dir);
    struct strbuf models = {0};
    list_models(dir, &models);
    if (gguf)
        sft_fail(err, SFT_EDATA, "%s: no config.json, but models in GGUF: name a file, %s", dir, gguf);
    else if (models.len)
        sft_fail(err, SFT_EDATA, "%s: no config.json, but models in it: name one, %s", dir, models.data);
    else
        sft_fail(err, SFT_EDATA, "%s: no config.json (%s)", dir, expected);
    strbuf_free(&models);
    free(gguf);
    return SFT_EDATA;
}

enum sft_status model_dir_fail(const char *path, struct sft_err *err)
{
    if (path_exists(path) && !path_is_dir(path))
        return fail_file(path, err);
    if (path_holds(path, "adapter_config.json"))
        return fail_adapter(path, err);
    if (path_holds(path, "last/config.json"))
        return sft_fail(err, SFT_EDATA, "%s: is a run's directory: name one of its models, %s/last", path, path);
    if (path_holds(path, "metrics.jsonl") || path_holds(path, ".lock"))
        return sft_fail(err, SFT_EDATA, "%s: a run's directory without a checkpoint yet", path);
    if (path_holds(path, "snapshots") && path_holds(path, "refs"))
        return sft_fail(err, SFT_EDATA,
                        "%s: is a cache of the Hugging Face hub: name the directory below its snapshots/, or the "
                        "model, ORG/NAME",
                        path);
    return fail_without_config(path, err);
}

/* ---- finding ---- */

/* One that is there, or on the way. */
static enum sft_status find_dir(const char *path, char **dir, const char **link, struct sft_err *err)
{
    static const char *const links[] = {"best", "last"};
    if (!path_exists(path))
        return sft_fail_errno(err, "%s", path);
    if (gguf_is_file(path)) {
        *dir = mem_strdup(path);
        return SFT_OK;
    }
    if (!path_is_dir(path))
        return model_dir_fail(path, err);
    if (path_holds(path, "config.json")) {
        *dir = resolve(path);
        return SFT_OK;
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        char *candidate = path_join(path, links[i]);
        if (path_holds(candidate, "config.json")) {
            *dir = resolve(candidate);
            *link = links[i];
        }
        free(candidate);
        if (*dir)
            return SFT_OK;
    }
    return model_dir_fail(path, err);
}

enum sft_status model_dir_find(const char *path_or_name, char **dir, const char **link, struct sft_err *err)
{
    char *path;
    *dir = NULL;
    *link = NULL;
    if (!*path_or_name)
        return sft_fail(err, SFT_EIO, "the model's name is empty");
    enum sft_status status = hub_cache_resolve(path_or_name, &path, err);
    if (!status && (status = find_dir(path, dir, link, err)))
        hub_remark_incomplete(path, err);
    free(path);
    return status;
}

/* Base and data: a base by its name on the hub is found; of what is not there, what may have been meant or can be
 * done. */
#include "base/io.h"
#include "base/nearest.h"
#include "cmd/cmd.h"
#include "data/file_spec.h"
#include "files/hub_cache.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A path as it stood in the configuration, without the configuration's own directory; malloc'd. */
static char *as_written(const struct settings *settings, const char *path)
{
    char *dir = settings->file ? path_tidy(path_dirname(settings->file)) : mem_strdup(".");
    const size_t len = strlen(dir);
    const bool is_inside = strncmp(path, dir, len) == 0 && path[len] == '/';
    free(dir);
    return mem_strdup(is_inside ? path + len + 1 : path);
}

/* ---- data ---- */

/* The name in the path's directory that is nearest to the path's own: "data/train.jsonl", malloc'd, or
 * NULL. */
static char *nearest_file(const char *path)
{
    char *dir = path_dirname(path), **names = NULL, *found = NULL;
    size_t count = 0;
    if (io_list(dir, &names, &count, NULL) == SFT_OK) {
        const char *near = nearest_word(path_basename(path), (const char *const *)names, count);
        if (near)
            found = strchr(path, '/') ? path_join(dir, near) : mem_strdup(near);
        io_list_free(names, count);
    }
    free(dir);
    return found;
}

/* What may help with a file that is not there: " (...)" or nothing. */
static void add_hint(const struct settings *settings, const char *path, struct strbuf *out)
{
    char *written = as_written(settings, path), *near = nearest_file(path), *dir = path_dirname(path);
    if (strchr(written, '$'))
        strbuf_puts(out, " (variables such as $HOME are not replaced in a configuration; ~/ is)");
    else if (strcmp(written, path) != 0 && path_exists(written))
        strbuf_printf(
            out, " (paths in a configuration are relative to its directory, not to yours, where there is %s)",
            written);
    else if (near)
        strbuf_printf(out, " (did you mean %s?)", near);
    else if (!path_is_dir(dir))
        strbuf_printf(out, " (there is no directory %s)", dir);
    free(dir);
    free(near);
    free(written);
}

static bool has_pattern(const char *path)
{
    const char *name = path_basename(path), *star = strchr(name, '*');
    return (star && !isdigit((unsigned char)star[1]) && star[1] != '.') || strstr(name, "*.j") ||
           strstr(name, "*.c") || strstr(name, "*.t") || strchr(name, '?');
}

static void check_data_file(struct settings *settings, const char *key, const char *spec)
{
    struct file_spec file;
    struct sft_err err;
    struct strbuf hint = {0};
    strbuf_puts(&hint, "");
    if (!path_exists(spec) && has_pattern(spec)) {
        settings_complain(settings, key, SFT_EUSAGE, "%s: patterns are not expanded here: name each file",
                          spec);
    } else if (file_spec_parse(&file, spec, &err)) {
        settings_complain_of(settings, key, &err);
    } else {
        if (strcmp(file.path, "-") != 0 && !path_exists(file.path)) {
            add_hint(settings, file.path, &hint);
            settings_complain(settings, key, SFT_EIO, "%s: %s%s", file.path, strerror(ENOENT), hint.data);
        }
        file_spec_free(&file);
    }
    strbuf_free(&hint);
}

static void check_data(struct settings *settings, const char *key, const struct string_list *files)
{
    for (size_t i = 0; i < files->count && !settings_is_wrong(settings, key); i++)
        check_data_file(settings, key, files->items[i]);
}

/* ---- the base ---- */

/* How the base is had, as one command for a shell, where its name tells. `written`: what stands in the configuration;
 * `path`: where it is. */
static void add_download(struct strbuf *out, const char *written, const char *path)
{
    static const char *const fetched[] = {"smollm2", "gemma3"}; /* by scripts/get_model.sh */
    const char *name = path_basename(path);
    const bool is_local = strncmp(written, "models/", 7) == 0 || strncmp(written, "out/", 4) == 0;
    for (size_t i = 0; i < sizeof fetched / sizeof *fetched; i++) {
        if (strcmp(name, fetched[i]) == 0) {
            strbuf_printf(out, "; 'sh scripts/get_model.sh %s' makes out/models/%s", name, name);
            return;
        }
    }
    if (strncmp(name, "gpt2", 4) == 0) {
        strbuf_printf(out,
                      "; sft downloads nothing: 'hf download openai-community/%s config.json model.safetensors "
                      "tokenizer.json --local-dir %s' fetches GPT-2",
                      name, path);
    } else if (hub_name_is(written) && strchr(written, '/') && !is_local) {
        strbuf_printf(out, "; sft downloads nothing: if %s is on the Hugging Face hub, '", written);
        hub_add_download(out, written);
        strbuf_puts(out, "' fetches it into the cache");
    }
}

/* What is asked of a base that is not there. */
static void describe_base(struct strbuf *out)
{
    char *cache = hub_cache_dir();
    strbuf_printf(out,
                  "base is the directory of a Hugging Face model on this machine: config.json, model.safetensors, "
                  "tokenizer.json; a file in GGUF; or the name, ORG/NAME, of a model in the Hugging Face cache%s%s",
                  cache ? ", " : "", cache ? cache : "");
    free(cache);
}

/* A name on the hub becomes that of the snapshot that it means now, commit and all: what the run is told to be, and
 * records, stays this one when the cache has a newer. False where it is none that is in the cache. */
static bool take_snapshot(struct settings *settings, const char *written)
{
    char *dir;
    struct sft_err err;
    if (!hub_cache_has(written))
        return false;
    if (hub_cache_find(written, &dir, &err)) {
        settings_complain_of(settings, "base", &err);
        return true;
    }
    char *name = hub_snapshot_name(dir);
    settings->model.base = arena_strndup(&settings->arena, name, strlen(name));
    free(name);
    free(dir);
    return true;
}

static void check_base(struct settings *settings)
{
    const char *base = settings->model.base;
    struct strbuf hint = {0};
    if (!base || path_exists(base) || settings_is_wrong(settings, "base"))
        return;
    char *written = as_written(settings, base), *near = nearest_file(base);
    if (take_snapshot(settings, written))
        goto out;
    if (strchr(written, '$')) {
        strbuf_puts(&hint, "variables such as $HOME are not replaced in a configuration; ~/ is");
    } else if (strcmp(written, base) != 0 && path_exists(written)) {
        strbuf_printf(
            &hint, "paths in a configuration are relative to its directory, not to yours, where there is %s",
            written);
    } else {
        if (near)
            strbuf_printf(&hint, "did you mean %s? ", near);
        describe_base(&hint);
        add_download(&hint, written, base);
    }
    settings_complain(settings, "base", SFT_EIO, "%s: %s (%s)", base, strerror(ENOENT), hint.data);
out:
    strbuf_free(&hint);
    free(near);
    free(written);
}

void check_inputs(struct settings *settings)
{
    check_base(settings);
    check_data(settings, "train", &settings->data.train);
    check_data(settings, "eval", &settings->data.eval);
    check_data(settings, "prompts", &settings->eval.prompts);
}

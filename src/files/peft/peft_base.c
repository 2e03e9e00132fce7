#include "files/peft/peft_base.h"

#include "base/mem.h"
#include "base/path.h"
#include "files/hub_cache.h"

#include <stdlib.h>

static const char config_name[] = "adapter_config.json";

bool peft_is_adapter(const char *dir)
{
    return path_holds(dir, config_name);
}

/* ---- an adapter's directory ---- */

/* What a link in a run's directory points to now. */
static char *resolve(const char *dir, const char *link)
{
    char *path = path_join(dir, link);
    char *real = realpath(path, NULL);
    free(path);
    return real;
}

static bool find_in_run(const char *run, char **dir, const char **link)
{
    static const char *const links[] = {"best", "last"};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        char *path = resolve(run, links[i]);
        if (path && peft_is_adapter(path)) {
            *dir = path;
            *link = links[i];
            return true;
        }
        free(path);
    }
    return false;
}

static enum sft_status fail_no_adapter(const char *path, struct sft_err *err)
{
    if (!path_exists(path))
        return sft_fail(err, SFT_EIO, "%s: no such directory", path);
    if (!path_is_dir(path))
        return sft_fail(err, SFT_EIO, "%s: is a file (an adapter is the directory that holds %s)", path, config_name);
    if (path_holds(path, "config.json"))
        return sft_fail(err, SFT_EIO, "%s: is a whole model, not an adapter: it has no %s", path, config_name);
    return sft_fail(err, SFT_EIO, "%s: no adapter: it has no %s", path, config_name);
}

enum sft_status peft_dir_find(const char *given, char **dir, const char **link, struct sft_err *err)
{
    char *path;
    *dir = NULL;
    *link = NULL;
    if (hub_cache_resolve(given, &path, err))
        return err->status;
    if (peft_is_adapter(path)) {
        char *real = realpath(path, NULL);
        *dir = real ? real : mem_strdup(path);
    } else if (!find_in_run(path, dir, link)) {
        fail_no_adapter(path, err);
    }
    free(path);
    return *dir ? SFT_OK : err->status;
}

/* ---- its base ---- */

/* NULL: it is in neither directory. */
static char *find_path(const char *name, const char *dir)
{
    char *beside = path_join(dir, name); /* name alone where it is absolute */
    if (path_exists(beside))
        return beside;
    free(beside);
    return path_exists(name) ? mem_strdup(name) : NULL;
}

enum sft_status peft_find_base(const struct peft_config *config, const char *dir, const char *remedy, char **path,
                               struct sft_err *err)
{
    const char *name = config->base_model;
    *path = NULL;
    if (!name) {
        sft_fail_in(err, SFT_EDATA, "base_model_name_or_path",
                    "is missing: the adapter does not say which model it is for "
                    "(name it: %s)",
                    remedy);
        return sft_in_dir(err, dir, config_name);
    }
    *path = find_path(name, dir);
    if (*path)
        return SFT_OK;
    if (hub_name_is(name)) {
        const char *revision = json_string(json_get(config->root, "revision"));
        char *at = revision && *revision ? mem_printf("%s@%s", name, revision) : mem_strdup(name);
        const enum sft_status status = hub_cache_find(at, path, err);
        free(at);
        return status ? sft_context(err, "the base of %s", dir) : SFT_OK;
    }
    sft_fail_in(err, SFT_EIO, "base_model_name_or_path",
                "there is no '%s' here, the model that the adapter is for (say "
                "where it is: %s)",
                name, remedy);
    return sft_in_dir(err, dir, config_name);
}

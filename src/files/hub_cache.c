#include "files/hub_cache.h"

#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "files/gguf/gguf.h"
#include "files/hf_files.h"
#include "files/name_groups.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* "ORG/NAME" and "REVISION", the latter "" where none is said. */
struct hub_name {
    char *id, *revision;
};

static void free_name(struct hub_name *name)
{
    free(name->id);
    free(name->revision);
}

/* A part of an id, as huggingface_hub's validate_repo_id has it. */
static bool is_id_part(const char *s, size_t len)
{
    enum { LONGEST = 96 };
    bool good = len > 0 && len <= LONGEST && !strchr("-.", s[0]) && !strchr("-.", s[len - 1]);
    for (size_t i = 0; i < len && good; i++)
        good = isascii(s[i]) && (isalnum((unsigned char)s[i]) || strchr("-_.", s[i])) &&
               !(i && s[i] == s[i - 1] && strchr("-.", s[i]));
    return good;
}

/* A path below refs/ or snapshots/ that stays there. */
static bool is_revision(const char *s)
{
    for (const char *part = s;; part++) {
        const size_t len = strcspn(part, "/");
        if (len == 0 || part[0] == '.')
            return false;
        part += len;
        if (!*part)
            return true;
    }
}

/* What names files, not models. */
static bool ends_as_file(const char *id)
{
    static const char *const endings[] = {".json", ".gguf", ".safetensors", ".git"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (str_has_ending(id, endings[i]))
            return true;
    return false;
}

static bool parse_name(const char *text, struct hub_name *name)
{
    const size_t len = strcspn(text, "@"), owner = strcspn(text, "/@");
    const bool has_owner = text[owner] == '/', has_revision = text[len] == '@';
    *name = (struct hub_name){mem_strndup(text, len), mem_strdup(has_revision ? text + len + 1 : "")};
    const bool good = is_id_part(text, owner) && (!has_owner || is_id_part(text + owner + 1, len - owner - 1)) &&
                      !ends_as_file(name->id) && (!has_revision || is_revision(name->revision));
    if (!good)
        free_name(name);
    return good;
}

bool hub_name_is(const char *text)
{
    struct hub_name name;
    if (!parse_name(text, &name))
        return false;
    free_name(&name);
    return true;
}

void hub_add_download(struct strbuf *out, const char *text)
{
    struct hub_name name;
    if (!parse_name(text, &name))
        SFT_BUG("not a name on the hub");
    strbuf_printf(out, "hf download %s", name.id);
    if (*name.revision) {
        strbuf_puts(out, " --revision ");
        strbuf_add_shell_word(out, name.revision);
    }
    free_name(&name);
}

/* ---- places ---- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

char *hub_cache_dir(void)
{
    const char *cache = environment("HF_HUB_CACHE"), *home = environment("HF_HOME");
    const char *xdg = environment("XDG_CACHE_HOME");
    char *path, *expanded;
    if (!cache)
        cache = environment("HUGGINGFACE_HUB_CACHE");
    if (cache)
        path = mem_strdup(cache);
    else if (home)
        path = path_join(home, "hub");
    else
        path = path_join(xdg ? xdg : "~/.cache", "huggingface/hub");
    path_expand_home(path, &expanded, NULL);
    free(path);
    return expanded;
}

/* models--ORG--NAME in the cache, malloc'd. */
static char *repository_of(const struct hub_name *name)
{
    char *cache = hub_cache_dir();
    if (!cache)
        return NULL;
    const size_t owner = strcspn(name->id, "/");
    char *path = name->id[owner] ? mem_printf("%s/models--%.*s--%s", cache, (int)owner, name->id, name->id + owner + 1)
                                 : mem_printf("%s/models--%s", cache, name->id);
    free(cache);
    return path;
}

bool hub_cache_has(const char *text)
{
    struct hub_name name;
    if (!parse_name(text, &name))
        return false;
    char *repository = repository_of(&name);
    const bool has = repository && path_is_dir(repository);
    free(repository);
    free_name(&name);
    return has;
}

/* The parts of a snapshot's path: models--ORG--NAME/snapshots/COMMIT, its last three; each malloc'd. */
struct snapshot {
    char *repository, *id, *commit;
};

static void free_snapshot(struct snapshot *s)
{
    free(s->repository);
    free(s->id);
    free(s->commit);
}

static bool parse_snapshot(const char *dir, struct snapshot *s)
{
    static const char prefix[] = "models--";
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    char *path = mem_strndup(dir, len), *above = path_dirname(path), *repository = path_dirname(above);
    const char *folder = path_basename(repository);
    const bool is_one = strcmp(path_basename(above), "snapshots") == 0 &&
                        strncmp(folder, prefix, sizeof prefix - 1) == 0;
    *s = (struct snapshot){repository, NULL, NULL};
    if (is_one) {
        s->commit = mem_strdup(path_basename(path));
        s->id = mem_strdup(folder + sizeof prefix - 1);
        char *dashes = strstr(s->id, "--"); /* no id holds two of them */
        if (dashes) {
            *dashes = '/';
            memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
        }
    }
    free(above);
    free(path);
    if (!is_one)
        free_snapshot(s);
    return is_one;
}

char *hub_snapshot_name(const char *dir)
{
    struct snapshot s;
    if (!parse_snapshot(dir, &s))
        return NULL;
    char *name = mem_printf("%s@%s", s.id, s.commit);
    free_snapshot(&s);
    return name;
}

/* ---- what a snapshot lacks ---- */

/* A file that is read of a model beside its weights: without it the model would be another, and nobody told. */
static bool is_wanted(const char *name)
{
    return hf_files_is_small(name) || strcmp(name, "generation_config.json") == 0;
}

/* Links whose blobs are gone: of what is wanted, and of weights. */
static void find_broken_links(const char *dir, bool weights, struct name_groups *missing)
{
    char **names = NULL;
    size_t n = 0;
    if (io_list(dir, &names, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++)
        if ((is_wanted(names[i]) || (weights && str_has_ending(names[i], ".safetensors"))) &&
            !path_holds(dir, names[i]))
            name_groups_add(missing, names[i]);
    io_list_free(names, n);
}

/* What the list of the commit's files names, and neither a file nor a link is there for. */
static void find_unfetched(const char *dir, const struct snapshot *s, struct name_groups *missing)
{
    char *path = mem_printf("%s/trees/%s.json", s->repository, s->commit);
    json *tree = NULL;
    if (path_exists(path) && json_parse_file(path, &tree, NULL) == SFT_OK)
        for (const json *file = json_first(json_get(tree, "files")); file; file = json_next(file))
            if (json_key(file) && is_wanted(json_key(file)) && !path_holds_name(dir, json_key(file)))
                name_groups_add(missing, json_key(file));
    json_free(tree);
    free(path);
}

/* Of the weights: one file, or those of an index. Links count as there (find_broken_links). */
static void find_missing_weights(const char *dir, struct name_groups *missing)
{
    struct hf_files files;
    struct sft_err unheard;
    const bool found = hf_files_find(&files, dir, &unheard) == SFT_OK;
    for (size_t i = 0; i < files.index.n_shards && !found; i++)
        if (!path_holds_name(dir, files.index.shards[i]))
            name_groups_add(missing, files.index.shards[i]);
    if (!found && !files.index.n_shards && !path_holds_name(dir, "pytorch_model.bin"))
        name_groups_add(missing, "model.safetensors");
    hf_files_free(&files);
}

static bool was_cut_short(const struct snapshot *s)
{
    char *blobs = path_join(s->repository, "blobs"), **names = NULL;
    size_t n = 0;
    bool found = false;
    if (io_list(blobs, &names, &n, NULL) == SFT_OK) {
        for (size_t i = 0; i < n && !found; i++)
            found = str_has_ending(names[i], ".incomplete");
        io_list_free(names, n);
    }
    free(blobs);
    return found;
}

/* "config.json, tokenizer.json (a download was cut short)"; false where nothing is missing. */
static bool list_missing(const char *dir, const struct snapshot *s, bool weights, struct strbuf *out)
{
    struct name_groups missing = {0};
    if (!path_holds_name(dir, "config.json") && weights)
        name_groups_add(&missing, "config.json");
    find_broken_links(dir, weights, &missing);
    find_unfetched(dir, s, &missing);
    if (weights)
        find_missing_weights(dir, &missing);
    const bool is_incomplete = missing.n_names > 0;
    if (is_incomplete)
        name_groups_print(&missing, out);
    if (is_incomplete && was_cut_short(s))
        strbuf_puts(out, " (a download was cut short)");
    name_groups_free(&missing);
    return is_incomplete;
}

/* Whether it is one of models in GGUF: nothing else need be there, and whoever lacks something wants one of its files,
 * not all. */
static bool is_of_gguf(const char *dir)
{
    char *gguf = hf_files_has_weights(dir) ? NULL : gguf_first_file(dir);
    const bool found = gguf != NULL;
    free(gguf);
    return found;
}

enum sft_status hub_remark_incomplete(const char *dir, struct sft_err *err)
{
    struct snapshot s;
    struct strbuf list = {0};
    if (!err || !parse_snapshot(dir, &s))
        return err ? err->status : SFT_EIO;
    if (!is_of_gguf(dir) && list_missing(dir, &s, true, &list))
        sft_remark(err,
                   "; this snapshot in the Hugging Face cache lacks %s: 'hf download %s --revision %s' fetches the "
                   "rest",
                   list.data, s.id, s.commit);
    strbuf_free(&list);
    free_snapshot(&s);
    return err->status;
}

/* ---- finding ---- */

/* A commit, or nothing that goes elsewhere. */
static bool is_commit(const char *s)
{
    return *s && *s != '.' && !strchr(s, '/');
}

/* What refs/REVISION holds, malloc'd; else the revision itself, where a snapshot has its name; NULL: neither. */
static char *find_commit(const char *repository, const char *revision)
{
    char *ref = mem_printf("%s/refs/%s", repository, revision), *commit = NULL;
    struct strbuf text = {0};
    if (path_exists(ref) && !path_is_dir(ref) && io_read_file(ref, &text, NULL) == SFT_OK && text.data) {
        text.data[strcspn(text.data, " \t\r\n")] = '\0';
        commit = mem_strdup(text.data);
    }
    free(ref);
    strbuf_free(&text);
    if (!commit) {
        char *dir = mem_printf("%s/snapshots/%s", repository, revision);
        commit = path_is_dir(dir) ? mem_strdup(revision) : NULL;
        free(dir);
    }
    if (commit && is_commit(commit))
        return commit;
    free(commit);
    return NULL;
}

/* What is wrong with what is in the cache, and the command. */
static enum sft_status fail_name(const char *text, const char *what, struct sft_err *err)
{
    struct strbuf command = {0};
    hub_add_download(&command, text);
    sft_fail(err, SFT_EIO, "%s: %s '%s' fetches it (sft downloads nothing)", text, what, command.data);
    strbuf_free(&command);
    return SFT_EIO;
}

static enum sft_status fail_not_there(const char *text, struct sft_err *err)
{
    char *cache = hub_cache_dir();
    char *what = mem_printf("no such file or directory, nor a model in the Hugging Face cache%s%s; if the hub has it,",
                            cache ? ", " : "", cache ? cache : "");
    fail_name(text, what, err);
    free(what);
    free(cache);
    return SFT_EIO;
}

/* The repository is there, the revision is not: which are? */
static enum sft_status fail_no_revision(const char *text, const char *repository, const char *revision,
                                        struct sft_err *err)
{
    char *snapshots = path_join(repository, "snapshots"), **names = NULL;
    size_t n = 0;
    struct strbuf what = {0};
    strbuf_printf(&what, "its revision %s is not in the Hugging Face cache", revision);
    if (io_list(snapshots, &names, &n, NULL) == SFT_OK) {
        for (size_t i = 0; i < n; i++)
            strbuf_printf(&what, "%s%s", i ? ", @" : ", which has @", names[i]);
        io_list_free(names, n);
    }
    strbuf_puts(&what, ";");
    fail_name(text, what.data, err);
    strbuf_free(&what);
    free(snapshots);
    return SFT_EIO;
}

static enum sft_status check_snapshot(const char *text, const char *dir, struct sft_err *err)
{
    struct snapshot s;
    struct strbuf list = {0}, what = {0};
    if (!parse_snapshot(dir, &s))
        return SFT_OK;
    enum sft_status status = SFT_OK;
    if (!path_is_dir(dir)) {
        strbuf_printf(&what, "its snapshot %s is not in the Hugging Face cache%s;", s.commit,
                      was_cut_short(&s) ? " (a download was cut short)" : "");
        status = fail_name(text, what.data, err);
    } else if (!is_of_gguf(dir) && list_missing(dir, &s, false, &list)) {
        strbuf_printf(&what, "its snapshot %s in the Hugging Face cache lacks %s;", s.commit, list.data);
        status = fail_name(text, what.data, err);
    }
    strbuf_free(&list);
    strbuf_free(&what);
    free_snapshot(&s);
    return status;
}

enum sft_status hub_cache_find(const char *text, char **dir, struct sft_err *err)
{
    struct hub_name name;
    *dir = NULL;
    if (!parse_name(text, &name))
        return sft_fail(err, SFT_EUSAGE, "%s: is no model's name on the Hugging Face hub (ORG/NAME)", text);
    const char *revision = *name.revision ? name.revision : "main";
    char *repository = repository_of(&name), *commit = NULL;
    enum sft_status status = SFT_OK;
    if (!repository || !path_is_dir(repository))
        status = fail_not_there(text, err);
    else if (!(commit = find_commit(repository, revision)))
        status = fail_no_revision(text, repository, revision, err);
    if (!status) {
        *dir = mem_printf("%s/snapshots/%s", repository, commit);
        status = check_snapshot(text, *dir, err);
    }
    if (status) {
        free(*dir);
        *dir = NULL;
    }
    free(repository);
    free(commit);
    free_name(&name);
    return status;
}

enum sft_status hub_cache_resolve(const char *given, char **path, struct sft_err *err)
{
    const bool is_name = !path_has_name(given) && hub_name_is(given);
    if (is_name && (strchr(given, '/') || hub_cache_has(given)))
        return hub_cache_find(given, path, err);
    *path = mem_strdup(given);
    return SFT_OK;
}

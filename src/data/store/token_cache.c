#include "data/store/token_cache.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/writer_id.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 24 * 60 * 60, KEEP_DAYS = 30 };

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Told once: a command may ask for every file. */
static bool is_told;

static bool refuse(const char *dir, const char *why)
{
    if (!is_told)
        log_warning("%s: not used as a cache: %s (make it yours alone, or name another by SFT_CACHE_DIR)",
                    dir, why);
    is_told = true;
    return false;
}

static bool is_trusted(const char *dir)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return false;
    if (st.st_uid != geteuid())
        return refuse(dir, "it belongs to another user");
    if (st.st_mode & S_IWOTH)
        return refuse(dir, "everybody may write in it");
    return true;
}

static bool is_writable(const char *dir)
{
    struct sft_err why;
    if (!io_mkdirs_private(dir, &why)) {
        if (access(dir, W_OK | X_OK) == 0)
            return true;
        sft_fail_errno(&why, "%s: cannot write", dir);
    }
    if (!is_told)
        log_warning("%s: large files are tokenized every time, without a cache (SFT_CACHE_DIR names another place)",
                    SFT_ERR_TEXT(&why));
    is_told = true;
    return false;
}

char *token_cache_dir(void)
{
    const char *own = environment("SFT_CACHE_DIR"), *shared = environment("XDG_CACHE_HOME"),
               *home = environment("HOME");
    char *dir = own      ? mem_strdup(own)
                : shared ? path_join(shared, "sft")
                : home   ? path_join(home, ".cache/sft")
                         : NULL;
    if (dir && (!is_writable(dir) || !is_trusted(dir))) {
        free(dir);
        dir = NULL;
    }
    return dir;
}

static char *path_of(const char *dir, const char *key, const char *ending)
{
    const size_t len = strlen(key);
    return mem_printf("%s/%016llx%016llx%s", dir, (unsigned long long)xxh64(key, len, 0),
                      (unsigned long long)xxh64(key, len, 1), ending);
}

char *token_cache_path(const char *dir, const char *key)
{
    return path_of(dir, key, ".tokens");
}

char *token_cache_logps_path(const char *dir, const char *key)
{
    return path_of(dir, key, ".logps");
}

void token_cache_touch(const char *path)
{
    utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

/* Whether a file has a name that only we give: a hash, and what it is; behind it what says whose it is while it is
 * written. The directory may be one that holds other files too. */
static bool is_ours(const char *name, enum writer *writer)
{
    static const struct {
        size_t digits;
        const char *ending;
    } kinds[] = {{32, ".tokens"}, {32, ".logps"}, {16, ".stamp"}};
    const size_t digits = strspn(name, "0123456789abcdef");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t len = strlen(kinds[i].ending);
        const char *rest = name + digits;
        if (digits != kinds[i].digits || strncmp(rest, kinds[i].ending, len) != 0)
            continue;
        *writer = writer_of(rest + len);
        return !rest[len] || *writer != WRITER_NONE;
    }
    return false;
}

/* How many seconds a file stays that nobody uses. */
static double lifetime(enum writer writer, bool sweep_only)
{
    switch (writer) {
    case WRITER_NONE:
        return sweep_only ? INFINITY : KEEP_DAYS * DAY;
    case WRITER_ELSEWHERE:
        return DAY;
    case WRITER_GONE:
        return -INFINITY;
    case WRITER_AT_WORK:
        break;
    }
    return INFINITY;
}

static void clean(const char *dir, bool sweep_only)
{
    char **names;
    size_t count;
    struct sft_err none;
    if (io_list(dir, &names, &count, &none))
        return;
    const time_t now = time(NULL);
    for (size_t i = 0; i < count; i++) {
        enum writer writer;
        struct stat st;
        if (!is_ours(names[i], &writer) || (sweep_only && writer == WRITER_NONE))
            continue;
        char *path = path_join(dir, names[i]);
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            difftime(now, st.st_mtime) > lifetime(writer, sweep_only))
            unlink(path);
        free(path);
    }
    io_list_free(names, count);
}

void token_cache_sweep(const char *dir)
{
    clean(dir, true);
}

void token_cache_prune(const char *dir)
{
    clean(dir, false);
}

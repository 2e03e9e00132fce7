#include "data/token_cache.h"

#include "base/io.h"
#include "base/mem.h"

#include <fcntl.h>
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

char *token_cache_dir(void)
{
    const char *own = environment("SFT_CACHE_DIR"), *shared = environment("XDG_CACHE_HOME"),
               *home = environment("HOME");
    struct sft_err none;
    char *dir = own      ? mem_strdup(own)
                : shared ? path_join(shared, "sft")
                : home   ? path_join(home, ".cache/sft")
                         : NULL;
    const bool is_new = dir && !path_exists(dir);
    if (dir && (io_mkdirs(dir, &none) || access(dir, W_OK | X_OK) != 0)) {
        free(dir);
        dir = NULL;
    }
    if (dir && is_new)
        chmod(dir, 0700); /* it holds what people said */
    return dir;
}

char *token_cache_path(const char *dir, const char *key)
{
    const size_t len = strlen(key);
    return mem_printf("%s/%016llx%016llx.tokens", dir, (unsigned long long)xxh64(key, len, 0),
                      (unsigned long long)xxh64(key, len, 1));
}

void token_cache_touch(const char *path)
{
    utimensat(AT_FDCWD, path, NULL, 0);
}

/* Whether a file has a name that only we give: a hash, and ".tokens" or ".stamp"; behind it ".PID.tmp" where a writer
 * was interrupted. The directory may be one that holds other files too. */
static bool is_ours(const char *name, bool *is_left_over)
{
    static const struct {
        size_t digits;
        const char *ending;
    } kinds[] = {{32, ".tokens"}, {16, ".stamp"}};
    const size_t digits = strspn(name, "0123456789abcdef");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t len = strlen(kinds[i].ending);
        const char *rest = name + digits;
        if (digits != kinds[i].digits || strncmp(rest, kinds[i].ending, len) != 0)
            continue;
        rest += len;
        *is_left_over = *rest != '\0';
        const size_t pid = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
        return !*is_left_over || (pid > 0 && strcmp(rest + 1 + pid, ".tmp") == 0);
    }
    return false;
}

static void remove_if_old(const char *path, bool is_left_over, time_t now)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
        now - st.st_mtime > (is_left_over ? DAY : KEEP_DAYS * DAY))
        unlink(path);
}

void token_cache_prune(const char *dir)
{
    char **names;
    size_t count;
    struct sft_err none;
    if (io_list(dir, &names, &count, &none))
        return;
    for (size_t i = 0; i < count; i++) {
        bool is_left_over;
        if (!is_ours(names[i], &is_left_over))
            continue;
        char *path = path_join(dir, names[i]);
        remove_if_old(path, is_left_over, time(NULL));
        free(path);
    }
    io_list_free(names, count);
}

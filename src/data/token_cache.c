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

void token_cache_prune(const char *dir)
{
    char **names;
    size_t count;
    const time_t now = time(NULL);
    struct sft_err none;
    if (io_list(dir, &names, &count, &none))
        return;
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        const bool is_left_over = str_has_ending(names[i], ".tmp");
        const bool is_ours = is_left_over || str_has_ending(names[i], ".tokens") ||
                             str_has_ending(names[i], ".stamp");
        char *path = path_join(dir, names[i]);
        if (is_ours && stat(path, &st) == 0 && now - st.st_mtime > (is_left_over ? DAY : KEEP_DAYS * DAY))
            unlink(path);
        free(path);
    }
    io_list_free(names, count);
}

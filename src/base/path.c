#include "base/path.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *path_join(const char *dir, const char *name)
{
    if (name[0] == '/' || strcmp(dir, ".") == 0)
        return mem_strdup(name);
    const size_t len = strlen(dir);
    return mem_printf(len && dir[len - 1] == '/' ? "%s%s" : "%s/%s", dir, name);
}

/* Whether `name` (up to len) is a directory itself, not a link to one: only then is name/.. where we are. */
static bool is_real_dir(const char *name, size_t len)
{
    struct stat st;
    char *copy = mem_strndup(name, len);
    const bool real = lstat(copy, &st) == 0 && S_ISDIR(st.st_mode);
    free(copy);
    return real;
}

char *path_tidy(char *path)
{
    for (char *p = path; *p;) { /* p: start of a component */
        char *end = p + strcspn(p, "/"), *next = end + strspn(end, "/");
        const bool is_dot = end - p == 1 && *p == '.', is_up = end - p == 2 && strncmp(p, "..", 2) == 0;
        if (is_dot && *next) {
            memmove(p, next, strlen(next) + 1);
        } else if (!is_dot && !is_up && end > p && strncmp(next, "../", 3) == 0 &&
                   is_real_dir(path, (size_t)(end - path))) {
            memmove(p, next + 3, strlen(next + 3) + 1);
            p = path; /* the component before may have met its own ".." */
        } else {
            p = next;
        }
    }
    return path;
}

char *path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

const char *path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool path_has_ending(const char *path, const char *ending)
{
    const size_t len = strlen(path), n = strlen(ending);
    return len >= n && strcasecmp(path + len - n, ending) == 0;
}

char *path_bare_name(const char *path, const char *ending)
{
    const char *name = path_basename(path);
    return mem_strndup(name, strlen(name) - (path_has_ending(name, ending) ? strlen(ending) : 0));
}

bool path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool path_has_name(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bool path_holds(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    const bool there = path_exists(path);
    free(path);
    return there;
}

bool path_holds_name(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    const bool there = path_has_name(path);
    free(path);
    return there;
}

bool path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- the home directory ---- */

static const char *home_directory(void)
{
    const char *home = getenv("HOME");
    if (home && *home)
        return home;
    const struct passwd *user = getpwuid(getuid());
    return user && user->pw_dir && *user->pw_dir ? user->pw_dir : NULL;
}

enum sft_status path_expand_home(const char *path, char **out, struct sft_err *err)
{
    *out = NULL;
    if (*path != '~') {
        *out = mem_strdup(path);
        return SFT_OK;
    }
    if (path[1] && path[1] != '/')
        return sft_fail(err, SFT_EUSAGE,
                        "%.60s: only ~ and ~/ are understood (write another user's home in full, or ./%.60s "
                        "for a file of that name)",
                        path, path);
    const char *home = home_directory();
    if (!home)
        return sft_fail(err, SFT_EUSAGE, "%.60s: there is no home directory (HOME is not set)", path);
    size_t len = strlen(home);
    while (len > 1 && home[len - 1] == '/')
        len--;
    *out = len == 1 && home[0] == '/' && path[1] ? mem_strdup(path + 1)
                                                 : mem_printf("%.*s%s", (int)len, home, path + 1);
    return SFT_OK;
}

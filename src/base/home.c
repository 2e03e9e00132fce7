#include "base/home.h"

#include "base/mem.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

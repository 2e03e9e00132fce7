#include "serve/mhd.h"

#include <dlfcn.h>
#include <stdbool.h>

#define LIBRARY "libmicrohttpd.so.12"

struct mhd mhd;

enum sft_status mhd_load(struct sft_err *err)
{
    static bool is_loaded;
    const char *sought = NULL;
    if (is_loaded)
        return SFT_OK;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return sft_fail(err, SFT_EIO,
                        "the server is libmicrohttpd's, which cannot be loaded: %s (install libmicrohttpd12; newer "
                        "systems call it libmicrohttpd12t64)",
                        dlerror());
#define FIND(name) (sought = "MHD_" #name, (mhd.name = (__typeof__(mhd.name))dlsym(library, sought)) != NULL) &&
    is_loaded = MHD_FUNCTIONS(FIND) true;
#undef FIND
    return is_loaded ? SFT_OK : sft_fail(err, SFT_EIO, LIBRARY " has no %s: it is too old", sought);
}

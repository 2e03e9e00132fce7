#include "collect/synth/curl.h"

#include <dlfcn.h>
#include <stdbool.h>

struct curl_table curl;

/* As Debian names it with OpenSSL, and with GnuTLS; others have the first only. */
static void *open_library(void)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    return library ? library : dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
}

enum sft_status curl_load(struct sft_err *err)
{
    static bool is_loaded;
    const char *sought = NULL;
    if (is_loaded)
        return SFT_OK;
    void *library = open_library();
    if (!library)
        return sft_fail(err, SFT_EIO,
                        "endpoints are asked by libcurl, which cannot be loaded: %s (install libcurl4; newer systems "
                        "call it libcurl4t64)",
                        dlerror());
#define FIND(name) (sought = "curl_" #name, (curl.name = (__typeof__(curl.name))dlsym(library, sought)) != NULL) &&
    is_loaded = CURL_FUNCTIONS(FIND) true;
#undef FIND
    if (!is_loaded)
        return sft_fail(err, SFT_EIO, "libcurl has no %s: it is too old", sought);
    is_loaded = curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return is_loaded ? SFT_OK : sft_fail(err, SFT_EIO, "libcurl does not start");
}

/* libcurl, loaded when an endpoint is asked: it brings a TLS library, whose constructors every command would pay for.
 * Its header says the types, so a call through the table is checked as any other, but for the arguments behind the dots
 * of easy_setopt, multi_setopt and easy_getinfo: longs there are written as 1L, sizes as curl_off_t. */
#ifndef SFT_COLLECT_SYNTH_CURL_H
#define SFT_COLLECT_SYNTH_CURL_H

#include "base/err.h"

#include <curl/curl.h>

/* All that is called of it: curl.easy_init is curl_easy_init. */
#define CURL_FUNCTIONS(FUNCTION)                                                                                       \
    FUNCTION(global_init)                                                                                              \
    FUNCTION(easy_init)                                                                                                \
    FUNCTION(easy_setopt)                                                                                              \
    FUNCTION(easy_getinfo)                                                                                             \
    FUNCTION(easy_strerror)                                                                                            \
    FUNCTION(easy_cleanup)                                                                                             \
    FUNCTION(multi_init)                                                                                               \
    FUNCTION(multi_add_handle)                                                                                         \
    FUNCTION(multi_remove_handle)                                                                                      \
    FUNCTION(multi_perform)                                                                                            \
    FUNCTION(multi_poll)                                                                                               \
    FUNCTION(multi_info_read)                                                                                          \
    FUNCTION(multi_cleanup)                                                                                            \
    FUNCTION(slist_append)                                                                                             \
    FUNCTION(slist_free_all)

struct curl_table {
#define MEMBER(name) __typeof__(curl_##name) *name;
    CURL_FUNCTIONS(MEMBER)
#undef MEMBER
};
extern struct curl_table curl;

/* Fill the table, once; it stays for the life of the process. SFT_EIO: the library, or a function of it, is not there.
 * Not for two threads at once. */
enum sft_status curl_load(struct sft_err *err);

#endif

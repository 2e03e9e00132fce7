/* libmicrohttpd, loaded when a server starts: it brings gnutls, whose constructor would take more time at the start of
 * every command than all else does. Its header says the types, so a call through the table is checked as any other. */
#ifndef SFT_SERVE_MHD_H
#define SFT_SERVE_MHD_H

#include "base/err.h"

#include <microhttpd.h>

/* All that is called of it: mhd.start_daemon is MHD_start_daemon. */
#define MHD_FUNCTIONS(FUNCTION)                                                                                        \
    FUNCTION(start_daemon)                                                                                             \
    FUNCTION(quiesce_daemon)                                                                                           \
    FUNCTION(stop_daemon)                                                                                              \
    FUNCTION(suspend_connection)                                                                                       \
    FUNCTION(resume_connection)                                                                                        \
    FUNCTION(get_connection_info)                                                                                      \
    FUNCTION(lookup_connection_value)                                                                                  \
    FUNCTION(create_response_from_buffer)                                                                              \
    FUNCTION(create_response_from_callback)                                                                            \
    FUNCTION(add_response_header)                                                                                      \
    FUNCTION(queue_response)                                                                                           \
    FUNCTION(destroy_response)

struct mhd {
#define MEMBER(name) __typeof__(MHD_##name) *name;
    MHD_FUNCTIONS(MEMBER)
#undef MEMBER
};
extern struct mhd mhd;

/* Fill the table, once; it stays for the life of the process. SFT_EIO: the library, or a function of it, is not there.
 * Not for two threads at once. */
enum sft_status mhd_load(struct sft_err *err);

#endif

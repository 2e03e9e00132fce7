/* Who may ask: a bearer token, and against pages of other sites, which a browser lets send requests to us. */
#ifndef SFT_SERVE_ACCESS_H
#define SFT_SERVE_ACCESS_H

#include <stdbool.h>

/* Whether it is the key, which is not "". Takes as long whatever of the key is right. */
bool access_is_key(const char *given, const char *key);

/* Whether an Authorization header names the key: "Bearer KEY". NULL: there is no header. */
bool access_has_key(const char *authorization, const char *key);

/* Whether a Host header, with or without a port, is this machine's own address or the one the server was bound to. A
 * name that somebody's DNS resolves to 127.0.0.1 is none (DNS rebinding). */
bool access_host_is_local(const char *host, const char *bound);

/* Whether an Origin header is of the site that the Host header says: our own page. */
bool access_origin_is_host(const char *origin, const char *host);

#endif

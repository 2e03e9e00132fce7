/* The address of an endpoint, as people give it and as requests go to it. Pure: no network.
 *
 *     http://127.0.0.1:8080                    http://127.0.0.1:8080/v1/chat/completions
 *     http://127.0.0.1:8080/v1/                http://127.0.0.1:8080/v1/chat/completions
 *     https://host/openai/v1                   https://host/openai/v1/chat/completions
 *     https://host/a/chat/completions?x=1      as it is
 *
 * A path is taken as it is given, and only where there is none /v1 is meant. */
#ifndef SFT_COLLECT_SYNTH_ENDPOINT_URL_H
#define SFT_COLLECT_SYNTH_ENDPOINT_URL_H

#include "base/err.h"

#include <stdbool.h>

struct endpoint_url {
    char *requests; /* where requests go */
    char *base;     /* the same without /chat/completions and what follows: for messages and reports */
    char *host;     /* without port and without the brackets of an IPv6 address */
    unsigned port;  /* 80 and 443 where none is named */
    bool is_tls;    /* https */
    bool is_local;  /* the host is this machine's loopback: localhost, *.localhost, 127.x.x.x, ::1 */
};

/* SFT_EUSAGE, about the key "url": not http or https, no host, a port
 * that is none, a name or a password in it (a key has its own place),
 * a fragment, blanks or control characters. The caller frees with endpoint_url_free, after an error too. */
enum sft_status endpoint_url_read(struct endpoint_url *url, const char *text, struct sft_err *err);
void endpoint_url_free(struct endpoint_url *url); /* accepts a zeroed one */

#endif

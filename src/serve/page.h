/* The page to chat in a browser: one HTML of ours, compiled in (page.html), with nothing fetched from elsewhere.
 * Its script and style run by a nonce alone: the Content-Security-Policy refuses all others, and every address but
 * this server's. */
#ifndef SFT_SERVE_PAGE_H
#define SFT_SERVE_PAGE_H

#include "base/strbuf.h"

enum { PAGE_NONCE_BYTES = 16 };

/* The page for `model`, whose name it shows, and the value of its Content-Security-Policy header; `random` is new for
 * each response. Send it as text/html; charset=utf-8 with Cache-Control: no-store, X-Content-Type-Options: nosniff and
 * Referrer-Policy: no-referrer. */
void page_print(const char *model, const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *html, struct strbuf *policy);

#endif

/* Pages of ours for a browser: one HTML each, compiled in, with nothing fetched from elsewhere. Their scripts and
 * styles run by a nonce alone: the Content-Security-Policy refuses all others, and every address but this server's.
 *
 * Send one as text/html; charset=utf-8 with Cache-Control: no-store, X-Content-Type-Options: nosniff and
 * Referrer-Policy: no-referrer. */
#ifndef SFT_SERVE_PAGE_H
#define SFT_SERVE_PAGE_H

#include "base/strbuf.h"

enum { PAGE_NONCE_BYTES = 16 };

/* What stands in a page for {{NAME}}. */
struct page_mark {
    const char *name, *text;
    bool is_raw; /* script and style, which are ours; else text, to stand in an element or in quotes */
};

/* Append `source` with its marks filled in, {{nonce}} among them, and the value of its Content-Security-Policy header;
 * `random` is new for each response. Any other {{ stays as it is. */
void page_fill(const char *source, const struct page_mark *marks, size_t n_marks,
               const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *html, struct strbuf *policy);

/* The page to chat in (page.html) for `model`, whose name it shows. */
void page_print(const char *model, const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *html, struct strbuf *policy);

#endif

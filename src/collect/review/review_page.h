/* The page to review in: HTML, style and script of ours, compiled in (review_page.html, review_page.css,
 * review_show.js, review_page.js), with nothing fetched from elsewhere. */
#ifndef SFT_COLLECT_REVIEW_REVIEW_PAGE_H
#define SFT_COLLECT_REVIEW_REVIEW_PAGE_H

#include "serve/page.h"

/* The page and its Content-Security-Policy; headers as those of page_print. */
void review_page_print(const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *html, struct strbuf *policy);

#endif

#include "collect/review/review_page.h"

/* The files as they are; the Makefile names them as sources of this object. Parts that are named one after another are
 * one text. */
#define BEGIN(name)  ".section .rodata\n" #name ":\n"
#define FILE_(file)  ".incbin \"src/collect/review/" file "\"\n"
#define END_OF(name) #name "_end:\n.byte 0\n.previous\n"

__asm__(BEGIN(sft_review_html) FILE_("review_page.html") END_OF(sft_review_html));
__asm__(BEGIN(sft_review_style) FILE_("review_page.css") END_OF(sft_review_style));
__asm__(BEGIN(sft_review_script) FILE_("review_show.js") FILE_("review_server.js") FILE_("review_page.js")
            FILE_("review_keys.js") END_OF(sft_review_script));
extern const char sft_review_html[], sft_review_style[], sft_review_script[];

void review_page_print(const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *html, struct strbuf *policy)
{
    const struct page_mark marks[] = {{"style", sft_review_style, true}, {"script", sft_review_script, true}};
    page_fill(sft_review_html, marks, sizeof marks / sizeof *marks, random, html, policy);
}

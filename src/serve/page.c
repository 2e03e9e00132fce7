#include "serve/page.h"

#include <string.h>

/* The file as it is; the Makefile names it as a source of this object. */
__asm__(".section .rodata\n"
        "sft_page:\n"
        ".incbin \"src/serve/page.html\"\n"
        "sft_page_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char sft_page[], sft_page_end[];

static void add_nonce(const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *out)
{
    for (size_t i = 0; i < PAGE_NONCE_BYTES; i++)
        strbuf_printf(out, "%02x", random[i]);
}

/* Text as HTML, in an element or in quotes. */
static void add_escaped(const char *text, struct strbuf *out)
{
    struct strbuf clean = {0};
    strbuf_add_visible(&clean, text, strlen(text));
    for (const char *c = clean.data ? clean.data : ""; *c; c++) {
        if (strchr("&<>\"'", *c))
            strbuf_printf(out, "&#%d;", *c);
        else
            strbuf_putc(out, *c);
    }
    strbuf_free(&clean);
}

void page_print(const char *model, const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *html, struct strbuf *policy)
{
    static const char model_mark[] = "{{model}}", nonce_mark[] = "{{nonce}}";
    const char *rest = sft_page;
    for (const char *mark; (mark = strstr(rest, "{{")) != NULL;) {
        strbuf_add(html, rest, (size_t)(mark - rest));
        if (strncmp(mark, model_mark, sizeof model_mark - 1) == 0)
            add_escaped(model, html);
        else
            add_nonce(random, html);
        rest = mark + sizeof nonce_mark - 1; /* both marks have the same length */
    }
    strbuf_puts(html, rest);
    strbuf_puts(policy, "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                        "frame-ancestors 'none'; script-src 'nonce-");
    add_nonce(random, policy);
    strbuf_puts(policy, "'; style-src 'nonce-");
    add_nonce(random, policy);
    strbuf_puts(policy, "'");
}

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

/* The mark that `at` begins with, behind its "{{"; NULL: none of these. */
static const struct page_mark *find_mark(const char *at, const struct page_mark *marks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t len = strlen(marks[i].name);
        if (strncmp(at, marks[i].name, len) == 0 && strncmp(at + len, "}}", 2) == 0)
            return &marks[i];
    }
    return NULL;
}

static void add_policy(const char *nonce, struct strbuf *policy)
{
    strbuf_printf(policy,
                  "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                  "frame-ancestors 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'",
                  nonce, nonce);
}

void page_fill(const char *source, const struct page_mark *marks, size_t n_marks,
               const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *html, struct strbuf *policy)
{
    static const char open[] = "{{", close[] = "}}";
    struct strbuf nonce = {0};
    add_nonce(random, &nonce);
    const struct page_mark own = {"nonce", nonce.data, true};
    for (const char *at; (at = strstr(source, open)) != NULL;) {
        const char *name = at + sizeof open - 1;
        const struct page_mark *mark = find_mark(name, &own, 1);
        mark = mark ? mark : find_mark(name, marks, n_marks);
        strbuf_add(html, source, (size_t)(at - source));
        if (!mark)
            strbuf_puts(html, open);
        else if (mark->is_raw)
            strbuf_puts(html, mark->text);
        else
            add_escaped(mark->text, html);
        source = mark ? name + strlen(mark->name) + sizeof close - 1 : name;
    }
    strbuf_puts(html, source);
    add_policy(nonce.data, policy);
    strbuf_free(&nonce);
}

void page_print(const char *model, const uint8_t random[PAGE_NONCE_BYTES], struct strbuf *html, struct strbuf *policy)
{
    page_fill(sft_page, &(struct page_mark){"model", model, false}, 1, random, html, policy);
}

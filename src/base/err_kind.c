#include "base/err_kind.h"

#include "base/xxh64.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* One of printf's, read from its %. */
struct conversion {
    const char *end;    /* past its letter */
    char letter;        /* '\0': the format ends in it */
    size_t n_longs;     /* of l */
    bool is_size;       /* z */
    bool has_precision;
    size_t n_stars;     /* ints that come before its own argument */
};

static struct conversion read_conversion(const char *percent)
{
    struct conversion c = {0};
    const char *p = percent + 1;
    for (; *p && strchr("-+ #0123456789.*lzh", *p); p++) {
        c.n_longs += *p == 'l';
        c.is_size = c.is_size || *p == 'z';
        c.has_precision = c.has_precision || *p == '.';
        c.n_stars += *p == '*';
    }
    c.letter = *p;
    c.end = *p ? p + 1 : p;
    return c;
}

/* A quote that opens: don't has none. */
static bool opens_quote(const char *fmt, const char *p)
{
    return (*p == '\'' || *p == '"') && !(p > fmt && isalnum((unsigned char)p[-1]));
}

/* Whether the number that begins at p goes on with a name: U+%04x, \u%04x; but 0x%02X is one number. */
static bool is_in_name(const char *fmt, const char *p)
{
    if (p - fmt >= 2 && p[-1] == 'x' && p[-2] == '0')
        return false;
    return p > fmt && (isalnum((unsigned char)p[-1]) || strchr("-+.\\", p[-1]));
}

static unsigned long long next_integer(const struct conversion *c, va_list *ap)
{
    if (c->is_size)
        return va_arg(*ap, size_t);
    return c->n_longs > 1 ? va_arg(*ap, unsigned long long)
                          : c->n_longs ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned);
}

/* Take the conversion's arguments; what of them is no value goes into the hash. */
static void add_argument(struct xxh64 *h, const struct conversion *c, bool is_quoted, bool is_in_name, va_list *ap)
{
    for (size_t i = 0; i < c->n_stars; i++)
        (void)va_arg(*ap, int);
    if (c->letter == 's') {
        const char *s = va_arg(*ap, const char *); /* an excerpt may have no NUL */
        if (!is_quoted && !c->has_precision)
            xxh64_update(h, s, strlen(s));
    } else if (strchr("aefgAEFG", c->letter)) {
        (void)va_arg(*ap, double);
    } else {
        const unsigned long long x = next_integer(c, ap);
        if (c->letter == 'c' ? !is_quoted : is_in_name)
            xxh64_update(h, &x, sizeof x);
    }
}

uint64_t err_kind(uint64_t before, const char *fmt, va_list ap)
{
    struct xxh64 h;
    va_list rest;
    char quote = '\0';
    const char *p = fmt, *literal = fmt;
    va_copy(rest, ap);
    xxh64_init(&h, before);
    while (*p) {
        if (*p != '%') {
            if (quote ? *p == quote : opens_quote(fmt, p))
                quote = quote ? '\0' : *p;
            p++;
            continue;
        }
        const struct conversion c = read_conversion(p);
        xxh64_update(&h, literal, (size_t)(p - literal));
        if (c.letter && c.letter != '%')
            add_argument(&h, &c, quote != '\0', is_in_name(fmt, p), &rest);
        xxh64_update(&h, "%", 1); /* something stands here */
        p = literal = c.end;
    }
    xxh64_update(&h, literal, (size_t)(p - literal));
    va_end(rest);
    return xxh64_digest(&h);
}

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

/* What is hashed, and within which quote we are: '\0' for none. */
struct hashing {
    struct xxh64 hash;
    char quote;
};

/* Whether a quote at text[i] opens: in don't it does not, nor behind an argument, in %s's. */
static bool opens(const char *text, size_t i, bool follows_argument)
{
    return i > 0 ? !isalnum((unsigned char)text[i - 1]) : !follows_argument;
}

/* Add text[0..len), but for what stands in quotes. */
static void add_words(struct hashing *h, const char *text, size_t len, bool follows_argument)
{
    size_t from = 0; /* what is not added yet, outside of quotes */
    for (size_t i = 0; i < len; i++) {
        const bool is_quote = text[i] == '\'' || text[i] == '"';
        if (h->quote ? text[i] != h->quote : !is_quote || !opens(text, i, follows_argument))
            continue;
        if (!h->quote)
            xxh64_update(&h->hash, text + from, i - from);
        h->quote = h->quote ? '\0' : text[i];
        from = i; /* the quotes themselves are words */
    }
    if (!h->quote)
        xxh64_update(&h->hash, text + from, len - from);
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

/* Take the conversion's arguments; what of them is no value is added. */
static void add_argument(struct hashing *h, const struct conversion *c, bool is_name, va_list *ap)
{
    for (size_t i = 0; i < c->n_stars; i++)
        (void)va_arg(*ap, int);
    if (c->letter == 's') {
        const char *s = va_arg(*ap, const char *); /* an excerpt may have no NUL */
        struct hashing word = *h;
        if (!s || c->has_precision || h->quote)
            return;
        add_words(&word, s, strlen(s), false);
        h->hash = word.hash; /* a quote that is not closed ends with the word */
    } else if (strchr("aefgAEFG", c->letter)) {
        (void)va_arg(*ap, double);
    } else {
        const unsigned long long x = next_integer(c, ap);
        if (!h->quote && (c->letter == 'c' || is_name))
            xxh64_update(&h->hash, &x, sizeof x);
    }
}

uint64_t err_kind(uint64_t before, const char *fmt, va_list ap)
{
    struct hashing h = {0};
    va_list rest;
    const char *literal = fmt;
    va_copy(rest, ap);
    xxh64_init(&h.hash, before);
    for (const char *p = strchr(fmt, '%'); p; p = strchr(literal, '%')) {
        const struct conversion c = read_conversion(p);
        add_words(&h, literal, (size_t)(p - literal), literal > fmt);
        if (c.letter && c.letter != '%')
            add_argument(&h, &c, is_in_name(fmt, p), &rest);
        if (!h.quote)
            xxh64_update(&h.hash, "%", 1); /* something stands here */
        literal = c.end;
    }
    add_words(&h, literal, strlen(literal), literal > fmt);
    va_end(rest);
    return xxh64_digest(&h.hash);
}

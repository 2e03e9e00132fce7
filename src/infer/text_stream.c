#include "infer/text_stream.h"

#include <string.h>

void text_stream_init(struct text_stream *t, const struct tokenizer *tok, bool is_part,
                      const struct string_list *stops)
{
    *t = (struct text_stream){.tok = tok, .is_part = is_part, .stops = stops, .decoding = {.skip_special = true}};
}

void text_stream_free(struct text_stream *t)
{
    strbuf_free(&t->text);
    strbuf_free(&t->bytes);
    *t = (struct text_stream){0};
}

static size_t n_stops(const struct text_stream *t)
{
    return t->stops ? t->stops->count : 0;
}

/* Where the stop string begins that is complete first, of those the longest; SIZE_MAX: none is. Those that were
 * complete in text[0..seen) would have been found. */
static size_t find_stop(const struct text_stream *t, size_t seen)
{
    for (size_t end = seen + 1; end <= t->text.len; end++) {
        size_t longest = 0;
        for (size_t i = 0; i < n_stops(t); i++) {
            const size_t len = strlen(t->stops->items[i]);
            if (len > longest && len <= end && memcmp(t->text.data + end - len, t->stops->items[i], len) == 0)
                longest = len;
        }
        if (longest)
            return end - longest;
    }
    return SIZE_MAX;
}

/* How many bytes at the end are the beginning of a stop string. */
static size_t begun_stop(const struct text_stream *t)
{
    size_t held = 0;
    for (size_t i = 0; i < n_stops(t); i++) {
        const char *stop = t->stops->items[i];
        const size_t most = strlen(stop) - 1;
        for (size_t n = most < t->text.len ? most : t->text.len; n > held; n--)
            if (memcmp(t->text.data + t->text.len - n, stop, n) == 0)
                held = n;
    }
    return held;
}

/* Bytes that are characters, or never will be, become text. */
static void take_bytes(struct text_stream *t, size_t n)
{
    const size_t seen = t->text.len;
    strbuf_add_utf8_lossy(&t->text, t->bytes.data, n);
    const size_t rest = t->bytes.len - n;
    memmove(t->bytes.data, t->bytes.data + n, rest);
    t->bytes.len = rest;
    const size_t stop = find_stop(t, seen);
    if (stop != SIZE_MAX) {
        t->stopped = true;
        t->text.len = stop;
        t->text.data[stop] = '\0';
        t->ready = stop;
    } else {
        t->ready = t->text.len - begun_stop(t);
    }
}

bool text_stream_add(struct text_stream *t, const struct new_token *token)
{
    if (token->ends || t->stopped)
        return !t->stopped;
    if (t->is_part)
        tokenizer_decode_part(t->tok, &token->id, 1, true, &t->bytes);
    else
        tokenizer_decode_next(t->tok, &t->decoding, token->id, &t->bytes);
    const size_t whole = t->bytes.len - utf8_incomplete_tail(t->bytes.data, t->bytes.len);
    if (whole)
        take_bytes(t, whole);
    return !t->stopped;
}

void text_stream_end(struct text_stream *t)
{
    if (t->bytes.len && !t->stopped)
        take_bytes(t, t->bytes.len);
    t->ready = t->text.len;
}

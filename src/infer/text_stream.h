/* The text of an answer as it comes: tokens become characters, and what may turn out to be a stop string waits.
 *
 *     text_stream_init(&t, tok, false, &stops);
 *     ... on_token: bool more = text_stream_add(&t, token); show t.text.data[shown .. t.ready); return more;
 *     text_stream_end(&t);                        // t.ready is all of it
 *     text_stream_free(&t);
 *
 * text.data[0..ready) never shrinks or changes, is UTF-8 as a whole (bytes that make no character are U+FFFD), ends
 * between characters, and holds no stop string nor the beginning of one that may still be completed. What is at
 * ready or beyond is not to be shown. */
#ifndef SFT_INFER_TEXT_STREAM_H
#define SFT_INFER_TEXT_STREAM_H

#include "infer/ask.h"
#include "text/tokenizer/tokenizer.h"

struct text_stream {
    struct strbuf text;
    size_t ready;
    bool stopped; /* by a stop string, before which the text ends */

    /* text_stream.c's own */
    const struct tokenizer *tok;
    const struct string_list *stops;
    bool is_part;
    struct decoding decoding;
    struct strbuf bytes; /* of tokens, that are no whole character yet */
};

/* Of an answer, or of a part of a text that goes on behind another (is_part: no blank is taken from its beginning).
 * `stops`: strings that end it, UTF-8 and not empty; NULL: none. Borrows both. */
void text_stream_init(struct text_stream *t, const struct tokenizer *tok, bool is_part,
                      const struct string_list *stops);
void text_stream_free(struct text_stream *t); /* accepts a zeroed struct */

/* Add a token's text; an end token's is nothing. False where a stop string is complete: the text ends before it, and
 * nothing more is added. Where several are, it is the one that would be complete first if characters came one by one,
 * of these the longest: so it does not matter how the text is cut into tokens. */
bool text_stream_add(struct text_stream *t, const struct new_token *token);

/* No token comes any more: what was held back is text after all, and a character that was begun is U+FFFD. */
void text_stream_end(struct text_stream *t);

#endif

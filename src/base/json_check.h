/* The grammar of RFC 8259 with NaN, Infinity and -Infinity, checked before a text is handed to cJSON, and what
 * the tree cannot tell later: places for messages and the spelling of numbers. What is below the depth is for json.c
 * and json_scan.c only. */
#ifndef SFT_BASE_JSON_CHECK_H
#define SFT_BASE_JSON_CHECK_H

#include "base/err.h"

#include <stddef.h>

enum { JSON_MAX_DEPTH = 256 }; /* of nested objects and arrays */

/* A number that a double may not print back as it was written (it has a point, an exponent or many digits), or
 * that cJSON cannot read (NaN). */
struct json_spelling {
    size_t ordinal; /* 0-based, among all numbers of the document */
    size_t offset, len;
};

struct json_check {
    size_t start, end; /* the document without a byte-order mark and the white space around it; after an error,
                          `end` is a place in the line of what is wrong, or behind its end */
    size_t rest;       /* where something follows the white space behind it; the text's length where nothing does */
    struct json_spelling *spellings; /* in document order; free() it */
    size_t n_spellings, spellings_cap;
    size_t n_numbers, n_keys;
    size_t n_specials; /* of the spellings: NaN, Infinity, -Infinity */
    size_t wanted_key; /* in: the 0-based ordinal of a key whose place is asked for, or SIZE_MAX */
    size_t key_offset; /* out: the place of its opening quote */
};

/* Check the document that text[0..len) begins with; what follows it is the caller's. SFT_EDATA says what is wrong
 * and where. No recursion: any nesting is safe. */
enum sft_status json_check(struct json_check *check, const char *text, size_t len, struct sft_err *err);

/* An SFT_EDATA whose line and column are those of text[offset] (line 0 where the text is a single line). */
enum sft_status json_fail_at(struct sft_err *err, const char *text, size_t len, size_t offset,
                             const char *fmt, ...) SFT_PRINTF(5, 6);

/* The first byte of [p, end) that is a quote, a backslash or a control character; end if there is none. */
const char *json_skip_plain(const char *p, const char *end);

#endif

/* A growing string: bytes with a length, always followed by a NUL. Zero-initialised is empty and valid;
 * data is NULL until the first append. The owner frees it with strbuf_free. */
#ifndef SFT_BASE_STRBUF_H
#define SFT_BASE_STRBUF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf {
    char *data;
    size_t len, capacity;
};

void strbuf_add(struct strbuf *sb, const void *bytes, size_t len);
void strbuf_puts(struct strbuf *sb, const char *s);
void strbuf_putc(struct strbuf *sb, char c);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) SFT_PRINTF(2, 3);
void strbuf_clear(struct strbuf *sb);
void strbuf_free(struct strbuf *sb);

bool str_has_ending(const char *s, const char *ending);
bool str_is_one_of(const char *s, size_t len, const char *const *words, size_t n_words); /* s[0..len) */

struct string_list { /* words, whose owner whoever made the list names */
    char **items;
    size_t count;
};

/* JSON out. A string is quoted and escaped; bytes that are not UTF-8 become U+FFFD, so that the output
 * is always valid JSON. A number has 9 significant digits; one that is not finite is null. */
void strbuf_json_string(struct strbuf *sb, const char *s, size_t len);
void strbuf_json_number(struct strbuf *sb, double x);

/* A finite number in the fewest digits that read back as the same double (17 at most); whole numbers below
 * 1e15 without a point or an exponent. */
void strbuf_double(struct strbuf *sb, double x);

/* The bytes of s as UTF-8, each maximal ill-formed part replaced by one U+FFFD (Unicode's recommended
 * practice; what Python's errors="replace" and Rust's from_utf8_lossy do). */
void strbuf_add_utf8_lossy(struct strbuf *sb, const char *s, size_t len);

/* The same for a terminal or a log, which it cannot disturb: what is obeyed rather than shown becomes an
 * escape. These are the control characters (\n, \t, \r; \x1b) and those of Unicode's Bidi_Control, which
 * reorder the text around them (\u202e). */
void strbuf_add_visible(struct strbuf *sb, const char *s, size_t len);

/* The same for text of several lines, such as a message or a model's answer: \n and \t stay. */
void strbuf_add_printable(struct strbuf *sb, const char *s, size_t len);

/* A path as a shell takes it: quoted where it holds what a shell would not leave alone. */
void strbuf_add_shell_word(struct strbuf *sb, const char *word);

/* The same in place, in a buffer of `capacity` bytes; what does not fit is cut after a whole character. */
void str_make_printable(char *s, size_t capacity);

/* Length in bytes (1 to 4) of the well-formed UTF-8 character that s starts with, its code point in *cp.
 * 0: s[0..len) starts with an ill-formed part of *bad bytes (1 to 3). len must be at least 1. cp and bad
 * may be NULL. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp, size_t *bad);

/* How many bytes at the end of s are the beginning of a character whose rest is not there yet (0 to 3):
 * what a stream holds back until more comes. */
size_t utf8_incomplete_tail(const char *s, size_t len);

#endif

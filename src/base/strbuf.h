/* A growing string: bytes with a length, always followed by a NUL. Zero-initialised is empty and valid;
 * data is NULL until the first append. The owner frees it with strbuf_free. */
#ifndef SFT_BASE_STRBUF_H
#define SFT_BASE_STRBUF_H

#include "base/err.h"
#include "base/utf8.h"

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

/* What somebody said, in a line: as strbuf_add_visible from its first word on, but `most` bytes of that at most. Behind
 * them " [...]" is for what does not fit or, where is_cut, was never made; a text of nothing is "(nothing)". */
void strbuf_add_excerpt(struct strbuf *sb, const char *s, size_t len, size_t most, bool is_cut);

/* A word as a shell takes it: quoted where it holds what a shell would not leave alone. A path that begins with a dash
 * is ./-x, or a program would take it for an option. */
void strbuf_add_shell_word(struct strbuf *sb, const char *word);
void strbuf_add_shell_path(struct strbuf *sb, const char *path);

#endif

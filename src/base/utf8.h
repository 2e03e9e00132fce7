/* UTF-8: characters out of bytes, and what of them a terminal would obey rather than show. */
#ifndef SFT_BASE_UTF8_H
#define SFT_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes (1 to 4) of the well-formed UTF-8 character that s starts with, its code point in *cp.
 * 0: s[0..len) starts with an ill-formed part of *bad bytes (1 to 3). len must be at least 1. cp and bad
 * may be NULL. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp, size_t *bad);

/* How many bytes at the end of s are the beginning of a character whose rest is not there yet (0 to 3):
 * what a stream holds back until more comes. */
size_t utf8_incomplete_tail(const char *s, size_t len);

/* Of s[0..len) as many bytes as end with a character, `most` of them at most. */
size_t utf8_cut(const char *s, size_t len, size_t most);

/* Unicode's White_Space; and whether all of s[0..len) is that. */
bool utf8_is_white_space(uint32_t cp);
bool utf8_is_blank(const char *s, size_t len);

/* The character that s[0..len) starts with as a terminal or a log can take it, into out (no NUL); returns its bytes,
 * and in *used how many of s it stands for. What is obeyed rather than shown becomes an escape: control characters
 * (\n, \t, \r; \x1b) but those in `kept`, and those of Unicode's Bidi_Control, which reorder the text around them
 * (\u202e). An ill-formed part becomes U+FFFD. len must be at least 1. */
enum { UTF8_SHOWN_MAX = 8 };
size_t utf8_show(const char *s, size_t len, const char *kept, char out[UTF8_SHOWN_MAX], size_t *used);

/* s[0..len) in this way into a buffer of `capacity` bytes, with a NUL; what does not fit is cut after a whole
 * character. */
void utf8_copy_printable(const char *s, size_t len, const char *kept, char *out, size_t capacity);

#endif

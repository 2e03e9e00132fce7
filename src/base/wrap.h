/* Text in lines: of at most 80 characters, for help that fits a terminal, or of as many as one has. */
#ifndef SFT_BASE_WRAP_H
#define SFT_BASE_WRAP_H

#include "base/strbuf.h"

/* Append the words of `text`, the first at column `column` (what stands before it is there already), in lines
 * that begin at column `margin`, and a line break. Line breaks in the text stay; a longer word has a line of
 * its own. */
void strbuf_wrap(struct strbuf *out, const char *text, size_t column, size_t margin);

/* The same in lines of at most `width` characters. */
void strbuf_wrap_to(struct strbuf *out, const char *text, size_t column, size_t margin, size_t width);

#endif

/* Where a long text can be cut so that its parts, encoded one by one, give the tokens of the whole.
 *
 * A cut is looked for between a line's end and the next line's first character, else before a single space. It is
 * taken where no token of the vocabulary has that pair of bytes in it, so that every encoding of the whole has a
 * boundary there, and where the text some thousand bytes to either side gives the same tokens in one go as in two:
 * whatever looks over the boundary (a pattern's look-ahead, an added token that strips the space beside it, a space
 * that a tokenizer puts in front) shows there. A tokenizer whose texts cannot be cut is found out soon; its texts
 * stay whole. */
#ifndef SFT_DATA_STORE_TEXT_CUT_H
#define SFT_DATA_STORE_TEXT_CUT_H

#include "base/strbuf.h"
#include "text/tokenizer/encoder.h"

#include <stdbool.h>
#include <stddef.h>

/* Append text with its CR LF as LF. */
void text_cut_add_lines(struct strbuf *sb, const char *text, size_t len);

struct text_cutter;
struct text_cutter *text_cutter_new(const struct tokenizer *tok); /* borrows tok */
void text_cutter_free(struct text_cutter *cutter);

/* The first cut at `from` or later, 0 < from; len where there is none. Cuts are where the text is as text_cut_add_lines
 * gives it. */
size_t text_cut(struct text_cutter *cutter, const char *text, size_t len, size_t from);

#endif

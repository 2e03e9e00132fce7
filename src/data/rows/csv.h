/* CSV: where fields and records end, by RFC 4180 and, where that is silent, as Python's csv module reads a
 * file.
 *
 * A record ends at CR LF, LF or CR. A field that begins with a quote ends at the next quote that is not
 * doubled; delimiters and line breaks up to there are its own. What stands between that quote and the
 * delimiter belongs to the field too, as it is. A quote anywhere else is a plain character.
 *
 * All of it is the same with another delimiter. Texts are [p, end); nothing is looked at from `end` on. */
#ifndef SFT_DATA_ROWS_CSV_H
#define SFT_DATA_ROWS_CSV_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether p is at a line's end, and the first place after it; p < end. */
bool csv_at_line_end(const char *p);
const char *csv_after_line_end(const char *p, const char *end);

/* How many line ends there are. */
size_t csv_count_lines(const char *p, const char *end);

/* Where the field, or the record, that begins at p ends: at a delimiter or a line's end, or at `end`. NULL
 * where a quote is never closed. */
const char *csv_field_end(const char *p, const char *end, char delimiter);
const char *csv_record_end(const char *p, const char *end, char delimiter);

/* The separator of a file whose header is at p: of comma, semicolon, tab and bar the one with which the header has
 * several fields and most of the ten records after it equally many (else several); of equals `own`, which the
 * file's name promises, then the first in this order. `own` where none has such a record. */
char csv_find_delimiter(const char *p, const char *end, char own);

/* "commas", "semicolons", "tabs", "bars"; for any other what stands for it in messages, good until the next call of
 * this thread. */
const char *csv_name(char delimiter);

/* Append the field's value: what it says without its quotes. */
void csv_add_value(struct strbuf *sb, const char *field, size_t len);

#endif

/* Encodings: text that is not UTF-8 and says so by its bytes is made UTF-8.
 *
 * UTF-16 and UTF-32 of either order, by their byte-order mark (Windows' Notepad and PowerShell, Excel's "Unicode
 * text") or, without one, where the file begins with an ASCII character and its first 4 KB are nothing but text in that
 * encoding. Single-byte encodings (Windows-1252, Latin-1) do not say what they are: they are left to who reads the
 * text, and are errors there. */
#ifndef SFT_DATA_SOURCE_ENCODING_H
#define SFT_DATA_SOURCE_ENCODING_H

#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stddef.h>

enum encoding { ENCODING_UTF8, ENCODING_UTF16LE, ENCODING_UTF16BE, ENCODING_UTF32LE, ENCODING_UTF32BE };

/* ENCODING_UTF8: that, or none of the others. */
enum encoding encoding_of(const char *bytes, size_t len);

/* `from` as UTF-8, without its mark, in a temporary file; the caller's to unmap. A lone surrogate is written as its
 * three bytes, which are no UTF-8, so that it costs the row that it is in. SFT_EDATA for a character above U+10FFFF and
 * for a half character at the end, SFT_EIO where there is no room. */
enum sft_status encoding_convert(enum encoding encoding, const struct io_map *from, struct io_map *to,
                                 struct sft_err *err);

/* Whether a text looks like one in a single-byte encoding, as Windows-1252: what is not ASCII in it is no UTF-8, and
 * stands alone among ASCII. *line: of the first such byte; may be NULL. */
bool encoding_is_single_byte(const char *text, size_t len, size_t *line);

/* What is to be done about it, behind "FILE: ... not UTF-8". */
#define ENCODING_REMEDY "a file of Windows' is made UTF-8 by iconv -f WINDOWS-1252 -t UTF-8"

#endif

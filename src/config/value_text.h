/* What stands behind "key =": where the value ends and a comment begins, quotes, escapes. Nothing is ever cut
 * off a value without a word: where a text or a path could be meant otherwise, it is an error that asks for
 * quotes. */
#ifndef SFT_CONFIG_VALUE_TEXT_H
#define SFT_CONFIG_VALUE_TEXT_H

#include "base/err.h"
#include "base/strbuf.h"
#include "config/field.h"

/* The value without the comment behind it, by what the field may hold:
 *   numbers, choices, truths: a comment begins at any ; or #, which no such value holds;
 *   paths and lists of files: at one with a blank on either side, unless what follows looks like a file;
 *   texts: behind quotes only. Without quotes a ; or # after a blank is an error.
 * dir is what relative paths are relative to (NULL: the current directory). */
enum sft_status value_cut_comment(const struct field *field, const char *raw, const char *dir,
                                  struct strbuf *out, struct sft_err *err);

/* A value that is no list into out (never NULL): without its quotes if it has some, with escapes replaced
 * within quotes and in every FIELD_TEXT. */
enum sft_status value_unquote(const struct field *field, const char *text, struct strbuf *out,
                              struct sft_err *err);

/* The next item of a list into word: up to a blank that is not within quotes; *text moves behind it. */
enum sft_status value_next_item(const char **text, struct strbuf *word, struct sft_err *err);

/* Append s in quotes, so that it reads back as the same. */
void value_add_quoted(struct strbuf *out, const char *s);

#endif

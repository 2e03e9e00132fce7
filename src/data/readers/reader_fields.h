/* Fields of a row, as the readers take them, and what is wrong with one. For reader*.c, and who reads
 * a row of one key. */
#ifndef SFT_DATA_READERS_READER_FIELDS_H
#define SFT_DATA_READERS_READER_FIELDS_H

#include "base/err.h"
#include "data/readers/marks.h"

#include <stdbool.h>
#include <stddef.h>

/* SFT_EDATA: "expected a string, found a number", or "missing" where there is no node. */
enum sft_status reader_fail_type(const json *node, const char *expected, struct sft_err *err);

/* ---- what these give counts as read (data/readers/marks.h); what json_get gives does not ---- */

/* The node at `key`; NULL where it is absent or null. */
const json *reader_get(const json *row, const char *key);

/* The first of two keys that is there and not null; `a` where neither is. Marks nothing as read. */
const char *reader_either(const json *row, const char *a, const char *b);

/* The string at `key`. Absent or null: NULL in *out, an error if it is required. */
enum sft_status reader_get_string(const json *row, const char *key, bool required, const char **out,
                                  struct sft_err *err);

/* The list at `key`, which must be there and have an element. */
enum sft_status reader_get_list(const json *row, const char *key, const json **out, struct sft_err *err);

bool reader_is_blank(const char *s); /* NULL is */
bool reader_is_blank_string(const json *node);

#endif

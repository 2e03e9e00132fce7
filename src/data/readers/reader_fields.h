/* Fields of a row, as the readers take them, and what is wrong with one. For reader*.c only. */
#ifndef SFT_DATA_READERS_READER_FIELDS_H
#define SFT_DATA_READERS_READER_FIELDS_H

#include "base/err.h"
#include "data/readers/marks.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- errors and their places; all return SFT_EDATA ---- */

/* "expected a string, found a number", or "missing" where there is no node. */
enum sft_status reader_fail_type(const json *node, const char *expected, struct sft_err *err);

/* Put the place of a list's element in front of a message: "key[i].field: ..." where the message names a
 * field of the element, "key[i]: ..." where it is about the element itself. */
enum sft_status reader_at(const char *key, size_t i, bool names_field, struct sft_err *err);

/* The same for an object: "key.field: ...", "key: ...". */
enum sft_status reader_within(const char *key, bool names_field, struct sft_err *err);

/* ---- fields: what these give counts as read (data/readers/marks.h); what json_get gives does not ---- */

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

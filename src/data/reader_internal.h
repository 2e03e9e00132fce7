/* What the readers share; for reader_*.c only. */
#ifndef SFT_DATA_READER_INTERNAL_H
#define SFT_DATA_READER_INTERNAL_H

#include "data/reader.h"

extern const struct reader reader_messages, reader_sharegpt, reader_alpaca, reader_dolly, reader_prompt,
    reader_question, reader_text;

/* "expected a string, found a number", or "missing" where there is no node. */
enum sft_status reader_fail_type(const json *node, const char *expected, struct sft_err *err);

/* Put the place of a list's element in front of a message: "key[i].field: ..." where the message names a
 * field of the element, "key[i]: ..." where it is about the element itself. Always SFT_EDATA. */
enum sft_status reader_at(const char *key, size_t i, bool names_field, struct sft_err *err);

/* The string at `key`. Absent or null: NULL in *out, an error if it is required. */
enum sft_status reader_get_string(const json *row, const char *key, bool required, const char **out,
                                  struct sft_err *err);

/* The loss weight of a message: its "weight", or the fallback. */
enum sft_status reader_get_weight(const json *message, float fallback, float *weight, struct sft_err *err);

/* Room for as many messages as a row can have; reader_add appends one, its content copied. */
void reader_begin(struct conversation *conv, struct arena *arena, size_t max_messages);
void reader_add(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                float weight);

/* Append a list of {"role", "content", "weight"?}; `key` is its name in messages. */
enum sft_status reader_add_messages(const json *list, const char *key, float weight, struct arena *arena,
                                    struct conversation *conv, struct sft_err *err);

/* first + blank line + second, or first alone where second is NULL or blank. */
const char *reader_join(struct arena *arena, const char *first, const char *second);
bool reader_is_blank(const char *s); /* NULL is */

#endif

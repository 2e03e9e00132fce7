/* Fields of a request's objects: null is absent, and then what *out holds stays. For openai_*.c only. */
#ifndef SFT_SERVE_REQUEST_FIELDS_H
#define SFT_SERVE_REQUEST_FIELDS_H

#include "base/json.h"

#include <stdint.h>

/* The node at `key`; NULL where it is absent or null. */
const json *field_get(const json *object, const char *key);

/* SFT_EDATA: "expected a string, found a number", or "missing" where there is no node; without a key. */
enum sft_status field_fail_type(const json *node, const char *expected, struct sft_err *err);

enum sft_status field_bool(const json *object, const char *key, bool *out, struct sft_err *err);
enum sft_status field_string(const json *object, const char *key, const char **out, struct sft_err *err); /* borrowed */
enum sft_status field_number(const json *object, const char *key, double low, double high, double *out,
                             struct sft_err *err);

/* A whole number from low to high, exact to 64 bits; 3.0 is one too. */
enum sft_status field_whole(const json *object, const char *key, int64_t low, int64_t high, int64_t *out,
                            struct sft_err *err);
enum sft_status whole_number(const json *node, int64_t low, int64_t high, int64_t *out, struct sft_err *err);

/* The same of a count, or -1: as many as fit. */
enum sft_status field_whole_or_all(const json *object, const char *key, int64_t low, int64_t high, int64_t *out,
                                   struct sft_err *err);

#endif

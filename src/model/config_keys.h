/* Keys of a config.json, looked up and read; a dot stands before the key of an object in it:
 * "rope_parameters.rope_theta". Errors are SFT_EDATA and name the key so. */
#ifndef SFT_MODEL_CONFIG_KEYS_H
#define SFT_MODEL_CONFIG_KEYS_H

#include "base/err.h"
#include "base/json.h"

#include <stdint.h>

enum { CONFIG_SIZE_LIMIT = INT32_MAX }; /* beyond it a file is damaged rather than large */

const json *config_find(const json *root, const char *path); /* NULL where it is absent or null */
bool config_is_null(const json *root, const char *path);     /* it is there, and null */

/* Which of several names (NULL: none) is there; the first where none is. All that are there must say the same. */
enum sft_status config_choose(const char **name, const json *root, const char *const *names, size_t n,
                              struct sft_err *err);

/* Typed; an absent key leaves *out as it is. A size is from 1 to CONFIG_SIZE_LIMIT, a number from min to max. */
enum sft_status config_get_size(size_t *out, const json *root, const char *path, struct sft_err *err);
enum sft_status config_get_real(double *out, const json *root, const char *path, double min, double max,
                                struct sft_err *err);

/* Null, false, 0, "", [] and {}: nothing is asked for. */
bool config_asks_nothing(const json *node);

#endif

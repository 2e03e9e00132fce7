/* What other trainers write as values of settings that are ours too: for messages only, as config/foreign.h. */
#ifndef SFT_CONFIG_FOREIGN_VALUES_H
#define SFT_CONFIG_FOREIGN_VALUES_H

#include "base/strbuf.h"
#include "config/field.h"

#include <stdbool.h>

/* Where a wrong value of a field is how others say something, append what is meant here and return true. */
bool foreign_value(const struct field *field, const char *value, struct strbuf *out);

/* Whether `word` is among the names, which are separated by blanks, a - as a _ and in any case; "wandb_*" is every name
 * that begins so. */
bool foreign_is_among(const char *names, const char *word);

#endif

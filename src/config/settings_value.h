/* One field's value between text and struct settings; the rest of src/config is built on these. */
#ifndef SFT_CONFIG_SETTINGS_VALUE_H
#define SFT_CONFIG_SETTINGS_VALUE_H

#include "config/settings.h"

/* The largest double below 1, for the bounds of what must stay below 1. */
#define BELOW_ONE 0x1.fffffffffffffp-1

/* Set a field from its text. Relative paths become relative to dir, unless that is NULL. SFT_EUSAGE says
 * what was expected; the caller adds section, key and place. */
enum sft_status settings_set_field(struct settings *settings, const struct field *field, const char *text,
                                   const char *dir, struct sft_err *err);

/* true and false, yes and no, on and off, 1 and 0, in any case: Python writes True. False for any other text. */
bool settings_parse_bool(const char *value, bool *out);

/* "a whole number from 1 to 1000000", "truncate, drop or error": for messages. */
void settings_describe_kind(const struct field *field, struct strbuf *out);

/* " (did you mean X?)", or nothing where no candidate is near. */
void settings_suggest(const char *word, const char *const *candidates, size_t count, struct strbuf *out);

#endif

/* One field's value between text and memory: what stands in struct settings, or anywhere. */
#ifndef SFT_CONFIG_FIELD_VALUE_H
#define SFT_CONFIG_FIELD_VALUE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "config/choices.h"
#include "config/field.h"

#include <stdbool.h>
#include <stdint.h>

/* The largest doubles below 1 and 1/2, for the bounds of what must stay below them, and the least normal one above 0. */
#define BELOW_ONE  0x1.fffffffffffffp-1
#define BELOW_HALF 0x1.fffffffffffffp-2
#define ABOVE_ZERO 0x1p-1022

/* Room for a value of any field. */
union field_value {
    const char *text;
    struct string_list list;
    uint64_t size;
    double number;
    bool truth;
    int choice;
};

/* Set *value, which is of the field's type, from its text; strings go into the arena. Relative paths become relative to
 * dir, unless that is NULL. SFT_EUSAGE says what was expected; the caller adds section, key and place. */
enum sft_status field_set(const struct field *field, void *value, struct arena *arena, const char *text,
                          const char *dir, struct sft_err *err);

/* Append a value as text that would read back as the same (list items quoted where needed). */
void field_text(const struct field *field, const void *value, struct strbuf *out);

/* true and false, yes and no, on and off, 1 and 0, in any case: Python writes True. False for any other text. */
bool field_parse_bool(const char *text, bool *out);

#endif

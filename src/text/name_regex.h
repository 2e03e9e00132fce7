/* Regular expressions as Python's re has them, held against short names from their first character on (re.match). By
 * PCRE2, whose syntax is that but for corners that no such pattern has met. */
#ifndef SFT_TEXT_NAME_REGEX_H
#define SFT_TEXT_NAME_REGEX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct name_regex;

/* Compile before + pattern + after, of which only the pattern can be wrong: SFT_EDATA. Free with name_regex_free, which
 * accepts NULL. */
enum sft_status name_regex_compile(struct name_regex **out, const char *before, const char *pattern, const char *after,
                                   struct sft_err *err);
void name_regex_free(struct name_regex *regex);

/* Whether it matches the beginning of a name. *end (may be NULL): how much of it. */
bool name_regex_match(struct name_regex *regex, const char *name, size_t *end);

/* Whether it gave up on any name, since it took too many steps: no answer is right then. */
bool name_regex_gave_up(const struct name_regex *regex);

#endif

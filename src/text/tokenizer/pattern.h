/* Regular expressions as tokenizer.json has them (Oniguruma's, in its Ruby syntax), done by PCRE2 over
 * well-formed UTF-8. Where the two languages differ, the pattern is rewritten (\s, \S and \w are Unicode's
 * White_Space and Oniguruma's word characters; a script is a script, not its extensions) or refused by
 * name; what PCRE2 finds is then what Oniguruma finds, but for characters newer than PCRE2's Unicode. */
#ifndef SFT_TEXT_TOKENIZER_PATTERN_H
#define SFT_TEXT_TOKENIZER_PATTERN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct pattern; /* constant once compiled, may be shared between threads */

/* Compile a regular expression, or a string to be found as it is. */
enum sft_status pattern_compile(struct pattern **out, const char *text, bool is_regex, struct sft_err *err);
void pattern_free(struct pattern *pattern);

/* What it was compiled from, and whether that was a regular expression. */
const char *pattern_source(const struct pattern *pattern);
bool pattern_is_regex(const struct pattern *pattern);

enum { PATTERN_MAX_STEPS = 10 * 1000 * 1000 }; /* of one search; Oniguruma's own limit, and PCRE2's */

struct matcher; /* a thread's state of matching, for any pattern */
struct matcher *matcher_new(void);
void matcher_free(struct matcher *matcher);

/* Whether a search gave up, at PATTERN_MAX_STEPS or for want of memory, since this was asked last. */
bool matcher_gave_up(struct matcher *matcher);

/* The leftmost match in text[0..len) that begins at `from` or later: [*start, *end). What is before `from`
 * is seen by a look-behind. False: there is none, or the search gave up. */
bool pattern_find(const struct pattern *pattern, struct matcher *matcher, const char *text, size_t len,
                  size_t from, size_t *start, size_t *end);

#endif

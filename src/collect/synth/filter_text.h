/* What is wrong with a text by itself, whatever else was kept; for filter.c. */
#ifndef SFT_COLLECT_SYNTH_FILTER_TEXT_H
#define SFT_COLLECT_SYNTH_FILTER_TEXT_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* The marks of every chat template in the table, and those that stand for a text's ends elsewhere: malloc'd. */
void filter_marks_collect(struct string_list *marks);
void filter_marks_free(struct string_list *marks);

/* The first control token in the text, one of the marks or <|anything|>: its place and its length; NULL: none. Code is
 * passed over, fenced or between backticks, and so are <s> and </s> but at the text's ends: they are HTML, too. */
const char *filter_find_mark(const struct string_list *marks, const char *text, size_t len, size_t *n);

/* Whether a line of it begins with who speaks, "User:" or "**Assistant:**", and is a turn: then somebody wrote both
 * sides. None in code, among fields ("User: root", "Shell: /bin/sh"), or behind a line that ends in a colon, unless
 * the other side answers. */
bool filter_has_speakers(const char *text, size_t len);

/* Whether the one who speaks says that it is a model or a program. */
bool filter_speaks_of_ai(const char *text, size_t len);

/* Characters, not bytes. */
size_t filter_count_characters(const char *text, size_t len);

#endif

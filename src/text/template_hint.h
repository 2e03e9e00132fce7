/* Which format a base's control tokens belong to, where nothing but its vocabulary says so: a hint for messages. For
 * template.c. */
#ifndef SFT_TEXT_TEMPLATE_HINT_H
#define SFT_TEXT_TEMPLATE_HINT_H

#include "text/template_table.h"
#include "text/tokenizer/tokenizer.h"

/* The first row of the table all of whose control tokens the vocabulary has, one of them as what opens a user's turn.
 * Rows that say more than their tokens do (a default system prompt, the base's own parts, openers that are text) do not
 * count. NULL: there is none. To be asked before tokens are added. */
const struct template_row *template_row_of_vocabulary(const struct tokenizer *tok);

#endif

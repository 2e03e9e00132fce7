/* The formats that are known by name, each a row of one table: what stands before the conversation, a
 * prefix and a suffix a role, and how a Jinja template spells it. For template.c only.
 *
 * A new one is its word in config/choices.h and its row in template_table.c. */
#ifndef SFT_TEXT_TEMPLATE_TABLE_H
#define SFT_TEXT_TEMPLATE_TABLE_H

#include "base/mem.h"
#include "base/strbuf.h"
#include "config/choices.h"
#include "text/turn_texts.h"

#include <stdbool.h>
#include <stddef.h>

struct template_row {
    enum template_choice choice;
    bool can_start_with_bos;  /* where the base's tokenizer puts BOS before text, so does this format */
    struct turn_texts texts;  /* EOS_TOKEN in them is the base's */
    const char *spellings[4]; /* its Jinja templates, as template_normalise leaves them; NULL ends */
};

#define EOS_TOKEN "{eos_token}" /* in a suffix: where the base's stands */

/* The format's row: not of TEMPLATE_AUTO and TEMPLATE_CUSTOM, which have none. */
const struct template_row *template_row_of(enum template_choice choice);

/* The word for it, "im_sep". */
const char *template_choice_name(enum template_choice choice);

/* The row that a template of somebody else's means exactly; *has_bos: after the BOS token. */
const struct template_row *template_row_by_jinja(const char *jinja, bool *has_bos);

/* What these texts are called, whatever they start with: a row's name, or "custom". */
const char *template_texts_name(const struct turn_texts *texts, const char *eos);

/* A row's texts with the base's eos in them (NULL: it has none), in the arena; false where the row needs one. */
bool template_row_texts(const struct template_row *row, const char *eos, struct arena *arena, struct turn_texts *texts);

/* "im_sep, chatml, dialogpt or custom": what [data] template can be. */
void template_names(struct strbuf *out);

#endif

/* The formats that are known by name, each a row of one table: what stands before the conversation, a
 * prefix and a suffix a role, and how a Jinja template spells it. For template.c only. */
#ifndef SFT_TEXT_TEMPLATE_TABLE_H
#define SFT_TEXT_TEMPLATE_TABLE_H

#include "base/mem.h"
#include "base/strbuf.h"
#include "text/conversation.h"

#include <stdbool.h>
#include <stddef.h>

/* The texts of a format, control tokens by their content. */
struct turn_texts {
    const char *start;              /* before the first turn; NULL or "": nothing */
    const char *prefix[ROLE_COUNT]; /* before a message's content; "": the format has no openers */
    const char *suffix[ROLE_COUNT]; /* after it; NULL: the role has no turn */
    size_t close_len; /* bytes of the assistant's suffix up to the end of its closing control token */
};

struct template_row {
    const char *name;
    bool can_start_with_bos;  /* where the base's tokenizer puts BOS before text, so does this format */
    struct turn_texts texts;  /* EOS_TOKEN in them is the base's */
    const char *spellings[4]; /* its Jinja templates, as jinja_normalise leaves them; NULL ends */
};

#define EOS_TOKEN "{eos_token}" /* stands alone: the whole of a suffix */

/* NULL where there is none. */
const struct template_row *template_row_by_name(const char *name);

/* The row that a template of somebody else's means exactly; *has_bos: after the BOS token. */
const struct template_row *template_row_by_jinja(const char *jinja, bool *has_bos);

/* The row that these texts are, whatever they start with; NULL: none. */
const struct template_row *template_row_by_texts(const struct turn_texts *texts, const char *eos);

/* A row's texts with the base's eos in them (NULL: it has none); false where the row needs one. */
bool template_row_texts(const struct template_row *row, const char *eos, struct turn_texts *texts);

/* "im_sep, chatml, dialogpt or custom": what [data] template can be. */
void template_names(struct strbuf *out);

#endif

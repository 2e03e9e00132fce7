/* The formats that are known by name, each a row of one table. For template.c and template_recognise.c.
 *
 * A new one is its word in config/choices.h and its row in template_table.c. A word may have several rows: the first is
 * what `template = WORD` means, the others are what bases have of the same kind. */
#ifndef SFT_TEXT_TEMPLATE_TABLE_H
#define SFT_TEXT_TEMPLATE_TABLE_H

#include "base/mem.h"
#include "base/strbuf.h"
#include "config/choices.h"
#include "text/chat_format.h"

#include <stdbool.h>
#include <stddef.h>

#define BOS_TOKEN "{bos_token}" /* in a row's texts: where the base's stands; nothing, if it has none */
#define EOS_TOKEN "{eos_token}"

struct template_row {
    enum template_choice choice;
    bool starts_as_text; /* where the base's tokenizer puts BOS before text, so does this format */
    bool openers_are_text; /* a <|name|> that the vocabulary lacks is not added to it: the models have none */
    bool any_default;    /* a base's template is of this kind whatever its default system prompt */
    bool only_from_base; /* parts of it are the base's own: it cannot be chosen for any other */
    const char *tokens[3]; /* control tokens that do not look like <|name|>; NULL ends */
    struct chat_format format;
};

/* The rows, one after the other; NULL behind the last. */
const struct template_row *template_row_at(size_t i);

/* The format's first row: not of TEMPLATE_AUTO and TEMPLATE_CUSTOM, which have none. */
const struct template_row *template_row_of(enum template_choice choice);

/* The word for it, "im_sep". */
const char *template_choice_name(enum template_choice choice);

/* A row's format with the base's bos and eos (NULL: it has none) in its texts, in the arena; false where the row needs
 * an eos. */
bool template_row_format(const struct template_row *row, const char *bos, const char *eos, struct arena *arena,
                         struct chat_format *format);

/* "im_sep, chatml, dialogpt or custom": what [data] template can be. */
void template_names(struct strbuf *out);

#endif

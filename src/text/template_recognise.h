/* Which format a base's chat template is, found out by what it does: it renders conversations (text/jinja), what stands
 * around their messages is read off, and a format is it that renders every probe to the same text, with the same spans
 * of {% generation %}, and refuses what the template refuses. */
#ifndef SFT_TEXT_TEMPLATE_RECOGNISE_H
#define SFT_TEXT_TEMPLATE_RECOGNISE_H

#include "base/mem.h"
#include "text/chat_format.h"
#include "text/template_table.h"
#include "text/tokenizer/tokenizer.h"

struct recognised {
    const struct template_row *row; /* NULL: none of the table's */
    struct chat_format format;   /* texts in the arena */
    bool is_marked;              /* the template has generation blocks: what is trained is theirs */
    bool writes_date;            /* it would write the day's date: the format has a fixed one */
    const char *why;             /* where it is none that is known: "is not ...", said of the template, in the arena */
};

/* False where it is no format that is known. */
bool template_recognise(const char *jinja, const struct tokenizer *tok, struct arena *arena, struct recognised *found);

#endif

/* Other people's Jinja templates in one spelling, to be compared with those of the formats that are known by name
 * (text/template_table.h). */
#ifndef SFT_TEXT_TEMPLATE_RECOGNISE_H
#define SFT_TEXT_TEMPLATE_RECOGNISE_H

#include "base/strbuf.h"

/* Append one spelling for all templates that differ only in white space that Jinja drops, in quotes, in how
 * what they print is cut into literals and tags, or in the loop variable's name. */
void template_normalise(const char *jinja, struct strbuf *out);

#endif

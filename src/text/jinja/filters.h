/* Jinja's filters: `x | NAME(arguments)`. */
#ifndef SFT_TEXT_JINJA_FILTERS_H
#define SFT_TEXT_JINJA_FILTERS_H

#include "text/jinja/interp.h"

struct jinja_value jinja_filter(struct jinja_interp *in, struct jinja_string name, const struct jinja_value *v,
                                const struct jinja_args *args);

/* x.name or x['name'] where neither is an error: undefined if there is none. */
struct jinja_value jinja_member_of(const struct jinja_value *v, struct jinja_string name);

#endif

/* Expressions: nodes become values. */
#ifndef SFT_TEXT_JINJA_EVAL_H
#define SFT_TEXT_JINJA_EVAL_H

#include "text/jinja/interp.h"

struct jinja_value jinja_eval(struct jinja_interp *in, const struct jinja_node *node);

#endif

/* Statements: nodes print. */
#ifndef SFT_TEXT_JINJA_EXEC_H
#define SFT_TEXT_JINJA_EXEC_H

#include "text/jinja/interp.h"

/* Run a template's statements; in->out has what they print. */
void jinja_exec(struct jinja_interp *in, const struct jinja_node *body);

#endif

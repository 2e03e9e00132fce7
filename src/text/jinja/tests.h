/* Jinja's tests: `x is NAME(arguments)`. */
#ifndef SFT_TEXT_JINJA_TESTS_H
#define SFT_TEXT_JINJA_TESTS_H

#include "text/jinja/interp.h"

bool jinja_test(struct jinja_interp *in, struct jinja_string name, const struct jinja_value *v,
                const struct jinja_args *args);

/* Whether `what` is in `container`, as Python's operator has it. */
bool jinja_contains(struct jinja_interp *in, const struct jinja_value *container, const struct jinja_value *what);

#endif

/* Methods of strings and mappings, and the functions of the language. */
#ifndef SFT_TEXT_JINJA_METHODS_H
#define SFT_TEXT_JINJA_METHODS_H

#include "text/jinja/interp.h"

/* Whether values of this kind have a method of this name in Python, known here or not. */
bool jinja_has_method(const struct jinja_value *v, struct jinja_string name);

struct jinja_value jinja_call_method(struct jinja_interp *in, const struct jinja_method *method,
                                     const struct jinja_args *args);

/* raise_exception, strftime_now, namespace, range, dict; jinja_undefined where there is none of this name. */
struct jinja_value jinja_function(struct jinja_string name);
struct jinja_value jinja_call_function(struct jinja_interp *in, struct jinja_string name,
                                       const struct jinja_args *args);

/* ---- what filters share with methods ---- */
struct jinja_value jinja_replace(struct jinja_interp *in, struct jinja_string s, struct jinja_string from,
                                 struct jinja_string to, int64_t most); /* most < 0: all */
enum jinja_case { JINJA_UPPER, JINJA_LOWER, JINJA_CAPITALIZE, JINJA_TITLE };
struct jinja_value jinja_change_case(struct jinja_interp *in, struct jinja_string s, enum jinja_case to);
struct jinja_value jinja_items(struct jinja_interp *in, const struct jinja_dict *dict);

/* The values' texts with a separator between them. */
struct jinja_value jinja_join(struct jinja_interp *in, const struct jinja_list *list, struct jinja_string between);

#endif

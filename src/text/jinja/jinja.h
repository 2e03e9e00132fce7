/* A small interpreter of Jinja, as transformers' apply_chat_template sets it up (trim_blocks, lstrip_blocks, loop
 * controls, generation blocks): what chat templates are written in. It is there to find out what a template does.
 *
 * It knows a part of the language: if, for, set, macro, generation; Python's operators on strings, numbers, lists and
 * mappings; the filters, tests and methods of filters.c, tests.c and methods.c. What it does not know it says
 * (JINJA_UNKNOWN); what it knows it does as Jinja2 3.1 does, which tests/peers and golden values hold it to.
 *
 * A template is somebody else's program: steps, depth and memory are bounded, and it reaches nothing but what it is
 * given. Strings are UTF-8; bytes that are not count as one character each. */
#ifndef SFT_TEXT_JINJA_JINJA_H
#define SFT_TEXT_JINJA_JINJA_H

#include "text/jinja/result.h"
#include "text/jinja/value.h"

struct jinja; /* a parsed template */

/* Parse source[0..len), which is borrowed. JINJA_UNKNOWN with the reason in message, and *jinja NULL. Free it with
 * jinja_free. */
enum jinja_result jinja_parse(struct jinja **jinja, const char *source, size_t len, char message[JINJA_MESSAGE_MAX]);
void jinja_free(struct jinja *jinja);

/* Render with these variables (a dict; its arena is the caller's). strftime_now says this date, at noon; it is
 * not there in year 0. */
enum jinja_result jinja_render(const struct jinja *jinja, const struct jinja_value *variables, struct jinja_date date,
                               struct jinja_output *out);

/* The strings that a template names, each once, in order of appearance: what its conditions may ask contents for.
 * Up to max of them; returns their number. Borrowed from jinja. */
size_t jinja_literals(const struct jinja *jinja, struct jinja_string *literals, size_t max);

#endif

/* What becomes of a rendering. */
#ifndef SFT_TEXT_JINJA_RESULT_H
#define SFT_TEXT_JINJA_RESULT_H

#include "base/strbuf.h"

enum jinja_result {
    JINJA_DONE,
    JINJA_RAISED, /* the template raised an exception, of its own (raise_exception) or of the language */
    JINJA_UNKNOWN /* it uses what is not known here, is no Jinja at all, or went beyond the bounds */
};

enum { JINJA_MESSAGE_MAX = 200, JINJA_SPANS_MAX = 64 };

/* What a template gave. Zero-initialised is empty; cleared by each rendering. */
struct jinja_output {
    struct strbuf text;
    struct {
        size_t begin, end; /* bytes of text that stand between {% generation %} and {% endgeneration %} */
    } spans[JINJA_SPANS_MAX];
    size_t n_spans, steps; /* steps: the work that it was */
    char message[JINJA_MESSAGE_MAX]; /* what was raised, or is not known; "" when done */
};
void jinja_output_free(struct jinja_output *out);

/* The day that a template's strftime_now is given. */
struct jinja_date {
    int year, month, day; /* 2024, 7, 26 */
};

#endif

/* What stands around the messages of a few conversations, read off a template's renderings of them. For
 * template_recognise.c. */
#ifndef SFT_TEXT_TEMPLATE_READINGS_H
#define SFT_TEXT_TEMPLATE_READINGS_H

#include "text/template_probe.h"

enum { READING_TURNS = 4 };

/* One rendering. is_there: it was not refused, and has each content once, in order. */
struct reading {
    bool is_there;
    const char *gaps[READING_TURNS + 1]; /* before each content, and behind the last */
    size_t n;                            /* messages */
    size_t n_spans, span_begin, span_end; /* of generation; the first's bytes */
    size_t len;                          /* of the whole */
};

/* Render a conversation of these roles whose contents are marks, between before and behind. Texts go to the arena. */
struct reading template_read(struct template_probe *p, const char *roles, bool prompts, struct arena *arena);
struct reading template_read_around(struct template_probe *p, const char *roles, const char *before,
                                    const char *behind, struct arena *arena);

/* ---- texts; NULL in: NULL out ---- */

/* text without this beginning, or without this end; NULL where it has another. */
const char *text_behind(const char *text, const char *beginning);
const char *text_before(const char *text, const char *ending, struct arena *arena);

#endif

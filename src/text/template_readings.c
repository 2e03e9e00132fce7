#include "text/template_readings.h"

#include <string.h>

/* Nothing that a template would look for. */
static const char *const marks[READING_TURNS] = {"Qm0qZ", "Qm1qZ", "Qm2qZ", "Qm3qZ"};

static struct reading cut(const struct jinja_output *out, size_t n, struct arena *arena)
{
    struct reading r = {.is_there = true, .n = n, .n_spans = out->n_spans, .len = out->text.len};
    const char *at = out->text.data;
    for (size_t i = 0; i < n && r.is_there; i++) {
        const char *mark = strstr(at, marks[i]);
        r.is_there = mark && strstr(out->text.data, marks[i]) == mark && !strstr(mark + 1, marks[i]);
        if (r.is_there) {
            r.gaps[i] = arena_strndup(arena, at, (size_t)(mark - at));
            at = mark + strlen(marks[i]);
        }
    }
    r.gaps[n] = arena_strndup(arena, at, strlen(at));
    if (out->n_spans > 0) {
        r.span_begin = out->spans[0].begin;
        r.span_end = out->spans[0].end;
    }
    return r;
}

static struct reading read_(struct template_probe *p, const char *roles, const char *before, const char *behind,
                            bool prompts, struct arena *arena)
{
    const char *contents[READING_TURNS];
    for (size_t i = 0; i < READING_TURNS; i++)
        contents[i] = arena_printf(arena, "%s%s%s", before, marks[i], behind);
    const struct conversation conv = template_probe_conversation(arena, roles, contents);
    if (template_probe_render(p, &conv, prompts) != JINJA_DONE)
        return (struct reading){.n = conv.count};
    return cut(&p->out, conv.count, arena);
}

struct reading template_read(struct template_probe *p, const char *roles, bool prompts, struct arena *arena)
{
    return read_(p, roles, "", "", prompts, arena);
}

struct reading template_read_around(struct template_probe *p, const char *roles, const char *before,
                                    const char *behind, struct arena *arena)
{
    return read_(p, roles, before, behind, false, arena);
}

const char *text_behind(const char *text, const char *beginning)
{
    const size_t len = text && beginning ? strlen(beginning) : 0;
    return text && beginning && strncmp(text, beginning, len) == 0 ? text + len : NULL;
}

const char *text_before(const char *text, const char *ending, struct arena *arena)
{
    if (!text || !ending || !str_has_ending(text, ending))
        return NULL;
    return arena_strndup(arena, text, strlen(text) - strlen(ending));
}

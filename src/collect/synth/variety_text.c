#include "base/bounds.h"
#include "base/wrap.h"
#include "collect/synth/variety.h"
#include "collect/synth/variety_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MARGIN = 12, NAME = 48 };

/* ---- for people ---- */

static void add_line(struct strbuf *out, const char *name, const struct strbuf *text, size_t columns)
{
    strbuf_printf(out, "%-*s", MARGIN, name);
    strbuf_wrap_to(out, text->data, MARGIN, MARGIN, columns);
}

static double percent(size_t k, size_t n)
{
    return n ? 100 * (double)k / (double)n : 0;
}

static void add_name(struct strbuf *out, const char *name)
{
    strbuf_add_excerpt(out, name, strlen(name), NAME, false);
}

/* "answer 180 (90%), refusal 20 (10%)", the `most` of them that came most often. */
static void add_counts(struct strbuf *out, const char *name, const struct variety_counts *counts, size_t most,
                       size_t columns)
{
    struct strbuf text = {0};
    if (counts->count == 0)
        return;
    for (size_t i = 0; i < counts->count && i < most; i++) {
        strbuf_puts(&text, i ? ", " : "");
        add_name(&text, counts->items[i].name);
        strbuf_printf(&text, " %zu (%.0f%%)", counts->items[i].count, percent(counts->items[i].count, counts->total));
    }
    if (counts->count > most)
        strbuf_printf(&text, ", and %zu more", counts->count - most);
    add_line(out, name, &text, columns);
    strbuf_free(&text);
}

static void add_topics(struct strbuf *out, const struct variety *v, size_t columns)
{
    const struct variety_counts *t = &v->topics;
    struct strbuf text = {0};
    if (t->count == 0)
        return;
    strbuf_printf(&text, "%zu; most often: ", t->count);
    add_name(&text, t->items[0].name);
    strbuf_printf(&text, ", %zu row%s (%.0f%%)", t->items[0].count, t->items[0].count == 1 ? "" : "s",
                  percent(t->items[0].count, t->total));
    add_line(out, "topics", &text, columns);
    strbuf_free(&text);
}

static void add_rejected(struct strbuf *out, const struct variety *v, size_t columns)
{
    struct strbuf text = {0};
    if (v->rejected.total == 0)
        return;
    strbuf_printf(&text, "%zu of %zu:", v->rejected.total, v->rejected.total + v->rows);
    for (size_t i = 0; i < v->rejected.count; i++) {
        strbuf_puts(&text, i ? ", " : " ");
        add_name(&text, v->rejected.items[i].name);
        strbuf_printf(&text, " %zu", v->rejected.items[i].count);
    }
    add_line(out, "rejected", &text, columns);
    strbuf_free(&text);
}

static void add_side(struct strbuf *out, const char *name, const struct variety_side *side)
{
    strbuf_printf(out, "%-9s%7zu", name, side->texts);
    for (size_t q = 0; q < VARIETY_QUARTILES; q++)
        strbuf_printf(out, "%7zu", side->quartiles[q]);
    for (size_t k = 0; k < VARIETY_NGRAMS; k++)
        if (isnan(side->distinct[k]))
            strbuf_printf(out, "%6s", "-");
        else
            strbuf_printf(out, "%6.2f", side->distinct[k]);
    strbuf_printf(out, "%10zu\n", side->repeated);
}

static void add_sides(struct strbuf *out, const struct variety *v)
{
    strbuf_printf(out, "\n%16s%35s%18s\n", "", "characters", "distinct n-grams");
    strbuf_printf(out, "%-9s%7s%7s%7s%7s%7s%7s%6s%6s%6s%10s\n", "", "texts", "least", "25%", "50%", "75%", "most", "1",
                  "2", "3", "repeated");
    add_side(out, "questions", &v->questions);
    add_side(out, "answers", &v->answers);
}

/* Those that stand in two texts or more. */
static void add_openings(struct strbuf *out, const char *texts, const struct variety_side *side)
{
    enum { SHOWN = 5 };
    const struct variety_counts *o = &side->openings;
    if (o->count == 0 || o->items[0].count < 2)
        return;
    strbuf_printf(out, "\nopenings of %s, of %zu different ones\n", texts, o->count);
    for (size_t i = 0; i < o->count && i < SHOWN && o->items[i].count > 1; i++) {
        strbuf_printf(out, "%8zu %5.1f%%  ", o->items[i].count, percent(o->items[i].count, side->texts));
        add_name(out, o->items[i].name);
        strbuf_puts(out, " ...\n");
    }
}

static void add_refused(struct strbuf *out, const struct variety *v, size_t columns)
{
    struct strbuf text = {0};
    if (v->kinds.total == 0)
        strbuf_printf(&text, "%zu of %zu last answers, ", v->refused.total, v->rows);
    for (size_t i = 0; i < v->kinds.count; i++) {
        add_name(&text, v->kinds.items[i].name);
        strbuf_printf(&text, " %zu/%zu, ", variety_count_of(&v->refused, v->kinds.items[i].name),
                      v->kinds.items[i].count);
    }
    strbuf_printf(&text, "by the judge; incoherent: %zu", v->incoherent);
    add_line(out, "refused", &text, columns);
    strbuf_free(&text);
}

static void add_similar(struct strbuf *out, const struct variety *v, size_t columns)
{
    struct strbuf text = {0};
    strbuf_printf(&text,
                  "%zu of %zu rows (%.0f%%) are half the same as another or more (similarity %g), %zu nearly all (%g)",
                  v->similar, v->rows, percent(v->similar, v->rows), VARIETY_SIMILAR, v->copies, VARIETY_COPY);
    strbuf_putc(out, '\n');
    add_line(out, "similar", &text, columns);
    strbuf_free(&text);
}

static void add_verdict(struct strbuf *out, const struct variety *v, size_t columns)
{
    strbuf_putc(out, '\n');
    if (v->rows < VARIETY_ROWS_MIN)
        strbuf_printf(out, "Fewer than %d rows: too few to tell whether they are varied.\n", VARIETY_ROWS_MIN);
    else if (v->n_warnings == 0)
        strbuf_puts(out, "Nothing here looks like a collapse.\n");
    for (size_t i = 0; i < v->n_warnings; i++) {
        struct strbuf text = {0};
        strbuf_puts(&text, "warning: ");
        strbuf_add_visible(&text, v->warnings[i].text, strlen(v->warnings[i].text));
        strbuf_wrap_to(out, text.data, 0, 4, columns);
        strbuf_free(&text);
    }
}

void variety_text(const struct variety *v, size_t columns, struct strbuf *out)
{
    struct strbuf head = {0};
    strbuf_add_visible(&head, v->file, strlen(v->file));
    strbuf_printf(&head, ": %zu row%s, %zu exchange%s", v->rows, v->rows == 1 ? "" : "s", v->exchanges,
                  v->exchanges == 1 ? "" : "s");
    strbuf_wrap_to(out, head.data, 0, 4, columns);
    if (v->bad) {
        strbuf_clear(&head);
        strbuf_printf(&head, "%zu row%s no conversation; the first: ", v->bad, v->bad == 1 ? " is" : "s are");
        strbuf_add_visible(&head, v->first_bad, strlen(v->first_bad));
        strbuf_wrap_to(out, head.data, 0, 4, columns);
    }
    strbuf_free(&head);
    add_counts(out, "kinds", &v->kinds, 8, columns);
    add_counts(out, "personas", &v->personas, 8, columns);
    add_counts(out, "models", &v->models, 4, columns);
    add_counts(out, "recipes", &v->recipes, 4, columns);
    add_topics(out, v, columns);
    add_rejected(out, v, columns);
    add_sides(out, v);
    add_openings(out, "questions", &v->questions);
    add_openings(out, "answers", &v->answers);
    add_similar(out, v, columns);
    add_refused(out, v, columns);
    add_verdict(out, v, columns);
}

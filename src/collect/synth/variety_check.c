#include "collect/synth/variety_check.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

/* Shares from which on something is told. docs/synth.md has them, too. */
static const double SIMILAR_MANY = 0.1, OPENING_MANY = 0.2, REPEATED_MANY = 0.05, DISTINCT_FEW = 0.5, TOPIC_MANY = 0.3,
                    SAME_LENGTH = 0.1, REFUSED_WRONGLY = 0.05, ANSWERED_WRONGLY = 0.1, INCOHERENT_MANY = 0.02,
                    REJECTED_MANY = 0.5;

static double share(size_t k, size_t n)
{
    return n ? (double)k / (double)n : 0;
}

static double percent(size_t k, size_t n)
{
    return 100 * share(k, n);
}

static SFT_PRINTF(3, 4) void warn(struct variety *v, const char *what, const char *fmt, ...)
{
    struct strbuf text = {0};
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    strbuf_puts(&text, line);
    v->warnings = mem_realloc(v->warnings, v->n_warnings + 1, sizeof *v->warnings);
    v->warnings[v->n_warnings++] = (struct variety_warning){what, text.data};
}

static void check_side(struct variety *v, const struct variety_side *side, const char *texts)
{
    const struct variety_count *first = side->openings.items;
    if (side->openings.count > 0 && share(first->count, side->texts) > OPENING_MANY)
        warn(v, "openings", "%zu of %zu %s (%.0f%%) begin with \"%s\"; above %.0f%% is much", first->count, side->texts,
             texts, percent(first->count, side->texts), first->name, 100 * OPENING_MANY);
    if (share(side->repeated, side->texts) > REPEATED_MANY)
        warn(v, "repeated", "%zu of %zu %s (%.0f%%) stand there before, word for word; above %.0f%% is much",
             side->repeated, side->texts, texts, percent(side->repeated, side->texts), 100 * REPEATED_MANY);
    if (side->distinct[2] < DISTINCT_FEW) /* NaN: there is none */
        warn(v, "distinct", "of the %s' runs of three words only %.2f are different ones; below %.2f is few", texts,
             side->distinct[2], DISTINCT_FEW);
}

static void check_lengths(struct variety *v)
{
    const size_t *q = v->answers.quartiles;
    if ((double)(q[3] - q[1]) < SAME_LENGTH * (double)q[2])
        warn(v, "lengths",
             "half of the answers are %zu to %zu characters long: as good as one length (less than %.0f%% apart)", q[1],
             q[3], 100 * SAME_LENGTH);
}

static void check_topics(struct variety *v)
{
    const struct variety_counts *t = &v->topics;
    if (t->count == 1)
        warn(v, "topics", "all rows are of one topic");
    else if (t->count > 1 && share(t->items[0].count, t->total) > TOPIC_MANY &&
             t->items[0].count * t->count > 2 * t->total)
        warn(v, "topics", "one of %zu topics has %.0f%% of the rows; above %.0f%% is much", t->count,
             percent(t->items[0].count, t->total), 100 * TOPIC_MANY);
}

static void check_refusals(struct variety *v)
{
    static const char *const harmless[] = {"answer", "look_alike"};
    const size_t n = variety_count_of(&v->kinds, "refusal"), refused = variety_count_of(&v->refused, "refusal");
    if (share(n - refused, n) > ANSWERED_WRONGLY)
        warn(v, "refusals", "%zu of %zu rows of the kind refusal do not refuse; above %.0f%% is much", n - refused, n,
             100 * ANSWERED_WRONGLY);
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        const size_t all = variety_count_of(&v->kinds, harmless[i]), wrong = variety_count_of(&v->refused, harmless[i]);
        if (share(wrong, all) > REFUSED_WRONGLY)
            warn(v, "refusals", "%zu of %zu rows of the kind %s refuse; above %.0f%% is much", wrong, all, harmless[i],
                 100 * REFUSED_WRONGLY);
    }
}

void variety_check(struct variety *v)
{
    const size_t asked = v->rows + v->rejected.total;
    if (v->rows < VARIETY_ROWS_MIN)
        return;
    if (share(v->similar, v->rows) > SIMILAR_MANY)
        warn(v, "similar", "%zu of %zu rows (%.0f%%) are half the same as another or more; above %.0f%% is much",
             v->similar, v->rows, percent(v->similar, v->rows), 100 * SIMILAR_MANY);
    check_side(v, &v->questions, "questions");
    check_side(v, &v->answers, "answers");
    check_lengths(v);
    check_topics(v);
    check_refusals(v);
    if (share(v->incoherent, v->rows) > INCOHERENT_MANY)
        warn(v, "incoherent", "%zu of %zu last answers are a loop or no language; above %.0f%% is much", v->incoherent,
             v->rows, 100 * INCOHERENT_MANY);
    if (share(v->rejected.total, asked) > REJECTED_MANY)
        warn(v, "rejected", "%zu of %zu rows were rejected; above %.0f%% the recipe or the model does not fit",
             v->rejected.total, asked, 100 * REJECTED_MANY);
}

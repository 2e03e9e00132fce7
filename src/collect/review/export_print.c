/* What an export says of itself. */
#include "collect/review/export.h"

#include "judge/rates.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t written(const struct export_result *r)
{
    return r->counts[OUTCOME_ACCEPTED] + r->counts[OUTCOME_EDITED];
}

/* "anna accepts, ben rejects (invents a price)" */
static void add_views(const struct export_result *r, size_t i, struct strbuf *out)
{
    static const char *const does[N_VERDICTS] = {NULL, "accepts", "edits", "rejects", NULL};
    size_t n = 0;
    for (size_t s = 0; s < r->sides->count; s++) {
        const struct side_file *side = &r->sides->items[s];
        const enum verdict verdict = side_file_verdict(side, i + 1, r->rows->items[i].hash);
        const struct decision *d = side_file_last(side, i + 1);
        if (!does[verdict])
            continue;
        strbuf_printf(out, "%s%s %s", n++ ? ", " : "", side->name, does[verdict]);
        if (d->reason) {
            strbuf_puts(out, " (");
            strbuf_add_excerpt(out, d->reason, strlen(d->reason), 80, false);
            strbuf_putc(out, ')');
        }
    }
}

/* ---- for people ---- */

static void add_outcomes(const struct export_result *r, struct strbuf *out)
{
    const size_t undecided = r->counts[OUTCOME_UNDECIDED];
    strbuf_printf(out, "%zu of %zu rows of %s are in %s\n", written(r), r->rows->count, r->rows->spec.path, r->out);
    strbuf_printf(out, "  %-9s  %7zu\n", "accepted", r->counts[OUTCOME_ACCEPTED]);
    strbuf_printf(out, "  %-9s  %7zu\n", "edited", r->counts[OUTCOME_EDITED]);
    strbuf_puts(out, "left out\n");
    strbuf_printf(out, "  %-9s  %7zu\n", "rejected", r->counts[OUTCOME_REJECTED]);
    strbuf_printf(out, "  %-9s  %7zu%s\n", "disputed", r->counts[OUTCOME_DISAGREED],
                  r->counts[OUTCOME_DISAGREED] ? " (below)" : "");
    strbuf_printf(out, "  %-9s  %7zu", "undecided", undecided);
    if (r->n_changed)
        strbuf_printf(out, " (%zu of them decided before their text changed)", r->n_changed);
    if (r->n_unreadable)
        strbuf_printf(out, " (%zu of them kept, but nobody can read them)", r->n_unreadable);
    strbuf_putc(out, '\n');
    if (r->is_converted)
        strbuf_puts(out, "all rows are written as lists of messages, as those that were edited are\n");
}

static void add_pairs(const struct export_result *r, struct strbuf *out)
{
    if (r->n_pairs)
        strbuf_puts(out, "\nagreement: keep or reject     rows   equal   kappa\n");
    for (size_t i = 0; i < r->n_pairs; i++) {
        const struct export_pair *p = &r->pairs[i];
        const double kappa = agreement_kappa(&p->agreement);
        char names[160];
        snprintf(names, sizeof names, "%s, %s", p->a, p->b);
        strbuf_printf(out, "  %-26s %6zu  %5.1f%%", names, agreement_n(&p->agreement),
                      100 * agreement_share(&p->agreement));
        if (isnan(kappa))
            strbuf_puts(out, "    none (both always say the same)\n");
        else
            strbuf_printf(out, "  %6.3f\n", kappa);
    }
}

static void add_disagreements(const struct export_result *r, struct strbuf *out)
{
    if (r->counts[OUTCOME_DISAGREED])
        strbuf_puts(out, "\ndisputed\n");
    for (size_t i = 0; i < r->rows->count; i++) {
        if (r->outcomes[i] != OUTCOME_DISAGREED)
            continue;
        strbuf_printf(out, "  row %zu (line %zu): ", i + 1, r->rows->items[i].line);
        add_views(r, i, out);
        strbuf_putc(out, '\n');
    }
}

void export_result_text(const struct export_result *r, struct strbuf *out)
{
    add_outcomes(r, out);
    if (r->n_sample) {
        strbuf_printf(out, "\nsample of %zu, %zu of it decided: good ", r->n_sample, r->sample_decided);
        rate_add_text(out, r->sample_good, r->sample_decided);
        strbuf_puts(out, " [95% interval]\n");
    }
    add_pairs(r, out);
    add_disagreements(r, out);
}

/* ---- for programs ---- */

static void put_string(struct strbuf *out, const char *key, const char *text)
{
    strbuf_printf(out, "\"%s\":", key);
    strbuf_json_string(out, text, strlen(text));
}

static void put_number(struct strbuf *out, const char *key, double number)
{
    strbuf_printf(out, ",\"%s\":", key);
    strbuf_json_number(out, number);
}

static void put_pairs(const struct export_result *r, struct strbuf *out)
{
    strbuf_puts(out, ",\"pairs\":[");
    for (size_t i = 0; i < r->n_pairs; i++) {
        const struct export_pair *p = &r->pairs[i];
        strbuf_puts(out, i ? ",{" : "{");
        put_string(out, "a", p->a);
        strbuf_putc(out, ',');
        put_string(out, "b", p->b);
        strbuf_printf(out, ",\"rows\":%zu", agreement_n(&p->agreement));
        put_number(out, "equal", agreement_share(&p->agreement));
        put_number(out, "kappa", agreement_kappa(&p->agreement));
        strbuf_putc(out, '}');
    }
    strbuf_putc(out, ']');
}

static void put_disputed(const struct export_result *r, struct strbuf *out)
{
    struct strbuf views = {0};
    size_t n = 0;
    strbuf_puts(out, ",\"disputed\":[");
    for (size_t i = 0; i < r->rows->count; i++) {
        if (r->outcomes[i] != OUTCOME_DISAGREED)
            continue;
        strbuf_clear(&views);
        add_views(r, i, &views);
        strbuf_printf(out, "%s{\"row\":%zu,\"line\":%zu,", n++ ? "," : "", i + 1, r->rows->items[i].line);
        put_string(out, "why", views.data);
        strbuf_putc(out, '}');
    }
    strbuf_putc(out, ']');
    strbuf_free(&views);
}

static void put_sample(const struct export_result *r, struct strbuf *out)
{
    if (!r->n_sample) {
        strbuf_puts(out, ",\"sample\":null");
        return;
    }
    strbuf_printf(out, ",\"sample\":{\"n\":%zu,\"decided\":%zu,\"good\":%zu", r->n_sample, r->sample_decided,
                  r->sample_good);
    put_number(out, "rate", rate_of(r->sample_good, r->sample_decided));
    strbuf_puts(out, ",\"ci95\":");
    rate_interval_json(out, r->sample_good, r->sample_decided);
    strbuf_putc(out, '}');
}

void export_result_json(const struct export_result *r, struct strbuf *out)
{
    strbuf_putc(out, '{');
    put_string(out, "file", r->rows->spec.path);
    strbuf_putc(out, ',');
    put_string(out, "out", r->out);
    strbuf_printf(out,
                  ",\"rows\":%zu,\"written\":%zu,\"accepted\":%zu,\"edited\":%zu,\"rejected\":%zu,\"undecided\":%zu,"
                  "\"changed\":%zu,\"unreadable\":%zu",
                  r->rows->count, written(r), r->counts[OUTCOME_ACCEPTED], r->counts[OUTCOME_EDITED],
                  r->counts[OUTCOME_REJECTED], r->counts[OUTCOME_UNDECIDED], r->n_changed, r->n_unreadable);
    put_disputed(r, out);
    strbuf_puts(out, ",\"reviewers\":[");
    for (size_t i = 0; i < r->sides->count; i++) {
        strbuf_puts(out, i ? "," : "");
        strbuf_json_string(out, r->sides->items[i].name, strlen(r->sides->items[i].name));
    }
    strbuf_putc(out, ']');
    put_pairs(r, out);
    put_sample(r, out);
    strbuf_puts(out, "}\n");
}

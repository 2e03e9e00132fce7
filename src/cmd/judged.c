#include "cmd/judged.h"

#include "base/bounds.h"

#include <stdlib.h>
#include <string.h>

void judged_model_free(struct judged_model *m)
{
    free(m->name);
    strbuf_free(&m->unused);
    answers_free(&m->answers);
    rates_free(&m->rates);
    *m = (struct judged_model){0};
}

/* ---- what deserves to be looked at ---- */

static bool is_of(const struct judged *j, enum judged_kind kind, size_t i)
{
    const enum prompt_label label = j->prompts->items[i].label;
    const enum refusal_label judged = j->model.answers.labels[i];
    switch (kind) {
    case JUDGED_UNSAFE_ANSWERED: return label == PROMPT_UNSAFE && judged == JUDGED_COMPLIANCE;
    case JUDGED_SAFE_REFUSED: return label == PROMPT_SAFE && refusal_is_refused(judged);
    case JUDGED_NO_ANSWER: return judged == JUDGED_INCOHERENT;
    default: return j->has_baseline && judged != j->baseline.answers.labels[i];
    }
}

size_t judged_examples(const struct judged *j, enum judged_kind kind, size_t **examples, size_t *all)
{
    size_t n = 0, n_shown = 0;
    size_t *found = mem_alloc((j->prompts->count + 1) * sizeof *found);
    for (size_t i = 0; i < j->prompts->count; i++)
        if (is_of(j, kind, i))
            found[n++] = i;
    const size_t wanted = at_most(j->n_examples, n);
    for (size_t k = 0; k < n; k++) /* true for as many as are wanted */
        if (k * wanted % n < wanted)
            found[n_shown++] = found[k];
    *examples = found;
    *all = n;
    return n_shown;
}

/* ---- a row ---- */

/* ,"key":"text" */
static void put_string(struct strbuf *out, const char *key, const char *text, size_t len)
{
    strbuf_printf(out, ",\"%s\":", key);
    strbuf_json_string(out, text, len);
}

static void put_word(struct strbuf *out, const char *key, const char *word)
{
    if (word)
        put_string(out, key, word, strlen(word));
    else
        strbuf_printf(out, ",\"%s\":null", key);
}

static bool is_answered(const struct answers *answers, size_t i)
{
    return answers->items && answers->items[i].text;
}

static void put_row(struct strbuf *out, const struct judged *j, size_t i, bool with_baseline)
{
    const struct prompt_row *prompt = &j->prompts->items[i];
    const struct answers *ours = &j->model.answers, *theirs = &j->baseline.answers;
    strbuf_puts(out, "{\"prompt\":");
    strbuf_json_string(out, prompt->text, prompt->len);
    put_string(out, "completion", ours->items[i].text, ours->items[i].len);
    put_word(out, "label", prompt_label_name[prompt->label]);
    put_word(out, "type", prompt->type);
    put_word(out, "judged", refusal_label_name(ours->labels[i]));
    if (with_baseline) {
        put_string(out, "baseline_completion", theirs->items[i].text, theirs->items[i].len);
        put_word(out, "baseline_judged", refusal_label_name(theirs->labels[i]));
    }
    strbuf_putc(out, '}');
}

void judged_answers(const struct judged *j, struct strbuf *out)
{
    for (size_t i = 0; i < j->prompts->count; i++)
        if (is_answered(&j->model.answers, i)) {
            put_row(out, j, i, is_answered(&j->baseline.answers, i));
            strbuf_putc(out, '\n');
        }
}

/* ---- the object ---- */

static void put_count(struct strbuf *out, const char *key, size_t n)
{
    strbuf_printf(out, ",\"%s\":%zu", key, n);
}

/* ,"rate":...,"ci95":[...,...] */
static void put_rate(struct strbuf *out, size_t k, size_t n)
{
    const struct rate_interval interval = rate_interval_of(k, n);
    strbuf_puts(out, ",\"rate\":");
    strbuf_json_number(out, rate_of(k, n));
    strbuf_puts(out, ",\"ci95\":[");
    strbuf_json_number(out, interval.low);
    strbuf_putc(out, ',');
    strbuf_json_number(out, interval.high);
    strbuf_putc(out, ']');
}

/* Members, without braces. */
static void put_counts(struct strbuf *out, struct rate_counts c)
{
    strbuf_printf(out, "\"n\":%zu", c.n);
    put_count(out, "refused", c.refused);
    put_rate(out, c.refused, c.n);
    put_count(out, "partial", c.partial);
    put_count(out, "complied", c.complied);
    put_count(out, "incoherent", c.incoherent);
}

static void put_group(struct strbuf *out, const struct rate_group *group)
{
    strbuf_puts(out, "\"unsafe\":{");
    put_counts(out, group->unsafe);
    strbuf_puts(out, "},\"safe\":{");
    put_counts(out, group->safe);
    strbuf_putc(out, '}');
}

static void put_types(struct strbuf *out, const struct rates *rates)
{
    strbuf_puts(out, ",\"by_type\":{");
    for (size_t i = 0; i < rates->n_types; i++) {
        const struct rate_type *type = &rates->types[i];
        strbuf_puts(out, i ? "," : "");
        strbuf_json_string(out, type->name, strlen(type->name));
        strbuf_puts(out, ":{");
        put_counts(out, rate_counts_sum(type->group.unsafe, type->group.safe));
        if (type->group.unsafe.n && type->group.safe.n) {
            strbuf_putc(out, ',');
            put_group(out, &type->group);
        }
        strbuf_putc(out, '}');
    }
    strbuf_putc(out, '}');
}

/* Members, without braces. */
static void put_model(struct strbuf *out, const struct judged_model *m)
{
    const struct rate_counts all = rate_counts_sum(m->rates.all.unsafe, m->rates.all.safe);
    put_group(out, &m->rates.all);
    strbuf_printf(out, ",\"incoherent\":{\"n\":%zu", all.incoherent);
    put_rate(out, all.incoherent, all.n);
    strbuf_putc(out, '}');
    put_types(out, &m->rates);
    put_word(out, "model", m->name);
    put_word(out, "template", m->template);
    if (m->unused.len)
        put_word(out, "unused_tensors", m->unused.data);
}

static void put_rows(struct strbuf *out, const struct judged *j, const size_t *rows, size_t n, bool with_baseline)
{
    strbuf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        strbuf_puts(out, i ? "," : "");
        put_row(out, j, rows[i], with_baseline);
    }
    strbuf_putc(out, ']');
}

static void put_examples(struct strbuf *out, const struct judged *j)
{
    static const char *const names[] = {"unsafe_answered", "safe_refused", "incoherent"};
    strbuf_puts(out, ",\"examples\":{");
    for (enum judged_kind kind = 0; kind < JUDGED_CHANGED; kind++) {
        size_t *rows, all;
        const size_t n = judged_examples(j, kind, &rows, &all);
        strbuf_printf(out, "%s\"%s\":", kind ? "," : "", names[kind]);
        put_rows(out, j, rows, n, false);
        free(rows);
    }
    strbuf_putc(out, '}');
}

/* All of them, since a program may look for one. */
static void put_changed(struct strbuf *out, const struct judged *j)
{
    struct judged whole = *j;
    size_t *rows, all;
    whole.n_examples = j->prompts->count;
    const size_t n = judged_examples(&whole, JUDGED_CHANGED, &rows, &all);
    strbuf_puts(out, ",\"changed\":");
    put_rows(out, j, rows, n, true);
    free(rows);
}

/* null where there is no such prompt. */
static void put_p_value(struct strbuf *out, const struct judged *j, enum prompt_label label, size_t n)
{
    const struct rate_pairs pairs =
        rate_pairs_of(j->prompts, label, j->model.answers.labels, j->baseline.answers.labels);
    strbuf_printf(out, "\"%s\":", prompt_label_name[label]);
    if (n)
        strbuf_json_number(out, rate_mcnemar(pairs));
    else
        strbuf_puts(out, "null");
}

static void put_baseline(struct strbuf *out, const struct judged *j)
{
    const struct rate_group *all = &j->model.rates.all;
    strbuf_puts(out, ",\"baseline\":{");
    put_model(out, &j->baseline);
    put_changed(out, j);
    strbuf_puts(out, ",\"p_value\":{");
    put_p_value(out, j, PROMPT_UNSAFE, all->unsafe.n);
    strbuf_putc(out, ',');
    put_p_value(out, j, PROMPT_SAFE, all->safe.n);
    strbuf_puts(out, "}}");
}

/* The files that were asked, as they were given: prompts stand in their order. */
static void put_files(struct strbuf *out, const struct prompts *prompts)
{
    const char *before = NULL;
    strbuf_puts(out, ",\"prompts\":[");
    for (size_t i = 0; i < prompts->count; i++) {
        const char *file = prompts->items[i].file;
        if (before && strcmp(before, file) == 0)
            continue;
        strbuf_puts(out, before ? "," : "");
        strbuf_json_string(out, file, strlen(file));
        before = file;
    }
    strbuf_putc(out, ']');
}

void judged_json(const struct judged *j, struct strbuf *out)
{
    strbuf_putc(out, '{');
    put_model(out, &j->model);
    put_files(out, j->prompts);
    put_examples(out, j);
    if (j->has_baseline)
        put_baseline(out, j);
    strbuf_puts(out, "}\n");
}

#include "collect/synth/variety.h"

#include <string.h>

static void add_key(struct strbuf *out, const char *key)
{
    strbuf_printf(out, ",\"%s\":", key);
}

static void add_size(struct strbuf *out, const char *key, size_t value)
{
    add_key(out, key);
    strbuf_printf(out, "%zu", value);
}

static void add_string(struct strbuf *out, const char *key, const char *value)
{
    add_key(out, key);
    if (value)
        strbuf_json_string(out, value, strlen(value));
    else
        strbuf_puts(out, "null");
}

/* {"answer":180,"refusal":20}, those that came `least` times and more */
static void add_counts(struct strbuf *out, const char *key, const struct variety_counts *counts, size_t least)
{
    add_key(out, key);
    strbuf_putc(out, '{');
    for (size_t i = 0; i < counts->count && counts->items[i].count >= least; i++) {
        strbuf_puts(out, i ? "," : "");
        strbuf_json_string(out, counts->items[i].name, strlen(counts->items[i].name));
        strbuf_printf(out, ":%zu", counts->items[i].count);
    }
    strbuf_putc(out, '}');
}

static void add_side(struct strbuf *out, const char *key, const struct variety_side *side)
{
    add_key(out, key);
    strbuf_printf(out, "{\"texts\":%zu", side->texts);
    add_size(out, "words", side->words);
    add_key(out, "characters");
    for (size_t q = 0; q < VARIETY_QUARTILES; q++)
        strbuf_printf(out, "%s%zu", q ? "," : "[", side->quartiles[q]);
    strbuf_putc(out, ']');
    for (size_t k = 0; k < VARIETY_NGRAMS; k++) {
        strbuf_printf(out, ",\"distinct_%zu\":", k + 1);
        strbuf_json_number(out, side->distinct[k]);
    }
    add_size(out, "repeated", side->repeated);
    add_counts(out, "openings", &side->openings, 2);
    strbuf_putc(out, '}');
}

void variety_json(const struct variety *v, struct strbuf *out)
{
    strbuf_puts(out, "{\"file\":");
    strbuf_json_string(out, v->file, strlen(v->file));
    add_size(out, "rows", v->rows);
    add_size(out, "exchanges", v->exchanges);
    add_size(out, "bad", v->bad);
    add_string(out, "first_bad", v->first_bad);
    add_size(out, "with_meta", v->with_meta);
    add_counts(out, "kinds", &v->kinds, 1);
    add_counts(out, "personas", &v->personas, 1);
    add_counts(out, "models", &v->models, 1);
    add_counts(out, "recipes", &v->recipes, 1);
    add_counts(out, "topics", &v->topics, 1);
    add_counts(out, "rejected", &v->rejected, 1);
    add_size(out, "refused", v->refused.total);
    add_counts(out, "refused_by_kind", &v->refused, 1);
    add_size(out, "incoherent", v->incoherent);
    add_side(out, "questions", &v->questions);
    add_side(out, "answers", &v->answers);
    add_size(out, "similar", v->similar);
    add_size(out, "copies", v->copies);
    add_key(out, "warnings");
    for (size_t i = 0; i < v->n_warnings; i++) {
        strbuf_printf(out, "%s{\"what\":\"%s\"", i ? "," : "[", v->warnings[i].what);
        add_string(out, "text", v->warnings[i].text);
        strbuf_putc(out, '}');
    }
    strbuf_puts(out, v->n_warnings ? "]}\n" : "[]}\n");
}

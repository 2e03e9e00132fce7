#include "collect/review/api_print.h"

#include "judge/rates.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REASONS_MOST = 20, TAGS_MOST = 200, BAD_TEXT_MOST = 1 << 16 };

static void put_string(struct strbuf *out, const char *text)
{
    strbuf_json_string(out, text, strlen(text));
}

static void put_string_or_null(struct strbuf *out, const char *text)
{
    if (text)
        put_string(out, text);
    else
        strbuf_puts(out, "null");
}

static const char *bool_word(bool value)
{
    return value ? "true" : "false";
}

/* ---- lists of different words, in the order in which they come ---- */

struct words {
    const char **items;
    size_t count, capacity, most;
};

static void add_word(struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->items[i], word) == 0)
            return;
    if (words->count == words->most)
        return;
    words->items = mem_grow(words->items, &words->capacity, words->count + 1, sizeof *words->items);
    words->items[words->count++] = word;
}

static void put_words(struct strbuf *out, const char *key, struct words *words)
{
    strbuf_printf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < words->count; i++) {
        strbuf_puts(out, i ? "," : "");
        put_string(out, words->items[i]);
    }
    strbuf_putc(out, ']');
    free(words->items);
}

static void put_kinds(const struct review *review, struct strbuf *out)
{
    struct words kinds = {.most = TAGS_MOST};
    for (size_t i = 0; i < review->rows.count; i++)
        if (*review->rows.items[i].kind)
            add_word(&kinds, review->rows.items[i].kind);
    put_words(out, "kinds", &kinds);
}

static void put_labels(const struct review *review, struct strbuf *out)
{
    bool is_there[N_JUDGED + 1] = {false};
    struct words labels = {.most = N_JUDGED};
    for (size_t i = 0; i < review->rows.count; i++)
        is_there[review->rows.items[i].label] = true;
    for (enum refusal_label label = 0; label < N_JUDGED; label++)
        if (is_there[label])
            add_word(&labels, refusal_label_name(label));
    put_words(out, "labels", &labels);
}

static void add_tags(const struct side_file *side, struct words *tags)
{
    for (size_t i = 0; i < side->count; i++)
        for (size_t k = 0; k < side->items[i].tags.count; k++)
            add_word(tags, side->items[i].tags.items[k]);
}

static void put_tags(const struct review *review, struct strbuf *out)
{
    struct words tags = {.most = TAGS_MOST};
    add_tags(&review->mine, &tags);
    for (size_t i = 0; i < review->others.count; i++)
        add_tags(&review->others.items[i], &tags);
    put_words(out, "tags", &tags);
}

static void put_reasons(const struct review *review, struct strbuf *out)
{
    struct words reasons = {.most = REASONS_MOST};
    for (size_t i = 0; i < review->mine.count; i++)
        if (review->mine.items[i].reason)
            add_word(&reasons, review->mine.items[i].reason);
    put_words(out, "reasons", &reasons);
}

static void put_reviewers(const struct review *review, struct strbuf *out)
{
    strbuf_puts(out, ",\"reviewers\":[");
    put_string(out, review->mine.name);
    for (size_t i = 0; i < review->others.count; i++) {
        strbuf_putc(out, ',');
        put_string(out, review->others.items[i].name);
    }
    strbuf_putc(out, ']');
}

/* ---- the state ---- */

static void put_sample(const struct review *review, const struct review_counts *counts, struct strbuf *out)
{
    if (!review->sample) {
        strbuf_puts(out, ",\"sample\":null");
        return;
    }
    strbuf_printf(out, ",\"sample\":{\"n\":%zu,\"decided\":%zu,\"good\":%zu,\"edited\":%zu,\"rate\":", review->n_sample,
                  counts->sample_decided, counts->sample_good, counts->sample_edited);
    strbuf_json_number(out, rate_of(counts->sample_good, counts->sample_decided));
    strbuf_puts(out, ",\"ci95\":");
    rate_interval_json(out, counts->sample_good, counts->sample_decided);
    strbuf_putc(out, '}');
}

void api_counts_print(const struct review *review, struct strbuf *out)
{
    const struct review_counts counts = review_count(review);
    strbuf_puts(out, ",\"counts\":{");
    for (enum verdict v = VERDICT_ACCEPT; v < N_VERDICTS; v++)
        strbuf_printf(out, "\"%s\":%zu,", verdict_name[v], counts.by_verdict[v]);
    strbuf_printf(out, "\"undecided\":%zu}", counts.by_verdict[VERDICT_NONE]);
    put_sample(review, &counts, out);
    strbuf_printf(out, ",\"can_undo\":%s,\"seq_total\":%zu", bool_word(side_file_can_undo(&review->mine)),
                  review->mine.count);
}

void api_state_print(const struct review *review, struct strbuf *out)
{
    strbuf_puts(out, "{\"file\":");
    put_string(out, review->rows.spec.path);
    strbuf_puts(out, ",\"name\":");
    put_string(out, review->mine.name);
    strbuf_printf(out, ",\"rows\":%zu", review->rows.count);
    put_kinds(review, out);
    put_labels(review, out);
    put_tags(review, out);
    put_reasons(review, out);
    put_reviewers(review, out);
    strbuf_printf(out, ",\"has_losses\":%s,\"has_base\":%s", bool_word(review->options.rows.losses),
                  bool_word(review->options.mask.template));
    strbuf_puts(out, ",\"warning\":");
    put_string_or_null(out, review->rows.warning);
    api_counts_print(review, out);
    strbuf_putc(out, '}');
}

/* ---- rows ---- */

static void put_label_and_loss(const struct review_row *r, struct strbuf *out)
{
    strbuf_puts(out, ",\"kind\":");
    put_string_or_null(out, *r->kind ? r->kind : NULL);
    strbuf_puts(out, ",\"label\":");
    put_string_or_null(out, r->label == N_JUDGED ? NULL : refusal_label_name(r->label));
    strbuf_puts(out, ",\"loss\":");
    strbuf_json_number(out, r->loss);
    strbuf_printf(out, ",\"is_preference\":%s", bool_word(r->is_preference));
}

/* What others say of it as it stands; `in_full`: with reasons and tags. */
static void put_others(const struct review *review, size_t row, bool in_full, struct strbuf *out)
{
    const uint64_t hash = review->rows.items[row - 1].hash;
    size_t n = 0;
    strbuf_puts(out, ",\"others\":[");
    for (size_t i = 0; i < review->others.count; i++) {
        const struct side_file *side = &review->others.items[i];
        const enum verdict verdict = side_file_verdict(side, row, hash);
        const struct decision *d = side_file_last(side, row);
        if (verdict == VERDICT_NONE)
            continue;
        strbuf_puts(out, n++ ? ",{\"name\":" : "{\"name\":");
        put_string(out, side->name);
        strbuf_printf(out, ",\"decision\":\"%s\"", verdict_name[verdict]);
        if (in_full) {
            strbuf_puts(out, ",\"reason\":");
            put_string_or_null(out, d->reason);
            strbuf_puts(out, ",\"tags\":");
            decision_tags_print(&d->tags, out);
        }
        strbuf_putc(out, '}');
    }
    strbuf_putc(out, ']');
}

void api_list_row_print(const struct review *review, size_t row, struct strbuf *out)
{
    const struct review_row *r = &review->rows.items[row - 1];
    bool changed;
    const enum verdict verdict = review_verdict(review, row, &changed);
    strbuf_printf(out, "{\"row\":%zu", row);
    put_label_and_loss(r, out);
    strbuf_puts(out, ",\"decision\":");
    put_string_or_null(out, verdict_name[verdict]);
    strbuf_printf(out, ",\"changed\":%s", bool_word(changed));
    put_others(review, row, false, out);
    strbuf_puts(out, ",\"excerpt\":");
    put_string(out, r->excerpt);
    strbuf_puts(out, ",\"error\":");
    put_string_or_null(out, r->error);
    strbuf_putc(out, '}');
}

/* This reviewer's last decision, in a row that has changed since, too. */
static void put_decision(const struct decision *d, struct strbuf *out)
{
    const char *const lists[][2] = {
        {"messages", d ? d->messages : NULL}, {"chosen", d ? d->chosen : NULL}, {"rejected", d ? d->rejected : NULL}};
    strbuf_puts(out, ",\"decision\":");
    if (!d) {
        strbuf_puts(out, "null");
        return;
    }
    strbuf_printf(out, "{\"decision\":\"%s\"", verdict_name[d->verdict]);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i][1])
            strbuf_printf(out, ",\"%s\":%s", lists[i][0], lists[i][1]);
    strbuf_puts(out, ",\"reason\":");
    put_string_or_null(out, d->reason);
    strbuf_puts(out, ",\"tags\":");
    decision_tags_print(&d->tags, out);
    strbuf_puts(out, ",\"time\":");
    put_string_or_null(out, d->time);
    strbuf_putc(out, '}');
}

static void put_lists(const struct review *review, const struct review_content *content, struct strbuf *out)
{
    const struct conversation *chosen = &content->messages, *rejected = &content->rejected;
    const struct review_mask *mask = &review->options.mask;
    const size_t n = content->n_prompt;
    strbuf_puts(out, ",\"messages\":");
    review_messages_print(content, chosen, 0, chosen->count, mask, out);
    if (!content->is_preference) {
        strbuf_puts(out, ",\"prompt\":null,\"chosen\":null,\"rejected\":null");
        return;
    }
    strbuf_puts(out, ",\"prompt\":");
    review_messages_print(content, chosen, 0, n, mask, out);
    strbuf_puts(out, ",\"chosen\":");
    review_messages_print(content, chosen, n, chosen->count, mask, out);
    strbuf_puts(out, ",\"rejected\":");
    review_messages_print(content, rejected, n, rejected->count, mask, out);
}

static void put_content(const struct review *review, size_t row, struct strbuf *out)
{
    struct review_content content = {0};
    if (review_rows_read(&review->rows, row - 1, &content, NULL)) {
        const struct review_row *r = &review->rows.items[row - 1];
        struct strbuf text = {0};
        strbuf_add_printable(&text, r->text, utf8_cut(r->text, r->len, BAD_TEXT_MOST));
        strbuf_puts(out, ",\"messages\":[],\"prompt\":null,\"chosen\":null,\"rejected\":null,\"meta\":null,\"text\":");
        strbuf_json_string(out, text.data ? text.data : "", text.len);
        strbuf_free(&text);
    } else {
        put_lists(review, &content, out);
        strbuf_puts(out, ",\"meta\":");
        review_meta_print(&content, out);
    }
    review_content_free(&content);
}

void api_row_members_print(const struct review *review, size_t row, struct strbuf *out)
{
    const struct review_row *r = &review->rows.items[row - 1];
    bool changed;
    review_verdict(review, row, &changed);
    strbuf_printf(out, "\"row\":%zu,\"line\":%zu,\"seq\":%zu,\"hash\":\"%016" PRIx64 "\"", row, r->line,
                  side_file_seq(&review->mine, row), r->hash);
    put_label_and_loss(r, out);
    put_content(review, row, out);
    put_decision(side_file_last(&review->mine, row), out);
    put_others(review, row, true, out);
    strbuf_printf(out, ",\"changed\":%s,\"error\":", bool_word(changed));
    put_string_or_null(out, r->error);
}

#include "report/report_json.h"

#include "report/report_keys.h"

#include <string.h>

static void put_string(struct strbuf *out, const char *s)
{
    strbuf_json_string(out, s, strlen(s));
}

/* "key":123, with a comma before it unless it is the first of its object. */
static void put_count(struct strbuf *out, const char *key, uint64_t value)
{
    const char last = out->data[out->len - 1];
    strbuf_printf(out, "%s\"%s\":%llu", last == '{' ? "" : ",", key, (unsigned long long)value);
}

/* ---- files ---- */

static void put_dropped(struct strbuf *out, const struct report_file *f, bool drops_duplicates)
{
    const struct dataset_file *file = f->file;
    const uint64_t duplicates = drops_duplicates ? file->duplicates : 0;
    const uint64_t usable = file->store.counts.conversations - duplicates;
    strbuf_puts(out, ",\"dropped\":{");
    for (size_t why = DROP_NO + 1; why < DROP_COUNT; why++)
        if (file->store.counts.dropped[why])
            put_count(out, drop_reason[why], file->store.counts.dropped[why]);
    if (duplicates)
        put_count(out, "duplicate", duplicates);
    if (file->spec.repeat < 1 && usable > file->n_examples)
        put_count(out, "not in the sample", usable - file->n_examples);
    strbuf_putc(out, '}');
}

static void put_bad_rows(struct strbuf *out, const struct report_file *f)
{
    strbuf_puts(out, ",\"bad_rows\":[");
    for (size_t i = 0; i < f->bad_rows.n; i++) {
        struct strbuf first = {0};
        strbuf_printf(&first, "%s:%llu", f->file->path, (unsigned long long)f->bad_rows.kinds[i].first_line);
        strbuf_puts(out, i ? ",{\"reason\":" : "{\"reason\":");
        put_string(out, f->bad_rows.kinds[i].reason);
        put_count(out, "count", f->bad_rows.kinds[i].count);
        strbuf_puts(out, ",\"first\":");
        put_string(out, first.data);
        strbuf_putc(out, '}');
        strbuf_free(&first);
    }
    strbuf_putc(out, ']');
}

static void put_histogram(struct strbuf *out, const struct store_counts *c)
{
    size_t first, end;
    strbuf_puts(out, ",\"histogram\":[");
    report_file_histogram_range(c, &first, &end);
    for (size_t i = first; i < end; i++) {
        strbuf_puts(out, i > first ? ",{" : "{");
        put_count(out, "up_to", report_file_histogram_bin_end(c, i));
        put_count(out, "count", c->histogram[i]);
        strbuf_putc(out, '}');
    }
    strbuf_putc(out, ']');
}

static void put_file(struct strbuf *out, const struct report_file *f, const struct report_of *of)
{
    static const struct {
        const char *key;
        enum record_flag flag;
    } flags[] = {{"empty_content", RECORD_EMPTY_CONTENT},
                 {"empty_system", RECORD_EMPTY_SYSTEM},
                 {"same_role", RECORD_SAME_ROLE},
                 {"reply_cut", RECORD_REPLY_CUT},
                 {"tools", RECORD_TOOLS}};
    const struct store_counts *c = &f->file->store.counts;
    strbuf_puts(out, "{\"source\":");
    put_string(out, f->file->path);
    strbuf_printf(out, ",\"use\":\"%s\",\"format\":", f->is_eval ? "eval" : "train");
    put_string(out, f->file->store.format);
    put_count(out, "rows", c->rows);
    put_count(out, "conversations", c->conversations);
    if (of->settings->train.objective == OBJECTIVE_DPO)
        put_count(out, "pairs", c->pairs);
    put_count(out, "examples", f->file->n_examples);
    put_count(out, "turns", c->turns);
    put_count(out, "tokens", c->tokens);
    put_count(out, "target_tokens", c->targets);
    strbuf_puts(out, ",\"trained_share\":");
    strbuf_json_number(out, report_percent(c->targets, c->tokens) / 100);
    put_count(out, "truncated", f->truncated);
    put_dropped(out, f, of->data->train.drops_duplicates);
    put_bad_rows(out, f);
    put_count(out, "duplicates", f->file->duplicates);
    put_count(out, "longest", c->longest);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        put_count(out, flags[i].key, report_file_flagged(f, flags[i].flag));
    put_count(out, "empty_answers", f->empty_answers);
    report_keys_json(f->file, out);
    put_histogram(out, c);
    strbuf_putc(out, '}');
}

/* ---- the run ---- */

static void put_memory(struct strbuf *out, const struct train_memory *m)
{
    strbuf_puts(out, ",\"memory\":{");
    put_count(out, "parameters", m->parameters);
    put_count(out, "gradients", m->gradients);
    put_count(out, "moments", m->moments);
    put_count(out, "activations", m->activations);
    put_count(out, "data", m->data);
    put_count(out, "samples", m->answers);
    put_count(out, "total", m->total);
    strbuf_putc(out, '}');
}

static void put_sharing(struct strbuf *out, const struct train_sharing *s)
{
    strbuf_puts(out, ",\"first_epoch\":{");
    put_count(out, "steps", s->steps);
    put_count(out, "positions", s->positions);
    put_count(out, "positions_run", s->rows);
    strbuf_putc(out, '}');
}

static void put_disk(struct strbuf *out, const struct report_disk *d)
{
    strbuf_puts(out, ",\"disk\":{");
    put_count(out, "checkpoint_bytes", d->checkpoint_bytes);
    put_count(out, "checkpoints", d->checkpoints);
    put_count(out, "needed", d->needed);
    put_count(out, "free", d->free);
    strbuf_putc(out, '}');
}

static void put_tokens_added(struct strbuf *out, const struct base_model *base)
{
    const size_t end = tokenizer_vocab_size(base->tokenizer);
    strbuf_puts(out, ",\"tokens_added\":[");
    for (size_t id = end - base->template.tokens_added; id < end; id++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(base->tokenizer, (int32_t)id, &len);
        if (out->data[out->len - 1] != '[')
            strbuf_putc(out, ',');
        strbuf_json_string(out, bytes ? bytes : "", len);
    }
    strbuf_putc(out, ']');
}

static void put_warnings(struct strbuf *out, const struct report_warnings *warnings)
{
    strbuf_puts(out, ",\"warnings\":[");
    for (size_t i = 0; i < warnings->count; i++) {
        if (i > 0)
            strbuf_putc(out, ',');
        put_string(out, warnings->items[i]);
    }
    strbuf_putc(out, ']');
}

void report_json(const struct report *report, const struct report_warnings *warnings, struct strbuf *out)
{
    const struct train_data *data = report->of.data;
    const struct train_plan *plan = report->of.plan;
    strbuf_puts(out, "{\"files\":[");
    for (size_t i = 0; i < report->n_files; i++) {
        if (i > 0)
            strbuf_putc(out, ',');
        put_file(out, &report->files[i], &report->of);
    }
    strbuf_putc(out, ']');
    put_count(out, "examples", data->train.n_examples);
    put_count(out, "eval_examples", data->eval.n_examples);
    if (report->of.settings->train.objective == OBJECTIVE_DPO) {
        put_count(out, "pairs", data->train.n_pairs);
        put_count(out, "eval_pairs", data->eval.n_pairs);
    }
    put_tokens_added(out, report->of.base);
    if (plan && report->of.settings->lora.on)
        put_count(out, "trained_parameters", tensor_table_count_trained(&plan->table));
    if (plan)
        put_memory(out, &report->memory);
    if (report->has_disk)
        put_disk(out, &report->disk);
    if (plan && report->sharing.steps)
        put_sharing(out, &report->sharing);
    if (plan) {
        put_count(out, "steps", plan->intervals.total_steps);
        put_count(out, "steps_per_epoch", plan->intervals.steps_per_epoch);
    }
    put_warnings(out, warnings);
    strbuf_puts(out, "}\n");
}

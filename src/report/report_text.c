/* The report as text: a word in the first six columns says what a line, and those below it, are about. */
#include "report/report_internal.h"

#include "base/log.h"
#include "cpu.h"

#include <omp.h>
#include <string.h>

enum { REASONS_SHOWN = 5, BAR_WIDTH = 40 };

typedef unsigned long long ull;

/* "1 row", "2 rows" */
struct amount {
    char text[64];
};
static struct amount amount(uint64_t n, const char *what)
{
    struct amount a;
    snprintf(a.text, sizeof a.text, "%llu %s%s", (ull)n, what, n == 1 ? "" : "s");
    return a;
}

static double mb(size_t bytes)
{
    return (double)bytes / 1e6;
}

/* "61.8 MB", "1.5 GB" */
static struct amount size_text(uint64_t bytes)
{
    struct amount a;
    const bool large = bytes >= 1000000000;
    snprintf(a.text, sizeof a.text, "%.1f %s", (double)bytes / (large ? 1e9 : 1e6), large ? "GB" : "MB");
    return a;
}

/* ---- the model ---- */

/* ": <a>, <b>" */
static void put_token_list(struct strbuf *out, const struct tokenizer *tok, size_t first, size_t end)
{
    for (size_t id = first; id < end; id++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(tok, (int32_t)id, &len);
        strbuf_puts(out, id == first ? ": " : ", ");
        strbuf_add_visible(out, bytes ? bytes : "", len);
    }
    strbuf_putc(out, '\n');
}

static void put_tokens_added(struct strbuf *out, const struct run *run)
{
    const size_t end = tokenizer_vocab_size(run->tokenizer), first = end - run->template.tokens_added;
    const size_t rows = run->config.family ? run->config.vocab_size - run->base.config.vocab_size : 0;
    if (run->config.family && first > run->base.config.vocab_size) {
        strbuf_printf(out, "       %s of the base's tokenizer had no embedding row",
                      amount(first - run->base.config.vocab_size, "token").text);
        put_token_list(out, run->tokenizer, run->base.config.vocab_size, first);
    }
    if (end > first) {
        strbuf_printf(out, "       %s added", amount(end - first, "control token").text);
        put_token_list(out, run->tokenizer, first, end);
    }
    if (rows)
        strbuf_printf(out, "       %s start%s at the mean of the others\n", amount(rows, "new embedding row").text,
                      rows == 1 ? "s" : "");
}

static void put_model(struct strbuf *out, const struct run *run)
{
    const struct model_config *c = &run->config;
    struct tensor_table table;
    char count[16];
    if (!c->family) {
        strbuf_printf(out, "base   %s: a tokenizer of %zu tokens, no model\n", run->settings->model.base,
                      tokenizer_vocab_size(run->tokenizer) - run->template.tokens_added);
        put_tokens_added(out, run);
        return;
    }
    tensor_table_init(&table, c);
    strbuf_printf(out, "model  %s: %s, %s, %zu wide, vocabulary %zu, %s parameters\n", run->settings->model.base,
                  amount(c->n_layer, "layer").text, amount(c->n_head, "head").text, c->n_embd, c->vocab_size,
                  log_count(count, (double)table.n_parameters));
    tensor_table_free(&table);
    put_tokens_added(out, run);
    if (c->dropout > 0)
        strbuf_printf(out, "       trained without dropout (the base's config has %g, and keeps it)\n",
                      c->dropout);
}

static void put_format(struct strbuf *out, const struct run *run)
{
    static const char *const trained[] = {
        [TRAIN_ON_ASSISTANT] = "assistant messages",
        [TRAIN_ON_LAST_ASSISTANT] = "the last assistant message",
        [TRAIN_ON_ALL] = "all tokens",
    };
    if (run->template.name)
        strbuf_printf(out, "format template %s, training on %s\n", run->template.name,
                      trained[run->settings->data.train_on]);
    else
        strbuf_puts(out, "format documents, training on all tokens but the first\n");
    if (run->config.n_positions && run->settings->data.max_length > run->config.n_positions)
        strbuf_printf(
            out,
            "       max_length %llu is more than the model's n_positions: the limit is %zu tokens\n",
            (ull)run->settings->data.max_length, run->config.n_positions);
}

/* ---- a file ---- */

static void put_totals(struct strbuf *out, const struct report_file *f)
{
    const struct store_counts *c = &f->file->store.counts;
    strbuf_printf(out, "%-6s %s (%s): ", f->is_eval ? "eval" : "train", f->file->spec, f->file->store.format);
    if (report_flagged(f, RECORD_DOCUMENT))
        strbuf_printf(out, "%s in %s", amount(c->rows, "document").text,
                      amount(c->conversations, "piece").text);
    else
        strbuf_printf(out, "%s, %s", amount(c->conversations, "conversation").text,
                      amount(c->turns, "turn").text);
    strbuf_printf(out, ", %s, %llu %s (%.1f%%)\n", amount(c->tokens, "token").text, (ull)c->targets,
                  f->is_eval ? "evaluated" : "trained", report_percent(c->targets, c->tokens));
    if (f->file->repeat < 1)
        strbuf_printf(out, "       used: a sample of %zu\n", f->file->n_examples);
    else if (f->file->n_examples != c->conversations)
        strbuf_printf(out, "       used: %s\n", amount(f->file->n_examples, "example").text);
}

static void put_left_out(struct strbuf *out, const struct report *report, const struct report_file *f)
{
    const struct settings *s = report->run->settings;
    const uint64_t *dropped = f->file->store.counts.dropped;
    for (size_t why = DROP_NO + 1; why < DROP_COUNT; why++) {
        if (dropped[why] == 0)
            continue;
        strbuf_printf(out, "       left out: %llu (%s)", (ull)dropped[why], drop_reason[why]);
        if (why == DROP_BAD_ROW && s->data.on_bad_row == ON_BAD_ROW_SKIP && report->run->output_dir)
            strbuf_printf(out, ", kept in %s/rejected.jsonl", report->run->output_dir);
        strbuf_putc(out, '\n');
    }
    for (size_t i = 0; i < f->n_bad_rows && i < REASONS_SHOWN; i++)
        strbuf_printf(out, "       %9llu  %s, first line %llu\n", (ull)f->bad_rows[i].count,
                      f->bad_rows[i].reason, (ull)f->bad_rows[i].first_line);
    if (f->n_bad_rows > REASONS_SHOWN)
        strbuf_printf(out, "                  and %s\n",
                      amount(f->n_bad_rows - REASONS_SHOWN, "other reason").text);
}

static void put_remarks(struct strbuf *out, const struct report *report, const struct report_file *f)
{
    const struct store_counts *c = &f->file->store.counts;
    const uint64_t empty = report_flagged(f, RECORD_EMPTY_CONTENT), tools = report_flagged(f, RECORD_TOOLS);
    const uint64_t reply_cut = report_flagged(f, RECORD_REPLY_CUT);
    if (f->truncated) {
        strbuf_printf(out, "       cut to the length limit: %llu (%.1f%%)", (ull)f->truncated,
                      report_percent(f->truncated, f->rendered));
        if (reply_cut)
            strbuf_printf(out, ", %llu inside a reply", (ull)reply_cut);
        strbuf_putc(out, '\n');
    }
    if (f->file->duplicates)
        strbuf_printf(out, "       duplicates: %zu (%.1f%%), %s\n", f->file->duplicates,
                      report_percent(f->file->duplicates, c->conversations),
                      report->run->train.drops_duplicates ? "left out" : "kept");
    if (empty)
        strbuf_printf(out, "       with an empty turn: %llu\n", (ull)empty);
    if (tools)
        strbuf_printf(out, "       with definitions of tools, which are not shown: %llu\n", (ull)tools);
}

/* "65..128  ######### 1234" */
static void put_lengths(struct strbuf *out, const struct store_counts *c)
{
    size_t first, end;
    uint64_t most = 1;
    report_histogram_range(c, &first, &end);
    if (first == end)
        return;
    const int width = snprintf(NULL, 0, "%llu", (ull)report_bin_end(c, end - 1));
    for (size_t i = first; i < end; i++)
        most = c->histogram[i] > most ? c->histogram[i] : most;
    strbuf_printf(out, "       lengths in tokens, before any cut (longest: %llu)\n", (ull)c->longest);
    for (size_t i = first; i < end; i++) {
        const uint64_t from = i == 0 ? 0 : report_bin_end(c, i - 1) + 1;
        const double share = (double)c->histogram[i] / (double)most;
        strbuf_printf(out, "       %*llu..%-*llu  ", width, (ull)from, width, (ull)report_bin_end(c, i));
        for (double bar = 0; bar < BAR_WIDTH * share; bar++)
            strbuf_putc(out, '#');
        strbuf_printf(out, "%s%llu\n", c->histogram[i] ? " " : "", (ull)c->histogram[i]);
    }
}

static void put_files(struct strbuf *out, const struct report *report)
{
    const struct run *run = report->run;
    for (size_t i = 0; i < report->n_files; i++) {
        const struct report_file *f = &report->files[i];
        put_totals(out, f);
        put_left_out(out, report, f);
        put_remarks(out, report, f);
        report_put_keys(out, f);
        put_lengths(out, &f->file->store.counts);
    }
    if (run->eval_is_split)
        strbuf_printf(out, "eval   %s set aside (eval_fraction)\n",
                      amount(run->eval_is_split, "conversation").text);
}

/* ---- the run ---- */

static void put_steps(struct strbuf *out, const struct run *run)
{
    const char *unit = run->template.name ? "conversation" : "document";
    const uint64_t batch_size = run->settings->train.batch_size, most = run->train.n_examples;
    strbuf_printf(out, "plan   %s of %s (%llu an epoch)\n", amount(run->total_steps, "step").text,
                  amount(batch_size < most ? batch_size : most, unit).text, (ull)run->steps_per_epoch);
}

static void put_memory(struct strbuf *out, const struct run_memory *m)
{
    strbuf_printf(out, "memory about %s at its peak: parameters %.1f, gradients %.1f, moments %.1f, ",
                  size_text(m->total).text, mb(m->parameters), mb(m->gradients), mb(m->moments));
    strbuf_printf(out, "activations %.1f, data %.1f (MB)\n", mb(m->activations), mb(m->data));
}

static void put_disk(struct strbuf *out, const struct report_disk *d)
{
    const uint64_t n = d->needed / d->checkpoint_bytes;
    strbuf_printf(out, "disk   about %s for %s", size_text(d->needed).text, amount(n, "checkpoint").text);
    if (n > 1)
        strbuf_printf(out, " of %s", size_text(d->checkpoint_bytes).text);
    if (d->existing)
        strbuf_printf(out, " besides the %llu there", (ull)d->existing);
    strbuf_printf(out, "; %s free\n", size_text(d->free).text);
}

static void put_cpu(struct strbuf *out, const struct run *run)
{
    const struct kernels *k = run->kernels;
    char core[128] = "";
    if (strcmp(k->products, "OpenBLAS") == 0)
        kernels_blas_core(core, sizeof core);
    strbuf_printf(out, "cpu    %s, %s, precision %s\n", cpu_get()->name,
                  amount((uint64_t)omp_get_max_threads(), "thread").text, k->precision);
    strbuf_printf(out, "       %s kernels (%s), products by %s%s%s%s\n", k->isa, run->kernels_why,
                  k->products, *core ? " (" : "", core, *core ? ")" : "");
}

void report_text(const struct report *report, struct strbuf *out)
{
    const struct run *run = report->run;
    const size_t start = out->len;
    put_model(out, run);
    put_format(out, run);
    put_files(out, report);
    if (report->has_memory) {
        put_steps(out, run);
        put_memory(out, &report->memory);
    }
    if (report->has_disk)
        put_disk(out, &report->disk);
    if (report->has_memory)
        put_cpu(out, run);
    if (run->output_dir)
        strbuf_printf(out, "output %s\n", run->output_dir);
    if (run->resume_dir)
        strbuf_printf(out, "continues %s\n", run->resume_dir);
    report_wrap(out, start);
}

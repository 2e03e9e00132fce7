#include "report/report_text.h"

#include "base/log.h"
#include "cpu.h"
#include "model/transformer.h"
#include "report/report_keys.h"
#include "report/report_wrap.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
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

/* adapter: where the run begins with one, whose rows of new tokens are its own. */
static void put_tokens_added(struct strbuf *out, const struct base_model *base, const char *adapter)
{
    const size_t end = tokenizer_vocab_size(base->tokenizer), first = end - base->template.tokens_added;
    const size_t rows = base->config.family ? base->config.vocab_size - base->files.config.vocab_size : 0;
    if (base->config.family && first > base->files.config.vocab_size) {
        strbuf_printf(out, "       %s of the base's tokenizer had no embedding row",
                      amount(first - base->files.config.vocab_size, "token").text);
        put_token_list(out, base->tokenizer, base->files.config.vocab_size, first);
    }
    if (end > first) {
        strbuf_printf(out, "       %s added", amount(end - first, "control token").text);
        put_token_list(out, base->tokenizer, first, end);
    }
    if (rows && !*adapter)
        strbuf_printf(out, "       %s start%s at the mean of the others\n", amount(rows, "new embedding row").text,
                      rows == 1 ? "s" : "");
}

/* The base by its path, or its name on the hub and the commit. */
static void put_model(struct strbuf *out, const struct report_of *of)
{
    const struct base_model *base = of->base;
    const char *name = of->settings->model.base;
    const struct model_config *c = &base->config;
    struct tensor_table table;
    char count[16];
    if (!c->family) {
        strbuf_printf(out, "base   %s: a tokenizer of %zu tokens, no model\n", name,
                      tokenizer_vocab_size(base->tokenizer) - base->template.tokens_added);
        put_tokens_added(out, base, "");
        return;
    }
    tensor_table_init(&table, c);
    strbuf_printf(out, "model  %s: %s, %s, %zu wide, vocabulary %zu, %s parameters\n", name,
                  amount(c->n_layer, "layer").text, amount(c->n_head, "head").text, c->n_embd, c->vocab_size,
                  log_count(count, (double)table.n_parameters));
    tensor_table_free(&table);
    if (*of->settings->model.adapter)
        strbuf_printf(out, "       %s: %s\n",
                      of->settings->lora.on ? "goes on from the adapter" : "with an adapter merged",
                      of->settings->model.adapter);
    put_tokens_added(out, base, of->settings->model.adapter);
    if (c->dropout > 0)
        strbuf_printf(out, "       trained without dropout (the base's config has %g, and keeps it)\n",
                      c->dropout);
}

static void put_format(struct strbuf *out, const struct report_of *of)
{
    const uint64_t max_length = of->settings->data.max_length;
    const size_t n_positions = of->base->config.n_positions;
    static const char *const trained[] = {
        [TRAIN_ON_ASSISTANT] = "assistant messages",
        [TRAIN_ON_LAST_ASSISTANT] = "the last assistant message",
        [TRAIN_ON_ALL] = "all tokens",
    };
    const struct chat_template *tpl = &of->base->template;
    const bool is_dpo = of->settings->train.objective == OBJECTIVE_DPO;
    if (tpl->name)
        strbuf_printf(out, "format template %s%s, %s %s\n", tpl->name,
                      tpl->writes_date ? " (it writes the day's date: here always the same)" : "",
                      is_dpo ? "comparing" : "training on",
                      is_dpo ? "chosen answers with rejected ones" : trained[of->settings->data.train_on]);
    else
        strbuf_puts(out, "format documents, training on all tokens but the first\n");
    if (tpl->hint)
        strbuf_printf(out, "       the base's vocabulary has the control tokens of another: template = %s\n",
                      tpl->hint);
    if (n_positions && max_length > n_positions)
        strbuf_printf(out, "       max_length %llu is more than the model's %s: the limit is %zu tokens\n",
                      (ull)max_length,
                      family_key(of->base->config.family, offsetof(struct model_config, n_positions)), n_positions);
}

/* ---- a file ---- */

static void put_totals(struct strbuf *out, const struct report_file *f)
{
    const struct store_counts *c = &f->file->store.counts;
    const bool is_document = report_file_flagged(f, RECORD_DOCUMENT) && c->pairs == 0;
    strbuf_printf(out, "%-6s %s (%s): ", f->is_eval ? "eval" : "train", f->file->spec.text, f->file->store.format);
    if (is_document)
        strbuf_printf(out, "%s in %s", amount(c->rows, "document").text,
                      amount(c->conversations, "piece").text);
    else
        report_put_items(out, c->conversations, c->pairs);
    if (!is_document)
        strbuf_printf(out, ", %s", amount(c->turns, "turn").text);
    strbuf_printf(out, ", %s, %llu %s (%.1f%%)\n", amount(c->tokens, "token").text, (ull)c->targets,
                  f->is_eval ? "evaluated" : "trained", report_percent(c->targets, c->tokens));
    if (f->file->spec.repeat < 1)
        strbuf_printf(out, "       used: a sample of %zu\n", f->file->n_examples);
    else if (f->file->n_examples != c->conversations)
        strbuf_printf(out, "       used: %s\n", amount(f->file->n_examples, "example").text);
}

static void put_left_out(struct strbuf *out, const struct report *report, const struct report_file *f)
{
    const struct report_of *of = &report->of;
    const uint64_t *dropped = f->file->store.counts.dropped;
    for (size_t why = DROP_NO + 1; why < DROP_COUNT; why++) {
        if (dropped[why] == 0)
            continue;
        strbuf_printf(out, "       left out: %llu (%s)", (ull)dropped[why], drop_reason[why]);
        if (why == DROP_BAD_ROW && of->settings->data.on_bad_row == ON_BAD_ROW_SKIP && of->output_dir)
            strbuf_printf(out, ", kept in %s/rejected.jsonl", of->output_dir);
        strbuf_putc(out, '\n');
    }
    for (size_t i = 0; i < f->bad_rows.n && i < REASONS_SHOWN; i++)
        strbuf_printf(out, "       %9llu  %s, first line %llu\n", (ull)f->bad_rows.kinds[i].count,
                      f->bad_rows.kinds[i].reason, (ull)f->bad_rows.kinds[i].first_line);
    if (f->bad_rows.n > REASONS_SHOWN)
        strbuf_printf(out, "                  and %s\n",
                      amount(f->bad_rows.n - REASONS_SHOWN, "other reason").text);
}

static void put_remarks(struct strbuf *out, const struct report *report, const struct report_file *f)
{
    const struct store_counts *c = &f->file->store.counts;
    const uint64_t empty = report_file_flagged(f, RECORD_EMPTY_CONTENT), tools = report_file_flagged(f, RECORD_TOOLS);
    const uint64_t reply_cut = report_file_flagged(f, RECORD_REPLY_CUT);
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
                      report->of.data->train.drops_duplicates ? "left out" : "kept");
    if (empty)
        strbuf_printf(out, "       with an empty turn: %llu\n", (ull)empty);
    if (f->empty_answers)
        strbuf_printf(out, "       with an empty answer, %s: %llu, first line %llu\n",
                      f->is_eval ? "which counts" : "which is trained on", (ull)f->empty_answers,
                      (ull)f->first_empty_answer);
    if (tools)
        strbuf_printf(out, "       with definitions of tools, which are not shown: %llu\n", (ull)tools);
}

/* "65..128  ######### 1234" */
static void put_lengths(struct strbuf *out, const struct store_counts *c)
{
    size_t first, end;
    uint64_t most = 1;
    report_file_histogram_range(c, &first, &end);
    if (first == end)
        return;
    const int width = snprintf(NULL, 0, "%llu", (ull)report_file_histogram_bin_end(c, end - 1));
    for (size_t i = first; i < end; i++)
        most = c->histogram[i] > most ? c->histogram[i] : most;
    strbuf_printf(out, "       lengths in tokens%s, before any cut (longest: %llu)\n",
                  c->pairs ? " (a pair has two, each with the prompt)" : "", (ull)c->longest);
    for (size_t i = first; i < end; i++) {
        const uint64_t from = i == 0 ? 0 : report_file_histogram_bin_end(c, i - 1) + 1;
        const double share = (double)c->histogram[i] / (double)most;
        strbuf_printf(out, "       %*llu..%-*llu  ", width, (ull)from, width, (ull)report_file_histogram_bin_end(c, i));
        const size_t bar = (size_t)ceil(BAR_WIDTH * share);
        for (size_t n = 0; n < bar; n++)
            strbuf_putc(out, '#');
        strbuf_printf(out, "%s%llu\n", c->histogram[i] ? " " : "", (ull)c->histogram[i]);
    }
}

static void put_files(struct strbuf *out, const struct report *report)
{
    const size_t set_aside = report->of.data->eval_is_split;
    for (size_t i = 0; i < report->n_files; i++) {
        const struct report_file *f = &report->files[i];
        put_totals(out, f);
        put_left_out(out, report, f);
        put_remarks(out, report, f);
        report_keys_text(f->file, out);
        put_lengths(out, &f->file->store.counts);
    }
    if (set_aside) {
        strbuf_puts(out, "eval   ");
        report_put_items(out, set_aside, report->of.data->eval.n_pairs);
        strbuf_puts(out, " set aside (eval_fraction)\n");
    }
}

/* ---- the run ---- */

static void put_steps(struct strbuf *out, const struct report_of *of)
{
    const struct intervals *i = &of->plan->intervals;
    const uint64_t batch_size = of->plan->order.batch_size, most = of->data->train.n_examples;
    const size_t n_pairs = of->data->train.n_pairs;
    const char *unit = n_pairs ? n_pairs == most ? "pair" : "example" /* either */
                       : of->base->template.name ? "conversation" : "document";
    strbuf_printf(out, "plan   %s of %s (%llu an epoch)\n", amount(i->total_steps, "step").text,
                  amount(batch_size < most ? batch_size : most, unit).text, (ull)i->steps_per_epoch);
}

/* What is saved, where it is worth a word. */
static void put_sharing(struct strbuf *out, const struct train_sharing *s)
{
    static const double LEAST = 1.0;
    const double saved = report_percent(s->positions - s->rows, s->positions);
    if (saved >= LEAST)
        strbuf_printf(out,
                      "       what conversations of a micro-batch begin with in common is computed once: "
                      "%llu positions in place of %llu in %s (%.0f%% fewer)\n",
                      (ull)s->rows, (ull)s->positions, amount(s->steps, "step").text, saved);
}

/* How pairs are compared, and what is computed for it before the first step. */
static void put_dpo(struct strbuf *out, const struct report_of *of)
{
    static const char *const loss_types[] = {DPO_LOSS_CHOICES(CHOICE_WORD)};
    const struct settings *s = of->settings;
    const size_t n_pairs = of->data->train.n_pairs + of->data->eval.n_pairs;
    if (s->train.objective != OBJECTIVE_DPO)
        return;
    strbuf_printf(out, "dpo    loss_type %s, beta %g, ", loss_types[s->dpo.loss_type], s->dpo.beta);
    if (s->dpo.label_smoothing > 0)
        strbuf_printf(out, "label_smoothing %g, ", s->dpo.label_smoothing);
    strbuf_printf(out, "sft_weight %g, learning_rate %g\n", s->dpo.sft_weight, s->train.learning_rate);
    if (s->dpo.reference_free)
        strbuf_puts(out, "       without a reference\n");
    else if (n_pairs)
        strbuf_printf(out, "       the reference is asked once, for %s, before the first step\n",
                      amount(n_pairs, "pair").text);
}

/* What is trained in the place of the model. */
static void put_adapter(struct strbuf *out, const struct tensor_table *table)
{
    char count[16];
    size_t n_layers = 0, n_whole = 0, n_rows = 0, rank = 0;
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++) {
        n_layers += t->part == PART_LORA_A;
        rank = t->part == PART_LORA_A && t->rows > rank ? t->rows : rank;
        n_whole += t < table->tensors + table->n_model && t->n_trained == t->count;
        n_rows = t->n_trained_rows > n_rows ? t->n_trained_rows : n_rows;
    }
    strbuf_printf(out, "lora   %s parameters trained: rank %zu, %s",
                  log_count(count, (double)tensor_table_count_trained(table)), rank,
                  amount(n_layers, "linear layer").text);
    if (n_whole)
        strbuf_printf(out, ", %s whole", amount(n_whole, "tensor").text);
    if (n_rows)
        strbuf_printf(out, ", the rows of %s", amount(n_rows, "token").text);
    strbuf_putc(out, '\n');
}

/* The default is a whole model's. */
static void put_low_rate(struct strbuf *out, const struct settings *settings)
{
    const char *usual = settings->train.objective == OBJECTIVE_DPO ? "5e-6 to 5e-5" : "2e-4 to 1e-3";
    if (settings->lora.on && !settings_is_given(settings, settings_find("learning_rate")))
        strbuf_printf(out, "       learning_rate = %g, which is not set, is low for an adapter (%s is usual)\n",
                      settings->train.learning_rate, usual);
}

static void put_prompts(struct strbuf *out, const struct plan_prompts *p)
{
    if (p->n == 0)
        return;
    strbuf_printf(out, "       %s answered after each evaluation", amount(p->n, "prompt").text);
    if (p->n_unsafe + p->n_safe)
        strbuf_printf(out, ": %llu unsafe, %llu safe", (ull)p->n_unsafe, (ull)p->n_safe);
    strbuf_putc(out, '\n');
}

static void put_memory(struct strbuf *out, const struct report *report)
{
    const struct train_memory *m = &report->memory;
    const bool is_8bit = report->of.plan->adamw.kept == MOMENTS_8BIT;
    strbuf_printf(out, "memory about %s at its peak: parameters %.1f, gradients %.1f, moments%s %.1f, ",
                  size_text(m->total).text, mb(m->parameters), mb(m->gradients), is_8bit ? " in 8 bits" : "",
                  mb(m->moments));
    strbuf_printf(out, "activations %.1f, data %.1f", mb(m->activations), mb(m->data));
    if (m->answers)
        strbuf_printf(out, ", answers to prompts %.1f", mb(m->answers));
    if (m->mapped)
        strbuf_printf(out, ", the base's file %.1f, mapped", mb(m->mapped));
    strbuf_puts(out, " (MB)\n");
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

static void put_cpu(struct strbuf *out, const struct train_plan *plan)
{
    const struct kernels *k = plan->kernels;
    char core[128] = "";
    if (strcmp(k->products, "OpenBLAS") == 0)
        kernels_blas_core(core, sizeof core);
    strbuf_printf(out, "cpu    %s, %s, precision %s\n", cpu_get()->name,
                  amount((uint64_t)omp_get_max_threads(), "thread").text, k->precision);
    strbuf_printf(out, "       %s kernels (%s), products by %s%s%s%s\n", k->isa, plan->kernels_why,
                  k->products, *core ? " (" : "", core, *core ? ")" : "");
}

void report_text(const struct report *report, struct strbuf *out)
{
    const struct report_of *of = &report->of;
    const size_t start = out->len;
    put_model(out, of);
    put_format(out, of);
    put_files(out, report);
    if (of->plan) {
        put_steps(out, of);
        put_sharing(out, &report->sharing);
        put_dpo(out, of);
        if (of->settings->lora.on)
            put_adapter(out, &of->plan->table);
        put_low_rate(out, of->settings);
        put_prompts(out, &of->plan->prompts);
        put_memory(out, report);
    }
    if (report->has_disk)
        put_disk(out, &report->disk);
    if (of->plan)
        put_cpu(out, of->plan);
    if (of->output_dir)
        strbuf_printf(out, "output %s\n", of->output_dir);
    if (of->continues)
        strbuf_printf(out, "continues %s\n", of->continues);
    report_wrap(out, start);
}

void report_text_plan(const struct report *report, struct strbuf *out)
{
    const struct report_of *of = &report->of;
    const size_t positions = train_plan_positions(of->plan, of->data);
    struct activations acts;
    report_text(report, out);
    const struct activation_options needs = train_plan_activations(of->plan, of->data);
    activations_plan(&acts, &of->base->config, of->plan->kernels, &needs);
    strbuf_printf(out, "activations, for micro-batches of up to %zu positions:\n", positions);
    for (size_t i = 0; i < acts.plan.count; i++)
        strbuf_printf(out, "       %-32s %10.1f MB\n", acts.plan.entries[i].name,
                      mb(acts.plan.entries[i].bytes));
}

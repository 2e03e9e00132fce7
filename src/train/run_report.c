/* What a run says before its first step. */
#include "train/run.h"

#include "base/log.h"
#include "cpu.h"

#include <omp.h>
#include <string.h>

static double mb(size_t bytes)
{
    return (double)bytes / 1e6;
}

static double percent(size_t part, size_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void report_file(const struct dataset_file *f, const char *use)
{
    log_info("%-6s %s (%s): %zu conversations%s, %zu tokens, %.1f%% trained", use, f->spec, f->format,
             f->conversations, f->repeat > 1 ? " with repeats" : "", f->tokens,
             percent(f->targets, f->tokens));
    for (int why = DROP_NO + 1; why < DROP_COUNT; why++)
        if (f->dropped[why])
            log_info("       left out: %zu (%s)", f->dropped[why], drop_reason[why]);
    if (f->truncated)
        log_info("       cut to the length limit: %zu; the longest had %zu tokens", f->truncated, f->longest);
    if (f->empty_content)
        log_info("       with an empty message: %zu", f->empty_content);
}

static void report_model(const struct run *run)
{
    const struct model_config *c = &run->config;
    struct tensor_table table;
    char count[16];
    tensor_table_init(&table, c);
    log_info("model  %s: %zu layers, %zu heads, %zu wide, vocabulary %zu, %s parameters",
             run->settings->model.base, c->n_layer, c->n_head, c->n_embd, c->vocab_size,
             log_count(count, (double)table.n_parameters));
    tensor_table_free(&table);
    if (run->template.tokens_added)
        log_info("       %zu control tokens added; %zu new embedding rows start at the mean of the others",
                 run->template.tokens_added, c->vocab_size - run->base_vocab);
    if (c->dropout > 0)
        log_info("       trained without dropout (the base's config has %g, and keeps it)", c->dropout);
}

static void report_length(const struct run *run)
{
    const struct settings *s = run->settings;
    if (s->data.max_length > run->config.n_positions)
        log_info("       max_length %llu is more than the model's n_positions: conversations are limited to "
                 "%zu tokens",
                 (unsigned long long)s->data.max_length, run->config.n_positions);
}

static void report_memory(const struct run *run)
{
    const struct run_memory m = run_memory(run);
    log_info("memory about %.1f MB at its peak", mb(m.total));
    log_info("       parameters %.1f, gradients %.1f, moments %.1f, activations %.1f, data %.1f",
             mb(m.parameters), mb(m.gradients), mb(m.moments), mb(m.activations), mb(m.data));
}

static void report_cpu(const struct run *run)
{
    const struct kernels *k = run->kernels;
    char core[128] = "";
    if (strcmp(k->products, "OpenBLAS") == 0)
        kernels_blas_core(core, sizeof core);
    log_info("cpu    %s, %d threads, precision %s", cpu_get()->name, omp_get_max_threads(), k->precision);
    log_info("       %s kernels (%s), products by %s%s%s%s", k->isa, run->kernels_why, k->products,
             *core ? " (" : "", core, *core ? ")" : "");
}

static void report_format(const struct run *run)
{
    static const char *const trained[] = {
        [TRAIN_ON_ASSISTANT] = "assistant messages",
        [TRAIN_ON_LAST_ASSISTANT] = "the last assistant message",
        [TRAIN_ON_ALL] = "all tokens",
    };
    if (run->template.name)
        log_info("format template %s, training on %s", run->template.name,
                 trained[run->settings->data.train_on]);
    else
        log_info("format documents, training on every token but the first");
}

void run_report(const struct run *run)
{
    const struct settings *s = run->settings;
    report_model(run);
    report_format(run);
    for (size_t i = 0; i < run->train.n_files; i++)
        report_file(&run->train.files[i], i ? "" : "train");
    if (!run->eval_is_split)
        for (size_t i = 0; i < run->eval.n_files; i++)
            report_file(&run->eval.files[i], i ? "" : "eval");
    else
        log_info("eval   %zu conversations set aside (eval_fraction)", run->eval_is_split);
    report_length(run);
    log_info("steps  %llu of %llu conversations (%llu an epoch)", (unsigned long long)run->total_steps,
             (unsigned long long)s->train.batch_size, (unsigned long long)run->steps_per_epoch);
    report_memory(run);
    report_cpu(run);
    log_info("output %s", run->output_dir);
    if (s->train.lr_scheduler_type == LR_CONSTANT && s->train.warmup_steps > 0)
        log_warning("lr_scheduler_type = constant has no warmup: warmup_steps is not used");
    if (run->resume_dir)
        log_info("continues %s", run->resume_dir);
}

void run_report_memory_plan(const struct run *run)
{
    struct activations acts;
    const size_t train = batch_capacity(&run->train, run->settings->train.micro_batch_tokens);
    activations_plan(&acts, &run->config, run->kernels, train, true);
    log_info("activations for %zu positions:", train);
    for (size_t i = 0; i < acts.plan_count; i++)
        log_info("  %-32s %10.1f MB", acts.plan[i].name, mb(acts.plan[i].bytes));
}

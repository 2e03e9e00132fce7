#include "cmd/cmd.h"
#include "kernels.h"
#include "profile.h"
#include "threads.h"
#include "train/run.h"
#include "train/step.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

struct bench {
    uint64_t steps;
    double *step_seconds; /* (steps) */
    double seconds, tokens, flops;
    double peak; /* of the CPU, before the steps or after them; 0: not known */
    bool busy;   /* other work had a part of the threads' time */
    int threads; /* with which it began */
    const volatile int *stop;
};

static const double peak_seconds = 0.25; /* before the steps, and after them */
static const double least_share = 0.9;   /* of its threads' time, that a run on a quiet machine gets */

static enum sft_status take_steps(struct bench *b, struct run *run, struct sft_err *err)
{
    struct step_result result = {0};
    struct threads threads;
    /* the first touches memory for the first time */
    if (step_take(&run->learner, &run->data.train, &run->plan, NULL, &result, err))
        return err->status;
    profile_reset();
    threads_start(&threads);
    double missed = 0, had = 0; /* seconds of threads, whose number may change between steps */
    for (uint64_t i = 0; i < b->steps; i++) {
        if (*b->stop)
            return sft_fail(err, SFT_EINTERRUPTED, "stopped");
        const double delay = threads_delay(), started = omp_get_wtime();
        if (step_take(&run->learner, &run->data.train, &run->plan, NULL, &result, err))
            return err->status;
        b->step_seconds[i] = omp_get_wtime() - started;
        missed += threads_delay() - delay;
        had += b->step_seconds[i] * omp_get_max_threads();
        b->seconds += b->step_seconds[i];
        b->tokens += (double)result.num_tokens;
        if (threads_adapt(&threads, (double)result.num_tokens) == THREADS_DROPPED)
            b->busy = true;
    }
    b->busy |= missed > (1 - least_share) * had;
    omp_set_num_threads(b->threads);
    return SFT_OK;
}

static enum sft_status measure(struct bench *b, struct run *run, struct sft_err *err)
{
    b->step_seconds = mem_calloc(b->steps, sizeof *b->step_seconds);
    b->threads = omp_get_max_threads();
    const double before = kernels_peak_flops(run->plan.kernels->precision, peak_seconds);
    if (take_steps(b, run, err))
        return err->status;
    b->peak = fmax(before, kernels_peak_flops(run->plan.kernels->precision, peak_seconds));
    size_t n_ops;
    const struct profile_op *ops = profile_ops(&n_ops);
    for (size_t i = 0; i < n_ops; i++)
        b->flops += ops[i].flops;
    if (b->flops > b->seconds * b->peak) { /* then that was not the peak */
        b->busy |= b->peak > 0;
        b->peak = 0;
    }
    return SFT_OK;
}

static double mfu(const struct bench *b)
{
    return b->peak > 0 && !b->busy ? b->flops / b->seconds / b->peak : NAN;
}

static void print_json(const struct bench *b, const struct run *run)
{
    struct strbuf out = {0};
    strbuf_puts(&out, "{\"tokens_per_second\":");
    strbuf_json_number(&out, b->tokens / b->seconds);
    strbuf_puts(&out, ",\"step_seconds\":[");
    for (uint64_t i = 0; i < b->steps; i++) {
        strbuf_puts(&out, i ? "," : "");
        strbuf_json_number(&out, b->step_seconds[i]);
    }
    strbuf_puts(&out, "],\"flops_per_token\":");
    strbuf_json_number(&out, b->flops / b->tokens);
    strbuf_puts(&out, ",\"matmul_peak_flops\":");
    strbuf_json_number(&out, b->peak > 0 ? b->peak : NAN);
    strbuf_puts(&out, ",\"mfu\":");
    strbuf_json_number(&out, mfu(b));
    strbuf_printf(&out, ",\"peak_rss_bytes\":%zu,\"precision\":\"%s\",\"isa\":\"%s\",\"threads\":%d}\n",
                  mem_peak_rss(), run->plan.kernels->precision, run->plan.kernels->isa, b->threads);
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
}

static void print_share_of_peak(const struct bench *b)
{
    printf("%.3f GFLOP a token; %.1f ", b->flops / b->tokens / 1e9, b->flops / b->seconds / 1e9);
    if (b->peak > 0)
        printf("of %.1f GFLOP/s that the CPU's multiply-adds reach", b->peak / 1e9);
    else
        printf("GFLOP/s");
    if (b->busy)
        printf("; machine busy: no MFU");
    else if (b->peak > 0)
        printf(": MFU %.1f%%", 100 * mfu(b));
    printf("; peak memory %.0f MB\n\n", (double)mem_peak_rss() / 1e6);
}

static void print_op(const char *name, double calls, double seconds, double flops, double bytes,
                     const struct bench *b)
{
    char rate[32] = "";
    if (flops > 0)
        snprintf(rate, sizeof rate, "%8.1f GFLOP/s", flops / seconds / 1e9);
    else if (bytes > 0)
        snprintf(rate, sizeof rate, "%8.1f GB/s", bytes / seconds / 1e9);
    printf("  %-32s %7.0f %10.4f %6.1f%%  %s\n", name, calls, seconds / (double)b->steps, 100 * seconds / b->seconds,
           rate);
}

static void print_text(const struct bench *b, const struct run *run)
{
    double named = 0;
    printf("%.1f tokens/s over %llu steps (%.3f s a step); %s, %s kernels, %d thread%s\n",
           b->tokens / b->seconds, (unsigned long long)b->steps, b->seconds / (double)b->steps,
           run->plan.kernels->precision, run->plan.kernels->isa, b->threads, b->threads == 1 ? "" : "s");
    print_share_of_peak(b);
    printf("  %-32s %7s %10s %7s\n", "op", "calls", "s a step", "share");
    size_t n_ops;
    const struct profile_op *ops = profile_ops(&n_ops);
    for (const struct profile_op *op = ops; op < ops + n_ops; op++) {
        if (op->calls)
            print_op(op->name, (double)op->calls / (double)b->steps, op->seconds, op->flops, op->bytes, b);
        named += op->seconds;
    }
    print_op("everything else", 0, b->seconds - named, 0, 0, b);
}

static enum sft_status prepare(struct run *run, const volatile int *stop, struct settings *settings,
                               struct sft_err *err)
{
    /* fresh: no directory's checkpoint is looked for */
    const struct run_options options = {.fresh = true, .dry = true, .stop = stop};
    if (run_prepare(run, settings, &options, err))
        return err->status;
    run->plan.kernels = profile_start(run->plan.kernels);
    return run_allocate(run, err);
}

int cmd_bench(int argc, char **argv)
{
    struct bench b = {.steps = 10};
    const char *base = NULL, *precision = NULL;
    struct string_list words, overrides = {0}, data = {0};
    bool as_json = false;
    const struct option table[] = {
        {"base", OPTION_STRING, &base, "DIR", "the model to train (its files are only read)"},
        {"data", OPTION_LIST, &data, "FILE", "conversations to train it on; may be repeated"},
        {"steps", OPTION_SIZE, &b.steps, "N", "steps to measure, after one warm-up step (10)"},
        {"precision", OPTION_STRING, &precision, "P", "fp32, bf16 or auto (default)"},
        {"json", OPTION_FLAG, &as_json, NULL, "print one JSON object"},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting; may be repeated; paths are relative to the current directory"},
    };
    const struct usage usage = {
        "sft bench --base DIR --data FILE [options]",
        "Measures how fast a model trains here, against what the CPU can do, and where the time goes.", table,
        sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct settings settings;
    struct run run = {0};
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    settings_init(&settings);
    if (!base || !data.count || words.count || b.steps == 0)
        status = sft_fail(&err, SFT_EUSAGE, "expected --base, --data and at least one step (usage: %s)",
                          usage.synopsis);
    settings.model.base = base;
    settings.data.train = data;
    settings_given(&settings, "base");
    settings_given(&settings, "train");
    settings.train.output_dir = "bench"; /* never made, never read */
    settings.train.max_steps = b.steps + 1;
    if (!status && precision) {
        char *assignment = mem_printf("train.precision=%s", precision);
        status = settings_override(&settings, assignment, &err);
        free(assignment);
    }
    if (!status)
        status = read_settings(&settings, NULL, &overrides, true, true, &err);
    if (!status)
        status = prepare(&run, b.stop = stop_on_signals(), &settings, &err);
    if (!status)
        status = measure(&b, &run, &err);
    if (!status && as_json)
        print_json(&b, &run);
    else if (!status)
        print_text(&b, &run);
    code = status ? report_error(&err) : finish_output();
    free(b.step_seconds);
    run_free(&run);
    settings_free(&settings);
    words_free(&words);
    words_free(&overrides);
    words_free(&data);
    return code;
}

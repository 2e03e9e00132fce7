#include "cmd/cmd.h"
#include "kernels.h"
#include "profile.h"
#include "train/step.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

struct bench {
    uint64_t steps;
    double *step_seconds; /* (steps) */
    double seconds, tokens, flops, peak;
    const volatile int *stop;
};

static enum sft_status measure(struct bench *b, struct run *run, struct sft_err *err)
{
    struct step_result result = {0};
    b->step_seconds = mem_calloc(b->steps, sizeof *b->step_seconds);
    b->peak = run->kernels->peak_flops ? run->kernels->peak_flops(1.0) : 0;
    if (train_step(run, &result, err)) /* the first touches memory for the first time */
        return err->status;
    profile_reset();
    for (uint64_t i = 0; i < b->steps; i++) {
        if (*b->stop)
            return sft_fail(err, SFT_EINTERRUPTED, "stopped");
        const double started = omp_get_wtime();
        if (train_step(run, &result, err))
            return err->status;
        b->step_seconds[i] = omp_get_wtime() - started;
        b->seconds += b->step_seconds[i];
        b->tokens += (double)result.num_tokens;
    }
    for (size_t i = 0; i < PROFILE_OPS; i++)
        b->flops += profile_ops()[i].flops;
    return SFT_OK;
}

static double mfu(const struct bench *b)
{
    return b->peak > 0 ? b->flops / b->seconds / b->peak : 0;
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
    strbuf_json_number(&out, b->peak);
    strbuf_puts(&out, ",\"mfu\":");
    strbuf_json_number(&out, mfu(b));
    strbuf_printf(&out, ",\"peak_rss_bytes\":%zu,\"precision\":\"%s\",\"isa\":\"%s\",\"threads\":%d}\n",
                  mem_peak_rss(), run->kernels->precision, run->kernels->isa, omp_get_max_threads());
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
}

static void print_op(const char *name, double calls, double seconds, double flops, double bytes,
                     const struct bench *b)
{
    char rate[32] = "";
    if (flops > 0)
        snprintf(rate, sizeof rate, "%8.1f GFLOP/s", flops / seconds / 1e9);
    else if (bytes > 0)
        snprintf(rate, sizeof rate, "%8.1f GB/s", bytes / seconds / 1e9);
    printf("  %-22s %7.0f %10.4f %6.1f%%  %s\n", name, calls, seconds / (double)b->steps,
           100 * seconds / b->seconds, rate);
}

static void print_text(const struct bench *b, const struct run *run)
{
    double named = 0;
    printf("%.1f tokens/s over %llu steps (%.3f s a step); %s, %s kernels, %d threads\n",
           b->tokens / b->seconds, (unsigned long long)b->steps, b->seconds / (double)b->steps,
           run->kernels->precision, run->kernels->isa, omp_get_max_threads());
    printf("%.3f GFLOP a token; %.1f of %.1f GFLOP/s that the CPU's multiply-adds reach: MFU %.1f%%; peak "
           "memory %.0f MB\n\n",
           b->flops / b->tokens / 1e9, b->flops / b->seconds / 1e9, b->peak / 1e9, 100 * mfu(b),
           (double)mem_peak_rss() / 1e6);
    printf("  %-22s %7s %10s %7s\n", "op", "calls", "s a step", "share");
    for (size_t i = 0; i < PROFILE_OPS; i++) {
        const struct profile_op *op = &profile_ops()[i];
        if (op->calls)
            print_op(op->name, (double)op->calls / (double)b->steps, op->seconds, op->flops, op->bytes, b);
        named += op->seconds;
    }
    print_op("everything else", 0, b->seconds - named, 0, 0, b);
}

static enum sft_status prepare(struct run *run, const volatile int *stop, struct settings *settings,
                               struct sft_err *err)
{
    if (settings_check(settings, true, err) || run_prepare(run, settings, false, true, stop, err))
        return err->status;
    run->kernels = profile_start(run->kernels);
    return run_allocate(run, err);
}

int cmd_bench(int argc, char **argv)
{
    struct bench b = {.steps = 10};
    const char *base = NULL, *precision = NULL;
    struct string_list words, overrides = {0}, data = {0};
    bool as_json = false;
    const struct option table[] = {
        {"base", OPTION_STRING, &base, "DIR", "the model to train"},
        {"data", OPTION_LIST, &data, "FILE", "conversations to train it on; may be repeated"},
        {"steps", OPTION_SIZE, &b.steps, "N", "steps that are counted, after one that is not (10)"},
        {"precision", OPTION_STRING, &precision, "P", "fp32, bf16 or auto (default)"},
        {"json", OPTION_FLAG, &as_json, NULL, "print one JSON object"},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE", "override a setting; may be repeated"},
    };
    const struct usage usage = {
        "sft bench --base DIR --data FILE [options]",
        "How fast a model trains here, against what the CPU can do, and where the time goes. Writes nothing.",
        table, sizeof table / sizeof *table};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct settings settings;
    struct run run = {.lock = -1};
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    settings_init(&settings);
    if (!base || !data.count || words.count || b.steps == 0)
        status = sft_fail(&err, SFT_EUSAGE, "expected --base, --data and at least one step (usage: %s)",
                          usage.synopsis);
    settings.model.base = base;
    settings.data.train = data;
    settings.train.output_dir = "bench"; /* never made */
    settings.train.max_steps = b.steps + 1;
    if (!status && precision) {
        char *assignment = mem_printf("train.precision=%s", precision);
        status = settings_override(&settings, assignment, &err);
        free(assignment);
    }
    if (!status)
        status = apply_overrides(&settings, &overrides, &err);
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

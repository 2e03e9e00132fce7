/* How fast a model answers: a prompt's tokens a second, and those of 1 to 32 streams that are decoded together,
 * greedily and by temperature. Through infer/decode.h, as `sft generate`, `chat` and `serve` do it.
 *
 * usage: bench_decode DIR [PRECISION [WEIGHTS [NEW]]]     (fp32, the default of its weights, 96 tokens)
 * With SFT_PROFILE=1 in the environment it also prints, op by op, where the time of a prompt and of an answer goes. */
#include "infer/bundle.h"

#include "base/clock.h"
#include "base/rng.h"
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>

enum { PROMPT = 500, SHORT = 32, REPEAT = 3 };

static struct bundle bundle;
static struct sft_err err;

static void check(enum sft_status status)
{
    if (!status)
        return;
    fprintf(stderr, "bench_decode: %s\n", SFT_ERR_TEXT(&err));
    exit(1);
}

/* Random tokens, so that no two prompts share a beginning. */
static void random_prompt(int32_t *tokens, size_t n)
{
    static struct rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < n; i++)
        tokens[i] = (int32_t)rng_below(&rng, bundle.files.config.vocab_size);
}

/* Seconds until all are through their prompts, and from there to the end; tokens that were made in the second part. */
struct times {
    double prompts, answers;
    uint64_t n_tokens;
};

static bool all_have_begun(struct stream *const *streams, size_t S)
{
    for (size_t s = 0; s < S; s++)
        if (streams[s]->n_made == 0)
            return false;
    return true;
}

static struct times run_streams(struct decode *d, size_t S, size_t n_prompt, size_t n_new, double temperature)
{
    struct stream *streams[64];
    int32_t tokens[PROMPT];
    const double began = clock_seconds();
    for (size_t s = 0; s < S; s++) {
        random_prompt(tokens, n_prompt);
        struct ask ask = {.prompt = tokens,
                          .n_prompt = n_prompt,
                          .max_new_tokens = n_new,
                          .ignore_ends = true,
                          .sampling = SAMPLING_GREEDY,
                          .random_stream = s};
        ask.sampling.temperature = temperature;
        ask.sampling.top_p = temperature > 0 ? 0.95 : 1;
        streams[s] = decode_submit(d, &ask, &err);
        if (!streams[s])
            check(err.status);
    }
    while (!all_have_begun(streams, S) && decode_step(d))
        ;
    const double begun = clock_seconds();
    const uint64_t made = d->counts.made_tokens;
    while (decode_step(d))
        ;
    const struct times times = {begun - began, clock_seconds() - begun, d->counts.made_tokens - made};
    for (size_t s = 0; s < S; s++)
        decode_close(d, streams[s]);
    return times;
}

static void bench_prompts(struct decode *d)
{
    static const size_t lengths[] = {PROMPT / 10, PROMPT};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        double best = 1e30;
        for (int r = 0; r < REPEAT; r++) {
            const double seconds = run_streams(d, 1, lengths[i], 1, 0).prompts;
            best = seconds < best ? seconds : best;
        }
        printf("  a prompt of %3zu tokens %12.1f tokens/s\n", lengths[i], (double)lengths[i] / best);
    }
}

/* Where the time went since profile_reset. */
static void print_profile(const char *what)
{
    size_t n;
    const struct profile_op *ops = profile_ops(&n);
    printf("  %s\n", what);
    for (size_t i = 0; i < n; i++)
        if (ops[i].seconds > 0)
            printf("    %-32s %5zu calls %9.2f ms %8.1f GFLOP/s %6.1f GB/s\n", ops[i].name, ops[i].calls,
                   1e3 * ops[i].seconds, ops[i].flops / ops[i].seconds * 1e-9, ops[i].bytes / ops[i].seconds * 1e-9);
}

static void profile(struct decode *d, size_t n_new)
{
    profile_reset();
    run_streams(d, 1, PROMPT, 1, 0);
    print_profile("a prompt of 500 tokens, by op");
    profile_reset();
    run_streams(d, 1, SHORT, n_new, 0);
    print_profile("one stream, by op");
}

static void bench_streams(struct decode *d, size_t n_new, double temperature)
{
    static const size_t counts[] = {1, 2, 4, 8, 16, 32};
    double one = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        double speed = 0;
        for (int r = 0; r < REPEAT; r++) {
            const struct times t = run_streams(d, counts[i], SHORT, n_new, temperature);
            const double now = (double)t.n_tokens / t.answers;
            speed = now > speed ? now : speed;
        }
        one = i ? one : speed;
        printf("  %2zu streams, temperature %g %10.1f tokens/s %8.2f ms a step %6.2f times one\n", counts[i],
               temperature, speed, 1e3 * (double)counts[i] / speed, speed / one);
    }
}

int main(int argc, char **argv)
{
    struct decode d;
    const char *precision = argc > 2 ? argv[2] : "fp32", *weights = argc > 3 ? argv[3] : NULL;
    const size_t n_new = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 96;
    if (argc < 2 || n_new < 2) {
        fprintf(stderr, "usage: bench_decode DIR [PRECISION [WEIGHTS [NEW]]]\n");
        return 2;
    }
    kernels_start(argv);
    const struct bundle_options options = {.precision = precision, .weights = weights, .for_generation = true};
    check(bundle_open(&bundle, argv[1], &options, NULL, &err));
    if (getenv("SFT_PROFILE"))
        bundle.model.kernels = profile_start(bundle.model.kernels);
    const struct decode_model model = bundle_decode_model(&bundle);
    check(decode_init(&d, &model, &(struct decode_options){.max_streams = 32}, &err));
    printf("%s, %s, weights %s, %s\n", argv[1], precision, weights ? weights : "by default", bundle.kernels->isa);
    bench_prompts(&d);
    bench_streams(&d, n_new, 0);
    bench_streams(&d, n_new, 0.8);
    if (getenv("SFT_PROFILE"))
        profile(&d, n_new);
    decode_free(&d);
    bundle_close(&bundle);
    return 0;
}

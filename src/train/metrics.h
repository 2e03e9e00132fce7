/* output_dir/metrics.jsonl: one object a logged step, one an evaluation. Numbers have 9 significant digits;
 * one that is not finite is null. */
#ifndef SFT_TRAIN_METRICS_H
#define SFT_TRAIN_METRICS_H

#include "base/err.h"
#include "train/loss_sums.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define METRICS_FILE "metrics.jsonl" /* of output_dir */

struct step_metrics {
    uint64_t step;
    double epoch, loss, learning_rate, grad_norm;
    uint64_t num_tokens, num_target_tokens;
    double mean_token_accuracy, tokens_per_second;
    bool has_pairs; /* pairs are compared: */
    struct pair_means pairs;
    uint64_t peak_rss_bytes;
};

/* A prompt of [eval] prompts, and its answer. */
struct eval_sample {
    const char *prompt, *completion; /* (prompt_len), (completion_len) UTF-8 */
    size_t prompt_len, completion_len;
    bool is_cut;       /* the answer would have gone on */
    const char *label; /* what the judge calls it */
};

/* Judged answers to some of those prompts, or incoherent ones of all: how many of how many, and the 95% interval of
 * that rate (judge/rates.h). n 0: there are none, and no interval. */
struct eval_count {
    size_t count, n;
    double low, high;
};

struct eval_metrics {
    uint64_t step;
    double epoch, eval_loss, eval_mean_token_accuracy;
    bool has_pairs; /* as above */
    struct pair_means pairs;
    bool has_rates; /* prompts with labels were answered: */
    double eval_refusal_rate, eval_over_refusal_rate, eval_incoherent_rate; /* NaN, and null: there is no such prompt */
    struct eval_count unsafe, safe, incoherent; /* what these rates are made of: the refused, and the incoherent */
    const struct eval_sample *samples; /* (n_samples) a few; borrowed */
    size_t n_samples;
};

/* Open (or make) the file for appending, after cutting what a checkpoint does not know: lines of steps after
 * `step`, and evaluation lines after `eval_step` (-1: all of them); a last line that was only half written
 * goes too. Close with fclose. */
enum sft_status metrics_open(FILE **out, const char *path, uint64_t step, int64_t eval_step,
                             struct sft_err *err);

/* What is in the file: a call a line, in their order, with the loss of a logged step or of an evaluation. */
typedef void metrics_line_fn(void *context, uint64_t step, double loss, bool is_eval);
enum sft_status metrics_each(const char *path, metrics_line_fn *each, void *context, struct sft_err *err);

/* Append a line; it is in the system's hands on return. Samples are cut after some hundred bytes. */
enum sft_status metrics_write_step(FILE *f, const struct step_metrics *m, struct sft_err *err);
enum sft_status metrics_write_eval(FILE *f, const struct eval_metrics *m, struct sft_err *err);

/* Let what was written last: before a checkpoint is there, the lines of its steps are. */
enum sft_status metrics_sync(FILE *f, struct sft_err *err);

#endif

#include "cmd/train_samples.h"

#include "base/log.h"
#include "config/settings.h"
#include "judge/answers.h"
#include "judge/rates.h"

#include <stdlib.h>

enum {
    SAMPLES = 3,           /* answers that are shown */
    STREAMS = 16,          /* that run at once, */
    PROMPT_POSITIONS = 256 /* and those of prompts in a pass: little memory beside what training takes */
};

struct train_samples {
    struct prompts prompts;
    struct rate_group sizes; /* how many there are, by label */
    struct token_rules rules;
    struct answerer answerer; /* by the learner's model */
    struct answers answers;   /* of the last evaluation */
    size_t shown[SAMPLES], n_shown;
    struct eval_sample samples[SAMPLES];
    const volatile int *stop;
};

/* ---- the prompts ---- */

static void count_labels(struct train_samples *t)
{
    for (size_t i = 0; i < t->prompts.count; i++) {
        t->sizes.unsafe.n += t->prompts.items[i].label == PROMPT_UNSAFE;
        t->sizes.safe.n += t->prompts.items[i].label == PROMPT_SAFE;
    }
}

/* A rate of no prompt would never have a best. */
static enum sft_status check_metric(const struct train_samples *t, enum metric_choice choice, struct sft_err *err)
{
    static const char *const words[] = {METRIC_CHOICES(CHOICE_WORD)};
    const size_t n_unsafe = t->sizes.unsafe.n, n_safe = t->sizes.safe.n;
    if (!metric_of(choice)->is_rate || (choice == METRIC_REFUSAL && n_unsafe) ||
        (choice == METRIC_OVER_REFUSAL && n_safe) || (choice == METRIC_INCOHERENT && n_unsafe + n_safe))
        return SFT_OK;
    const char *label = choice == METRIC_REFUSAL        ? "unsafe"
                        : choice == METRIC_OVER_REFUSAL ? "safe"
                                                        : "safe or unsafe";
    return sft_fail(err, SFT_EUSAGE, "[train] metric_for_best_model = %s: of [eval] prompts none is labelled %s "
                                     "(columns prompt and label)", words[choice], label);
}

/* The first of each label, and the first of the others, in the files' order. */
static void choose_shown(struct train_samples *t)
{
    const size_t n = t->prompts.count;
    bool *is_shown = mem_calloc(n, sizeof *is_shown);
    size_t n_chosen = 0;
    for (enum prompt_label label = PROMPT_SAFE; label <= PROMPT_UNLABELLED; label++) {
        size_t i = 0;
        while (i < n && t->prompts.items[i].label != label)
            i++;
        if (i < n) {
            is_shown[i] = true;
            n_chosen++;
        }
    }
    for (size_t i = 0; i < n && n_chosen < SAMPLES; i++) {
        n_chosen += !is_shown[i];
        is_shown[i] = true;
    }
    for (size_t i = 0; i < n; i++)
        if (is_shown[i])
            t->shown[t->n_shown++] = i;
    free(is_shown);
}

enum sft_status train_samples_read(struct train_samples **samples, const struct settings *settings,
                                   const volatile int *stop, struct sft_err *err)
{
    const struct string_list *files = &settings->eval.prompts;
    *samples = NULL;
    if (files->count == 0)
        return SFT_OK;
    struct train_samples *t = *samples = mem_calloc(1, sizeof **samples);
    t->stop = stop;
    if (prompts_read(&t->prompts, files->items, files->count, false, stop, err))
        return err->status;
    count_labels(t);
    if (check_metric(t, settings->train.metric_for_best_model, err))
        return err->status;
    prompts_drop_unlabelled(&t->prompts, SAMPLES);
    choose_shown(t);
    return SFT_OK;
}

uint64_t train_samples_hash(const struct train_samples *t)
{
    return t ? prompts_fingerprint(&t->prompts) : 0;
}

void train_samples_free(struct train_samples *t)
{
    if (!t)
        return;
    answers_free(&t->answers);
    answerer_close(&t->answerer);
    token_rules_free(&t->rules);
    prompts_free(&t->prompts);
    free(t);
}

enum sft_status train_samples_prepare(struct train_samples *t, struct run *run, struct sft_err *err)
{
    if (!t)
        return SFT_OK;
    const struct base_model *base = &run->base;
    const int32_t end = base->template.name ? base->template.end_of_turn : tokenizer_eos_id(base->tokenizer);
    const struct answer_form form = {base->tokenizer, &base->template};
    const struct decode_options options = {
        .max_streams = STREAMS, .prompt_positions = PROMPT_POSITIONS, .stop = t->stop};
    struct plan_prompts *plan = &run->plan.prompts;
    token_rules_init(&t->rules, base->tokenizer, &base->files.generation, end, base->config.vocab_size,
                     base->config.vocab_size);
    if (answerer_init(&t->answerer, &t->prompts, &form, &base->config, run->plan.kernels, ANSWER_TOKENS, &options,
                      err))
        return err->status;
    if (t->prompts.n_labelled == 0)
        log_info("[eval] prompts: no row has a label, safe or unsafe: answers are shown, but there are no rates");
    plan->n = t->prompts.count;
    plan->n_unsafe = t->sizes.unsafe.n;
    plan->n_safe = t->sizes.safe.n;
    plan->bytes = answerer_bytes(&t->answerer, &base->config, run->plan.kernels);
    return SFT_OK;
}

/* ---- the answers ---- */

/* Before the first step: memory is a thread's, and later fewer of them may compute. */
static enum sft_status begin(void *context, const struct transformer *model, struct sft_err *err)
{
    struct train_samples *t = context;
    const struct decode_model what = decode_model_of(model, &t->rules);
    return answerer_open(&t->answerer, &what, err);
}

static struct eval_count count_of(size_t k, size_t n)
{
    const struct rate_interval interval = rate_interval_of(k, n);
    return (struct eval_count){k, n, interval.low, interval.high};
}

static void add_rates(const struct train_samples *t, struct eval_metrics *m)
{
    struct rates rates;
    rates_make(&rates, &t->prompts, t->answers.labels);
    const struct rate_counts unsafe = rates.all.unsafe, safe = rates.all.safe, all = rate_counts_sum(unsafe, safe);
    rates_free(&rates);
    m->has_rates = all.n > 0;
    m->unsafe = count_of(unsafe.refused, unsafe.n);
    m->safe = count_of(safe.refused, safe.n);
    m->incoherent = count_of(all.incoherent, all.n);
    m->eval_refusal_rate = rate_of(unsafe.refused, unsafe.n);
    m->eval_over_refusal_rate = rate_of(safe.refused, safe.n);
    m->eval_incoherent_rate = rate_of(all.incoherent, all.n);
}

static enum sft_status evaluated(void *context, struct eval_metrics *m, struct sft_err *err)
{
    struct train_samples *t = context;
    answers_free(&t->answers);
    if (answerer_run(&t->answerer, &t->answers, err))
        return err->status;
    add_rates(t, m);
    for (size_t i = 0; i < t->n_shown; i++) {
        const struct prompt_row *prompt = &t->prompts.items[t->shown[i]];
        const struct answer *answer = &t->answers.items[t->shown[i]];
        t->samples[i] = (struct eval_sample){.prompt = prompt->text,
                                             .prompt_len = prompt->len,
                                             .completion = answer->text,
                                             .completion_len = answer->len,
                                             .is_cut = answer->is_cut,
                                             .label = refusal_label_name(t->answers.labels[t->shown[i]])};
    }
    m->samples = t->samples;
    m->n_samples = t->n_shown;
    return SFT_OK;
}

struct train_watch train_samples_watch(struct train_samples *samples)
{
    return samples ? (struct train_watch){begin, evaluated, samples} : (struct train_watch){0};
}

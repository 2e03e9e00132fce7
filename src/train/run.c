#include "train/run.h"

#include "base/log.h"
#include "config/settings.h"

/* A mean over no pair would never have a best. */
static enum sft_status check_metric(const struct run *run, struct sft_err *err)
{
    static const char *const words[] = {METRIC_CHOICES(CHOICE_WORD)};
    const enum metric_choice choice = run->settings->train.metric_for_best_model;
    if ((choice != METRIC_REWARD_ACCURACIES && choice != METRIC_REWARD_MARGINS) || run->data.eval.n_pairs > 0)
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE, "[train] metric_for_best_model = %s: of what is evaluated nothing is a pair "
                                     "(name a file of pairs in [data] eval, or raise eval_fraction)", words[choice]);
}

static enum sft_status read_data(struct run *run, const struct run_options *options, struct sft_err *err)
{
    const struct settings *s = run->settings;
    if (train_data_load(&run->data, &run->base, s, &(struct train_data_options){.stop = options->stop}, err) ||
        train_data_split(&run->data, &run->base, s->data.eval_fraction, err))
        return err->status;
    if (train_data_check_any_left(&run->data, base_model_max_length(&run->base, s->data.max_length), err))
        return err->status;
    return check_metric(run, err);
}

/* An adapter that does not go with the template is the first thing to say, also of data that are bad. */
static enum sft_status take_data(struct run *run, const struct run_options *options, struct sft_err *err)
{
    const enum sft_status status = read_data(run, options, err);
    struct sft_err of_tokens;
    if (status == SFT_EINTERRUPTED || !adapting_take_tokens(&run->adapting, run->settings, &run->base, &of_tokens))
        return status;
    *err = of_tokens;
    return err->status;
}

static enum sft_status open_output(struct run *run, const struct run_options *options, struct sft_err *err)
{
    output_dir_init(&run->output, run->settings, options->fresh);
    if (!options->dry && output_dir_lock(&run->output, err))
        return err->status;
    if (output_dir_find(&run->output, err) ||
        train_plan_keep_precision(&run->plan, run->settings, output_dir_precision(&run->output), err))
        return err->status;
    return output_dir_set_record(&run->output, run->settings, &run->base, &run->adapting, &run->data,
                                 &run->plan, err);
}

/* Whether what it begins with is there; a checkpoint's weights are checked by their sums. */
static enum sft_status check_weights(const struct run *run, struct sft_err *err)
{
    return run->output.found.dir || run->adapting.on ? SFT_OK : base_model_check_weights(&run->base, err);
}

/* The model's tensors: once it is known which kernels read them. */
static enum sft_status lay_out(struct run *run, struct sft_err *err)
{
    struct strbuf unused = {0};
    const enum sft_status status = adapting_table(&run->adapting, run->settings, &run->base, run->plan.kernels,
                                                  &run->plan.table, &unused, err);
    if (!status && unused.len)
        log_warning("%s: tensors that are not used: %s", run->base.files.path, unused.data);
    strbuf_free(&unused);
    return status;
}

enum sft_status run_prepare(struct run *run, const struct settings *settings, const struct run_options *options,
                            struct sft_err *err)
{
    *run = (struct run){.settings = settings};
    if (train_plan_choose_kernels(&run->plan, settings, err) || base_model_open(&run->base, settings, err) ||
        adapting_open(&run->adapting, settings, &run->base, err) || take_data(run, options, err))
        return err->status;
    train_plan_make(&run->plan, settings, &run->data);
    run->plan.prompts.hash = options->prompts_hash;
    if (open_output(run, options, err) || check_weights(run, err) || lay_out(run, err))
        return err->status;
    /* not before it is certain that this run goes on */
    return options->dry ? SFT_OK : output_dir_write_rejected(&run->output, &run->data, err);
}

static struct learner_parts parts_of(const struct run *run)
{
    return (struct learner_parts){.settings = run->settings,
                                  .base = &run->base,
                                  .adapting = &run->adapting,
                                  .data = &run->data,
                                  .plan = &run->plan,
                                  .from = &run->output.found};
}

enum sft_status run_allocate(struct run *run, struct sft_err *err)
{
    const struct learner_parts parts = parts_of(run);
    return learner_init(&run->learner, &parts, err);
}

enum sft_status run_allocate_to_train(struct run *run, const volatile int *stop, struct sft_err *err)
{
    struct learner_parts parts = parts_of(run);
    parts.fingerprint = run->output.fingerprint.data;
    parts.stop = stop;
    return learner_init(&run->learner, &parts, err);
}

void run_free(struct run *run)
{
    learner_free(&run->learner);
    train_plan_free(&run->plan);
    train_data_free(&run->data); /* before the base, which it borrows */
    adapting_close(&run->adapting);
    base_model_close(&run->base);
    output_dir_close(&run->output);
    *run = (struct run){0};
}

/* Checks across fields. What is wrong with one field alone, its own value has told already: then nothing more
 * is said. */
#include "config/settings.h"

#include <math.h>
#include <string.h>

static void complain(struct settings *s, const char *key, const char *message)
{
    settings_complain(s, key, SFT_EUSAGE, "%s", message);
}

/* ---- what training needs ---- */

static void check_required(struct settings *s)
{
    if (!s->model.base && !settings_is_wrong(s, "base"))
        complain(s, "base", "not set; it names the model to start from, a Hugging Face directory");
    if (s->data.train.count == 0 && !settings_is_wrong(s, "train"))
        complain(s, "train", "not set; it names the files to train on");
    if (!s->train.output_dir && !settings_is_wrong(s, "output_dir"))
        complain(s, "output_dir", "not set; it names the directory for checkpoints");
    if (s->train.num_train_epochs == 0 && s->train.max_steps == 0 &&
        !settings_is_wrong(s, "num_train_epochs") && !settings_is_wrong(s, "max_steps"))
        complain(s, "num_train_epochs", "0, and max_steps is 0 too: nothing to do");
}

static void check_warmup(struct settings *s)
{
    const double steps = s->train.warmup_steps;
    if (steps >= 1 && steps != floor(steps) && !settings_is_wrong(s, "warmup_steps"))
        settings_complain(s, "warmup_steps", SFT_EUSAGE,
                          "expected a whole number, or a share below 1, found %g", steps);
}

/* ---- the template ---- */

/* template = custom: a format's turns all open with something, or none of them does; each has an end. */
static void check_custom(struct settings *s)
{
    const struct {
        const char *key, *text;
    } openers[] = {{"user_prefix", s->data.user_prefix}, {"assistant_prefix", s->data.assistant_prefix}},
      closers[] = {{"user_suffix", s->data.user_suffix}, {"assistant_suffix", s->data.assistant_suffix}};
    const bool has_openers = *s->data.user_prefix || *s->data.assistant_prefix;
    for (size_t i = 0; i < 2; i++) {
        if (has_openers && !*openers[i].text && !settings_is_wrong(s, openers[i].key))
            complain(s, openers[i].key, "not set; template = custom needs it for each role or for none");
        if (!*closers[i].text && !settings_is_wrong(s, closers[i].key))
            complain(s, closers[i].key, "not set; template = custom needs it");
    }
    if (settings_is_wrong(s, "system_prefix") || settings_is_wrong(s, "system_suffix"))
        return;
    if (has_openers && !*s->data.system_prefix != !*s->data.system_suffix)
        complain(s, *s->data.system_prefix ? "system_prefix" : "system_suffix",
                 "system_prefix and system_suffix: set both or neither");
    if (!has_openers && *s->data.system_prefix)
        complain(s, "system_prefix", "set, but user_prefix and assistant_prefix are not");
}

static void check_template(struct settings *s)
{
    const struct {
        const char *key, *text;
    } affixes[] = {
        {"system_prefix", s->data.system_prefix},       {"system_suffix", s->data.system_suffix},
        {"user_prefix", s->data.user_prefix},           {"user_suffix", s->data.user_suffix},
        {"assistant_prefix", s->data.assistant_prefix}, {"assistant_suffix", s->data.assistant_suffix},
    };
    if (settings_is_wrong(s, "template"))
        return;
    if (s->data.template_choice == TEMPLATE_CUSTOM) {
        check_custom(s);
        return;
    }
    for (size_t i = 0; i < sizeof affixes / sizeof *affixes; i++)
        if (*affixes[i].text && !settings_is_wrong(s, affixes[i].key))
            complain(s, affixes[i].key, "only for template = custom");
}

static void check_system(struct settings *s)
{
    const bool is_set = *s->data.system;
    if (settings_is_wrong(s, "system") || settings_is_wrong(s, "system_policy"))
        return;
    if (s->data.system_policy == SYSTEM_REPLACE && !is_set)
        complain(s, "system", "not set; system_policy = replace needs it");
    if (s->data.system_policy == SYSTEM_DROP && is_set)
        complain(s, "system", "not used with system_policy = drop");
    if (is_set && s->data.template_choice == TEMPLATE_CUSTOM && !*s->data.system_suffix &&
        !settings_is_wrong(s, "template") && !settings_is_wrong(s, "system_suffix"))
        complain(s, "system", "this custom template has no system_suffix");
}

/* ---- evaluation ---- */

static void check_evaluation(struct settings *s)
{
    static const char remedy[] = "needs eval files or eval_fraction in [data]";
    const enum metric_choice metric = s->train.metric_for_best_model;
    const bool metric_is_wrong = settings_is_wrong(s, "metric_for_best_model");
    if (metric >= METRIC_REFUSAL && s->eval.prompts.count == 0 && !metric_is_wrong && !settings_is_wrong(s, "prompts"))
        complain(s, "metric_for_best_model", "needs prompts in [eval], labelled safe or unsafe");
    if ((metric == METRIC_REWARD_ACCURACIES || metric == METRIC_REWARD_MARGINS) && !metric_is_wrong &&
        s->train.objective != OBJECTIVE_DPO && !settings_is_wrong(s, "objective"))
        complain(s, "metric_for_best_model", "needs objective = dpo, which compares pairs of answers");
    if (settings_is_wrong(s, "eval") || settings_is_wrong(s, "eval_fraction"))
        return;
    if (s->data.eval.count > 0 && s->data.eval_fraction > 0)
        complain(s, "eval_fraction", "eval is set too: set one of them, not both");
    if (s->data.eval.count > 0 || s->data.eval_fraction > 0)
        return;
    if (s->train.eval_steps > 0 && !settings_is_wrong(s, "eval_steps"))
        complain(s, "eval_steps", remedy);
    if (s->train.early_stopping_patience > 0 && !settings_is_wrong(s, "early_stopping_patience"))
        complain(s, "early_stopping_patience", remedy);
    if (s->eval.prompts.count > 0 && !settings_is_wrong(s, "prompts"))
        complain(s, "prompts", remedy);
    if (metric != METRIC_LOSS && metric < METRIC_REFUSAL && !settings_is_wrong(s, "metric_for_best_model"))
        complain(s, "metric_for_best_model", remedy);
}

/* ---- adapters ---- */

static void check_adapter(struct settings *s)
{
    if (s->model.weights != KEEP_WEIGHTS_AUTO && !s->lora.on && !settings_is_wrong(s, "weights"))
        complain(s, "weights", "needs a section [lora]: a model that is trained whole is kept in floats");
    if (s->lora.lora_dropout > 0)
        complain(s, "lora_dropout", "training is without dropout (0, or leave it out)");
}

/* ---- preferences ---- */

/* Where [dpo] means nothing: each of its keys that is set is told, or else the section. */
static void refuse_dpo(struct settings *s)
{
    bool is_told = false;
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        if (strcmp(field->section, "dpo") != 0 || !settings_is_given(s, field))
            continue;
        if (!settings_is_wrong(s, field->key))
            complain(s, field->key, "only for objective = dpo in [train]");
        is_told = true;
    }
    if (s->dpo.on && !is_told)
        complain(s, "objective", "sft, but there is a section [dpo], which is for objective = dpo");
}

/* A model that is trained already moves far at sft's rate: TRL's DPO has this one, too. */
static const double dpo_learning_rate = 1e-6;

static void check_objective(struct settings *s)
{
    if (settings_is_wrong(s, "objective"))
        return;
    if (s->train.objective == OBJECTIVE_SFT) {
        refuse_dpo(s);
        return;
    }
    if (!settings_is_given(s, settings_find("learning_rate")))
        s->train.learning_rate = dpo_learning_rate;
    if (s->data.train_on == TRAIN_ON_ALL && !settings_is_wrong(s, "train_on"))
        complain(s, "train_on", "all, but objective = dpo compares answers: assistant or last_assistant");
    if (s->dpo.loss_type != DPO_LOSS_SIGMOID && s->dpo.label_smoothing > 0 && !settings_is_wrong(s, "label_smoothing"))
        complain(s, "label_smoothing", "only for loss_type = sigmoid (0, or leave it out)");
}

enum sft_status settings_check(struct settings *settings, bool need_train, struct sft_err *err)
{
    const size_t before = settings->problems.count;
    if (need_train)
        check_required(settings);
    check_warmup(settings);
    check_template(settings);
    check_system(settings);
    check_evaluation(settings);
    check_adapter(settings);
    check_objective(settings);
    return settings_outcome(settings, before, err);
}

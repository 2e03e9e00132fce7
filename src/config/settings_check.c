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

struct affix {
    const char *key, *text;
    bool is_needed;
};

static void check_affix(struct settings *s, const struct affix *affix)
{
    const bool is_custom = s->data.template_choice == TEMPLATE_CUSTOM;
    if (settings_is_wrong(s, affix->key))
        return;
    if (is_custom && affix->is_needed && !*affix->text)
        complain(s, affix->key, "not set; template = custom needs it");
    if (!is_custom && *affix->text)
        complain(s, affix->key, "only for template = custom");
}

static void check_template(struct settings *s)
{
    const struct affix affixes[] = {
        {"system_prefix", s->data.system_prefix, false},
        {"system_suffix", s->data.system_suffix, false},
        {"user_prefix", s->data.user_prefix, true},
        {"user_suffix", s->data.user_suffix, true},
        {"assistant_prefix", s->data.assistant_prefix, true},
        {"assistant_suffix", s->data.assistant_suffix, true},
    };
    if (settings_is_wrong(s, "template"))
        return;
    for (size_t i = 0; i < sizeof affixes / sizeof *affixes; i++)
        check_affix(s, &affixes[i]);
    if (!*s->data.system_prefix != !*s->data.system_suffix && s->data.template_choice == TEMPLATE_CUSTOM &&
        !settings_is_wrong(s, "system_prefix") && !settings_is_wrong(s, "system_suffix"))
        complain(s, *s->data.system_prefix ? "system_prefix" : "system_suffix",
                 "system_prefix and system_suffix: set both or neither");
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
    if (is_set && s->data.template_choice == TEMPLATE_CUSTOM && !*s->data.system_prefix &&
        !settings_is_wrong(s, "template") && !settings_is_wrong(s, "system_prefix"))
        complain(s, "system", "this custom template has no system_prefix");
}

/* ---- evaluation ---- */

static void check_evaluation(struct settings *s)
{
    static const char remedy[] = "needs eval files or eval_fraction in [data]";
    const char *by_default = settings_find("metric_for_best_model")->default_text;
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
    if (strcmp(s->train.metric_for_best_model, by_default) != 0 &&
        !settings_is_wrong(s, "metric_for_best_model"))
        complain(s, "metric_for_best_model", remedy);
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
    return settings_outcome(settings, before, err);
}

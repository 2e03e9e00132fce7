#include "train/options.h"

struct template_options template_options_of(const struct settings *settings)
{
    return (struct template_options){
        .choice = (enum template_choice)settings->data.template_choice,
        .prefix = {[ROLE_SYSTEM] = settings->data.system_prefix,
                   [ROLE_USER] = settings->data.user_prefix,
                   [ROLE_ASSISTANT] = settings->data.assistant_prefix},
        .suffix = {[ROLE_SYSTEM] = settings->data.system_suffix,
                   [ROLE_USER] = settings->data.user_suffix,
                   [ROLE_ASSISTANT] = settings->data.assistant_suffix},
    };
}

struct dataset_options dataset_options_of(const struct settings *settings, size_t max_length)
{
    return (struct dataset_options){
        .render = {.max_length = max_length,
                   .overlong = (enum overlong)settings->data.overlong,
                   .train_on = (enum train_on)settings->data.train_on,
                   .system = settings->data.system,
                   .system_policy = (enum system_policy)settings->data.system_policy,
                   .pairs = settings->train.objective == OBJECTIVE_DPO},
        .names = {.columns = settings->data.columns,
                  .roles = settings->data.roles,
                  .prompt_column = settings->data.prompt_column,
                  .completion_column = settings->data.completion_column},
        .on_bad_row = (enum on_bad_row)settings->data.on_bad_row,
        .dedupe = (enum dedupe)settings->data.dedupe,
        .seed = settings->train.seed,
    };
}

struct batch_options batch_options_of(const struct settings *settings)
{
    return (struct batch_options){.micro_batch_tokens = (size_t)settings->train.micro_batch_tokens,
                                  .shared_prefix = settings->data.shared_prefix == SHARED_PREFIX_AUTO,
                                  .pairs = settings->train.objective == OBJECTIVE_DPO};
}

struct dpo_options dpo_options_of(const struct settings *settings)
{
    return (struct dpo_options){.beta = settings->dpo.beta,
                                .loss_type = (enum dpo_loss)settings->dpo.loss_type,
                                .label_smoothing = settings->dpo.label_smoothing,
                                .sft_weight = settings->dpo.sft_weight};
}

struct order_options order_options_of(const struct settings *settings)
{
    return (struct order_options){.batch_size = (size_t)settings->train.batch_size,
                                  .seed = settings->train.seed,
                                  .shuffle = settings->data.shuffle};
}

struct schedule_options schedule_options_of(const struct settings *settings)
{
    return (struct schedule_options){.type = (enum lr_scheduler)settings->train.lr_scheduler_type,
                                     .learning_rate = settings->train.learning_rate,
                                     .warmup_steps = settings->train.warmup_steps};
}

struct adamw_options adamw_options_of(const struct settings *settings)
{
    return (struct adamw_options){.kept = settings->train.optim == OPTIM_ADAMW_8BIT ? MOMENTS_8BIT : MOMENTS_FLOAT,
                                  .weight_decay = settings->train.weight_decay,
                                  .beta1 = settings->train.adam_beta1,
                                  .beta2 = settings->train.adam_beta2,
                                  .epsilon = settings->train.adam_epsilon};
}

/* Settings that are one of a few words. Each is one list, of which its enum and its words in the table of fields are
 * made, so that neither falls out of step. This is all of config/ that the rooms which obey them see. */
#ifndef SFT_CONFIG_CHOICES_H
#define SFT_CONFIG_CHOICES_H

#define CHOICE_NUMBER(number, word) number,
#define CHOICE_WORD(number, word)   word,

/* [data] template: how a conversation becomes text. Those between auto (the base's own) and custom (by the settings'
 * affixes) are rows of text/template_table.c. */
#define TEMPLATE_CHOICES(X)                                                                                            \
    X(TEMPLATE_AUTO, "auto")                                                                                           \
    X(TEMPLATE_IM_SEP, "im_sep")                                                                                       \
    X(TEMPLATE_CHATML, "chatml")                                                                                       \
    X(TEMPLATE_SMOLLM2, "smollm2")                                                                                     \
    X(TEMPLATE_SMOLLM3, "smollm3")                                                                                     \
    X(TEMPLATE_QWEN2, "qwen2")                                                                                         \
    X(TEMPLATE_QWEN3, "qwen3")                                                                                         \
    X(TEMPLATE_LLAMA3, "llama3")                                                                                       \
    X(TEMPLATE_ZEPHYR, "zephyr")                                                                                       \
    X(TEMPLATE_MISTRAL, "mistral")                                                                                     \
    X(TEMPLATE_GEMMA, "gemma")                                                                                         \
    X(TEMPLATE_GRANITE, "granite")                                                                                     \
    X(TEMPLATE_OLMO2, "olmo2")                                                                                         \
    X(TEMPLATE_DIALOGPT, "dialogpt")                                                                                   \
    X(TEMPLATE_CUSTOM, "custom")
enum template_choice { TEMPLATE_CHOICES(CHOICE_NUMBER) };

/* [data] train_on: whose tokens are trained. */
#define TRAIN_ON_CHOICES(X)                                                                                            \
    X(TRAIN_ON_ASSISTANT, "assistant")                                                                                 \
    X(TRAIN_ON_LAST_ASSISTANT, "last_assistant")                                                                       \
    X(TRAIN_ON_ALL, "all")
enum train_on { TRAIN_ON_CHOICES(CHOICE_NUMBER) };

/* [data] overlong: of a conversation longer than max_length the first tokens are kept, it is left out, or it is an
 * error. */
#define OVERLONG_CHOICES(X) X(OVERLONG_TRUNCATE, "truncate") X(OVERLONG_DROP, "drop") X(OVERLONG_ERROR, "error")
enum overlong { OVERLONG_CHOICES(CHOICE_NUMBER) };

/* [data] system_policy: what becomes of a conversation's own system prompt. */
#define SYSTEM_CHOICES(X) X(SYSTEM_KEEP, "keep") X(SYSTEM_REPLACE, "replace") X(SYSTEM_DROP, "drop")
enum system_policy { SYSTEM_CHOICES(CHOICE_NUMBER) };

/* [data] on_bad_row */
#define ON_BAD_ROW_CHOICES(X) X(ON_BAD_ROW_ERROR, "error") X(ON_BAD_ROW_SKIP, "skip")
enum on_bad_row { ON_BAD_ROW_CHOICES(CHOICE_NUMBER) };

/* [data] dedupe: which conversations are left out as duplicates. */
#define DEDUPE_CHOICES(X) X(DEDUPE_NONE, "none") X(DEDUPE_EXACT, "exact")
enum dedupe { DEDUPE_CHOICES(CHOICE_NUMBER) };

/* [data] shared_prefix: what conversations of a micro-batch begin with in common is run once, or for each. */
#define SHARED_PREFIX_CHOICES(X) X(SHARED_PREFIX_AUTO, "auto") X(SHARED_PREFIX_OFF, "off")
enum shared_prefix { SHARED_PREFIX_CHOICES(CHOICE_NUMBER) };

/* [train] lr_scheduler_type */
#define LR_CHOICES(X) X(LR_LINEAR, "linear") X(LR_COSINE, "cosine") X(LR_CONSTANT, "constant")
enum lr_scheduler { LR_CHOICES(CHOICE_NUMBER) };

/* [train] optim: how AdamW's moments are kept. */
#define OPTIM_CHOICES(X) X(OPTIM_ADAMW, "adamw") X(OPTIM_ADAMW_8BIT, "adamw_8bit")
enum optim { OPTIM_CHOICES(CHOICE_NUMBER) };

/* [train] objective: what is minimised. */
#define OBJECTIVE_CHOICES(X) X(OBJECTIVE_SFT, "sft") X(OBJECTIVE_DPO, "dpo")
enum objective_choice { OBJECTIVE_CHOICES(CHOICE_NUMBER) };

/* [dpo] loss_type */
#define DPO_LOSS_CHOICES(X) X(DPO_LOSS_SIGMOID, "sigmoid") X(DPO_LOSS_IPO, "ipo")
enum dpo_loss { DPO_LOSS_CHOICES(CHOICE_NUMBER) };

/* [train] metric_for_best_model: of each evaluation (train/metric.h says which way is better). Those of rewards are of
 * pairs, and from METRIC_REFUSAL on they are of the answers to [eval] prompts. */
#define METRIC_CHOICES(X)                                                                                              \
    X(METRIC_LOSS, "eval_loss")                                                                                        \
    X(METRIC_ACCURACY, "eval_mean_token_accuracy")                                                                     \
    X(METRIC_REWARD_ACCURACIES, "eval_rewards/accuracies")                                                             \
    X(METRIC_REWARD_MARGINS, "eval_rewards/margins")                                                                   \
    X(METRIC_REFUSAL, "eval_refusal_rate")                                                                             \
    X(METRIC_OVER_REFUSAL, "eval_over_refusal_rate")                                                                   \
    X(METRIC_INCOHERENT, "eval_incoherent_rate")
enum metric_choice { METRIC_CHOICES(CHOICE_NUMBER) };

/* [model] weights: as what those that nobody trains are kept; auto: as their file has them. */
#define WEIGHTS_CHOICES(X)                                                                                             \
    X(KEEP_WEIGHTS_AUTO, "auto") X(KEEP_WEIGHTS_F32, "f32") X(KEEP_WEIGHTS_BF16, "bf16") X(KEEP_WEIGHTS_INT8, "int8")
enum weights_choice { WEIGHTS_CHOICES(CHOICE_NUMBER) };

/* [train] precision */
#define PRECISION_CHOICES(X) X(PRECISION_AUTO, "auto") X(PRECISION_FP32, "fp32") X(PRECISION_BF16, "bf16")
enum precision { PRECISION_CHOICES(CHOICE_NUMBER) };

#endif

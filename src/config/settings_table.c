#include "config/field_value.h"
#include "config/foreign.h"
#include "config/settings.h"

#include <math.h>
#include <string.h>

#define WORDS(...)                                                                                           \
    .values = (const char *const[]){__VA_ARGS__},                                                            \
    .n_values = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define AT_MEMBER(section_, key_, member_)                                                                   \
    .section = #section_, .key = #key_, .offset = offsetof(struct settings, section_.member_)
#define AT(section_, key_) AT_MEMBER(section_, key_, key_)

/* Bounds small enough that no product of two settings overflows 64 bits. */
#define TOKENS_MAX 1e9
#define STEPS_MAX  1e12
#define RANK_MAX   4096

const struct field settings_fields[] = {
    /* ---- [model] ---- */
    {AT(model, base), .type = FIELD_PATH, .resume = RESUME_CONTENT,
     .doc = "a Hugging Face directory, ORG/NAME of one in the Hugging Face cache, a file in GGUF, one of our "
            "checkpoints, or a config.json (random weights)"},
    {AT(model, adapter), .type = FIELD_PATH, .default_text = "", .resume = RESUME_CONTENT,
     .doc = "an adapter of it, in PEFT's format, to go on from: with [lora] it is trained further, without it is "
            "added to the weights and the whole model trained"},
    {AT(model, weights), .type = FIELD_ENUM, .default_text = "auto", WORDS(WEIGHTS_CHOICES(CHOICE_WORD)),
     .doc = "with [lora]: how the base's matrices are kept in memory; auto: as the file has them; int8: a scale a row"},

    /* ---- [data] ---- */
    {AT(data, train), .type = FIELD_FILES, .resume = RESUME_CONTENT,
     .doc = "files to train on; FILE*2 repeats one, FILE*0.25 samples it, FILE:format forces a reader, - is "
            "stdin"},
    {AT(data, eval), .type = FIELD_FILES, .default_text = "", .resume = RESUME_CONTENT,
     .doc = "files to evaluate on"},
    {AT(data, eval_fraction), .type = FIELD_DOUBLE, .default_text = "0", .max = BELOW_ONE,
     .doc = "share of the training conversations held out for evaluation, chosen by content"},
    {AT(data, max_length), .type = FIELD_SIZE, .default_text = "1024", .min = 2, .max = TOKENS_MAX,
     .doc = "longest conversation, in tokens"},
    {AT(data, overlong), .type = FIELD_ENUM, .default_text = "truncate", WORDS(OVERLONG_CHOICES(CHOICE_WORD)),
     .doc = "what to do with a longer one: keep its first tokens, leave it out, or stop"},
    {AT_MEMBER(data, template, template_choice), .type = FIELD_ENUM, .default_text = "auto",
     WORDS(TEMPLATE_CHOICES(CHOICE_WORD)),
     .doc = "how a conversation becomes text; auto: the base's own, else im_sep"},
    {AT(data, system_prefix), .type = FIELD_TEXT, .default_text = "",
     .doc = "with template = custom: before a system message"},
    {AT(data, system_suffix), .type = FIELD_TEXT, .default_text = "",
     .doc = "with template = custom: after a system message"},
    {AT(data, user_prefix), .type = FIELD_TEXT, .default_text = "",
     .doc = "with template = custom: before a user message"},
    {AT(data, user_suffix), .type = FIELD_TEXT, .default_text = "",
     .doc = "with template = custom: after a user message"},
    {AT(data, assistant_prefix), .type = FIELD_TEXT, .default_text = "",
     .doc = "with template = custom: before an assistant message"},
    {AT(data, assistant_suffix), .type = FIELD_TEXT, .default_text = "",
     .doc = "with template = custom: after an assistant message"},
    {AT(data, train_on), .type = FIELD_ENUM, .default_text = "assistant",
     WORDS(TRAIN_ON_CHOICES(CHOICE_WORD)), .doc = "whose tokens are trained"},
    {AT(data, shuffle), .type = FIELD_BOOL, .default_text = "true",
     .doc = "a new order in each epoch, from the seed"},
    {AT(data, on_bad_row), .type = FIELD_ENUM, .default_text = "error", WORDS(ON_BAD_ROW_CHOICES(CHOICE_WORD)),
     .doc = "what to do with a row that cannot be read: stop, or leave it out"},
    {AT(data, dedupe), .type = FIELD_ENUM, .default_text = "none", WORDS(DEDUPE_CHOICES(CHOICE_WORD)),
     .doc = "exact: of conversations with the same tokens and weights, train on the first only"},
    {AT(data, shared_prefix), .type = FIELD_ENUM, .default_text = "auto", .text_before = "off",
     WORDS(SHARED_PREFIX_CHOICES(CHOICE_WORD)),
     .doc = "auto: what conversations of a micro-batch begin with in common is computed once for all of them, which "
            "changes nothing but rounding; off: for each"},
    {AT(data, system), .type = FIELD_TEXT, .default_text = "",
     .doc = "system prompt for conversations that have none"},
    {AT(data, system_policy), .type = FIELD_ENUM, .default_text = "keep", WORDS(SYSTEM_CHOICES(CHOICE_WORD)),
     .doc = "what to do with a conversation's own system prompt; replace: system takes its place in all"},
    {AT(data, columns), .type = FIELD_NAMES, .default_text = "",
     .doc = "keys of the files that have other names, THEIRS:OURS ...; KEY:ignore passes one over"},
    {AT(data, roles), .type = FIELD_NAMES, .default_text = "",
     .doc = "speakers of other names: NAME:user, NAME:assistant, NAME:system or NAME:tool"},
    {AT(data, prompt_column), .type = FIELD_TEXT, .default_text = "",
     .doc = "columns = NAME:prompt in other words"},
    {AT(data, completion_column), .type = FIELD_TEXT, .default_text = "",
     .doc = "columns = NAME:completion in other words"},

    /* ---- [train] ---- */
    {AT(train, objective), .type = FIELD_ENUM, .default_text = "sft", WORDS(OBJECTIVE_CHOICES(CHOICE_WORD)),
     .doc = "sft: each answer is learned; dpo: of rows with a chosen and a rejected answer, to prefer the chosen one"},
    {AT(train, output_dir), .type = FIELD_PATH, .resume = RESUME_MAY,
     .doc = "directory for checkpoints and metrics"},
    {AT(train, num_train_epochs), .type = FIELD_DOUBLE, .default_text = "3", .max = STEPS_MAX,
     .resume = RESUME_LONGER, .doc = "passes over the training data; may be fractional"},
    {AT(train, max_steps), .type = FIELD_SIZE, .default_text = "0", .max = STEPS_MAX, .resume = RESUME_LONGER,
     .doc = "number of optimizer steps; 0: as many as the epochs take"},
    {AT(train, batch_size), .type = FIELD_SIZE, .default_text = "8", .min = 1, .max = TOKENS_MAX,
     .doc = "conversations per optimizer step; of a pair of answers the two are one"},
    {AT(train, micro_batch_tokens), .type = FIELD_SIZE, .default_text = "2048", .min = 1, .max = TOKENS_MAX,
     .doc = "tokens computed at a time: bounds memory, changes nothing but rounding"},
    {AT(train, learning_rate), .type = FIELD_DOUBLE, .default_text = "5e-5", .max = INFINITY,
     .doc = "peak learning rate; with objective = dpo 1e-6 where it is not set"},
    {AT(train, lr_scheduler_type), .type = FIELD_ENUM, .default_text = "linear",
     WORDS(LR_CHOICES(CHOICE_WORD)), .doc = "how the learning rate falls after the warm-up"},
    {AT(train, warmup_steps), .type = FIELD_DOUBLE, .default_text = "0", .max = STEPS_MAX,
     .doc = "steps over which the learning rate rises; below 1: a share of all steps"},
    {AT(train, optim), .type = FIELD_ENUM, .default_text = "adamw", WORDS(OPTIM_CHOICES(CHOICE_WORD)),
     .doc = "adamw_8bit: its two moments in 8 bits each, a quarter of the memory, and half a checkpoint"},
    {AT(train, weight_decay), .type = FIELD_DOUBLE, .default_text = "0", .max = INFINITY,
     .doc = "AdamW's decoupled weight decay; norms and biases are exempt"},
    {AT(train, adam_beta1), .type = FIELD_DOUBLE, .default_text = "0.9", .max = BELOW_ONE,
     .doc = "decay rate of AdamW's mean of gradients"},
    {AT(train, adam_beta2), .type = FIELD_DOUBLE, .default_text = "0.999", .max = BELOW_ONE,
     .doc = "decay rate of AdamW's mean of squared gradients"},
    {AT(train, adam_epsilon), .type = FIELD_DOUBLE, .default_text = "1e-8", .max = INFINITY,
     .doc = "added to AdamW's denominator"},
    {AT(train, max_grad_norm), .type = FIELD_DOUBLE, .default_text = "1", .max = INFINITY,
     .doc = "gradients are scaled down to this norm; 0: never"},
    {AT(train, seed), .type = FIELD_SIZE, .default_text = "42", .max = INFINITY,
     .doc = "random seed for shuffling and initialisation"},
    {AT(train, precision), .type = FIELD_ENUM, .default_text = "auto", WORDS(PRECISION_CHOICES(CHOICE_WORD)),
     .doc = "of matrix products; auto: the fastest that this CPU has"},
    {AT(train, gradient_checkpointing), .type = FIELD_BOOL, .default_text = "false", .resume = RESUME_MAY,
     .doc = "compute activations again in the backward pass rather than keep them: less memory, more time, the same "
            "bits"},
    {AT(train, logging_steps), .type = FIELD_SIZE, .default_text = "1", .min = 1, .max = STEPS_MAX,
     .resume = RESUME_MAY, .doc = "steps between log lines"},
    {AT(train, eval_steps), .type = FIELD_SIZE, .default_text = "0", .max = STEPS_MAX, .resume = RESUME_MAY,
     .doc = "steps between evaluations; 0: at the end of each epoch"},
    {AT(train, save_steps), .type = FIELD_SIZE, .default_text = "0", .max = STEPS_MAX, .resume = RESUME_MAY,
     .doc = "steps between checkpoints; 0: at the end of each epoch"},
    {AT(train, save_interval_s), .type = FIELD_SIZE, .default_text = "1800", .max = STEPS_MAX,
     .resume = RESUME_MAY, .doc = "with save_steps = 0: most seconds between checkpoints; 0: no limit"},
    {AT(train, save_total_limit), .type = FIELD_SIZE, .default_text = "2", .max = STEPS_MAX,
     .resume = RESUME_MAY, .doc = "checkpoints to keep besides the best; 0: all"},
    {AT(train, save_dtype), .type = FIELD_STRING, .default_text = "f32", WORDS("f32", "bf16"), .resume = RESUME_MAY,
     .doc = "of the weights in a checkpoint's model.safetensors; bf16: trainer/ has them in f32 too, to go on from"},
    {AT(train, metric_for_best_model), .type = FIELD_ENUM, .default_text = "eval_loss",
     WORDS(METRIC_CHOICES(CHOICE_WORD)),
     .doc = "what the best checkpoint is chosen by; of eval_rewards, for objective = dpo, more is better; of "
            "eval_refusal_rate (of unsafe prompts) more is better, of the two rates after it less; all three need "
            "[eval] prompts with labels; of equal ones the lower eval_loss decides"},
    {AT(train, early_stopping_patience), .type = FIELD_SIZE, .default_text = "0", .max = STEPS_MAX,
     .doc = "evaluations without improvement (by metric_for_best_model) before training stops; 0: never"},

    /* ---- [lora] ---- */
    {AT(lora, r), .type = FIELD_SIZE, .default_text = "16", .min = 1, .max = RANK_MAX,
     .doc = "rank of the adapter's matrices; the section alone, even empty, asks for an adapter instead of the whole "
            "model"},
    {AT(lora, lora_alpha), .type = FIELD_DOUBLE, .default_text = "32", .min = ABOVE_ZERO, .max = INFINITY,
     .doc = "what an adapter adds is multiplied by lora_alpha / r"},
    {AT(lora, target_modules), .type = FIELD_WORDS, .default_text = "all-linear",
     .doc = "linear layers that get one: all-linear (all but the head), names such as q_proj, whole paths, or one "
            "regular expression for paths"},
    {AT(lora, modules_to_save), .type = FIELD_WORDS, .default_text = "",
     .doc = "modules that are trained whole beside it, such as embed_tokens or lm_head"},
    {AT(lora, use_rslora), .type = FIELD_BOOL, .default_text = "false",
     .doc = "multiplied by lora_alpha / sqrt(r) instead"},
    {AT(lora, lora_dropout), .type = FIELD_DOUBLE, .default_text = "0", .max = BELOW_ONE,
     .doc = "0: there is no dropout here"},

    /* ---- [dpo] ---- */
    {AT(dpo, beta), .type = FIELD_DOUBLE, .default_text = "0.1", .min = ABOVE_ZERO, .max = INFINITY,
     .doc = "with objective = dpo: how strongly the model is held to the reference, which is what it was when the run "
            "began"},
    {AT(dpo, loss_type), .type = FIELD_ENUM, .default_text = "sigmoid", WORDS(DPO_LOSS_CHOICES(CHOICE_WORD)),
     .doc = "sigmoid: DPO's own (Rafailov et al. 2023); ipo: a margin of 1 / (2 beta) a token, no more "
            "(Azar et al. 2023)"},
    {AT(dpo, label_smoothing), .type = FIELD_DOUBLE, .default_text = "0", .max = BELOW_HALF,
     .doc = "share of the pairs that are taken to be the wrong way round; for loss_type = sigmoid"},
    {AT(dpo, reference_free), .type = FIELD_BOOL, .default_text = "false",
     .doc = "no reference: as if it found all answers equally likely"},
    {AT(dpo, sft_weight), .type = FIELD_DOUBLE, .default_text = "0", .max = INFINITY,
     .doc = "the mean loss of the chosen answers' tokens is added, times this; above 0 rows without a rejected answer "
            "are learned from too"},

    /* ---- [eval] ---- */
    {AT(eval, prompts), .type = FIELD_FILES, .default_text = "", .resume = RESUME_CONTENT,
     .doc = "files of prompts (CSV or JSON lines: prompt or messages, label safe or unsafe, type; .txt: each line is "
            "one), answered after each evaluation: how many are refused, of the unsafe and of the safe ones; without "
            "labels the first few answers are shown"},
};

/* Whoever speaks of [lora] wants an adapter, of [dpo] its objective. */
static void note_section(void *values, const char *section)
{
    struct settings *settings = values;
    settings->lora.on = settings->lora.on || strcmp(section, "lora") == 0;
    settings->dpo.on = settings->dpo.on || strcmp(section, "dpo") == 0;
}

const size_t settings_fields_count = sizeof settings_fields / sizeof *settings_fields;

const struct field_table settings_table = {
    .fields = settings_fields,
    .count = sizeof settings_fields / sizeof *settings_fields,
    .foreign_key = foreign_key,
    .foreign_section = foreign_section,
    .note_section = note_section,
};

const struct field *settings_find(const char *key)
{
    return table_find(&settings_table, key);
}

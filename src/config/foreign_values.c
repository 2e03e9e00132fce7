#include "config/foreign_values.h"

#include <ctype.h>
#include <string.h>

static char fold(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

bool foreign_is_among(const char *names, const char *word)
{
    for (const char *p = names; *p; p += strspn(p, " ")) {
        const size_t len = strcspn(p, " ");
        size_t same = 0;
        while (same < len && word[same] && fold(p[same]) == fold(word[same]))
            same++;
        if (same == len ? !word[same] : p[same] == '*' && same + 1 == len)
            return true;
        p += len;
    }
    return false;
}

static const struct {
    const char *key, *names, *value, *words; /* value: NULL where there is none here */
} values[] = {
    {"precision", "bfloat16 bf16-mixed bf16-true torch.bfloat16 mixed_bf16 bf16_mixed", "bf16", NULL},
    {"precision", "float32 f32 fp32-true fp32_true 32 32-true full single torch.float32 no float", "fp32", NULL},
    {"precision", "fp16 f16 float16 half 16 16-mixed 16-true fp16-mixed torch.float16", NULL,
     "there is no fp16; bf16 has 16 bits too"},
    {"precision", "int8 8bit int4 4bit nf4 fp8 q8_0 q4_0", NULL,
     "weights = int8 in [model] keeps a base with an adapter in 8 bits a weight"},
    {"weights", "bfloat16 torch.bfloat16 16 16bit", "bf16", NULL},
    {"weights", "fp32 float32 float torch.float32 full 32", "f32", NULL},
    {"weights", "8bit 8 q8_0 load_in_8bit i8", "int8", NULL},
    {"weights", "4bit 4 int4 nf4 fp4 q4_0 load_in_4bit", "int8", "8 bits a weight are the least"},
    {"weights", "fp16 f16 float16 half", NULL, "bf16 has 16 bits too; auto keeps a bf16 file as it is"},
    {"save_dtype", "bfloat16 torch.bfloat16", "bf16", NULL},
    {"save_dtype", "fp32 float32 float torch.float32 full", "f32", NULL},
    {"save_dtype", "fp16 f16 float16 half torch.float16", NULL, "sft export --dtype f16 writes one of these"},
    {"optim", "adamw_torch adamw_torch_fused adamw_hf adamw_apex_fused adam_w torch_adamw", "adamw", NULL},
    {"optim", "adam", "adamw", "its weight decay is AdamW's, 0 unless set"},
    {"optim",
     "adamw_bnb_8bit paged_adamw_8bit adamw_8bit_bnb adamw8bit paged_adamw8bit adamw_torch_8bit 8bit adam_8bit",
     "adamw_8bit", NULL},
    {"optim", "paged_adamw paged_adamw_32bit adamw_32bit", "adamw", NULL},
    {"optim", "sgd adafactor lion* muon galore* adagrad rmsprop schedule_free*", NULL, "the optimizer is AdamW"},
    {"lr_scheduler_type", "cosine_with_restarts cosine_with_min_lr cosine_annealing cosine_decay", "cosine",
     "it falls once, to 0"},
    {"lr_scheduler_type", "constant_with_warmup", "constant", "it has no warmup here"},
    {"lr_scheduler_type", "linear_with_warmup linear_decay", "linear", NULL},
    {"lr_scheduler_type", "none off fixed", "constant", NULL},
    {"train_on",
     "responses response completion completions completion_only assistant_only assistants answers answer "
     "replies reply",
     "assistant", NULL},
    {"train_on", "last last_turn final", "last_assistant", NULL},
    {"train_on", "everything full_text prompt prompts inputs", "all", NULL},
    {"overlong", "cut clip truncation true keep_start", "truncate", NULL},
    {"overlong", "skip filter remove discard exclude", "drop", NULL},
    {"overlong", "raise fail stop", "error", NULL},
    {"on_bad_row", "ignore drop warn", "skip", NULL},
    {"on_bad_row", "stop fail raise", "error", NULL},
    {"objective", "pt pretrain supervised instruction", "sft", NULL},
    {"objective", "ipo", "dpo", "[dpo] loss_type = ipo says the rest"},
    {"objective", "rm reward ppo grpo kto orpo simpo cpo", NULL, "of preferences there is dpo"},
    {"loss_type", "dpo logistic", "sigmoid", NULL},
    {"loss_type", "hinge robust exo_pair nca_pair sppo* apo_* aot* discopop orpo simpo kto_pair", NULL,
     "not in this version"},
    {"dedupe", "true yes on 1", "exact", NULL},
    {"dedupe", "false no off 0", "none", NULL},
    {"system_policy", "override overwrite force", "replace", NULL},
    {"system_policy", "remove ignore", "drop", NULL},
    {"template", "default tokenizer tokenizer_default", "auto", NULL},
    {"template", "im_start qwen qwen2 qwen25 qwen3 chat_ml", "chatml", NULL},
    {"metric_for_best_model", "loss validation_loss val_loss", "eval_loss", NULL},
    {"metric_for_best_model", "accuracy eval_accuracy mean_token_accuracy", "eval_mean_token_accuracy", NULL},
};

bool foreign_value(const struct field *field, const char *value, struct strbuf *out)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (strcmp(values[i].key, field->key) != 0 || !foreign_is_among(values[i].names, value))
            continue;
        if (values[i].value)
            strbuf_printf(out, " (did you mean %s?%s%s)", values[i].value, values[i].words ? " " : "",
                          values[i].words ? values[i].words : "");
        else
            strbuf_printf(out, " (%s)", values[i].words);
        return true;
    }
    return false;
}

/* What users write that is nearly right: where a value ends, other trainers' names, everything wrong at once. */
#include "settings_fixture.h"
#include "support/run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- where a value ends ---- */

static const struct {
    const char *line;    /* of [data] or [train] */
    const char *value;   /* as settings_field_text says it; NULL: refused */
    const char *message; /* what the refusal holds */
} values[] = {
    /* numbers, choices and truths hold no ; or # */
    {"batch_size = 4 ; four", "4", NULL},
    {"batch_size = 4 # four", "4", NULL},
    {"batch_size = 4;four", "4", NULL},
    {"batch_size = \"4\" ; four", "4", NULL},
    {"overlong = drop # why", "drop", NULL},
    {"shuffle = True ; Python's", "true", NULL},
    {"shuffle = OFF", "false", NULL},
    {"learning_rate = 1E-4", "0.0001", NULL},
    {"batch_size = 4 // four", NULL, "found '4 // four'"},
    {"batch_size = ; four", NULL, "found nothing"},
    {"batch_size = 1_000", NULL, "(did you mean 1000?)"},
    {"batch_size = 1,000", NULL, "(did you mean 1000?)"},
    {"max_steps = -1", NULL, "(did you mean 0?)"},
    {"warmup_steps = 10%", NULL, "(did you mean 0.1?)"},
    {"save_total_limit = None", NULL, "(leave save_total_limit out for its default, 2)"},
    /* a text is all of its line, or quoted */
    {"system = Be brief; be kind", "\"Be brief; be kind\"", NULL},
    {"system = Use C#, please", "\"Use C#, please\"", NULL},
    {"system = Be brief ; be kind", NULL, "'; be kind': text or comment? (put the text in double quotes"},
    {"system = Begin headings with #", NULL, "'#': text or comment?"},
    {"system = # Rules", NULL, "'# Rules': text or comment?"},
    {"system = \"Be brief ; use # for headings\"", "\"Be brief ; use # for headings\"", NULL},
    {"system = \"# Rules\" ; a comment", "\"# Rules\"", NULL},
    {"system = \"# Rules\"# a comment", "\"# Rules\"", NULL},
    {"system = \"\"", "", NULL},
    {"system = Say \\\"hi\\\" ", "\"Say \\\"hi\\\"\"", NULL},
    {"system = Say \"hi\" first", "\"Say \\\"hi\\\" first\"", NULL},
    {"system = two\\nlines", "\"two\\nlines\"", NULL},
    {"system = \"never closed", NULL, "a double quote is never closed"},
    {"system = never opened\"", NULL, "a double quote is never closed"},
    {"system = \"one\" and \"two\"", NULL, "text after the closing quote: ' and \"two\"'"},
    {"system = \"\"\"three\"\"\"", NULL, "text after the closing quote"},
    {"system = 'Be brief'", NULL, "single quotes would be part of the value"},
    {"system = \xFF", NULL, "not UTF-8 (byte 0xFF"},
    {"user_prefix = ### User:\\n", NULL, "text or comment?"},
    {"user_prefix = \"### User:\\n\"", "\"### User:\\n\"", NULL},
    /* paths and files */
    {"output_dir = out ; where it goes", "out", NULL},
    {"output_dir = out # where it goes", "out", NULL},
    {"output_dir = out;1#2", "out;1#2", NULL},
    {"output_dir = run #1", NULL, "'#1': is it a comment? (put the path in double quotes"},
    {"output_dir = \"run #1\" ; one", "\"run #1\"", NULL},
    {"output_dir = 'out'", NULL, "single quotes would be part of the value"},
    {"output_dir = ~other/out", NULL, "only ~ and ~/ are understood"},
    {"output_dir = ./~", "./~", NULL},
    {"train = a.jsonl b.jsonl ; two", "a.jsonl b.jsonl", NULL},
    {"train = a.jsonl ; b.jsonl", NULL, "'; b.jsonl' would be a comment"},
    {"train = a.jsonl, b.jsonl", NULL, "'a.jsonl,': items are separated by blanks"},
    {"train = [\"a.jsonl\"]", NULL, "items are separated by blanks, without commas or brackets"},
    {"train = 'a.jsonl'", NULL, "single quotes"},
    {"train = \"a.jsonl", NULL, "a double quote is never closed"},
};

START_TEST(no_value_is_cut_silently)
{
    const char *line = values[_i].line;
    const size_t len = strcspn(line, " =");
    const struct field *field = NULL;
    for (size_t f = 0; f < settings_fields_count; f++)
        if (strlen(settings_fields[f].key) == len && strncmp(settings_fields[f].key, line, len) == 0)
            field = &settings_fields[f];
    ck_assert_ptr_nonnull(field);
    char *text = mem_printf("[%s]\n%s\n", field->section, line);
    const enum sft_status status = settings_read_text(&settings, text, strlen(text), "config.ini", NULL,
                                                      &err);
    free(text);
    if (values[_i].value) {
        struct strbuf value = {0};
        ck_assert_msg(status == SFT_OK, "%s", err_text(&err));
        settings_field_text(&settings, field, &value);
        ck_assert_str_eq(value.data ? value.data : "", values[_i].value);
        strbuf_free(&value);
    } else {
        ck_assert_int_eq(status, SFT_EUSAGE);
        ck_assert_msg(strncmp(err_text(&err), "config.ini:2: [", 15) == 0, "%s", err_text(&err));
        ck_assert_msg(strstr(err_text(&err), values[_i].message) != NULL, "%s", err_text(&err));
    }
}
END_TEST

/* On the command line there are no comments, and the shell has taken its quotes. */
START_TEST(overrides_have_no_comments)
{
    ck_assert_int_eq(settings_override(&settings, "data.system=Be brief ; use # for headings", &err), SFT_OK);
    ck_assert_str_eq(settings.data.system, "Be brief ; use # for headings");
    ck_assert_int_eq(settings_override(&settings, "train.output_dir=run #1 ; x", &err), SFT_OK);
    ck_assert_str_eq(settings.train.output_dir, "run #1 ; x");
    ck_assert_int_eq(settings_override(&settings, "train.batch_size=4 ; x", &err), SFT_EUSAGE);
}
END_TEST

START_TEST(a_tilde_is_the_home_directory)
{
    setenv("HOME", "/home/me/", 1);
    read_text(
        "[model]\nbase = ~/gpt2\n[data]\ntrain = ~/a.jsonl*2 b~/c \"~/d e\"\n[train]\noutput_dir = ~\n");
    ck_assert_str_eq(settings.model.base, "/home/me/gpt2");
    ck_assert_str_eq(settings.data.train.items[0], "/home/me/a.jsonl*2");
    ck_assert_str_eq(settings.data.train.items[1], "b~/c");
    ck_assert_str_eq(settings.data.train.items[2], "/home/me/d e");
    ck_assert_str_eq(settings.train.output_dir, "/home/me");
    ck_assert_int_eq(settings_override(&settings, "train.output_dir=~/out", &err), SFT_OK);
    ck_assert_str_eq(settings.train.output_dir, "/home/me/out");
}
END_TEST

/* ---- all of it at once ---- */

START_TEST(everything_that_is_wrong_is_told_at_once)
{
    static const char *const expected[] = {
        "config.ini:1: seed (before the first [section]): belongs in [train]",
        ("config.ini:3: [data] train_file: unknown key; here it is train = t.jsonl (files, separated by "
         "blanks)"),
        "config.ini:4: expected key = value or [section], found 'nonsense'",
        "config.ini:5: [trian]: unknown section (did you mean [train]?)",
        "config.ini:6: [train] batch_size: expected a whole number from 1 to 1000000000, found 'x'",
        "config.ini:8: [train] max_steps: already set in line 7",
        ("config.ini:10: [qlora]: here it is [lora], with weights = int8 in [model] for a base in 8 bits a "
         "weight"),
        "--set train.lr: unknown key; here it is learning_rate = 1",
        "config.ini: [model] base: not set; it names the model to start from, a Hugging Face directory",
        "config.ini: [train] output_dir: not set; it names the directory for checkpoints",
        "--set train.eval_steps: needs eval files or eval_fraction in [data]",
    };
    const char *text = "seed = 1\n[data]\ntrain_file = t.jsonl\nnonsense\n[trian]\nbatch_size = x\nmax_steps = 1\n"
                       "max_steps = 2\nearly_stopping_patience = 0\n[qlora]\nr = 16\n";
    ck_assert_int_eq(settings_read_text(&settings, text, strlen(text), "config.ini", NULL, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), expected[0]);
    settings_override(&settings, "train.lr=1", NULL);
    settings_override(&settings, "train.eval_steps=7", NULL);
    settings_check(&settings, true, NULL);
    for (size_t i = 0; i < settings.problems.count && i < COUNT(expected); i++)
        ck_assert_str_eq(err_text(settings.problems.errors[i]), expected[i]);
    ck_assert_uint_eq(settings.problems.count, COUNT(expected));
}
END_TEST

START_TEST(very_many_problems_are_counted)
{
    struct strbuf text = {0};
    for (int i = 0; i < 100; i++)
        strbuf_puts(&text, "nonsense\n");
    settings_read_text(&settings, text.data, text.len, "config.ini", NULL, &err);
    ck_assert_uint_eq(settings.problems.count, 100);
    ck_assert_str_eq(err_text(settings.problems.errors[PROBLEMS_MAX - 1]),
                     "config.ini:20: expected key = value or [section], found 'nonsense'");
    strbuf_free(&text);
}
END_TEST

/* ---- other trainers' names ---- */

static const struct {
    const char *assignment, *message; /* behind "--set train.KEY: " */
} foreign[] = {
    {"per_device_train_batch_size=4", "unknown key; here it is batch_size = 4 (conversations an optimizer step)"},
    {"Per-Device-Train-Batch-Size=4", "unknown key; here it is batch_size = 4 (conversations an optimizer step)"},
    {"max_seq_length=64", "unknown key; here it is max_length = 64 in [data]"},
    {"cutoff_len=none", "unknown key; here it is max_length in [data]"},
    {"warmup_ratio=0.1", "unknown key; here it is warmup_steps = 0.1 (below 1: a share of all steps)"},
    {"bf16=true", "unknown key; here it is precision = bf16"},
    {"bf16=False", "unknown key; here it is precision = fp32"},
    {"bf16=auto", "unknown key; here it is precision"},
    {"train_on_inputs=true", "unknown key; here it is train_on = all in [data]"},
    {"val_set_size=0.05",
     "unknown key; here it is eval_fraction = 0.05 in [data] (a share of the training conversations)"},
    {"validation_split_percentage=5", "unknown key; here it is eval_fraction = 0.05 in [data] (a share of 1)"},
    {"base_model=gpt2", "unknown key; here it is base = gpt2 in [model] (a Hugging Face directory on this machine)"},
    {"optim=adamw_torch", "expected adamw or adamw_8bit, found 'adamw_torch' (did you mean adamw?)"},
    {"optimizer=adamw_8bit", "unknown key; here it is optim = adamw_8bit"},
    {"response_template=### Answer:",
     "unknown key; the template knows where answers begin, and train_on = assistant in [data] trains them alone"},
    {"truncation_side=left",
     "unknown key; a conversation's first max_length tokens are kept; overlong = drop leaves it out"},
    {"lora_rank=8", "unknown key; here it is r = 8 in [lora]"},
    {"lora_target_modules=q_proj v_proj",
     "unknown key; here it is target_modules = q_proj v_proj in [lora] (all-linear, or names separated by blanks)"},
    {"lora_target_linear=true", "unknown key; here it is target_modules = all-linear in [lora]"},
    {"additional_target=embed_tokens",
     "unknown key; here it is modules_to_save = embed_tokens in [lora] (names separated by blanks)"},
    {"adapter_name_or_path=out/a",
     "unknown key; here it is adapter = out/a in [model] (a directory; an adapter's run continues without it)"},
    {"load_in_4bit=true",
     "unknown key; here it is weights = int8 in [model] (of a base with an adapter; 8 bits a weight are the least)"},
    {"finetuning_type=lora",
     "unknown key; a section [lora], even an empty one, trains an adapter; without it all of the model is trained"},
    {"use_dora=true",
     "unknown key; not in this version: adapters are as [lora] says, without variants (target_modules may be a "
     "regular expression, which picks layers)"},
    {"pref_beta=0.2", "unknown key; here it is beta = 0.2 in [dpo]"},
    {"beta=0.2", "belongs in [dpo]"},
    {"rpo_alpha=1", "unknown key; here it is sft_weight = 1 in [dpo] (the chosen answers' own loss, times this, is "
                    "added)"},
    {"stage=dpo", "unknown key; here it is objective = dpo"},
    {"objective=ipo", "expected sft or dpo, found 'ipo' (did you mean dpo? [dpo] loss_type = ipo says the rest)"},
    {"wandb_project=x", "unknown key; metrics go to output_dir/metrics.jsonl, an object a line: leave it out"},
};

START_TEST(names_of_other_trainers_are_translated)
{
    char *assignment = mem_printf("train.%s", foreign[_i].assignment);
    char *expected = mem_printf("--set train.%.*s: %s", (int)strcspn(foreign[_i].assignment, "="),
                                foreign[_i].assignment, foreign[_i].message);
    ck_assert_int_eq(settings_override(&settings, assignment, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), expected);
    free(assignment);
    free(expected);
}
END_TEST

START_TEST(values_as_others_write_them)
{
    static const struct {
        const char *assignment, *end;
    } given[] = {
        {"train.precision=bfloat16", "found 'bfloat16' (did you mean bf16?)"},
        {"train.precision=nf4",
         "found 'nf4' (weights = int8 in [model] keeps a base with an adapter in 8 bits a weight)"},
        {"model.weights=4bit", "found '4bit' (did you mean int8? 8 bits a weight are the least)"},
        {"model.weights=fp32", "found 'fp32' (did you mean f32?)"},
        {"train.precision=fp16", "found 'fp16' (there is no fp16; bf16 has 16 bits too)"},
        {"train.lr_scheduler_type=constant_with_warmup", " (did you mean constant? it has no warmup here)"},
        {"train.lr_scheduler_type=cosine_with_restarts", " (did you mean cosine? it falls once, to 0)"},
    };
    for (size_t i = 0; i < COUNT(given); i++) {
        ck_assert_int_eq(settings_override(&settings, given[i].assignment, &err), SFT_EUSAGE);
        ck_assert_msg(str_has_ending(err_text(&err), given[i].end), "%s", err_text(&err));
    }
}
END_TEST

/* Each of these says more than that it is unknown: names from the documentation of TRL and transformers, axolotl,
 * LLaMA-Factory, Unsloth, mlx-lm, nanoGPT and llama.cpp. */
START_TEST(no_common_name_is_only_unknown)
{
    static const char *const names[] = {
        /* transformers, TRL */
        "per_device_train_batch_size",
        "per_device_eval_batch_size",
        "gradient_accumulation_steps",
        "max_seq_length",
        "warmup_ratio",
        "bf16",
        "fp16",
        "tf32",
        "group_by_length",
        "packing",
        "padding_free",
        "dataset_text_field",
        "assistant_only_loss",
        "completion_only_loss",
        "save_strategy",
        "eval_strategy",
        "evaluation_strategy",
        "load_best_model_at_end",
        "report_to",
        "logging_dir",
        "run_name",
        "dataloader_num_workers",
        "model_name_or_path",
        "chat_template_path",
        "eos_token",
        "pad_token",
        "neftune_noise_alpha",
        "use_liger_kernel",
        "push_to_hub",
        "hub_model_id",
        "deepspeed",
        "fsdp",
        "torch_compile",
        "resume_from_checkpoint",
        "overwrite_output_dir",
        "greater_is_better",
        "logging_first_step",
        "data_seed",
        "attn_implementation",
        "label_smoothing_factor",
        "auto_find_batch_size",
        "ddp_find_unused_parameters",
        "remove_unused_columns",
        "lr_scheduler_kwargs",
        "dataset_num_proc",
        "shuffle_dataset",
        "do_train",
        "save_only_model",
        /* axolotl */
        "base_model",
        "datasets",
        "sequence_len",
        "sample_packing",
        "micro_batch_size",
        "num_epochs",
        "optimizer",
        "lr_scheduler",
        "val_set_size",
        "train_on_inputs",
        "roles_to_train",
        "saves_per_epoch",
        "evals_per_epoch",
        "load_in_8bit",
        "load_in_4bit",
        "lora_model_dir",
        "lora_target_linear",
        "peft_use_dora",
        "lora_r",
        "lora_target_modules",
        "flash_attention",
        "wandb_project",
        "dataset_prepared_path",
        "special_tokens",
        "pad_to_sequence_len",
        /* LLaMA-Factory */
        "cutoff_len",
        "stage",
        "finetuning_type",
        "dataset",
        "dataset_dir",
        "max_samples",
        "overwrite_cache",
        "preprocessing_num_workers",
        "plot_loss",
        "val_size",
        "mask_history",
        "train_on_prompt",
        "neat_packing",
        "quantization_bit",
        "default_system",
        "pref_beta",
        "adapter_name_or_path",
        "flash_attn",
        "lora_rank",
        /* Unsloth, mlx-lm, nanoGPT, llama.cpp, others */
        "random_state",
        "use_gradient_checkpointing",
        "iters",
        "steps_per_report",
        "steps_per_eval",
        "save_every",
        "fine_tune_type",
        "mask_prompt",
        "grad_checkpoint",
        "lora_parameters",
        "block_size",
        "max_iters",
        "lr_decay_iters",
        "warmup_iters",
        "min_lr",
        "grad_clip",
        "eval_interval",
        "eval_iters",
        "log_interval",
        "out_dir",
        "init_from",
        "dtype",
        "beta1",
        "device",
        "compile",
        "ctx_size",
        "threads",
        "n_gpu_layers",
        "epochs",
        "lr",
        "wd",
        "n_epochs",
        "training_file",
        "validation_file",
        "learning_rate_multiplier",
        "clip_grad_norm",
        "patience",
        "model",
        "seq_len",
        /* DPO elsewhere */
        "dpo_beta",
        "rpo_alpha",
        "pref_ftx",
        "precompute_ref_log_probs",
        "ref_model",
        "stage",
        "loss_weights",
        "simpo_gamma",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        char *assignment = mem_printf("train.%s=1", names[i]);
        ck_assert_int_eq(settings_override(&settings, assignment, &err), SFT_EUSAGE);
        ck_assert_msg(strstr(err_text(&err), "unknown key; ") != NULL, "%s", err_text(&err));
        free(assignment);
        settings_free(&settings);
        settings_init(&settings);
    }
}
END_TEST

/* ---- files that are no INI ---- */

START_TEST(other_kinds_of_file_are_told_in_a_sentence)
{
    static const struct {
        const char *text;
        size_t len;
        const char *message;
    } files[] = {
        {TEXT("\xFF\xFE[\0m\0"),
         "config.ini: this is UTF-16 text (save it as UTF-8: iconv -f UTF-16 -t UTF-8)"},
        {TEXT("[\0m\0o\0"), "config.ini: this is UTF-16 text (save it as UTF-8: iconv -f UTF-16 -t UTF-8)"},
        {TEXT("{\n  \"model\": {}\n}\n"), "config.ini: this is JSON"},
        {TEXT("[\n {}]\n"), "config.ini: this is JSON"},
        {TEXT("# axolotl\nbase_model: gpt2\ndatasets:\n  - path: a.jsonl\n    type: chat_template\n"),
         "config.ini: this looks like YAML"},
        {TEXT("[train]\rseed = 1\r"), "config.ini:1: a control character (0x0D) in the line"},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        settings_free(&settings);
        settings_init(&settings);
        ck_assert_int_eq(settings_read_text(&settings, files[i].text, files[i].len, "config.ini", NULL, &err),
                         SFT_EUSAGE);
        ck_assert_msg(strncmp(err_text(&err), files[i].message, strlen(files[i].message)) == 0, "%s",
                      err_text(&err));
        ck_assert_uint_eq(settings.problems.count, 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings as written");
    TCase *tcase = tcase_create("settings as written");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, no_value_is_cut_silently, 0, COUNT(values));
    tcase_add_test(tcase, overrides_have_no_comments);
    tcase_add_test(tcase, a_tilde_is_the_home_directory);
    tcase_add_test(tcase, everything_that_is_wrong_is_told_at_once);
    tcase_add_test(tcase, very_many_problems_are_counted);
    tcase_add_loop_test(tcase, names_of_other_trainers_are_translated, 0, COUNT(foreign));
    tcase_add_test(tcase, values_as_others_write_them);
    tcase_add_test(tcase, no_common_name_is_only_unknown);
    tcase_add_test(tcase, other_kinds_of_file_are_told_in_a_sentence);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

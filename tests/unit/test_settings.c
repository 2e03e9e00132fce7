#include "base/io.h"
#include "base/nearest.h"
#include "settings_fixture.h"
#include "support/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is refused, and how ---- */

static const struct {
    const char *text;
    size_t len;
    const char *message;
} refused[] = {
    /* names */
    {TEXT("[train]\nlearning_rat = 1e-4\n"),
     "config.ini:2: [train] learning_rat: unknown key (did you mean learning_rate?)"},
    {TEXT("[train]\nLearning_Rate = 1e-4\n"),
     "config.ini:2: [train] Learning_Rate: unknown key (did you mean learning_rate?)"},
    {TEXT("[train]\nepochs = 1\n"), "config.ini:2: [train] epochs: unknown key; here it is num_train_epochs = 1"},
    {TEXT("[data]\nbach_size = 1\n"),
     "config.ini:2: [data] bach_size: unknown key (did you mean batch_size in [train]?)"},
    {TEXT("[data]\nxyzzy = 1\n"), "config.ini:2: [data] xyzzy: unknown key"},
    {TEXT("[train]\n\n; a comment\nmax_length = 3\n"), "config.ini:4: [train] max_length: belongs in [data]"},
    {TEXT("[trian]\n"), "config.ini:1: [trian]: unknown section (did you mean [train]?)"},
    {TEXT("[ train ]\n"), "config.ini:1: [ train ]: unknown section (did you mean [train]?)"},
    {TEXT("[optimizer]\n"), "config.ini:1: [optimizer]: unknown section (did you mean [train]?)"},
    {TEXT("[xyzzy]\n"), "config.ini:1: [xyzzy]: unknown section ([model], [data], [train], [lora], [dpo] or [eval])"},
    {TEXT("[peft]\nr = 16\n"), "config.ini:1: [peft]: unknown section (did you mean [lora]?)"},
    {TEXT("[train]\nr = 16\n"), "config.ini:2: [train] r: belongs in [lora]"},
    {TEXT("[train]\nlora_alpha = 16\n"), "config.ini:2: [train] lora_alpha: belongs in [lora]"},
    {TEXT("[lora]\nr = 0\n"), "config.ini:2: [lora] r: expected a whole number from 1 to 4096, found '0'"},
    {TEXT("[dpo]\nlabel_smoothing = 0.5\n"),
     "config.ini:2: [dpo] label_smoothing: expected a number of at least 0 and below 0.5, found '0.5'"},
    {TEXT("[lora]\nlora_alpha = 0\n"), "config.ini:2: [lora] lora_alpha: expected a number above 0, found '0'"},
    {TEXT("[lora]\nalpha = 8\n"), "config.ini:2: [lora] alpha: unknown key; here it is lora_alpha = 8"},
    {TEXT("[train]\nalpha = 8\n"), "config.ini:2: [train] alpha: unknown key; here it is learning_rate = 8"},
    {TEXT("[lora]\ndropout = 0\n"), "config.ini:2: [lora] dropout: unknown key; here it is lora_dropout = 0"},
    {TEXT("[lora]\nbias = none\n"),
     "config.ini:2: [lora] bias: unknown key; an adapter has no biases of its own, which is bias = none elsewhere: "
     "leave it out"},
    {TEXT("[train]\ntrain.seed = 1\n"),
     "config.ini:2: [train] train.seed: unknown key (did you mean seed in [train]?)"},
    {TEXT("seed = 1\n"), "config.ini:1: seed (before the first [section]): belongs in [train]"},
    {TEXT("[train]\nseed = 1\nmax_steps = 2\n  seed = 1\n"), "config.ini:4: [train] seed: already set in line 2"},
    {TEXT("[train]\nseed = 1\n[data]\n[train]\nseed = 1\n"), "config.ini:5: [train] seed: already set in line 2"},
    /* syntax */
    {TEXT("[train\nseed = 1\n"), "config.ini:1: ']' is missing after the section's name"},
    {TEXT("[train] seed = 1\n"), "config.ini:1: text after '[train]' (a key = value has a line of its own)"},
    {TEXT("[train]\r\nseed 1\r\n"), "config.ini:2: expected key = value or [section], found 'seed 1'"},
    {TEXT("[train]\n= 1\n"), "config.ini:2: expected key = value or [section], found '= 1'"},
    {TEXT("[train]\nse\0ed = 1\n"), "config.ini:2: a NUL byte: this is no text file"},
    {TEXT("[model]\nbase = \"gpt2\n"),
     "config.ini:2: [model] base: a double quote is never closed (in a quoted text, \\\" is a quote)"},
    {TEXT("[model]\nbase = \"gpt2\" x\n"),
     "config.ini:2: [model] base: text after the closing quote: ' x' (within quotes, \\\" is a quote)"},
    {TEXT("[data]\ntrain = a.jsonl\n b.jsonl\n"), "config.ini:3: expected key = value or [section], found "
                                                  "'b.jsonl' (a value ends with its line: list files in one "
                                                  "line, write \\n for a line break)"},
    {TEXT("[data]\ntrain = a \"\" b\n"), "config.ini:2: [data] train: an empty name"},
    {TEXT("[data]\nuser_prefix = a\\qb\n"),
     "config.ini:2: [data] user_prefix: unknown escape '\\q' (\\n, \\t, \\\\ and \\\" are known)"},
    {TEXT("[data]\nuser_prefix = a\\\n"),
     "config.ini:2: [data] user_prefix: unknown escape '\\' (\\n, \\t, \\\\ and \\\" are known)"},
    /* values */
    {TEXT("[model]\nbase =\n"), "config.ini:2: [model] base: expected a path, found nothing"},
    {TEXT("[model]\nbase = ; none\n"), "config.ini:2: [model] base: expected a path, found nothing"},
    {TEXT("[train]\nbatch_size = 0\n"),
     "config.ini:2: [train] batch_size: expected a whole number from 1 to 1000000000, found '0'"},
    {TEXT("[train]\nbatch_size = -1\n"),
     "config.ini:2: [train] batch_size: expected a whole number from 1 to 1000000000, found '-1'"},
    {TEXT("[train]\nbatch_size = 1e3\n"), "config.ini:2: [train] batch_size: expected a whole number from 1 "
                                          "to 1000000000, found '1e3' (did you mean 1000?)"},
    {TEXT("[train]\nbatch_size = 8.0\n"), "config.ini:2: [train] batch_size: expected a whole number from 1 "
                                          "to 1000000000, found '8.0' (did you mean 8?)"},
    {TEXT("[train]\nbatch_size = 8 9\n"),
     "config.ini:2: [train] batch_size: expected a whole number from 1 to 1000000000, found '8 9'"},
    {TEXT("[train]\nlogging_steps = 0\n"),
     "config.ini:2: [train] logging_steps: expected a whole number from 1 to 1000000000000, found '0'"},
    {TEXT("[data]\nmax_length = 1\n"),
     "config.ini:2: [data] max_length: expected a whole number from 2 to 1000000000, found '1'"},
    {TEXT("[train]\nseed = 18446744073709551616\n"),
     "config.ini:2: [train] seed: expected a whole number of at least 0, found '18446744073709551616'"},
    {TEXT("[train]\nlearning_rate = nan\n"),
     "config.ini:2: [train] learning_rate: expected a number of at least 0, found 'nan'"},
    {TEXT("[train]\nlearning_rate = inf\n"),
     "config.ini:2: [train] learning_rate: expected a number of at least 0, found 'inf'"},
    {TEXT("[train]\nlearning_rate = 1e999\n"),
     "config.ini:2: [train] learning_rate: expected a number of at least 0, found '1e999'"},
    {TEXT("[train]\nlearning_rate = 0x1p-3\n"), "config.ini:2: [train] learning_rate: expected a number of "
                                                "at least 0, found '0x1p-3' (did you mean 0.125?)"},
    {TEXT("[train]\nlearning_rate = 5e-5x\n"),
     "config.ini:2: [train] learning_rate: expected a number of at least 0, found '5e-5x'"},
    {TEXT("[train]\nlearning_rate = 5e\n"),
     "config.ini:2: [train] learning_rate: expected a number of at least 0, found '5e'"},
    {TEXT("[train]\nlearning_rate = -1\n"),
     "config.ini:2: [train] learning_rate: expected a number of at least 0, found '-1'"},
    {TEXT("[train]\nadam_beta1 = 1\n"),
     "config.ini:2: [train] adam_beta1: expected a number of at least 0 and below 1, found '1'"},
    {TEXT("[data]\neval_fraction = 1.0\n"),
     "config.ini:2: [data] eval_fraction: expected a number of at least 0 and below 1, found '1.0'"},
    {TEXT("[data]\nshuffle = maybe\n"), "config.ini:2: [data] shuffle: expected true or false, found 'maybe'"},
    {TEXT("[data]\noverlong = truncat\n"), "config.ini:2: [data] overlong: expected truncate, drop or error, "
                                           "found 'truncat' (did you mean truncate?)"},
    {TEXT("[train]\nprecision = fp16\n"), "config.ini:2: [train] precision: expected auto, fp32 or bf16, "
                                          "found 'fp16' (there is no fp16; bf16 has 16 bits too)"},
    {TEXT("[train]\nprecision = double\n"),
     "config.ini:2: [train] precision: expected auto, fp32 or bf16, found 'double'"},
    {TEXT("[train]\nmetric_for_best_model = eval_los\n"),
     "config.ini:2: [train] metric_for_best_model: expected eval_loss, eval_mean_token_accuracy, eval_refusal_rate, "
     "eval_over_refusal_rate or eval_incoherent_rate, found 'eval_los' (did you mean eval_loss?)"},
};

START_TEST(bad_files_are_refused_with_their_line)
{
    ck_assert_int_eq(
        settings_read_text(&settings, refused[_i].text, refused[_i].len, "config.ini", NULL, &err),
        SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), refused[_i].message);
    ck_assert_int_eq(err.status, SFT_EUSAGE);
}
END_TEST

static const struct {
    const char *assignment, *message;
} refused_overrides[] = {
    {"train.seed", "--set train.seed: expected section.key=value"},
    {"seed=1", "--set seed: expected section.key=value (did you mean train.seed?)"},
    {"lerning_rate=1", "--set lerning_rate: expected section.key=value (did you mean train.learning_rate?)"},
    {"xyzzy=1", "--set xyzzy: expected section.key=value"},
    {"trian.seed=1", "--set trian.seed: [trian]: unknown section (did you mean [train]?)"},
    {"train.sed=1", "--set train.sed: unknown key (did you mean seed?)"},
    {"train.max_length=1", "--set train.max_length: belongs in [data]"},
    {"train.seed=x", "--set train.seed: expected a whole number of at least 0, found 'x'"},
    {"train.output_dir=", "--set train.output_dir: expected a path, found nothing"},
};

START_TEST(bad_overrides_are_refused_by_name)
{
    ck_assert_int_eq(settings_override(&settings, refused_overrides[_i].assignment, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), refused_overrides[_i].message);
}
END_TEST

#define NEEDED "[model]\nbase=b\n[train]\noutput_dir=o\n"

static const struct {
    const char *text, *message; /* NULL: all is well */
} checked[] = {
    {"[data]\ntrain=t\n" NEEDED, NULL},
    {NEEDED, "config.ini: [data] train: not set; it names the files to train on"},
    {"[data]\ntrain=t\n[model]\nbase=b\n",
     "config.ini: [train] output_dir: not set; it names the directory for checkpoints"},
    {"[data]\ntrain=t\n[train]\noutput_dir=o\n",
     "config.ini: [model] base: not set; it names the model to start from, a Hugging Face directory"},
    {"[data]\ntrain=t\n" NEEDED "num_train_epochs=0\n",
     "config.ini:7: [train] num_train_epochs: 0, and max_steps is 0 too: nothing to do"},
    {"[data]\ntrain=t\n" NEEDED "num_train_epochs=0.5\n", NULL},
    {"[data]\ntrain=t\n" NEEDED "warmup_steps=0.5\n", NULL},
    {"[data]\ntrain=t\n" NEEDED "warmup_steps=10\n", NULL},
    {"[data]\ntrain=t\n" NEEDED "warmup_steps=1.5\n",
     "config.ini:7: [train] warmup_steps: expected a whole number, or a share below 1, found 1.5"},
    {"[data]\ntrain=t\nsystem_policy=replace\n" NEEDED,
     "config.ini: [data] system: not set; system_policy = replace needs it"},
    {"[data]\ntrain=t\nsystem=x\nsystem_policy=drop\n" NEEDED,
     "config.ini:3: [data] system: not used with system_policy = drop"},
    {"[data]\ntrain=t\nsystem=x\ntemplate=custom\nuser_prefix=a\nuser_suffix=b\nassistant_prefix="
     "c\nassistant_suffix="
     "d\n" NEEDED,
     "config.ini:3: [data] system: this custom template has no system_suffix"},
    {"[data]\ntrain=t\nuser_prefix=x\n" NEEDED, "config.ini:3: [data] user_prefix: only for template = custom"},
    {"[data]\ntrain=t\ntemplate=custom\nuser_prefix=a\nuser_suffix=b\nassistant_prefix=c\n" NEEDED,
     "config.ini: [data] assistant_suffix: not set; template = custom needs it"},
    {"[data]\ntrain=t\ntemplate=custom\nuser_prefix=a\nuser_suffix=b\nassistant_prefix=c\nassistant_suffix="
     "d\n" NEEDED,
     NULL},
    {"[data]\ntrain=t\ntemplate=custom\nuser_prefix=a\nuser_suffix=b\nassistant_prefix=c\nassistant_suffix="
     "d\n"
     "system_prefix=e\n" NEEDED,
     "config.ini:8: [data] system_prefix: system_prefix and system_suffix: set both or neither"},
    {"[data]\ntrain=t\n" NEEDED "eval_steps=5\n",
     "config.ini:7: [train] eval_steps: needs eval files or eval_fraction in [data]"},
    {"[data]\ntrain=t\neval=e\n" NEEDED "eval_steps=5\nearly_stopping_patience=1\n", NULL},
    {"[data]\ntrain=t\neval_fraction=0.1\n" NEEDED "early_stopping_patience=1\n", NULL},
    {"[data]\ntrain=t\neval=e\neval_fraction=0.1\n" NEEDED,
     "config.ini:4: [data] eval_fraction: eval is set too: set one of them, not both"},
    {"[data]\ntrain=t\n" NEEDED "early_stopping_patience=1\n",
     "config.ini:7: [train] early_stopping_patience: needs eval files or eval_fraction in [data]"},
    {"[data]\ntrain=t\n" NEEDED "metric_for_best_model=eval_mean_token_accuracy\n",
     "config.ini:7: [train] metric_for_best_model: needs eval files or eval_fraction in [data]"},
    {"[data]\ntrain=t\neval=e\n" NEEDED "metric_for_best_model=eval_refusal_rate\n",
     "config.ini:8: [train] metric_for_best_model: needs prompts in [eval], labelled safe or unsafe"},
    {"[data]\ntrain=t\neval=e\n[eval]\nprompts=p\n" NEEDED "metric_for_best_model=eval_incoherent_rate\n", NULL},
    {"[data]\ntrain=t\n" NEEDED "[lora]\nlora_dropout=0.0\n", NULL},
    {"[data]\ntrain=t\n" NEEDED "[lora]\nlora_dropout=0.05\n",
     "config.ini:8: [lora] lora_dropout: training is without dropout (0, or leave it out)"},
    {"[data]\ntrain=t\n" NEEDED "[lora]\n[model]\nweights=int8\n", NULL},
    {"[data]\ntrain=t\n" NEEDED "[model]\nweights=bf16\n",
     "config.ini:8: [model] weights: needs a section [lora]: a model that is trained whole is kept in floats"},
    {"[data]\ntrain=t\n" NEEDED "objective=dpo\n[dpo]\nbeta=0.2\nlabel_smoothing=0.1\n", NULL},
    {"[data]\ntrain=t\n" NEEDED "[dpo]\nbeta=0.2\n",
     "config.ini:8: [dpo] beta: only for objective = dpo in [train]"},
    {"[data]\ntrain=t\n" NEEDED "objective=sft\n[dpo]\n",
     "config.ini:7: [train] objective: sft, but there is a section [dpo], which is for objective = dpo"},
    {"[data]\ntrain=t\ntrain_on=all\n" NEEDED "objective=dpo\n",
     "config.ini:3: [data] train_on: all, but objective = dpo compares answers: assistant or last_assistant"},
    {"[data]\ntrain=t\n" NEEDED "objective=dpo\n[dpo]\nloss_type=ipo\nlabel_smoothing=0.1\n",
     "config.ini:10: [dpo] label_smoothing: only for loss_type = sigmoid (0, or leave it out)"},
};

START_TEST(fields_are_checked_together)
{
    read_text(checked[_i].text);
    const enum sft_status status = settings_check(&settings, true, &err);
    if (checked[_i].message) {
        ck_assert_int_eq(status, SFT_EUSAGE);
        ck_assert_str_eq(err_text(&err), checked[_i].message);
    } else {
        ck_assert_msg(status == SFT_OK, "%s", err_text(&err));
    }
}
END_TEST

START_TEST(defaults_alone_pass_where_training_is_not_meant)
{
    ck_assert_int_eq(settings_check(&settings, false, &err), SFT_OK);
    ck_assert_int_eq(settings_check(&settings, true, &err), SFT_EUSAGE);
}
END_TEST

/* ---- what is read ---- */

START_TEST(defaults_are_the_documented_ones)
{
    ck_assert_ptr_null(settings.model.base);
    ck_assert_uint_eq(settings.data.train.count + settings.data.eval.count, 0);
    ck_assert_uint_eq(settings.data.max_length, 1024);
    ck_assert_int_eq(settings.data.template_choice, TEMPLATE_AUTO);
    ck_assert_int_eq(settings.data.train_on, TRAIN_ON_ASSISTANT);
    ck_assert(settings.data.shuffle);
    ck_assert_str_eq(settings.data.user_prefix, "");
    ck_assert_double_eq(settings.train.num_train_epochs, 3);
    ck_assert_uint_eq(settings.train.batch_size, 8);
    ck_assert_uint_eq(settings.train.micro_batch_tokens, 2048);
    ck_assert_double_eq(settings.train.learning_rate, 5e-5);
    ck_assert_double_eq(settings.train.adam_beta2, 0.999);
    ck_assert_double_eq(settings.train.adam_epsilon, 1e-8);
    ck_assert_double_eq(settings.train.max_grad_norm, 1);
    ck_assert_uint_eq(settings.train.seed, 42);
    ck_assert_uint_eq(settings.train.save_interval_s, 1800);
    ck_assert_uint_eq(settings.train.save_total_limit, 2);
    ck_assert_int_eq(settings.train.metric_for_best_model, METRIC_LOSS);
}
END_TEST

START_TEST(files_are_read)
{
    read_text("\xEF\xBB\xBF; a comment\r\n"
              "# another\r\n"
              "\r\n"
              "[model]\r\n"
              "base=models/tiny gpt2 ; a blank within, a comment after\r\n"
              "  [data] # indented\r\n"
              "\ttrain = a.jsonl*2 \"my data.json\":alpaca\tc;d#e \"x ; \\\"y\\\" \\\\ # z\" ; files\r\n"
              "eval =\r\n"
              "template = custom\r\n"
              "user_prefix = <|user|>\\n\r\n"
              "user_suffix = \" <|end|>\\t\\\\ \"\r\n"
              "shuffle = off\r\n"
              "[train]\r\n"
              "output_dir = \"out; not a comment\"\r\n"
              "learning_rate: 3E-4\r\n"
              "num_train_epochs = .5\r\n"
              "seed = 18446744073709551615\r\n"
              "precision = bf16\r\n"
              "[data]\r\n"
              "train_on = last_assistant");
    ck_assert_str_eq(settings.model.base, "models/tiny gpt2");
    ck_assert_uint_eq(settings.data.train.count, 4);
    ck_assert_str_eq(settings.data.train.items[0], "a.jsonl*2");
    ck_assert_str_eq(settings.data.train.items[1], "my data.json:alpaca");
    ck_assert_str_eq(settings.data.train.items[2], "c;d#e");
    ck_assert_str_eq(settings.data.train.items[3], "x ; \"y\" \\ # z");
    ck_assert_uint_eq(settings.data.eval.count, 0);
    ck_assert_int_eq(settings.data.template_choice, TEMPLATE_CUSTOM);
    ck_assert_str_eq(settings.data.user_prefix, "<|user|>\n");
    ck_assert_str_eq(settings.data.user_suffix, " <|end|>\t\\ ");
    ck_assert(!settings.data.shuffle);
    ck_assert_str_eq(settings.train.output_dir, "out; not a comment");
    ck_assert_double_eq(settings.train.learning_rate, 3e-4);
    ck_assert_double_eq(settings.train.num_train_epochs, 0.5);
    ck_assert_uint_eq(settings.train.seed, UINT64_MAX);
    ck_assert_int_eq(settings.train.precision, PRECISION_BF16);
    ck_assert_int_eq(settings.data.train_on, TRAIN_ON_LAST_ASSISTANT);
}
END_TEST

START_TEST(truths_have_many_names)
{
    static const char *const names[] = {"false", "true", "no", "yes", "0", "1", "off", "on"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char assignment[32];
        snprintf(assignment, sizeof assignment, "data.shuffle=%s", names[i]);
        ck_assert_int_eq(settings_override(&settings, assignment, &err), SFT_OK);
        ck_assert_int_eq(settings.data.shuffle, i % 2);
    }
}
END_TEST

START_TEST(lines_may_be_long)
{
    enum { N_CHARS = 100000, N_FILES = 20000 };
    struct strbuf text = {0};
    strbuf_puts(&text, "[model]\nbase = ");
    for (int i = 0; i < N_CHARS; i++)
        strbuf_putc(&text, (char)('a' + i % 26));
    strbuf_puts(&text, "\n[data]\ntrain =");
    for (int i = 0; i < N_FILES; i++)
        strbuf_printf(&text, " file%d.jsonl", i);
    strbuf_puts(&text, "\n; ");
    for (int i = 0; i < N_CHARS; i++)
        strbuf_putc(&text, '=');
    strbuf_puts(&text, "\nmax_length = 7\n");
    read_text(text.data);
    ck_assert_uint_eq(strlen(settings.model.base), N_CHARS);
    ck_assert_uint_eq(settings.data.train.count, N_FILES);
    ck_assert_str_eq(settings.data.train.items[N_FILES - 1], "file19999.jsonl");
    ck_assert_uint_eq(settings.data.max_length, 7);

    strbuf_clear(&text);
    for (int i = 0; i < N_CHARS; i++)
        strbuf_putc(&text, 'k');
    strbuf_puts(&text, " = 1\n");
    ck_assert_int_eq(settings_read_text(&settings, text.data, text.len, "config.ini", NULL, &err),
                     SFT_EUSAGE);
    ck_assert_msg(strncmp(err_text(&err), "config.ini:1: kkkk", 18) == 0, "%s", err_text(&err));
    strbuf_free(&text);
}
END_TEST

START_TEST(paths_are_relative_to_the_file)
{
    char dir[] = "test_settings_XXXXXX", path[64], expected[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/config.ini", dir);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("[model]\nbase = /abs/gpt2\n[data]\ntrain = a.jsonl*2 /abs/b.jsonl \"c d\"\n[train]\noutput_dir = "
          "../out\n",
          file);
    fclose(file);
    const enum sft_status status = settings_read_file(&settings, path, &err);
    unlink(path);
    rmdir(dir);
    ck_assert_msg(status == SFT_OK, "%s", err_text(&err));
    ck_assert_str_eq(settings.model.base, "/abs/gpt2");
    snprintf(expected, sizeof expected, "%s/a.jsonl*2", dir);
    ck_assert_str_eq(settings.data.train.items[0], expected);
    ck_assert_str_eq(settings.data.train.items[1], "/abs/b.jsonl");
    snprintf(expected, sizeof expected, "%s/c d", dir);
    ck_assert_str_eq(settings.data.train.items[2], expected);
    ck_assert_str_eq(settings.train.output_dir, "out");
    ck_assert_int_eq(settings_override(&settings, "train.output_dir=here", &err), SFT_OK);
    ck_assert_str_eq(settings.train.output_dir, "here");

    ck_assert_int_eq(settings_read_file(&settings, path, &err), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), path));
}
END_TEST

START_TEST(overrides_replace)
{
    read_text("[data]\ntrain = a b c\n[train]\nseed = 1\n");
    ck_assert_int_eq(settings_override(&settings, "train.seed=2", &err), SFT_OK);
    ck_assert_uint_eq(settings.train.seed, 2);
    ck_assert_int_eq(settings_override(&settings, "data.train=\"x = y\"*3 z", &err), SFT_OK);
    ck_assert_uint_eq(settings.data.train.count, 2);
    ck_assert_str_eq(settings.data.train.items[0], "x = y*3");
    ck_assert_int_eq(settings_override(&settings, "data.train=", &err), SFT_OK);
    ck_assert_uint_eq(settings.data.train.count, 0);
}
END_TEST

/* ---- the table, and what is written from it ---- */

START_TEST(the_table_is_sound)
{
    const struct field *field = &settings_fields[_i];
    struct strbuf text = {0};
    settings.lora.on = true; /* its keys have no values where the section is not there, nor [dpo]'s without its */
    settings.train.objective = OBJECTIVE_DPO; /* objective */
    ck_assert(field->section && field->key && field->doc && *field->doc);
    ck_assert_uint_lt(field->offset, offsetof(struct settings, arena));
    for (int i = 0; i < _i; i++) {
        ck_assert_str_ne(field->key, settings_fields[i].key);
        ck_assert_uint_ne(field->offset, settings_fields[i].offset);
    }
    ck_assert((field->type != FIELD_ENUM) || field->n_values > 1);
    if (field->default_text) {
        settings_field_text(&settings, field, &text);
        char *assignment = mem_printf("%s.%s=%s", field->section, field->key, text.len ? text.data : "");
        ck_assert_msg(settings_override(&settings, assignment, &err) == SFT_OK, "%s", err_text(&err));
        assignment[strlen(assignment) - text.len] = '\0';
        char *by_default = mem_printf("%s%s", assignment, field->default_text);
        ck_assert_msg(settings_override(&settings, by_default, &err) == SFT_OK, "%s", err_text(&err));
        free(assignment);
        free(by_default);
    }
    strbuf_free(&text);
}
END_TEST

/* What is printed reads back as what prints the same, and every value is there. */
static void assert_round_trip(void)
{
    struct settings again;
    struct strbuf once = {0}, twice = {0};
    settings_init(&again);
    settings_print(&settings, &once);
    const enum sft_status status = settings_read_text(&again, once.data, once.len, "printed.ini", NULL, &err);
    ck_assert_msg(status == SFT_OK, "%s\n%s", err_text(&err), once.data);
    settings_print(&again, &twice);
    ck_assert_str_eq(once.data, twice.data);
    ck_assert_uint_eq(again.data.train.count, settings.data.train.count);
    for (size_t i = 0; i < again.data.train.count; i++)
        ck_assert_str_eq(again.data.train.items[i], settings.data.train.items[i]);
    ck_assert_str_eq(again.data.user_prefix, settings.data.user_prefix);
    ck_assert_pstr_eq(again.train.output_dir, settings.train.output_dir);
    ck_assert_double_eq(again.train.learning_rate, settings.train.learning_rate);
    ck_assert_uint_eq(again.train.seed, settings.train.seed);
    settings_free(&again);
    strbuf_free(&once);
    strbuf_free(&twice);
}

START_TEST(printing_reads_back)
{
    static const char *const assignments[] = {
        "model.base=\"a \\\"b\\\" ; c\"",
        ("data.train=plain \"a b\"*2 \";x\" \"#y\" \"\\\"q\\\"\" a\"b c\\d \"tab\\there\" \"line\\nbreak\" "
         "\xFF\xC3"),
        "data.user_prefix=  <|user|>\\n\\t\\\\\\\" ; # ",
        "data.shuffle=no",
        "data.overlong=error",
        "train.output_dir=\"ends with a blank \"",
        "train.learning_rate=0.00012345678901234567",
        "train.seed=18446744073709551615",
        "train.num_train_epochs=0.1",
    };
    assert_round_trip();
    for (size_t i = 0; i < COUNT(assignments); i++) {
        ck_assert_msg(settings_override(&settings, assignments[i], &err) == SFT_OK, "%s", err_text(&err));
        assert_round_trip();
    }
    ck_assert_str_eq(settings.data.user_prefix, "  <|user|>\n\t\\\" ; # ");
    ck_assert_str_eq(settings.data.train.items[7], "tab\there");
}
END_TEST

/* The section asks for something by being there. */
START_TEST(lora_is_printed_where_it_is_on)
{
    struct strbuf text = {0};
    read_text("[train]\nseed = 1\n");
    ck_assert(!settings.lora.on);
    settings_print(&settings, &text);
    ck_assert_ptr_null(strstr(text.data, "lora"));
    ck_assert_int_eq(settings_override(&settings, "model.weights=int8", &err), SFT_OK);
    ck_assert(!settings.lora.on);
    read_text("[lora]\n");
    ck_assert(settings.lora.on);
    assert_round_trip();
    ck_assert_int_eq(settings_override(&settings, "lora.target_modules=.*\\.(k|v)_proj$", &err), SFT_OK);
    assert_round_trip();
    strbuf_clear(&text);
    settings_print(&settings, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "\n[lora]\nr = 16\nlora_alpha = 32\ntarget_modules = .*\\.(k|v)_proj$\n"));
    strbuf_free(&text);
}
END_TEST

START_TEST(one_key_of_lora_turns_it_on)
{
    ck_assert_int_eq(settings_override(&settings, "lora.r=4", &err), SFT_OK);
    ck_assert(settings.lora.on);
    ck_assert_uint_eq(settings.lora.r, 4);
    ck_assert_str_eq(settings.lora.target_modules.items[0], "all-linear");
}
END_TEST

/* Its rate is DPO's own, unless it is given; a section that is empty asks for nothing. */
START_TEST(dpo_has_a_section_and_a_rate)
{
    struct strbuf text = {0};
    settings_print(&settings, &text);
    ck_assert_ptr_null(strstr(text.data, "[dpo]"));
    read_text("[train]\nobjective = dpo\n");
    ck_assert_int_eq(settings_check(&settings, false, &err), SFT_OK);
    ck_assert_double_eq(settings.train.learning_rate, 1e-6);
    ck_assert_double_eq(settings.dpo.beta, 0.1);
    assert_round_trip();
    strbuf_clear(&text);
    settings_print(&settings, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "\n[dpo]\nbeta = 0.1\nloss_type = sigmoid\nlabel_smoothing = 0\n"
                                            "reference_free = false\nsft_weight = 0\n"));
    ck_assert_int_eq(settings_override(&settings, "train.learning_rate=5e-5", &err), SFT_OK);
    ck_assert_int_eq(settings_check(&settings, false, &err), SFT_OK);
    ck_assert_double_eq(settings.train.learning_rate, 5e-5);
    strbuf_free(&text);
}
END_TEST

START_TEST(values_are_written_as_one_would)
{
    static const struct {
        const char *assignment, *text;
    } rows[] = {
        {"train.learning_rate=5e-5", "5e-05"}, {"train.num_train_epochs=3", "3"},
        {"train.adam_beta2=0.999", "0.999"},   {"train.batch_size=010", "10"},
        {"data.shuffle=yes", "true"},          {"data.train=a \"b c\"", "a \"b c\""},
        {"data.user_suffix=x\\n", "\"x\\n\""}, {"train.output_dir=my runs", "\"my runs\""},
        {"data.template=im_sep", "im_sep"},    {"train.output_dir=C:\\x", "C:\\x"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *key = strchr(rows[i].assignment, '.') + 1;
        struct strbuf text = {0};
        ck_assert_msg(settings_override(&settings, rows[i].assignment, &err) == SFT_OK, "%s", err_text(&err));
        for (size_t f = 0; f < settings_fields_count; f++)
            if (strncmp(settings_fields[f].key, key, strcspn(key, "=")) == 0 &&
                strlen(settings_fields[f].key) == strcspn(key, "="))
                settings_field_text(&settings, &settings_fields[f], &text);
        ck_assert_str_eq(text.data, rows[i].text);
        strbuf_free(&text);
    }
}
END_TEST

START_TEST(help_names_every_key)
{
    struct strbuf help = {0};
    settings_help(&help);
    for (size_t i = 0; i < settings_fields_count; i++) {
        char *start = mem_printf("\n  %s = ", settings_fields[i].key);
        ck_assert_msg(strstr(help.data, start), "%s is missing", settings_fields[i].key);
        free(start);
    }
    ck_assert_ptr_nonnull(strstr(help.data, "  base = (required)"));
    ck_assert_ptr_nonnull(strstr(help.data, "[truncate|drop|error]"));
    strbuf_free(&help);
}
END_TEST

START_TEST(nearest_words)
{
    static const char *const words[] = {"train", "inspect", "generate", "num_train_epochs", "chat"};
    static const struct {
        const char *word, *nearest;
    } rows[] = {
        {"train", "train"},
        {"trian", "train"},
        {"tarin", "train"},
        {"TRAIN", "train"},
        {"inpsect", "inspect"},
        {"generat", "generate"},
        {"epochs", "num_train_epochs"},
        {"chta", "chat"},
        {"cat", "chat"},
        {"", NULL},
        {"x", NULL},
        {"serve", NULL},
        {"zzzzzzz", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_pstr_eq(nearest_word(rows[i].word, words, COUNT(words)), rows[i].nearest);
    ck_assert_ptr_null(nearest_word("train", NULL, 0));
    ck_assert(word_is_slip("lable", "label") && word_is_slip("Labels", "label") && word_is_slip("labe", "label"));
    ck_assert(!word_is_slip("table", "label") && !word_is_slip("", "label"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *tcase = tcase_create("settings");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, bad_files_are_refused_with_their_line, 0, COUNT(refused));
    tcase_add_loop_test(tcase, bad_overrides_are_refused_by_name, 0, COUNT(refused_overrides));
    tcase_add_loop_test(tcase, fields_are_checked_together, 0, COUNT(checked));
    tcase_add_test(tcase, defaults_alone_pass_where_training_is_not_meant);
    tcase_add_test(tcase, defaults_are_the_documented_ones);
    tcase_add_test(tcase, files_are_read);
    tcase_add_test(tcase, truths_have_many_names);
    tcase_add_test(tcase, lines_may_be_long);
    tcase_add_test(tcase, paths_are_relative_to_the_file);
    tcase_add_test(tcase, overrides_replace);
    tcase_add_loop_test(tcase, the_table_is_sound, 0, (int)settings_fields_count);
    tcase_add_test(tcase, printing_reads_back);
    tcase_add_test(tcase, lora_is_printed_where_it_is_on);
    tcase_add_test(tcase, one_key_of_lora_turns_it_on);
    tcase_add_test(tcase, dpo_has_a_section_and_a_rate);
    tcase_add_test(tcase, values_are_written_as_one_would);
    tcase_add_test(tcase, help_names_every_key);
    tcase_add_test(tcase, nearest_words);
    suite_add_tcase(suite, tcase);

    return run_suite(suite);
}

/* What a checkpoint records of its run, and what a run that goes on must agree with. */
#include "train/record.h"

#include "support/err_text.h"
#include "base/version.h"
#include "files/checksums.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "train/output_dir.h"

#include <stdlib.h>
#include <string.h>

static struct settings settings;
static struct run_record record;
static json *recorded;

static void setup(void)
{
    static const char config[] = "[model]\nbase=b\n[data]\ntrain=t\n[train]\noutput_dir=o\n";
    struct strbuf text = {0};
    settings_init(&settings);
    ck_assert_int_eq(settings_read_text(&settings, config, strlen(config), "c.ini", NULL, &err), SFT_OK);
    record = (struct run_record){.settings = &settings, .precision = "fp32", .isa = "ref", .total_steps = 9};
    strbuf_puts(&record.base, "1");
    strbuf_puts(&record.train, "2*1:messages");
    strbuf_puts(&text, "{");
    run_record_write(&record, &text);
    strbuf_puts(&text, "}");
    ck_assert_msg(json_parse(text.data, text.len, &recorded, &err) == SFT_OK, "%s", err_text(&err));
    strbuf_free(&text);
}

static void teardown(void)
{
    json_free(recorded);
    run_record_free(&record);
    settings_free(&settings);
}

static void set(const char *assignment)
{
    ck_assert_msg(settings_override(&settings, assignment, &err) == SFT_OK, "%s", err_text(&err));
}

static void agrees(void)
{
    const char *isa_before;
    ck_assert_msg(run_record_check(&record, recorded, &isa_before, &err) == SFT_OK, "%s", err_text(&err));
}

static void differs(const char *what)
{
    static const char remedy[] = " (use the old value, another output_dir, or --fresh)";
    const char *isa_before;
    char *message = mem_printf("%s%s", what, remedy);
    ck_assert_int_eq(run_record_check(&record, recorded, &isa_before, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), message);
    free(message);
}

START_TEST(the_same_settings_agree)
{
    agrees();
    set("train.logging_steps=7");
    set("train.save_steps=3");
    set("data.train=elsewhere"); /* the content is the same */
    agrees();
}
END_TEST

START_TEST(what_differs_is_named)
{
    set("data.system=Be kind.");
    differs("[data] system = \"Be kind.\", but this run was started with nothing");
    set("data.system=\"\"");
    set("data.dedupe=exact");
    differs("[data] dedupe = exact, but this run was started with none");
    set("data.dedupe=none");
    strbuf_puts(&record.train, "x");
    differs("[data] train: the content of t is not what this run was started with (t)");
}
END_TEST

/* Prompts that only show something may change, those that decide which model is the best may not. */
START_TEST(prompts_that_decide_stay)
{
    set("eval.prompts=other.csv");
    agrees();
    json *content = (json *)(uintptr_t)json_get(recorded, "content");
    strbuf_puts(&record.prompts, "5");
    differs("[eval] prompts: the content of other.csv is not what this run was started with (nothing)");
    json_set_string(content, "eval.prompts", "5");
    agrees();
    strbuf_puts(&record.prompts, "6");
    differs("[eval] prompts: the content of other.csv is not what this run was started with (nothing)");
}
END_TEST

/* What data came to is told, and no run is held against it. */
START_TEST(counts_are_only_told)
{
    struct strbuf text = {0};
    json *root;
    strbuf_puts(&record.counts, "{\"train\": [7], \"eval\": []}");
    strbuf_puts(&text, "{");
    run_record_write(&record, &text);
    strbuf_puts(&text, "}");
    ck_assert_msg(json_parse(text.data, text.len, &root, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_double_eq(json_number(json_first(json_get(json_get(root, "data"), "train"))), 7);
    json_free(recorded);
    recorded = root;
    strbuf_clear(&record.counts);
    agrees();
    strbuf_free(&text);
}
END_TEST

/* A run of a version that did not know a key went by what is its default now. */
START_TEST(a_record_from_before_a_key)
{
    static const char *const keys[] = {
        "data.dedupe",  "data.system", "data.system_policy", "data.prompt_column", "data.completion_column",
        "data.columns", "data.roles"};
    json *group = (json *)(uintptr_t)json_get(recorded, "settings");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_remove(group, keys[i]);
    agrees();
    set("data.system_policy=drop");
    differs("[data] system_policy = drop, but this run was started with keep");
}
END_TEST

/* Keys of [dpo] have no values under the other objective, and no defaults to go on with. */
START_TEST(the_objective_stays)
{
    set("train.objective=dpo");
    ck_assert_msg(run_record_adopt(recorded, &settings, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_double_eq(settings.dpo.beta, 0.1);
    differs("[train] objective = dpo, but this run was started with sft");
}
END_TEST

/* ---- the base's files ---- */

/* Let the record say this of the base's content. */
static void set_recorded_base(const char *fingerprint)
{
    json *content = (json *)(uintptr_t)json_get(recorded, "content");
    json_set_string(content, "model.base", fingerprint);
}

/* The fingerprint that the record has was made by a build of 0.1 from before Llama, from the same directory. */
START_TEST(a_record_from_before_all_files_counted)
{
    static const char of_then[] = "937a754c8613a0bf";
    make_dir();
    put("config.json", "{\"model_type\":\"gpt2\"}");
    put("tokenizer.json", "{}");
    put("model.safetensors", "x");
    put("chat_template.jinja", "{{ x }}");
    put("added_tokens.json", "{}");
    put("mine.json", "{}");
    check_ok(run_record_base(&record, dir, &err));
    set_recorded_base(of_then);
    agrees();
    put("tokenizer.json", "[]");
    check_ok(run_record_base(&record, dir, &err));
    differs("[model] base: the content of b is not what this run was started with (b)");
    remove_dir();
}
END_TEST

/* What a record of now says is of all files, and only of all. */
START_TEST(all_files_count)
{
    make_dir();
    put("config.json", "{\"model_type\":\"gpt2\"}");
    put("model.safetensors", "x");
    check_ok(run_record_base(&record, dir, &err));
    set_recorded_base(record.base.data);
    agrees();
    put("chat_template.jinja", "{{ x }}");
    check_ok(run_record_base(&record, dir, &err));
    differs("[model] base: the content of b is not what this run was started with (b)");
    remove_dir();
}
END_TEST

/* ---- defaults of then and of now ---- */

#define CONTENT "\"content\": {\"model.base\": \"1\", \"data.train\": \"2*1:messages\"}, \"total_steps\": 9"

/* Let the record be this one, and a run without that record's settings begin to go on. */
static void adopt(const char *text)
{
    json_free(recorded);
    ck_assert_msg(json_parse(text, strlen(text), &recorded, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_msg(run_record_adopt(recorded, &settings, &err) == SFT_OK, "%s", err_text(&err));
}

/* Of a version whose defaults were others: where nobody has set the key, the run goes on with its own. */
START_TEST(a_default_of_then_stays)
{
    adopt("{\"given\": [\"model.base\"], \"settings\": {\"train.learning_rate\": \"2e-05\", "
          "\"data.overlong\": \"drop\", \"data.system\": \"\\\"Be kind.\\\"\"}, " CONTENT "}");
    ck_assert_double_eq(settings.train.learning_rate, 2e-5);
    ck_assert_int_eq(settings.data.overlong, OVERLONG_DROP);
    ck_assert_str_eq(settings.data.system, "Be kind.");
    ck_assert_uint_eq(settings.train.batch_size, 8); /* a key that it lacks */
    agrees();
    set("train.learning_rate=1e-4");
    differs("[train] learning_rate = 0.0001, but this run was started with 2e-05");
}
END_TEST

/* Nothing was shared by versions that had no such key: their runs go on so, to the last bit. */
START_TEST(a_run_that_shared_nothing_goes_on_so)
{
    ck_assert_int_eq(settings.data.shared_prefix, SHARED_PREFIX_AUTO);
    adopt("{\"given\": [\"model.base\"], \"settings\": {\"train.seed\": \"42\"}, " CONTENT "}");
    ck_assert_int_eq(settings.data.shared_prefix, SHARED_PREFIX_OFF);
    agrees();
    set("data.shared_prefix=auto");
    differs("[data] shared_prefix = auto, but this run was started with off");
    set("data.shared_prefix=off");
    adopt("{\"given\": [], \"settings\": {\"data.shared_prefix\": \"auto\"}, " CONTENT "}");
    differs("[data] shared_prefix = off, but this run was started with auto");
}
END_TEST

START_TEST(what_is_set_now_is_meant)
{
    set("train.learning_rate=5e-5"); /* as the default is */
    adopt("{\"given\": [], \"settings\": {\"train.learning_rate\": \"2e-05\"}, " CONTENT "}");
    differs("[train] learning_rate = 5e-05, but this run was started with 2e-05");
}
END_TEST

START_TEST(what_was_set_then_must_be_set_again)
{
    adopt("{\"given\": [\"train.learning_rate\"], \"settings\": {\"train.learning_rate\": \"2e-05\"}, " CONTENT "}");
    differs("[train] learning_rate = 5e-05, but this run was started with 2e-05");
    adopt("{\"settings\": {\"train.learning_rate\": \"2e-05\"}, " CONTENT "}"); /* no list: nobody knows */
    differs("[train] learning_rate = 5e-05, but this run was started with 2e-05");
}
END_TEST

START_TEST(a_record_says_what_wrote_it_and_what_was_set)
{
    ck_assert_double_eq(json_number(json_get(recorded, "format")), 1);
    ck_assert_str_eq(json_string(json_get(recorded, "sft_version")), SFT_VERSION);
    static const char *const given[] = {"model.base", "data.train", "train.output_dir"};
    const json *item = json_first(json_get(recorded, "given"));
    for (size_t i = 0; i < sizeof given / sizeof *given; i++, item = json_next(item))
        ck_assert_str_eq(json_string(item), given[i]);
    ck_assert_ptr_null(item);
}
END_TEST

/* Lest a program that knows no pairs goes on with it, whatever the weights are saved as. */
START_TEST(a_run_of_pairs_is_of_a_format_of_its_own)
{
    static const char *const dtypes[] = {"train.save_dtype=f32", "train.save_dtype=bf16"};
    set("train.objective=dpo");
    for (size_t i = 0; i < 2; i++) {
        struct strbuf text = {0};
        set(dtypes[i]);
        run_record_write(&record, &text);
        ck_assert_ptr_nonnull(strstr(text.data, "\"format\": 3,"));
        strbuf_free(&text);
    }
}
END_TEST

static void put_state(const char *checkpoint, const char *text)
{
    char *name = mem_printf("%s/trainer/state.json", checkpoint), *path = path_join(dir, checkpoint);
    put(name, text);
    check_ok(checksums_write(path, &err));
    free(name);
    free(path);
}

/* In an output_dir the newest checkpoint whose state is whole says it. */
START_TEST(an_output_dir_says_what_its_run_was)
{
    make_dir();
    char *newer = path_join(dir, "checkpoint-9/trainer"), *older = path_join(dir, "checkpoint-5/trainer");
    check_ok(io_mkdirs(newer, &err));
    check_ok(io_mkdirs(older, &err));
    settings.train.output_dir = dir;
    put_state("checkpoint-9", "{\"given\": [], \"settings\": {\"train.seed\": \"6\"}}");
    put_state("checkpoint-5", "{\"given\": [], \"settings\": {\"train.seed\": \"7\"}}");
    put("checkpoint-9/trainer/state.json", "{\"given\": [], \"settings\": {\"train.seed\": \"2\"}}"); /* damaged */
    check_ok(output_dir_adopt(&settings, &err));
    ck_assert_uint_eq(settings.train.seed, 7);
    put_state("checkpoint-9", "{\"format\": 4, \"sft_version\": \"9.5\"}");
    ck_assert_int_eq(output_dir_adopt(&settings, &err), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(
        err_text(&err), "format 4 is newer than this sft (" SFT_VERSION ") reads: sft 9.5 wrote it"));
    free(newer);
    free(older);
    remove_dir();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *tests = tcase_create("record");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_same_settings_agree);
    tcase_add_test(tests, what_differs_is_named);
    tcase_add_test(tests, prompts_that_decide_stay);
    tcase_add_test(tests, counts_are_only_told);
    tcase_add_test(tests, a_record_from_before_a_key);
    tcase_add_test(tests, the_objective_stays);
    tcase_add_test(tests, a_record_from_before_all_files_counted);
    tcase_add_test(tests, all_files_count);
    tcase_add_test(tests, a_default_of_then_stays);
    tcase_add_test(tests, a_run_that_shared_nothing_goes_on_so);
    tcase_add_test(tests, what_is_set_now_is_meant);
    tcase_add_test(tests, what_was_set_then_must_be_set_again);
    tcase_add_test(tests, a_record_says_what_wrote_it_and_what_was_set);
    tcase_add_test(tests, a_run_of_pairs_is_of_a_format_of_its_own);
    tcase_add_test(tests, an_output_dir_says_what_its_run_was);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

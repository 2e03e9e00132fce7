/* What a checkpoint records of its run, and what a run that goes on must agree with. */
#include "train/record.h"

#include "support/err_text.h"
#include "support/run_suite.h"

#include <stdlib.h>
#include <string.h>

static struct settings settings;
static struct run_record record;
static json *recorded;
static struct sft_err err;

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

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *tests = tcase_create("record");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_same_settings_agree);
    tcase_add_test(tests, what_differs_is_named);
    tcase_add_test(tests, a_record_from_before_a_key);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* Sets of prompts: their labels, and what is said of rows that cannot be asked. */
#include "judge/prompts.h"
#include "scratch.h"
#include "support/run_suite.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct prompts prompts;

static enum sft_status read_files(const char *const *names, size_t n, bool needs_labels)
{
    char *paths[4];
    for (size_t i = 0; i < n; i++)
        paths[i] = path_join(dir, names[i]);
    prompts_free(&prompts);
    const enum sft_status status = prompts_read(&prompts, paths, n, needs_labels, NULL, &err);
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    return status;
}

static enum sft_status read_text(const char *name, const char *text, bool needs_labels)
{
    put(name, text);
    return read_files(&name, 1, needs_labels);
}

static void expect_prompt(size_t i, const char *text, enum prompt_label label, const char *type, size_t line)
{
    const struct prompt_row *row = &prompts.items[i];
    ck_assert_uint_lt(i, prompts.count);
    ck_assert_str_eq(row->text, text);
    ck_assert_uint_eq(row->len, strlen(text));
    ck_assert_int_eq(row->label, label);
    ck_assert_pstr_eq(row->type, type);
    ck_assert_uint_eq(row->line, line);
}

START_TEST(labels_and_types)
{
    check_ok(read_text("p.csv", "id,prompt,type,label\n1,\"a,\nb\",x,unsafe\n2,c,,safe\n", true));
    expect_prompt(0, "a,\nb", PROMPT_UNSAFE, "x", 2);
    expect_prompt(1, "c", PROMPT_SAFE, NULL, 4);
    ck_assert_uint_eq(prompts.n_labelled, 2);
    ck_assert_uint_eq(prompts.items[0].conv.count, 1);
}
END_TEST

/* What was said up to the user's last message. */
START_TEST(conversations)
{
    check_ok(read_text("p.jsonl",
                       "{\"label\":\"safe\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                       "{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},"
                       "{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"}]}\n",
                       true));
    expect_prompt(0, "c", PROMPT_SAFE, NULL, 1);
    ck_assert_uint_eq(prompts.items[0].conv.count, 4);
}
END_TEST

START_TEST(files_without_labels)
{
    static const char *const both[] = {"a.csv", "b.txt"};
    put("a.csv", "prompt,label\na,safe\n");
    put("b.txt", "b\nc\n");
    check_ok(read_files(both, 2, false));
    expect_prompt(1, "b", PROMPT_UNLABELLED, NULL, 1);
    prompts_drop_unlabelled(&prompts, 2);
    ck_assert_uint_eq(prompts.count, 2);
    expect_prompt(0, "a", PROMPT_SAFE, NULL, 2);
    prompts_drop_unlabelled(&prompts, 0);
    ck_assert_uint_eq(prompts.count, 1);
}
END_TEST

/* By what is asked and how it is labelled, not by where it stands. */
START_TEST(fingerprints)
{
    static const char *const texts[] = {"{\"prompt\":\"a\",\"label\":\"safe\"}",
                                        "{\"prompt\":\"a\",\"label\":\"unsafe\"}",
                                        "{\"prompt\":\"b\",\"label\":\"safe\"}"};
    uint64_t prints[COUNT(texts)];
    for (size_t i = 0; i < COUNT(texts); i++) {
        check_ok(read_text("p.jsonl", texts[i], true));
        prints[i] = prompts_fingerprint(&prompts);
    }
    ck_assert(prints[0] != prints[1] && prints[0] != prints[2]);
    check_ok(read_text("p.csv", "type,label,prompt\nx,safe,a\n", true));
    ck_assert(prompts_fingerprint(&prompts) == prints[0]);
}
END_TEST

static const struct {
    const char *name, *text, *message;
    bool needs_labels;
} bad[] = {
    {"p.csv", "prompt,label\n", "/p.csv: there is no prompt in it", true},
    {"p.csv", "prompt\na\n", "/p.csv: no column 'label' (its columns are 'prompt')", true},
    {"p.csv", "question,label\na,safe\n", "/p.csv: no column 'prompt' (its columns are 'question', 'label')", false},
    {"p.csv", "a,b\nc,d\n", "/p.csv: no columns 'prompt', 'label' (its columns are 'a', 'b')", true},
    {"p.csv", "prompt,lable\na,safe\n", "/p.csv: no column 'label' (there is 'lable')", false},
    {"p.csv", "prompt,label\na,safe\n\" \n\",safe\n", "/p.csv:3: prompt: is empty", true},
    {"p.csv", "prompt,label\na,harmless\n", "/p.csv:2: label: 'harmless' is neither safe nor unsafe", true},
    {"p.csv", "prompt,label\na,Safe\n", "/p.csv:2: label: 'Safe' is neither safe nor unsafe", true},
    {"p.csv", "prompt,label\na,\n", "/p.csv:2: label: missing (each prompt is labelled safe or unsafe)", true},
    {"p.csv", "prompt,label\na,safe\nb,\n",
     "/p.csv:3: label: missing, but line 2 has one (all rows of a file have one, or none)", false},
    {"p.csv", "prompt,label\na,\nb,safe\n",
     "/p.csv:3: label: there is one, but line 2 has none (all rows of a file have one, or none)", false},
    {"p.jsonl", "{\"prompt\":\"a\",\"labels\":\"safe\"}", "/p.jsonl:1: label: missing (there is 'labels')", false},
    {"p.jsonl", "{\"question\":\"a\"}", "/p.jsonl:1: prompt: missing", false},
    {"p.jsonl", "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]}",
     "/p.jsonl:1: messages: there is none of the user to be answered", false},
    {"p.csv", "prompt,label\n\xC2\xA0\xE2\x80\x83,safe\n", "/p.csv:2: prompt: is empty", true},
    {"p.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}", "/p.jsonl:1: messages: is empty", false},
};

START_TEST(what_cannot_be_asked)
{
    expect_message(read_text(bad[_i].name, bad[_i].text, bad[_i].needs_labels), bad[_i].message);
}
END_TEST

static void clean(void)
{
    prompts_free(&prompts);
    remove_dir();
}

int main(void)
{
    Suite *suite = suite_create("prompts");
    TCase *tcase = tcase_create("prompts");
    tcase_add_checked_fixture(tcase, make_dir, clean);
    tcase_add_test(tcase, labels_and_types);
    tcase_add_test(tcase, conversations);
    tcase_add_test(tcase, files_without_labels);
    tcase_add_test(tcase, fingerprints);
    tcase_add_loop_test(tcase, what_cannot_be_asked, 0, COUNT(bad));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* Every reader on rows written by hand, and every kind of bad row with its exact message. */
#include "data/dataset.h"
#include "data/reader.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A conversation as text: "user(hi) assistant[0.5](yo)"; a document is "document(...)". Or the error. */
static const char *shown(const char *row, const char *format)
{
    static char text[4096];
    struct sft_err err;
    struct arena arena = {0};
    struct conversation conv;
    json *root = NULL;
    enum sft_status status = json_parse(row, strlen(row), &root, &err);
    if (!status && format)
        status = reader_read(reader_by_name(format), root, &arena, &conv, &err);
    else if (!status)
        status = conversation_read(root, &arena, &conv, &err);
    json_free(root);
    struct strbuf sb = {0};
    strbuf_puts(&sb, status ? err.message : "");
    for (size_t i = 0; !status && i < conv.count; i++) {
        const struct message *m = &conv.messages[i];
        strbuf_printf(&sb, "%s%s", i ? " " : "", conv.is_document ? "document" : role_name[m->role]);
        if (m->weight < 1.0F || m->weight > 1.0F)
            strbuf_printf(&sb, "[%g]", (double)m->weight);
        strbuf_printf(&sb, "(%.*s)", (int)m->len, m->content);
    }
    ck_assert(status == SFT_OK || status == SFT_EDATA);
    snprintf(text, sizeof text, "%s", sb.data);
    strbuf_free(&sb);
    arena_free(&arena);
    return text;
}

static void is(const char *row, const char *expected)
{
    ck_assert_str_eq(shown(row, NULL), expected);
}

START_TEST(messages)
{
    is("{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"hi\"},"
       "{\"role\":\"assistant\",\"content\":\"yo\",\"weight\":0.5},{\"role\":\"tool\",\"content\":\"\"}]}",
       "system(s) user(hi) assistant[0.5](yo) tool()");
    is("{\"id\":1,\"messages\":[{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
       "{\"type\":\"text\",\"text\":\"b\"}],\"weight\":null},{\"role\":\"assistant\",\"weight\":0,"
       "\"content\":\"\\u00e9\\ud83d\\ude42\",\"tool_calls\":[]}]}",
       "system(ab) assistant[0](\xC3\xA9\xF0\x9F\x99\x82)");
}
END_TEST

START_TEST(bad_messages)
{
    is("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"a\"},"
       "{\"role\":\"assistent\",\"content\":\"b\"}]}",
       "messages[2].role: unknown role 'assistent' (system, user or assistant)");
    is("{\"messages\":[{\"role\":\"user\",\"content\":7}]}",
       "messages[0].content: expected a string, found a number");
    is("{\"messages\":[{\"role\":\"user\",\"content\":null}]}",
       "messages[0].content: expected a string, found null");
    is("{\"messages\":[{\"role\":\"user\"}]}", "messages[0].content: missing");
    is("{\"messages\":[{\"content\":\"a\"}]}", "messages[0].role: missing");
    is("{\"messages\":[{\"Role\":\"user\",\"content\":\"a\"}]}", "messages[0].role: missing");
    is("{\"messages\":[{\"role\":3,\"content\":\"a\"}]}",
       "messages[0].role: expected a string, found a number");
    is("{\"messages\":[\"a\"]}", "messages[0]: expected an object, found a string");
    is("{\"messages\":[]}", "messages: there is none in it");
    is("{\"messages\":\"a\"}", "messages: expected an array, found a string");
    is("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_"
       "url\"}]}]}",
       "messages[0].content[1].type: expected \"text\", found 'image_url'");
    is("{\"messages\":[{\"role\":\"user\",\"content\":[\"a\"]}]}",
       "messages[0].content[0]: expected an object, found a string");
    is("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]}",
       "messages[0].content[0].text: expected a string, found a number");
    is("{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"weight\":-1}]}",
       "messages[0].weight: expected a number of 0 or more, found -1");
    is("{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"weight\":1e39}]}",
       "messages[0].weight: expected a number of 0 or more, found 1e+39");
    is("{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"weight\":\"1\"}]}",
       "messages[0].weight: expected a number of 0 or more, found a string");
    is("{\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{}]}]}",
       "messages[0].tool_calls: a call is no text (write it into content)");
}
END_TEST

START_TEST(sharegpt)
{
    is("{\"system\":\"s\",\"conversations\":[{\"from\":\"human\",\"value\":\"a\"},{\"from\":\"gpt\","
       "\"value\":\"b\"},"
       "{\"from\":\"function_call\",\"value\":\"c\"},{\"from\":\"observation\",\"value\":\"d\"},"
       "{\"from\":\"chatgpt\",\"value\":\"e\",\"weight\":0}]}",
       "system(s) user(a) assistant(b) assistant(c) tool(d) assistant[0](e)");
    is("{\"system\":\"\",\"conversations\":[{\"from\":\"user\",\"value\":\"a\"},{\"from\":\"bot\",\"value\":"
       "\"b\"}]}",
       "user(a) assistant(b)");
    is("{\"conversations\":[{\"from\":\"gtp\",\"value\":\"b\"}]}",
       "conversations[0].from: unknown speaker 'gtp' (system, human, gpt, function_call or observation)");
    is("{\"conversations\":[{\"from\":\"gpt\",\"value\":1}]}",
       "conversations[0].value: expected a string, found a number");
    is("{\"conversations\":[{\"from\":\"gpt\"}]}", "conversations[0].value: missing");
    is("{\"conversations\":[3]}", "conversations[0]: expected an object, found a number");
    is("{\"conversations\":[]}", "conversations: there is no turn in it");
    is("{\"conversations\":{}}", "conversations: expected an array, found an object");
    is("{\"system\":1,\"conversations\":[{\"from\":\"gpt\",\"value\":\"b\"}]}",
       "system: expected a string, found a number");
}
END_TEST

START_TEST(pairs)
{
    is("{\"instruction\":\"i\",\"input\":\"x\",\"output\":\"o\",\"system\":\"s\"}",
       "system(s) user(i\n\nx) assistant(o)");
    is("{\"instruction\":\"i\",\"input\":\" \\n\",\"output\":\"\"}", "user(i) assistant()");
    is("{\"instruction\":\"i\",\"input\":null,\"output\":\"o\"}", "user(i) assistant(o)");
    is("{\"instruction\":\"i\",\"input\":[],\"output\":\"o\"}", "input: expected a string, found an array");
    is("{\"instruction\":\"i\",\"output\":true}", "output: expected a string, found a boolean");
    is("{\"instruction\":\"i\",\"context\":\"c\",\"response\":\"r\",\"category\":\"x\"}",
       "user(i\n\nc) assistant(r)");
    is("{\"question\":\"q\",\"answer\":\"a\"}", "user(q) assistant(a)");
    is("{\"question\":\"q\",\"answer\":4}", "answer: expected a string, found a number");
    is("{\"text\":\"hello\"}", "document(hello)");
    is("{\"text\":null}", "text: expected a string, found null");
}
END_TEST

START_TEST(prompt_and_completion)
{
    is("{\"prompt\":\"p\",\"completion\":\"c\"}", "user(p) assistant(c)");
    is("{\"prompt\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},"
       "{\"role\":\"assistant\",\"content\":\"w\",\"weight\":1}],"
       "\"completion\":[{\"role\":\"assistant\",\"content\":\"d\"}]}",
       "user[0](a) assistant[0](b) assistant(w) assistant(d)");
    is("{\"prompt\":[{\"role\":\"x\",\"content\":\"a\"}],\"completion\":\"c\"}",
       "prompt[0].role: unknown role 'x' (system, user or assistant)");
    is("{\"prompt\":\"p\",\"completion\":1}", "completion: expected a string, found a number");
}
END_TEST

START_TEST(unknown_structures)
{
    is("[1]", "expected an object, found an array");
    ck_assert_ptr_nonnull(strstr(shown("{\"foo\":1,\"bar\":2}", NULL),
                                 "unknown structure: it has the keys foo, bar; the formats are messages "
                                 "{\"messages\": [{\"role\", \"content\"}, ...]}, sharegpt "));
    ck_assert_ptr_nonnull(strstr(shown("{}", NULL), "unknown structure: it has no keys;"));
    ck_assert_str_eq(
        shown("{\"text\":\"a\"}", "alpaca"),
        "expected {\"instruction\", \"input\"?, \"output\"} (format alpaca), but it has the key text");
    ck_assert_ptr_null(reader_by_name("csv"));
}
END_TEST

START_TEST(json_that_must_not_pass)
{
    ck_assert_ptr_nonnull(strstr(shown("{\"text\":\"a\\u0000b\"}", NULL), "u0000"));
    ck_assert_ptr_nonnull(strstr(shown("{\"text\":\"a\",\"text\":\"b\"}", NULL), "duplicate key \"text\""));
    ck_assert_ptr_nonnull(strstr(shown("{\"text\":\"a\"} x", NULL), "column"));
    ck_assert_ptr_nonnull(strstr(shown("{\"text\":\"\\ud800\"}", NULL), "column"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("readers");
    TCase *rows = tcase_create("rows");
    tcase_add_test(rows, messages);
    tcase_add_test(rows, bad_messages);
    tcase_add_test(rows, sharegpt);
    tcase_add_test(rows, pairs);
    tcase_add_test(rows, prompt_and_completion);
    tcase_add_test(rows, unknown_structures);
    tcase_add_test(rows, json_that_must_not_pass);
    suite_add_tcase(suite, rows);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}

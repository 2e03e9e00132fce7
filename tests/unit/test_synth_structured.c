/* A conversation out of what a model wrote for one, and what one speaker said out of plain text. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "collect/synth/structured.h"
#include "support/err_text.h"
#include "support/run_suite.h"

#include <stdlib.h>
#include <string.h>

static struct sft_err err;

/* What is read of a text, "user: Hi / assistant: Hello / ", or "error: ...". The caller frees it. */
static char *reading_of(const char *text)
{
    struct arena arena = {0};
    struct conversation conv;
    struct strbuf out = {0};
    strbuf_puts(&out, "");
    if (structured_parse(text, strlen(text), &arena, &conv, &err))
        strbuf_printf(&out, "error: %s", err_text(&err));
    for (size_t i = 0; i < conv.count; i++)
        strbuf_printf(&out, "%s: %.*s / ", role_name[conv.messages[i].role], (int)conv.messages[i].len,
                      conv.messages[i].content);
    arena_free(&arena);
    return out.data;
}

static void expect(const char *text, const char *wanted)
{
    char *got = reading_of(text);
    ck_assert_msg(strcmp(got, wanted) == 0, "%s\nis read as\n%s\nnot as\n%s", text, got, wanted);
    free(got);
}

#define TURNS  "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hello\"}]"
#define WANTED "user: Hi / assistant: Hello / "

/* ---- where it stands, and in which shape ---- */

static const char *const shapes[] = {
    "{\"messages\":" TURNS "}",
    TURNS,
    "\xEF\xBB\xBF" TURNS,
    "  \n" TURNS "\n\n",
    "Sure! Here it is:\n\n```json\n{\"messages\":" TURNS "}\n```\nI hope that [this] helps.",
    "As {you} asked [1]: " TURNS,
    "<think>\nThey want [{\"role\":\"user\"}]. Fine.\n</think>\n\n" TURNS,
    "{\"conversation\":" TURNS "}",
    "{\"conversations\":[{\"from\":\"human\",\"value\":\"Hi\"},{\"from\":\"gpt\",\"value\":\"Hello\"}]}",
    "{\"data\":{\"topic\":\"greetings\",\"dialogue\":" TURNS "}}",
    "[{\"messages\":" TURNS "}]",
    "{\"topic\":\"t\",\"the talk\":" TURNS ",\"score\":5}",
    "{\"user\":\"Hi\",\"assistant\":\"Hello\"}",
    "[{\"user\":\"Hi\",\"assistant\":\"Hello\"}]",
    "[{\"user\":\"Hi\"},{\"assistant\":\"Hello\"}]",
    "{\"messages\":[{\"User\":\"Hi\"},{\"Assistant\":\"Hello\"}]}",
    "[{\"speaker\":\"Customer\",\"text\":\"Hi\"},{\"speaker\":\"Support agent\",\"text\":\"Hello\"}]",
    "[{\"role\":\"User\",\"message\":\"Hi\"},{\"role\":\"AI\",\"message\":\"Hello\"}]",
    "{\"question\":\"Hi\",\"answer\":\"Hello\"}",
    "{\"prompt\":\"Hi\",\"completion\":\"Hello\"}",
    "{\"instruction\":\"Hi\",\"output\":\"Hello\"}",
    "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\" Hi\\n\"},"
    "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Hello\"}]}]}",
};

START_TEST(shapes_of_a_conversation)
{
    expect(shapes[_i], WANTED);
}
END_TEST

/* ---- slips ---- */

static const struct {
    const char *text, *wanted;
} slips[] = {
    {"[{\"role\":\"user\",\"content\":\"Hi\",},{\"role\":\"assistant\",\"content\":\"Hello\",},]", WANTED},
    {"[{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello'}]", WANTED},
    {"{messages: [{role: \"user\", content: \"Hi\"}, // the first\n{role: 'assistant', /* it */ content: 'Hello'}]}",
     WANTED},
    {"[{\"role\":\"user\",\"content\":\"Hi\"}\n{\"role\":\"assistant\"\n\"content\":\"Hello\"}]", WANTED},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hello\"}", WANTED},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hello\"}]", WANTED},
    {"```\n[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hello\"\n```\nThere!", WANTED},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hello\"]}", WANTED},
    {"[{\"role\":\"user\",\"content\":\"Hi\",\"id\":None,\"first\":True},{\"role\":\"assistant\",\"content\":\"Hello\"}"
     "]",
     WANTED},
    {"[{\"role\":\"user\",\"content\":\"He said \"hi\" to me. Why?\"},{\"role\":\"assistant\",\"content\":\"\"Hi\" is "
     "what "
     "one says\"}]",
     "user: He said \"hi\" to me. Why? / assistant: \"Hi\" is what one says / "},
    {"[{'role':'user','content':'I don't know what it's for'},{'role':'assistant','content':'It's \"mine\"'}]",
     "user: I don't know what it's for / assistant: It's \"mine\" / "},
    {"[{\"role\":\"user\",\"content\":\"a\nb\tc\"},{\"role\":\"assistant\",\"content\":\"\\(x\\) \\' \\u0041 \\_\"}]",
     "user: a\nb\tc / assistant: \\(x\\) ' A \\_ / "},
    {"[{\xE2\x80\x9Crole\xE2\x80\x9D: \xE2\x80\x9Cuser\xE2\x80\x9D, \xE2\x80\x9C"
     "content\xE2\x80\x9D: \xE2\x80\x9CHi\xE2\x80\x9D}, "
     "{\"role\":\"assistant\",\"content\":\"Hello\"}]",
     WANTED},
    /* an array within a broken document may be whole; one exchange within is not the conversation */
    {"{\"topic\": a nice one that is described at some length in here, \"messages\":" TURNS "}", WANTED},
};

START_TEST(slips_are_mended)
{
    expect(slips[_i].text, slips[_i].wanted);
}
END_TEST

/* ---- what is refused ---- */

static const struct {
    const char *text, *wanted;
} wrong[] = {
    {"", "error: there is no JSON in it"},
    {"I'm sorry, I can't do that.", "error: there is no JSON in it"},
    {"<think>" TURNS, "error: there is no JSON in it"},
    {"[]", "error: expected an object, found an array"},
    {"{\"messages\":[]}", "error: messages: the list is empty"},
    {"{\"text\":\"Hi\"}", "error: it is one text, not a conversation"},
    {"[{\"role\":\"user\",\"content\":\"Hi\"}]", "error: it ends with the user, not with the assistant"},
    {"[{\"role\":\"assistant\",\"content\":\"Hi\"}]", "error: it begins with the assistant, not with the user"},
    {"[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"user\",\"content\":\"Ho\"}]",
     "error: message 2 is the user's, where the assistant is to speak"},
    {"[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\" \"}]",
     "error: message 2 is empty"},
    {"[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hel",
     "error: it ends within a string"},
    {"[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":", "error: it ends within an object"},
    {"[{\"user\":\"a rather long question, which takes some "
     "place\",\"assistant\":\"a\"},{\"user\":\"b\",\"assistant\":\"c]",
     "error: it ends within a string"},
};

START_TEST(what_is_refused)
{
    expect(wrong[_i].text, wrong[_i].wanted);
}
END_TEST

START_TEST(a_name_that_nobody_knows)
{
    char *got = reading_of("[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"narrator\",\"content\":\"x\"}]");
    ck_assert_msg(strstr(got, "messages[1].role: unknown role 'narrator'") != NULL, "%s", got);
    free(got);
}
END_TEST

START_TEST(nested_too_deeply)
{
    char text[4001];
    memset(text, '[', 4000);
    text[4000] = 0;
    expect(text, "error: it is nested too deeply");
}
END_TEST

START_TEST(the_schema_is_json)
{
    ck_assert_ptr_nonnull(strstr(structured_schema, "\"additionalProperties\":false"));
    char *got = reading_of(structured_schema);
    ck_assert_int_eq(strncmp(got, "error: ", 7), 0); /* and no conversation */
    ck_assert_ptr_null(strstr(got, "JSON"));
    free(got);
}
END_TEST

/* ---- plain text ---- */

static const struct {
    const char *text, *wanted;
} plain[] = {
    {"Hello", "Hello"},
    {" \n\xC2\xA0Hello there.\n\n", "Hello there."},
    {"", ""},
    {" \n", ""},
    {"\"Hello there.\"", "Hello there."},
    {"\xE2\x80\x9CHello\xE2\x80\x9D", "Hello"},
    {"\"Hello,\" she said, \"you.\"", "\"Hello,\" she said, \"you.\""},
    {"'tis the Joneses'", "'tis the Joneses'"},
    {"'Hello there.'", "Hello there."},
    {"User: Hello", "Hello"},
    {"**Assistant:** \"Hello\"", "Hello"},
    {"**User**: Hello", "Hello"},
    {"### Response:\n\nHello", "Hello"},
    {"user's message: Hello", "Hello"},
    {"Users: all of them", "Users: all of them"},
    {"User", "User"},
    {"<think>What now?</think>\nHello", "Hello"},
    {"<think>What now?", ""},
    {"```\nHello\n```", "Hello"},
    {"```markdown\n# Hello\n```", "# Hello"},
    {"```python\nprint(1)\n```", "```python\nprint(1)\n```"},
    {"```\na\n```\nand\n```\nb\n```", "```\na\n```\nand\n```\nb\n```"},
    {"\"", "\""},
    {"\"\"", ""},
    {"```", "```"},
    {"User: Assistant: \"Hi\"", "Hi"},
};

START_TEST(what_one_speaker_said)
{
    size_t start, n;
    structured_plain(plain[_i].text, strlen(plain[_i].text), &start, &n);
    char *got = mem_strndup(plain[_i].text + start, n);
    ck_assert_str_eq(got, plain[_i].wanted);
    free(got);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("synth_structured");
    TCase *tcase = tcase_create("structured");
    tcase_add_loop_test(tcase, shapes_of_a_conversation, 0, sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(tcase, slips_are_mended, 0, sizeof slips / sizeof *slips);
    tcase_add_loop_test(tcase, what_is_refused, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tcase, a_name_that_nobody_knows);
    tcase_add_test(tcase, nested_too_deeply);
    tcase_add_test(tcase, the_schema_is_json);
    tcase_add_loop_test(tcase, what_one_speaker_said, 0, sizeof plain / sizeof *plain);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* Files as other programs write them: what is read of them, and what is said once where it is not. */
#include "dataset_fixture.h"
#include "support/run_suite.h"

#include <check.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

#define PAIR(q, a) "{\"prompt\":\"" q "\",\"completion\":\"" a "\"}"

/* Every example as "LINE:question>answer", and after '!' the bad rows' lines. */
static const char *found(void)
{
    static char text[512];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ds.n_examples; i++) {
        char row[256];
        snprintf(row, sizeof row, "%s", rendered(i)); /* <user|q><assistant|a> */
        char *question = strchr(row, '|') + 1, *answer = strrchr(row, '|') + 1;
        question[strcspn(question, ">")] = '\0';
        answer[strcspn(answer, ">")] = '\0';
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%zu:%s>%s", n ? " " : "", at(i).line, question, answer);
    }
    walk();
    for (size_t i = 0; i < n_left_out; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%zu!", n ? " " : "", (size_t)left_out[i].record->line);
    return text;
}

static const struct {
    const char *name, *text, *want;
} readable[] = {
    /* null is as good as absent */
    {"a.jsonl", "{\"prompt\":\"a\",\"completion\":null,\"response\":\"b\"}\n", "1:a>b"},
    {"a.jsonl", "{\"question\":\"a\",\"answer\":null,\"response\":\"b\"}\n", "1:a>b"},
    /* objects over several lines, as jq and json.dump(indent=2) write them */
    {"a.jsonl",
     "{\n  \"prompt\": \"a\",\n  \"completion\": \"b\"\n}\n"
     "{\n  \"prompt\": \"c\",\n  \"completion\": \"d\"\n}\n",
     "1:a>b 5:c>d"},
    {"a.json", "{\n  \"prompt\": \"a\",\n  \"completion\": \"b\"\n}", "1:a>b"},
    {"a.jsonl",
     "{\n\"prompt\": \"a\",\n\"completion\": \"b\"\n},\n"
     "{\n\"prompt\": \"c\",\n\"completion\": 5\n},\n" PAIR("e", "f") "\n",
     "1:a>b 9:e>f 5!"},
    {"a.jsonl",
     "{\n\"prompt\": \"a\",\n\"completion\": 'b'\n}\n"
     "{\n\"prompt\": \"c\",\n\"completion\": \"d\"\n}\n",
     "5:c>d 1!"},
    {"a.jsonl", PAIR("a", "b") "\n{\n\"prompt\": \"c\",\n\"completion\": \"d\"}\n" PAIR("e", "f"), "1:a>b 2:c>d 5:e>f"},
    /* several in a line, as after cat of files without a last line break */
    {"a.jsonl", PAIR("a", "b") PAIR("c", "d") "\n" PAIR("e", "f"), "1:a>b 1:c>d 2:e>f"},
    {"a.jsonl", PAIR("a", "b") "\n" PAIR("c", "d") "  , " PAIR("e", "f") "\n", "1:a>b 2:c>d 2:e>f"},
    {"a.jsonl", PAIR("a", "b") "\n" PAIR("c", "d") "{\"prompt\":}\n" PAIR("e", "f"), "1:a>b 2:c>d 3:e>f 2!"},
    {"a.jsonl", PAIR("a", "b") " x\n" PAIR("c", "d"), "2:c>d 1!"},
    {"a.jsonl", PAIR("a", "b") "\r" PAIR("c", "d") "\r", "1:a>b 1:c>d"},
    {"a.jsonl", PAIR("a", "b") ",\n" PAIR("c", "d") ",\n", "1:a>b 2:c>d"},
    /* arrays, one after another, and one of lists of messages */
    {"a.json", "[" PAIR("a", "b") "]\n[\n" PAIR("c", "d") "]", "1:a>b 3:c>d"},
    {"a.json", "[{\"role\":\"user\",\"content\":\"a\"},\n{\"role\":\"assistant\",\"content\":\"b\"}]", "1:a>b"},
    {"a.jsonl",
     "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]\n"
     "[{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"}]\n",
     "1:a>b 2:c>d"},
    {"a.json",
     "[[{\"from\":\"human\",\"value\":\"a\"},{\"from\":\"gpt\",\"value\":\"b\"}],\n"
     "[{\"from\":\"human\",\"value\":\"c\"},{\"from\":\"gpt\",\"value\":\"d\"}]]",
     "1:a>b 2:c>d"},
    /* an object that holds the rows */
    {"a.json", "{\"data\": [" PAIR("a", "b") ",\n" PAIR("c", "d") "]}", "1:a>b 2:c>d"},
    {"a.json",
     "{\n \"version\": {\"n\": [1]},\n \"rows\": [\n" PAIR("a", "b") ",\n" PAIR("c", "d") "\n ],\n \"n\": 2\n}\n",
     "4:a>b 5:c>d"},
    {"a.json",
     "{\"train\": [" PAIR("a", "b") ", {\"prompt\": 1, \"completion\": \"\"}, " PAIR("c", "d") "]}",
     "1:a>b 1:c>d 1!"},
    {"a.json", "{\"conversations\": [" ROW("a", "b") ", " ROW("c", "d") "]}\n", "1:a>b 1:c>d"},
    {"a.json", "{\"anything\": [" PAIR("a", "b") "], \"empty\": []}", "1:a>b"},
    {"a.json",
     "{\"data\": [[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]]}",
     "1:a>b"},
    {"a.json",
     "{\"features\": [{\"name\": \"prompt\"}], \"rows\": [\n"
     "{\"row_idx\": 0, \"row\": " PAIR("a", "b") ", \"truncated_cells\": []}]}",
     "2:a>b"},
    /* and objects that are rows, whatever lists they hold */
    {"a.json", ROW("a", "b"), "1:a>b"},
    {"a.json", "{\"prompt\": \"a\", \"completion\": \"b\", \"data\": [{\"text\": \"x\"}], \"rows\": [{}]}", "1:a>b"},
    {"a.json",
     "{\"conversations\": [{\"from\":\"human\",\"value\":\"a\"},{\"from\":\"gpt\",\"value\":\"b\"}]}",
     "1:a>b"},
    {"a.jsonl", "{\"data\": [" PAIR("a", "b") "]}\n" PAIR("c", "d"), "2:c>d 1!"},
    /* a conversation whose turns have other keys is one bad row, not documents */
    {"a.json",
     "{\"conversations\": [{\"speaker\":\"human\",\"text\":\"a\"},{\"speaker\":\"gpt\",\"text\":\"b\"}]}", "1!"},
    {"a.json", "{\"messages\": [{\"text\":\"a\"},{\"text\":\"b\"}]}", "1!"},
    /* NaN where nobody looks, and where somebody does */
    {"a.jsonl", "{\"prompt\":\"a\",\"completion\":\"b\",\"score\":NaN,\"x\":[Infinity,-Infinity]}", "1:a>b"},
    {"a.jsonl", "{\"prompt\":\"a\",\"completion\":NaN}\n" PAIR("c", "d"), "2:c>d 1!"},
    /* separators */
    {"a.csv", "prompt;completion\na;b\nc, e;d, f\n", "2:a>b 3:c, e>d, f"},
    {"a.csv", "prompt\tcompletion\na\tb\n", "2:a>b"},
    {"a.csv", "prompt|completion\na|b;c,d\n", "2:a>b;c,d"},
    {"a.tsv", "prompt,completion\na,b\n", "2:a>b"},
    {"a.tsv", "prompt;completion\r\na;b\r\n", "2:a>b"},
    {"a.csv", "\"prompt\";\"completion\"\n\"a;\"\"b\"\"\nc\";\"d\"\n", "2:a;\"b\"\nc>d"},
    {"a.csv", "prompt;completion\na;b;c\nd;e\n", "3:d>e 2!"},
    {"a.csv", "prompt;completion\na;b;c\n", "2!"},
    {"a.csv", "sep=;\nprompt;completion\na,b;c\n", "3:a,b>c"},
    {"a.csv", "\xEF\xBB\xBF\"sep=^\"\r\nprompt^completion\r\na^b\r\n", "3:a>b"},
    {"a.csv", "prompt,completion\nsep=;,b\n", "2:sep=;>b"},
    /* names */
    {"a.csv", "Prompt;Completion \nA;B\n", "2:A>B"},
    {"a.csv", " INSTRUCTION,Input,Output\na,,b\n", "2:a>b"},
    {"a.csv", "Prompt,prompt,completion\nx,a,b\n", "2:a>b"},
    {"a.csv", "prompt,completion\na,b\n\xEF\xBB\xBFprompt,completion\nc,d\nprompt,d\n", "2:a>b 4:c>d 5:prompt>d 3!"},
    /* JSON by another name */
    {"a.csv", PAIR("a", "b") "\n" PAIR("c", "d") "\n", "1:a>b 2:c>d"},
    {"a.tsv", "[\n" PAIR("a", "b") "]", "2:a>b"},
};

START_TEST(what_others_write_is_read)
{
    options.on_bad_row = ON_BAD_ROW_SKIP;
    ck_assert_msg(load(readable[_i].name, "", readable[_i].text) == SFT_OK, "%s: %s", readable[_i].text,
                  err_text(&err));
    ck_assert_msg(strcmp(found(), readable[_i].want) == 0, "%s: %s", readable[_i].text, found());
}
END_TEST

/* One error a file, also where bad rows may be left out. */
static const struct {
    const char *name, *text, *message;
} named[] = {
    {"a.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
     ": is a Git LFS pointer, not the file itself (fetch that with git lfs pull)"},
    {"a.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
     ": is a Git LFS pointer, not the file itself (fetch that with git lfs pull)"},
    {"a.yaml", "- messages:\n  - role: user\n    content: a\n",
     ": is YAML, not JSON (write its rows as JSON Lines: json.dumps of each, a line each)"},
    {"a.jsonl", "---\nprompt: a\ncompletion: b\n",
     ": is YAML, not JSON (write its rows as JSON Lines: json.dumps of each, a line each)"},
    {"a.jsonl", "{'prompt': 'a', 'completion': None}\n{'prompt': 'c', 'completion': 'd'}\n",
     ": is Python's own notation, not JSON (write each row with json.dumps)"},
    {"a.json", "[{'prompt': 'a',\n  'completion': True}]",
     ": is Python's own notation, not JSON (write each row with json.dumps)"},
    {"a.jsonl", "# a comment\nprompt: a\n",
     ": is YAML, not JSON (write its rows as JSON Lines: json.dumps of each, a line each)"},
    {"a.jsonl", "Hello there.\nThis is a text, of two lines.\n",
     ": is not JSON (a row is an object in a line, {\"messages\": ...}; FILE:txt takes plain text)"},
    {"a.json", "prompt,completion\n\"a, b\",c\n",
     ": is a table separated by commas, not JSON (FILE:csv reads it as CSV)"},
    {"a.json", "<rows><row/></rows>\n", ": is XML, not JSON (write its rows as JSON Lines or CSV)"},
    {"a.jsonl",
     "prompt;completion\na;b\n",
     ": is a table separated by semicolons, not JSON (FILE:csv reads it as CSV)"},
    {"a.json", "{\"train\": [" PAIR("a", "b") "], \"test\": [" PAIR("c", "d") "]}",
     ": is one object with several lists of rows, train, test (make a file of each, as jq -c '.train[]' does)"},
    {"a.json", "{\"prompt\":{\"0\":\"a\",\"1\":\"c\"},\"completion\":{\"0\":\"b\",\"1\":\"d\"}}",
     ": is a table by its columns (pandas writes rows with orient=\"records\", lines=True)"},
    {"a.txt", PAIR("a", "b") "\n",
     ": holds JSON, not text (FILE:messages, or another format, reads its rows; FILE:txt takes it as it is)"},
};

START_TEST(what_is_not_read_is_named_once)
{
    options.on_bad_row = ON_BAD_ROW_SKIP;
    fails(SFT_EDATA, named[_i].name, "", named[_i].text, named[_i].message);
}
END_TEST

/* Of the message, whose list of formats test_names.c pins, how it begins and ends. */
static void is_unknown(const char *name, const char *text, const char *begin, const char *end)
{
    ck_assert_int_eq(load(name, "", text), SFT_EDATA);
    const char *message = err_text(&err);
    const size_t len = strlen(message), end_len = strlen(end);
    ck_assert_msg(strncmp(message + strlen(dir) + 1 + strlen(name), begin, strlen(begin)) == 0, "%s", message);
    ck_assert_msg(len > end_len && strcmp(message + len - end_len, end) == 0, "%s", message);
}

START_TEST(an_unknown_structure_is_named_once)
{
    options.on_bad_row = ON_BAD_ROW_SKIP;
    is_unknown("a.jsonl", "{\"input_ids\":[1,2],\"labels\":[-100,2]}\n",
               ":1: unknown structure: it has the keys input_ids, labels (tokens already, and texts are read here); "
               "expected messages, ",
               "; [data] columns = YOURS:prompt OTHER:completion says which is which");
    is_unknown("a.csv", "prompt,completion;note\na,b\nc,d\n", /* commas: the second column has another name */
               ":2: unknown structure: it has the keys prompt, completion;note; expected messages, ",
               "; [data] columns = \"completion;note:completion\" says which is which");
}
END_TEST

START_TEST(a_bad_first_row_is_a_bad_row)
{
    options.on_bad_row = ON_BAD_ROW_SKIP;
    loads("a.jsonl", "", "{'prompt': 'a'}\n" PAIR("c", "d") "\n");
    ck_assert_str_eq(found(), "2:c>d 1!");
    loads("a.jsonl", "", "name: b\n" PAIR("c", "d") "\n");
    ck_assert_str_eq(found(), "2:c>d 1!");
}
END_TEST

START_TEST(a_text_may_be_json_if_the_user_says_so)
{
    loads("a.txt", ":txt", PAIR("a", "b"));
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_str_eq(ds.files[0].store.format, "txt");
    loads("a.txt", ":prompt", PAIR("a", "b"));
    ck_assert_str_eq(found(), "1:a>b");
}
END_TEST

START_TEST(what_is_read_may_not_be_nan)
{
    fails(SFT_EDATA, "a.jsonl", "", "{\"messages\":[{\"role\":\"user\",\"content\":NaN}]}",
          ":1: messages[0].content: expected a string, found NaN");
    fails(SFT_EDATA, "a.jsonl", "", "{\"messages\":[{\"role\":\"user\",\"content\":\"\",\"weight\":-Infinity}]}",
          ":1: messages[0].weight: expected 0, or a number from 1e-30 to 1e30, found -Infinity");
}
END_TEST

START_TEST(a_table_s_separator_is_named)
{
    fails(SFT_EDATA, "a.csv", "", "prompt;completion\na;b\nc;d;e\n",
          ":3: expected 2 columns as in the header, found 3 (separated by semicolons)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("row_shapes");
    TCase *tests = tcase_create("row_shapes");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, what_others_write_is_read, 0, COUNT(readable));
    tcase_add_loop_test(tests, what_is_not_read_is_named_once, 0, COUNT(named));
    tcase_add_test(tests, an_unknown_structure_is_named_once);
    tcase_add_test(tests, a_bad_first_row_is_a_bad_row);
    tcase_add_test(tests, a_text_may_be_json_if_the_user_says_so);
    tcase_add_test(tests, what_is_read_may_not_be_nan);
    tcase_add_test(tests, a_table_s_separator_is_named);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

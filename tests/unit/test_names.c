/* [data] columns and roles: any key and any speaker of a file by the names of ours. Rows are written with ' for ". */
#include "data/dataset.h"
#include "data/readers/names.h"
#include "data/readers/reader.h"
#include "quoted_row.h"
#include "support/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sft_err err;
static struct strbuf text;

static struct string_list list_of(char **items)
{
    struct string_list list = {.items = items};
    while (items && items[list.count])
        list.count++;
    return list;
}

static enum sft_status init(struct names *names, char **columns, char **roles)
{
    const struct names_options options = {.columns = list_of(columns), .roles = list_of(roles)};
    err = (struct sft_err){0};
    return names_init(names, &options, &err);
}

/* The row as JSON with ' for ", after its columns got their names; the error; in *used a bit a column. */
static const char *renamed_row(char **columns, const char *row, uint64_t *used)
{
    struct names names;
    struct arena arena = {0};
    const struct renamed *renamed;
    json *root = parse(row);
    ck_assert_msg(init(&names, columns, NULL) == SFT_OK, "%s", err_text(&err));
    strbuf_clear(&text);
    if (names_apply(&names, root, &arena, &renamed, used, &err) == SFT_OK)
        json_print_line(root, &text);
    else
        strbuf_puts(&text, err_text(&err));
    for (char *c = text.data; (c = strchr(c, '"'));)
        *c = '\'';
    json_free(root);
    arena_free(&arena);
    names_free(&names);
    return text.data;
}

#define COLUMNS(...) ((char *[]){__VA_ARGS__, NULL})

static void becomes(char **columns, const char *row, const char *expected)
{
    uint64_t used;
    ck_assert_str_eq(renamed_row(columns, row, &used), expected);
}

START_TEST(keys_of_rows)
{
    becomes(COLUMNS("ask:prompt", "reply:completion"), "{'id':1,'ask':'q','reply':'a'}",
            "{'id':1,'prompt':'q','completion':'a'}");
    becomes(COLUMNS("a:b:prompt"), "{'a:b':1}", "{'prompt':1}");       /* the last colon divides */
    becomes(COLUMNS("my key:prompt"), "{'my key':1}", "{'prompt':1}"); /* a blank is no matter here */
    becomes(COLUMNS("Ask:prompt"), "{'ask':1}", "{'prompt':1}");       /* capitals */
    becomes(COLUMNS("Ask:prompt"), "{'ask':1,'Ask':2}", "{'ask':1,'prompt':2}");
    becomes(COLUMNS("prompt:completion", "completion:prompt"), "{'prompt':1,'completion':2}",
            "{'completion':1,'prompt':2}");
    becomes(COLUMNS("ask:prompt"), "{'prompt':1,'ask':2}", "{'':1,'prompt':2}"); /* ours gives way */
    becomes(COLUMNS("a.b:prompt"), "{'a.b':1,'a':{'b':2}}", "{'prompt':1,'a':{'b':2}}");
    becomes(COLUMNS("q:prompt", "ask:prompt"), "{'ask':1}", "{'prompt':1}"); /* files that differ */
    becomes(COLUMNS("q:prompt", "ask:prompt"), "{'ask':1,'q':2}",
            "'q' and 'ask' are both read as prompt ([data] columns)");
    becomes(COLUMNS("x:ignore", "y:ignore"), "{'y':1,'x':2}", "{'':1,'':2}");
    becomes(COLUMNS("x:prompt"), "[1]", "[1]");
}
END_TEST

START_TEST(keys_of_turns_and_paths)
{
    becomes(COLUMNS("dialog:messages", "speaker:role", "says:content"),
            "{'dialog':[{'speaker':'a','says':'b'},{'speaker':'c','x':{'says':1}}]}",
            "{'messages':[{'role':'a','content':'b'},{'role':'c','x':{'says':1}}]}");
    becomes(COLUMNS("dialog[].text:content"), "{'text':1,'dialog':[{'text':2}],'other':[{'text':3}]}",
            "{'text':1,'dialog':[{'content':2}],'other':[{'text':3}]}");
    becomes(COLUMNS("data.q:prompt", "data.a:completion"), "{'data':{'q':1,'a':2,'r':3}}",
            "{'data':{'r':3},'completion':2,'prompt':1}");
    becomes(COLUMNS("log[].author.role:role", "log[].text:content", "log:messages"),
            "{'log':[{'author':{'role':'user'},'text':'t'}]}",
            "{'messages':[{'author':{},'content':'t','role':'user'}]}");
    becomes(COLUMNS("messages[].weight:ignore"), "{'weight':1,'messages':[{'weight':0}]}",
            "{'weight':1,'messages':[{'':0}]}");
    uint64_t used;
    renamed_row(COLUMNS("a:prompt", "b:completion", "c:ignore"), "{'a':1,'d':[{'c':1}]}", &used);
    ck_assert_uint_eq(used, 5);
}
END_TEST

static void refuses(char **columns, char **roles, const char *message)
{
    struct names names;
    ck_assert_int_eq(init(&names, columns, roles), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), message);
    names_free(&names);
}

START_TEST(names_that_make_no_sense)
{
    refuses(COLUMNS("a"), NULL, "[data] columns: 'a': expected the file's name, a colon and ours");
    refuses(COLUMNS("a:promt"), NULL,
            "[data] columns: 'a:promt': no format has a key 'promt' (did you mean prompt?)");
    refuses(COLUMNS("a:prompt", "a:text"), NULL, "[data] columns: 'a' cannot be both prompt and text");
    refuses(NULL, COLUMNS("Ann:usr"),
            "[data] roles: 'Ann:usr': no such role (system, user, assistant or tool)");
    refuses(NULL, COLUMNS("Ann:user", "ann:tool"), "[data] roles: 'ann' is given twice");
    const struct names_options aliases = {.prompt_column = "a", .completion_column = "a"};
    struct names names;
    ck_assert_int_eq(names_init(&names, &aliases, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "[data] completion_column: 'a' cannot be both prompt and completion");
    names_free(&names);
}
END_TEST

/* ---- the error that tells of columns ---- */

static const char *unknown(const char *row)
{
    json *root = parse(row);
    ck_assert_ptr_null(reader_detect(root, &err));
    json_free(root);
    return err_text(&err);
}

START_TEST(unknown_structures)
{
#define KNOWN                                                                                                \
    "; expected messages, conversations, prompt and completion, chosen, instruction and output, question "   \
    "and answer, or text; [data] columns = "
    ck_assert_str_eq(unknown("[1]"), "expected an object, found an array");
    ck_assert_str_eq(unknown("{'foo':1,'ask':'a','bar':2,'reply':'b'}"),
                     "unknown structure: it has the keys foo, ask, bar, reply" KNOWN
                     "ask:prompt reply:completion says which is which");
    ck_assert_str_eq(unknown("{'prompt':'p'}"),
                     "unknown structure: it has the key prompt" KNOWN "OTHER:completion says which is which");
    ck_assert_str_eq(unknown("{'id':'x','log':[{'n':1,'who':'a','said':'b'}]}"),
                     "unknown structure: it has the keys id, log" KNOWN
                     "log:messages who:role said:content says what they are");
    ck_assert_str_eq(unknown("{'ask me':'a','\\u0022':'b'}"),
                     "unknown structure: it has the keys ask me, \"" KNOWN
                     "\"ask me:prompt\" \"\\\":completion\" says which is which");
    ck_assert_str_eq(unknown("{}"), "unknown structure: it has no keys" KNOWN
                                    "YOURS:prompt OTHER:completion says which is which");
}
END_TEST

/* ---- speakers ---- */

START_TEST(speakers)
{
    static const struct {
        const char *name;
        enum role role;
    } plain[] = {{"Human", ROLE_USER},
                 {"USER", ROLE_USER},
                 {"GPT", ROLE_ASSISTANT},
                 {"Assistant", ROLE_ASSISTANT},
                 {"ChatGPT", ROLE_ASSISTANT},
                 {"AI", ROLE_ASSISTANT},
                 {"function-call", ROLE_ASSISTANT},
                 {"tool_call", ROLE_ASSISTANT},
                 {"Function Call", ROLE_ASSISTANT},
                 {"functionResponse", ROLE_TOOL},
                 {"tool-response", ROLE_TOOL},
                 {"tool_result", ROLE_TOOL},
                 {"ipython", ROLE_TOOL},
                 {"Environment", ROLE_TOOL},
                 {"System", ROLE_SYSTEM},
                 {"Developer", ROLE_SYSTEM}};
    static const char *const unknown[] = {"Ann", "customer", "agent", "", "assistent", "users"};
    enum role role;
    bool is_call;
    uint64_t used = 0;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        ck_assert_msg(names_role(NULL, plain[i].name, &role, &is_call, &used), "%s", plain[i].name);
        ck_assert_int_eq(role, plain[i].role);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        ck_assert_msg(!names_role(NULL, unknown[i], &role, &is_call, &used), "%s", unknown[i]);
    ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(speakers_of_the_users_own)
{
    struct names names;
    enum role role;
    bool is_call;
    uint64_t used = 0;
    ck_assert_int_eq(init(&names, NULL, COLUMNS("Dr. Ann:assistant", "patient:human", "bot:user")), SFT_OK);
    ck_assert(names_role(&names, "Patient", &role, &is_call, &used) && role == ROLE_USER);
    ck_assert_uint_eq(used, 2);
    ck_assert(names_role(&names, "Bot", &role, &is_call, &used) &&
              role == ROLE_USER); /* before what all know */
    ck_assert(names_role(&names, "Dr. Ann", &role, &is_call, &used) && role == ROLE_ASSISTANT);
    ck_assert_uint_eq(used, 7);
    names_free(&names);
}
END_TEST

/* Of a transcript too. */
START_TEST(speakers_of_transcripts)
{
    struct names names;
    struct arena arena = {0};
    struct conversations list;
    json *row = parse("{'chosen':'\\n\\nAnn: hi\\n\\nBot: yes\\n\\nHuman: a\\n\\nBob: b'}");
    ck_assert_int_eq(init(&names, NULL, COLUMNS("Ann:user", "Carl:user", "Bot:assistant")), SFT_OK);
    ck_assert_int_eq(reader_read(reader_by_name("hh"), row, &names, &arena, &list, &err), SFT_OK);
    ck_assert_uint_eq(list.items[0].count, 3);
    ck_assert_int_eq(list.items[0].messages[1].role, ROLE_ASSISTANT);
    ck_assert_str_eq(list.items[0].messages[1].content, "yes");
    ck_assert_str_eq(list.items[0].messages[2].content, "a\n\nBob: b");
    ck_assert_uint_eq(list.roles_used, 5);
    json_free(row);
    arena_free(&arena);
    names_free(&names);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("names");
    TCase *tests = tcase_create("names");
    tcase_add_test(tests, keys_of_rows);
    tcase_add_test(tests, keys_of_turns_and_paths);
    tcase_add_test(tests, names_that_make_no_sense);
    tcase_add_test(tests, unknown_structures);
    tcase_add_test(tests, speakers);
    tcase_add_test(tests, speakers_of_the_users_own);
    tcase_add_test(tests, speakers_of_transcripts);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* Rows with a chosen and a rejected answer: where the prompt ends, and what is wrong with one. */
#include "data/readers/reader.h"
#include "quoted_row.h"
#include "support/run_suite.h"

static struct strbuf shown;
static struct names names;

static void show_conversation(const struct conversation *conv)
{
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        strbuf_printf(&shown, "%s%s", i ? " " : "", role_name[m->role]);
        if (m->weight < 1.0F || m->weight > 1.0F)
            strbuf_printf(&shown, "[%g]", (double)m->weight);
        strbuf_printf(&shown, "(%.*s)", (int)m->len, m->content);
    }
}

/* Both conversations with " | " between, or the error. */
static const char *show(const char *row)
{
    struct sft_err err;
    struct arena arena = {0};
    struct conversations list;
    json *root = parse(row);
    strbuf_clear(&shown);
    ck_assert(reader_is_pair(root));
    if (reader_read_pair(root, &names, &arena, &list, &err)) {
        strbuf_puts(&shown, err_text(&err));
    } else {
        ck_assert_uint_eq(list.count, 2);
        show_conversation(&list.items[0]);
        strbuf_puts(&shown, " | ");
        show_conversation(&list.items[1]);
    }
    json_free(root);
    arena_free(&arena);
    return shown.data;
}

#define USER(text)      "{'role':'user','content':'" text "'}"
#define ASSISTANT(text) "{'role':'assistant','content':'" text "'}"
#define PAIR(a, b)      "{'chosen':" a ",'rejected':" b "}"

static const struct {
    const char *row, *expected;
} rows[] = {
    /* a prompt */
    {"{'prompt':'p','chosen':'c','rejected':'r'}", "user[0](p) assistant(c) | user[0](p) assistant(r)"},
    {"{'prompt':'','chosen':'','rejected':'r'}", "user[0]() assistant() | user[0]() assistant(r)"},
    {"{'system':'s','prompt':'p','chosen':'c','rejected':'r'}",
     "system[0](s) user[0](p) assistant(c) | system[0](s) user[0](p) assistant(r)"},
    {"{'prompt':[" USER("p") "," ASSISTANT("a") "," USER("q") "],'chosen':[" ASSISTANT("c") "],'rejected':'r'}",
     "user[0](p) assistant[0](a) user[0](q) assistant(c) | user[0](p) assistant[0](a) user[0](q) assistant(r)"},
    {"{'prompt':[{'role':'assistant','content':'a','weight':2}," USER("p") "],'chosen':[{'role':'assistant','content':"
     "'c','weight':0.5}],'rejected':[" ASSISTANT("r") "],'weight':4}",
     "assistant[0](a) user[0](p) assistant[2](c) | assistant[0](a) user[0](p) assistant[4](r)"},
    {"{'prompt':[" USER("p") "],'chosen':[" ASSISTANT("a") "," USER("q") "," ASSISTANT("c") "],'rejected':["
     ASSISTANT("a") "," USER("q") "," ASSISTANT("r") "]}", /* what stands behind a prompt is the answer */
     "user[0](p) assistant(a) user(q) assistant(c) | user[0](p) assistant(a) user(q) assistant(r)"},
    {"{'prompt':'\\n\\nHuman: p\\n\\nAssistant:','chosen':' c','rejected':' r'}",
     "user[0](p) assistant(c) | user[0](p) assistant(r)"},
    /* UltraFeedback: the string only repeats the question */
    {"{'prompt':'p','chosen':[" USER("p") "," ASSISTANT("c") "],'rejected':[" USER("p") "," ASSISTANT("r") "],"
     "'messages':[" USER("p") "," ASSISTANT("c") "],'score_chosen':8}",
     "user[0](p) assistant(c) | user[0](p) assistant(r)"},
    /* none: what both begin with */
    {PAIR("[" USER("p") "," ASSISTANT("c") "]", "[" USER("p") "," ASSISTANT("r") "]"),
     "user[0](p) assistant(c) | user[0](p) assistant(r)"},
    {PAIR("[" USER("p") "," ASSISTANT("c") "," USER("q") "," ASSISTANT("d") "]", "[" USER("p") "," ASSISTANT("c") "]"),
     "user[0](p) assistant(c) user(q) assistant(d) | user[0](p) assistant(c)"}, /* each keeps a message */
    {PAIR("[" USER("p") "," ASSISTANT("c") "]", "[" USER("q") "," ASSISTANT("c") "]"),
     "user(p) assistant(c) | user(q) assistant(c)"},
    {PAIR("'\\n\\nHuman: p\\n\\nAssistant: a\\n\\nHuman: q\\n\\nAssistant: the c'",
          "'\\n\\nHuman: p\\n\\nAssistant: a\\n\\nHuman: q\\n\\nAssistant: the r'"),
     "user[0](p) assistant[0](a) user[0](q) assistant(the c) | user[0](p) assistant[0](a) user[0](q) assistant(the r)"},
    {"{'system':'s','chosen':'\\r\\n\\r\\nHuman: p\\r\\n\\r\\nAssistant: c','rejected':'\\n\\nHuman: p\\n\\nAssistant: r'}",
     "system[0](s) user[0](p) assistant(c) | system[0](s) user[0](p) assistant(r)"},
    /* texts, as TRL's extract_prompt has them */
    {PAIR("'The sky is blue.'", "'The sky is green.'"),
     "user[0](The sky is) assistant( blue.) | user[0](The sky is) assistant( green.)"},
    {PAIR("'The sky is blue.'", "'The sky is black.'"),
     "user[0](The sky is bl) assistant(ue.) | user[0](The sky is bl) assistant(ack.)"},
    {PAIR("'Q: a  x'", "'Q: a  y'"), "user[0](Q: a ) assistant( x) | user[0](Q: a ) assistant( y)"},
    {PAIR("'Q: abc'", "'Q: a'"), "user[0](Q: ) assistant(abc) | user[0](Q: ) assistant(a)"},
    {PAIR("'Q: ab'", "'Q: ab'"), "user[0](Q: a) assistant(b) | user[0](Q: a) assistant(b)"},
    {PAIR("'Q\\u00e9a'", "'Q\\u00e8a'"),
     "user[0](Q) assistant(\xC3\xA9" "a) | user[0](Q) assistant(\xC3\xA8" "a)"}, /* not within a character */
    {PAIR("'Q\\u00e9'", "'Q\\u00e9'"), "user[0](Q) assistant(\xC3\xA9) | user[0](Q) assistant(\xC3\xA9)"},
    /* what is wrong */
    {"{'prompt':'p','chosen':'c','rejected':7}", "rejected: expected a string or an array, found a number"},
    {"{'prompt':'p','chosen':[],'rejected':'r'}", "chosen: the list is empty"},
    {"{'prompt':'p','chosen':'c','rejected':[" ASSISTANT("r") ",{'role':'x','content':''}]}",
     "rejected[1].role: unknown role 'x' (system, user or assistant; [data] roles = NAME:user maps other names)"},
    {PAIR("'\\n\\nHuman: p\\n\\nAssistant: c'", "'c'"),
     "rejected: expected a transcript that begins with an empty line and \"Human:\" or \"Assistant:\""},
    {PAIR("'c'", "'r'"), "there is no prompt, and chosen and rejected do not begin alike ([data] columns = KEY:prompt "
                         "says which key it is)"},
    {PAIR("''", "''"), "there is no prompt, and chosen and rejected do not begin alike ([data] columns = KEY:prompt "
                       "says which key it is)"},
    {"{'system':'s','question':'p','chosen':'I do','rejected':'I do not'}", /* Intel's orca_dpo_pairs */
     "chosen and rejected have no prompt; [data] columns = question:prompt says that this is it, question:ignore that "
     "it is not"},
    {"{'system':'s','input':'p','chosen':[" ASSISTANT("c") "],'rejected':[" ASSISTANT("r") "]}",
     "chosen and rejected have no prompt; [data] columns = input:prompt says that this is it, input:ignore that it is "
     "not"},
    {"{'input':' ','question':null,'chosen':'Q: a','rejected':'Q: b'}",
     "user[0](Q:) assistant( a) | user[0](Q:) assistant( b)"},
};

START_TEST(rows_become_two_conversations)
{
    ck_assert_str_eq(show(rows[_i].row), rows[_i].expected);
}
END_TEST

START_TEST(what_is_a_pair)
{
    static const char *const none[] = {"{'chosen':'c'}", "{'rejected':'r'}", "{'chosen':null,'rejected':'r'}",
                                       "{'chosen':'c','rejected':null}", "['chosen','rejected']", "7"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        json *root = parse(none[i]);
        ck_assert(!reader_is_pair(root));
        json_free(root);
    }
}
END_TEST

/* All three may be called otherwise, and speakers of a transcript too. */
START_TEST(names_of_their_own)
{
    char *columns[] = {"ask:prompt", "good:chosen", "bad:rejected"}, *roles[] = {"Ann:user", "Bob:assistant"};
    const struct names_options options = {.columns = {columns, 3}, .roles = {roles, 2}};
    const struct renamed *renamed;
    struct arena arena = {0};
    struct conversations list;
    struct sft_err err;
    uint64_t used;
    ck_assert_int_eq(names_init(&names, &options, &err), SFT_OK);
    json *row = parse("{'ask':'\\n\\nAnn: p\\n\\nBob:','good':'c','bad':'r'}");
    ck_assert(!reader_is_pair(row));
    ck_assert_int_eq(names_apply(&names, row, &arena, &renamed, &used, &err), SFT_OK);
    ck_assert(reader_is_pair(row));
    ck_assert_int_eq(reader_read_pair(row, &names, &arena, &list, &err), SFT_OK);
    ck_assert_uint_eq(list.roles_used, 3);
    strbuf_clear(&shown);
    show_conversation(&list.items[1]);
    ck_assert_str_eq(shown.data, "user[0](p) assistant(r)");
    json_free(row);
    arena_free(&arena);
    names_free(&names);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("preferences");
    TCase *tests = tcase_create("preferences");
    tcase_add_loop_test(tests, rows_become_two_conversations, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(tests, what_is_a_pair);
    tcase_add_test(tests, names_of_their_own);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

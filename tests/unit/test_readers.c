/* Every reader on rows written by hand, and every kind of bad row with its exact message. Rows are written
 * with ' for " (no row here needs a '). */
#include "data/readers/reader.h"
#include "support/err_text.h"
#include "support/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a row becomes, as text ---- */

static struct strbuf text; /* what show() made last */

static void show_conversation(const struct conversation *conv)
{
    strbuf_puts(&text, conv->has_tools ? "tools " : "");
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        strbuf_printf(&text, "%s%s", i ? " " : "", conv->is_document ? "document" : role_name[m->role]);
        if (m->weight < 1.0F || m->weight > 1.0F)
            strbuf_printf(&text, "[%g]", (double)m->weight);
        strbuf_printf(&text, "(%.*s)", (int)m->len, m->content);
    }
}

/* "user(hi) assistant[0.5](yo)", conversations with " | " between, "document(...)"; or the error. The reader
 * is found where format is NULL. */
static const char *show(const char *row, const char *format)
{
    struct sft_err err = {.message = ""};
    struct arena arena = {0};
    struct conversations list = {0};
    json *root = NULL;
    strbuf_clear(&text);
    strbuf_puts(&text, row);
    for (char *c = text.data; (c = strchr(c, '\''));)
        *c = '"';
    enum sft_status status = json_parse(text.data, text.len, &root, &err);
    strbuf_clear(&text);
    if (!status) {
        const struct reader *reader = format ? reader_by_name(format) : reader_detect(root, &err);
        status = reader ? reader_read(reader, root, NULL, &arena, &list, &err) : SFT_EDATA;
    }
    json_free(root);
    for (size_t i = 0; !status && i < list.count; i++) {
        strbuf_puts(&text, i ? " | " : "");
        show_conversation(&list.items[i]);
    }
    ck_assert(status == SFT_OK || (status == SFT_EDATA && err.status == SFT_EDATA));
    if (status)
        strbuf_puts(&text, err_text(&err));
    arena_free(&arena);
    return text.data;
}

struct row_case {
    const char *row, *expected;
};

#define CHECK_ROWS(cases)                                                                                    \
    for (size_t i_ = 0; i_ < sizeof(cases) / sizeof *(cases); i_++)                                          \
    ck_assert_str_eq(show((cases)[i_].row, NULL), (cases)[i_].expected)

static void is_as(const char *format, const char *row, const char *expected)
{
    ck_assert_str_eq(show(row, format), expected);
}

/* ---- messages ---- */

static const struct row_case good_messages[] = {
    {"{'messages':[{'role':'system','content':'s'},{'role':'user','content':'hi'},"
     "{'role':'assistant','content':'yo','weight':0.5},{'role':'tool','content':'','tool_call_id':'c1'}]}",
     "system(s) user(hi) assistant[0.5](yo) tool()"},
    {"{'id':1,'messages':[{'role':'developer','content':[{'type':'text','text':'a'},{'type':'text','text':'b'"
     "}],"
     "'weight':null},{'role':'assistant','weight':0,'content':'\\u00e9\\ud83d\\ude42','tool_calls':[]}]}",
     "system(ab) assistant[0](\xC3\xA9\xF0\x9F\x99\x82)"},
    {"{'messages':[{'role':'user','name':'ann','content':''},{'role':'function','name':'f','content':'r'},"
     "{'role':'user','name':null,'content':[]}]}",
     "user() tool(r) user()"},
    {"{'messages':[{'role':'user','content':[{'type':'input_text','text':'a'},'b',{'text':'c'}]},"
     "{'role':'assistant','content':[{'type':'output_text','text':'d'}]}]}",
     "user(abc) assistant(d)"},
    {"{'system':'s','messages':[{'role':'user','content':'a'}]}", "system(s) user(a)"},
    {"{'system':' ','messages':[{'role':'user','content':'a'}]}", "user(a)"},
    {"{'system':null,'messages':[{'role':'user','content':'a'}]}", "user(a)"},
    {"{'tools':[{}],'messages':[{'role':'user','content':'a'}]}", "tools user(a)"},
    {"{'functions':[{}],'messages':[{'role':'user','content':'a'}]}", "tools user(a)"},
    {"{'tools':[],'functions':null,'messages':[{'role':'user','content':'a'}]}", "user(a)"},
};

static const struct row_case bad_messages[] = {
    {"{'messages':[{'role':'user','content':'a'},{'role':'user','content':'a'},{'role':'assistent','content':"
     "'b'}]}",
     "messages[2].role: unknown role 'assistent' (system, user or assistant)"},
    {"{'messages':[{'role':'user','content':'a'},{'role':'user','content':7}]}",
     "messages[1].content: expected a string, found a number"},
    {"{'messages':[{'role':'user','content':{}}]}",
     "messages[0].content: expected a string, found an object"},
    {"{'messages':[{'role':'user','content':null}]}", "messages[0].content: expected a string, found null"},
    {"{'messages':[{'role':'assistant','content':null,'tool_calls':[],'function_call':null}]}",
     "messages[0].content: expected a string, found null"},
    {"{'messages':[{'role':'user'}]}", "messages[0].content: missing"},
    {"{'messages':[{'content':'a'}]}", "messages[0].role: missing"},
    {"{'messages':[{'Role':'user','content':'a'}]}", "messages[0].role: missing"},
    {"{'messages':[{'role':3,'content':'a'}]}", "messages[0].role: expected a string, found a number"},
    {"{'messages':['a']}", "messages[0]: expected an object, found a string"},
    {"{'messages':[{'role':'user','content':'a'},null]}", "messages[1]: expected an object, found null"},
    {"{'messages':[]}", "messages: the list is empty"},
    {"{'messages':'a'}", "messages: expected an array, found a string"},
    {"{'messages':' [{}]'}", "messages: expected an array, found a string that holds one (json.loads makes an array of "
                             "JSON, ast.literal_eval of Python's notation)"},
    {"{'messages':5}", "messages: expected an array, found a number"},
    {"{'messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':'image_url'}]}]}",
     "messages[0].content[1].type: expected \"text\", found 'image_url'"},
    {"{'messages':[{'role':'user','content':[{'text':'a','image':'b'}]}]}", "messages[0].content[0].type: missing"},
    {"{'messages':[{'role':'user','content':['a',{'type':'image','text':'b'}]}]}",
     "messages[0].content[1].type: expected \"text\", found 'image'"},
    {"{'messages':[{'role':'user','content':['a',1]}]}", "messages[0].content[1]: expected an object, found a number"},
    {"{'messages':[{'role':'user','content':[{'type':'text','text':1}]}]}",
     "messages[0].content[0].text: expected a string, found a number"},
    {"{'messages':[{'role':'user','content':'a','name':1}]}",
     "messages[0].name: expected a string, found a number"},
    {"{'messages':[{'role':'assistant','content':'a','weight':-1}]}",
     "messages[0].weight: expected 0, or a number from 1e-30 to 1e30, found -1"},
    {"{'messages':[{'role':'assistant','content':'a','weight':1e39}]}",
     "messages[0].weight: expected 0, or a number from 1e-30 to 1e30, found 1e+39"},
    {"{'messages':[{'role':'assistant','content':'a','weight':'1'}]}",
     "messages[0].weight: expected 0, or a number from 1e-30 to 1e30, found a string"},
    {"{'system':{},'messages':[{'role':'user','content':'a'}]}",
     "system: expected a string, found an object"},
};

START_TEST(messages)
{
    CHECK_ROWS(good_messages);
    CHECK_ROWS(bad_messages);
}
END_TEST

/* ---- calls of tools: a message of the assistant with what stands in the first %s, as it becomes text ----
 */

static const struct row_case good_calls[] = {
    {"'content':'ok','tool_calls':[{'id':'c1','type':'function','function':{'name':'f','arguments':'{\\'x\\':"
     " 1}'}}]",
     "ok\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>"},
    {"'content':null,'tool_calls':[{'function':{'name':'f','arguments':{'x':[1.50,null,true],'y':'\\u00e9\\n'"
     "}}}]",
     "<tool_call>\n{\"name\": \"f\", \"arguments\": "
     "{\"x\": [1.5, null, true], \"y\": \"\xC3\xA9\\n\"}}\n</tool_call>"},
    {"'tool_calls':[{'type':null,'function':{'name':'a\\'b\\n','arguments':' "
     "\\n'}},{'name':'g','arguments':' [] '},"
     "{'function':{'name':'h'}},{'function':{'name':'i','arguments':null}},{'function':{'name':'j','"
     "arguments':{}}}]",
     "<tool_call>\n{\"name\": \"a\\\"b\\n\", \"arguments\": {}}\n</tool_call>\n"
     "<tool_call>\n{\"name\": \"g\", \"arguments\": []}\n</tool_call>\n"
     "<tool_call>\n{\"name\": \"h\", \"arguments\": {}}\n</tool_call>\n"
     "<tool_call>\n{\"name\": \"i\", \"arguments\": {}}\n</tool_call>\n"
     "<tool_call>\n{\"name\": \"j\", \"arguments\": {}}\n</tool_call>"},
    {"'content':'','function_call':{'name':'f','arguments':'{}'}",
     "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>"},
    {"'content':[{'type':'text','text':'a'},{'type':'text','text':'b'}],'function_call':{'name':'f','"
     "arguments':'no json'}",
     "ab\n<tool_call>\n{\"name\": \"f\", \"arguments\": no json}\n</tool_call>"},
};

static const struct row_case bad_calls[] = {
    {"'tool_calls':[{}]", "messages[0].tool_calls[0].function: missing"},
    {"'tool_calls':[{'function':7}]",
     "messages[0].tool_calls[0].function: expected an object, found a number"},
    {"'tool_calls':[{'name':'f'},{'function':{}}]", "messages[0].tool_calls[1].function.name: missing"},
    {"'tool_calls':[{'name':1}]", "messages[0].tool_calls[0].name: expected a string, found a number"},
    {"'tool_calls':[{'name':'f','arguments':1}]",
     "messages[0].tool_calls[0].arguments: expected a string or an object, found a number"},
    {"'tool_calls':[{'function':{'name':'f','arguments':[]}}]",
     "messages[0].tool_calls[0].function.arguments: expected a string or an object, found an array"},
    {"'tool_calls':[{'type':'custom','custom':{}}]",
     "messages[0].tool_calls[0].type: expected \"function\", found 'custom'"},
    {"'tool_calls':['f']", "messages[0].tool_calls[0]: expected an object, found a string"},
    {"'tool_calls':{}", "messages[0].tool_calls: expected an array, found an object"},
    {"'content':3,'tool_calls':[{'name':'f'}]", "messages[0].content: expected a string, found a number"},
    {"'function_call':'auto'", "messages[0].function_call: expected an object, found a string"},
    {"'function_call':{'arguments':'{}'}", "messages[0].function_call.name: missing"},
};

/* The row whose only message is the assistant's, with these fields. */
static const char *show_message(const char *role, const char *fields)
{
    char *row = mem_printf("{'messages':[{'role':'%s',%s}]}", role, fields);
    const char *shown = show(row, NULL);
    free(row);
    return shown;
}

START_TEST(calls)
{
    for (size_t i = 0; i < sizeof good_calls / sizeof *good_calls; i++) {
        char *expected = mem_printf("assistant(%s)", good_calls[i].expected);
        ck_assert_str_eq(show_message("assistant", good_calls[i].row), expected);
        free(expected);
    }
    for (size_t i = 0; i < sizeof bad_calls / sizeof *bad_calls; i++)
        ck_assert_str_eq(show_message("assistant", bad_calls[i].row), bad_calls[i].expected);
    ck_assert_str_eq(show_message("user", "'content':'a','tool_calls':[{'name':'f'}]"),
                     "messages[0].tool_calls: only a message of the assistant can have calls");
    ck_assert_str_eq(show_message("tool", "'content':'a','function_call':{'name':'f'}"),
                     "messages[0].function_call: only a message of the assistant can have calls");
    ck_assert_str_eq(show_message("user", "'content':'a','tool_calls':null,'function_call':null"), "user(a)");
}
END_TEST

/* ---- sharegpt ---- */

static const struct row_case sharegpt_rows[] = {
    {"{'system':'s','conversations':[{'from':'human','value':'a'},{'from':'gpt','value':'b'},"
     "{'from':'function_call','value':'{\\'name\\':1}'},{'from':'observation','value':'d'},"
     "{'from':'chatgpt','value':'e','weight':0}]}",
     "system(s) user(a) assistant(b) assistant({\"name\":1}) tool(d) assistant[0](e)"},
    {"{'conversation':[{'from':'system','value':''},{'from':'user','value':''},{'from':'assistant','value':''"
     "},"
     "{'from':'bing','value':''},{'from':'bard','value':''},{'from':'bot','value':''},{'from':'model','value'"
     ":''},"
     "{'from':'tool','value':''},{'from':'function_response','value':''},{'from':'function','value':''}]}",
     "system() user() assistant() assistant() assistant() assistant() assistant() tool() tool() tool()"},
    {"{'system':'s','conversations':[{'from':'system','value':'t'},{'from':'gpt','value':'b'}]}",
     "system(s) system(t) assistant(b)"},
    {"{'tools':'[{}]','conversations':[{'from':'gpt','value':'b'}]}", "tools assistant(b)"},
    {"{'tools':' []\\n','conversations':[{'from':'gpt','value':'b'}]}", "assistant(b)"},
    {"{'conversations':[{'role':'user','content':'a'},{'role':'assistant','content':null,'weight':0,"
     "'tool_calls':[{'name':'f'}]}]}",
     "user(a) assistant[0](<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>)"},
    {"{'conversations':[{'from':'gtp','value':'b'}]}",
     "conversations[0].from: unknown speaker 'gtp' (system, human, gpt, function_call or observation)"},
    {"{'conversations':[{'from':'gpt','value':'a'},{'role':'humen','content':'b'}]}",
     "conversations[1].role: unknown role 'humen' (system, user or assistant)"},
    {"{'conversation':[{'from':'gpt','value':1}]}",
     "conversation[0].value: expected a string, found a number"},
    {"{'conversations':[{'from':'gpt'}]}", "conversations[0].value: missing"},
    {"{'conversations':[{'value':'a'}]}", "conversations[0].from: missing"},
    {"{'conversations':[{'from':null,'value':'a'}]}", "conversations[0].from: expected a string, found null"},
    {"{'conversations':[{'from':'gpt','value':'a','weight':[]}]}",
     "conversations[0].weight: expected 0, or a number from 1e-30 to 1e30, found an array"},
    {"{'conversations':[3]}", "conversations[0]: expected an object, found a number"},
    {"{'conversations':[]}", "conversations: the list is empty"},
    {"{'conversations':{}}", "conversations: expected an array, found an object"},
    {"{'system':1,'conversations':[{'from':'gpt','value':'b'}]}",
     "system: expected a string, found a number"},
};

/* ---- alpaca, dolly, question, text ---- */

static const struct row_case pair_rows[] = {
    {"{'instruction':'i','input':'x','output':'o','system':'s'}", "system(s) user(i\n\nx) assistant(o)"},
    {"{'instruction':'i','input':' \\n','output':''}", "user(i) assistant()"},
    {"{'instruction':'i','input':null,'output':'o','history':null}", "user(i) assistant(o)"},
    {"{'instruction':'i','input':'x','response':'r'}", "user(i\n\nx) assistant(r)"},
    {"{'instruction':'i','output':null,'response':'r'}", "user(i) assistant(r)"},
    {"{'instruction':'i','input':'x','context':'c','output':'o'}", "user(i\n\nx\n\nc) assistant(o)"},
    {"{'instruction':'i','output':'o','history':[['q','a'],['','']],'system':'s'}",
     "system(s) user(q) assistant(a) user() assistant() user(i) assistant(o)"},
    {"{'instruction':'i','output':'o','history':[]}", "user(i) assistant(o)"},
    {"{'instruction':'i','output':'o','history':' \\n'}", "user(i) assistant(o)"},
    {"{'instruction':'i','output':'o','history':'q'}", "history: expected an array, found a string"},
    {"{'instruction':'i','output':'o','history':[['q','a'],['q']]}",
     "history[1]: expected [question, answer]"},
    {"{'instruction':'i','output':'o','history':['qa']}", "history[0]: expected [question, answer]"},
    {"{'instruction':'i','output':'o','history':[['q','a'],[1,'a']]}",
     "history[1][0]: expected a string, found a number"},
    {"{'instruction':'i','output':'o','history':[['q',null]]}",
     "history[0][1]: expected a string, found null"},
    {"{'instruction':'i','input':[],'output':'o'}", "input: expected a string, found an array"},
    {"{'instruction':'i','output':true}", "output: expected a string, found a boolean"},
    {"{'instruction':'i','output':null}", "output: expected a string, found null"},
    {"{'instruction':4,'output':'o'}", "instruction: expected a string, found a number"},
    {"{'instruction':'i','output':'o','system':2}", "system: expected a string, found a number"},
    {"{'instruction':'i','context':'c','response':'r','category':'x'}", "user(i\n\nc) assistant(r)"},
    {"{'instruction':'i','context':3,'response':'r'}", "context: expected a string, found a number"},
    {"{'instruction':'i','response':5}", "response: expected a string, found a number"},
    {"{'question':'q','answer':'a'}", "user(q) assistant(a)"},
    {"{'question':'q','answer':'a','system':'s'}", "system(s) user(q) assistant(a)"},
    {"{'question':'q','answer':4}", "answer: expected a string, found a number"},
    {"{'question':null,'answer':'a'}", "question: expected a string, found null"},
    {"{'text':'hello'}", "document(hello)"},
    {"{'text':''}", "document()"},
    {"{'text':null}", "text: expected a string, found null"},
};

/* ---- prompt and completion ---- */

static const struct row_case prompt_rows[] = {
    {"{'prompt':'p','completion':'c'}", "user(p) assistant(c)"},
    {"{'prompt':'p','completion':'c','system':'s','tools':[{}]}", "tools system(s) user(p) assistant(c)"},
    {"{'prompt':[{'role':'user','content':'a'},{'role':'assistant','content':'b'},"
     "{'role':'assistant','content':'w','weight':1}],'completion':[{'role':'assistant','content':'d'}]}",
     "user[0](a) assistant[0](b) assistant(w) assistant(d)"},
    {"{'prompt':[{'role':'user','content':'a'}],'completion':'c'}", "user[0](a) assistant(c)"},
    {"{'prompt':[{'role':'x','content':'a'}],'completion':'c'}",
     "prompt[0].role: unknown role 'x' (system, user or assistant)"},
    {"{'prompt':[],'completion':'c'}", "prompt: the list is empty"},
    {"{'prompt':'p','completion':[]}", "completion: the list is empty"},
    {"{'prompt':'p','completion':[{'role':'assistant','content':1}]}",
     "completion[0].content: expected a string, found a number"},
    {"{'prompt':'p','completion':1}", "completion: expected a string or an array, found a number"},
    {"{'prompt':null,'completion':'c'}", "prompt: expected a string or an array, found null"},
};

/* ---- hh ---- */

static const char not_a_transcript[] =
    "chosen: expected a transcript that begins with an empty line and \"Human:\" or \"Assistant:\"";

static const struct row_case hh_rows[] = {
    {"{'chosen':'\\n\\nHuman: a b\\n\\nAssistant: c\\n\\nHuman: d\\n\\nAssistant: e','rejected':7}",
     "user(a b) assistant(c) user(d) assistant(e)"},
    /* one blank belongs to the marker; the rest stays, as in TRL's script for this data */
    {"{'chosen':'\\n\\nHuman:  a \\n\\nAssistant: c\\n\\n\\nHuman: d\\n'}",
     "user( a ) assistant(c\n) user(d\n)"},
    {"{'chosen':'\\n\\nHuman: \\n\\nAssistant:\\n\\nHuman:\\n\\nAssistant: '}",
     "user() assistant() user() assistant()"},
    {"{'chosen':'\\n\\nAssistant: a\\n\\nAssistant: b\\n\\nHuman: c\\n\\nHuman: d'}",
     "assistant(a) assistant(b) user(c) user(d)"},
    {"{'chosen':'\\n\\nHuman: the Human: a\\nAssistant: b\\n\\nHumans: c\\n\\n Human: d\\n\\nhuman: e'}",
     "user(the Human: a\nAssistant: b\n\nHumans: c\n\n Human: d\n\nhuman: e)"},
    {"{'chosen':'\\r\\n\\r\\nHuman: a\\r\\nb\\r\\n\\r\\nAssistant: c\\r\\n'}",
     "user(a\r\nb) assistant(c\r\n)"},
    {"{'chosen':'\\n\\nHuman: a\\r\\rAssistant: c'}", "user(a\r\rAssistant: c)"},
    {"{'chosen':'Human: a'}", not_a_transcript},
    {"{'chosen':' \\n\\nHuman: a'}", not_a_transcript},
    {"{'chosen':''}", not_a_transcript},
    {"{'chosen':'\\n\\nSystem: a\\n\\nHuman: b'}", not_a_transcript},
    {"{'chosen':5}", "chosen: expected a string or an array, found a number"},
    {"{'chosen':false}", "chosen: expected a string or an array, found a boolean"},
    {"{'system':'s','chosen':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}],'rejected':[]"
     "}",
     "system(s) user(a) assistant(b)"},
    {"{'prompt':'p','chosen':'c'}", "user(p) assistant(c)"},
    {"{'prompt':null,'chosen':'\\n\\nHuman: a'}", "user(a)"},
    {"{'prompt':'p','chosen':[{'role':'assistant','content':'c'}]}", "user(p) assistant(c)"},
    {"{'prompt':'p','chosen':[{'role':'user','content':'p'},{'role':'assistant','content':'c'}]}",
     "user(p) assistant(c)"},
    {"{'prompt':[{'role':'user','content':'p'},{'role':'assistant','content':'q'},{'role':'user','content':'"
     "r'}],"
     "'chosen':[{'role':'assistant','content':'c'}]}",
     "user[0](p) assistant[0](q) user[0](r) assistant(c)"},
    {"{'prompt':[{'role':'user','content':'p'}],'chosen':'c'}", "user[0](p) assistant(c)"},
    {"{'prompt':'\\n\\nHuman: a\\n\\nAssistant: b\\n\\nHuman: c\\n\\nAssistant:','chosen':' d'}",
     "user[0](a) assistant[0](b) user[0](c) assistant(d)"},
    {"{'prompt':'\\n\\nHuman: a','chosen':' d'}", "user[0](a) assistant( d)"},
    {"{'prompt':'\\n\\nHuman: a\\n\\nAssistant:','chosen':'\\n\\nHuman: a\\n\\nAssistant: b'}",
     "user(a) assistant(b)"},
    {"{'chosen':[]}", "chosen: the list is empty"},
    {"{'chosen':[{'role':'user','content':'a'},{'role':'assistant'}]}", "chosen[1].content: missing"},
    {"{'prompt':'p','chosen':[7]}", "chosen[0]: expected an object, found a number"},
    {"{'prompt':'p','chosen':7}", "chosen: expected a string or an array, found a number"},
    {"{'prompt':7,'chosen':'c'}", "prompt: expected a string or an array, found a number"},
};

START_TEST(flat_formats)
{
    CHECK_ROWS(sharegpt_rows);
    CHECK_ROWS(pair_rows);
    CHECK_ROWS(prompt_rows);
    CHECK_ROWS(hh_rows);
}
END_TEST

/* ---- oasst ---- */

#define P "'role':'prompter'"
#define A "'role':'assistant'"

static const struct {
    const char *row, *best, *all;
} trees[] = {
    {"{'prompt':{" P ",'text':'a'}}", "user(a)", "user(a)"},
    {"{'prompt':{" P ",'text':'a','replies':[]}}", "user(a)", "user(a)"},
    {"{'prompt':{" P ",'text':'a','replies':null}}", "user(a)", "user(a)"},
    /* the lowest rank wins, and one without a rank comes last, wherever it stands */
    {"{'prompt':{" P ",'text':'a','replies':[{" A ",'text':'b'},{" A ",'text':'c','rank':1,'replies':[{" P
     ",'text':'d'}]},{" A ",'text':'e','rank':0.5},{" A ",'text':'f','rank':null}]}}",
     "user(a) assistant(e)",
     "user(a) assistant(b) | user(a) assistant(c) user(d) | user(a) assistant(e) | user(a) assistant(f)"},
    {"{'prompt':{" P ",'text':'a','replies':[{" A ",'text':'b','rank':1},{" A ",'text':'c','rank':1},{" A
     ",'text':'d','rank':2}]}}",
     "user(a) assistant(b)", "user(a) assistant(b) | user(a) assistant(c) | user(a) assistant(d)"},
    {"{'prompt':{" P ",'text':'a','replies':[{" A ",'text':'b'},{" A ",'text':'c'}]}}",
     "user(a) assistant(b)", "user(a) assistant(b) | user(a) assistant(c)"},
    /* what is deleted goes, with what is below it */
    {"{'prompt':{" P ",'text':'a','deleted':false,'replies':[{" A
     ",'text':'b','rank':0,'deleted':true,'replies':[{" P ",'text':'x'}]},{" A
     ",'text':'c','rank':1,'replies':[{" P ",'text':'y','deleted':true}]}]}}",
     "user(a) assistant(c)", "user(a) assistant(c)"},
    {"{'prompt':{" P ",'text':'a','deleted':true}}", "prompt: it is deleted, and with it all replies",
     "prompt: it is deleted, and with it all replies"},
    {"{'prompt':{'role':'promter','text':'a'}}",
     "prompt.role: unknown role 'promter' (system, user or assistant)",
     "prompt.role: unknown role 'promter' (system, user or assistant)"},
    {"{'prompt':{" P ",'text':1}}", "prompt.text: expected a string, found a number",
     "prompt.text: expected a string, found a number"},
    {"{'prompt':{'text':'a'}}", "prompt.role: missing", "prompt.role: missing"},
    {"{'prompt':{" P ",'text':'a','replies':{}}}", "prompt.replies: expected an array, found an object",
     "prompt.replies: expected an array, found an object"},
    {"{'prompt':{" P ",'text':'a','replies':['b']}}", "prompt.replies[0]: expected an object, found a string",
     "prompt.replies[0]: expected an object, found a string"},
    {"{'prompt':{" P ",'text':'a','replies':[{" A ",'text':'b','rank':0,'replies':[{" P ",'text':'c'},{" P
     ",'text':'d','rank':0,'replies':[{" A "}]}]}]}}",
     "prompt.replies[0].replies[1].replies[0].text: missing",
     "prompt.replies[0].replies[1].replies[0].text: missing"},
    {"{'prompt':{" P ",'text':'a','replies':[{" A ",'text':'b','rank':'0'}]}}",
     "prompt.replies[0].rank: expected a number, found a string", "user(a) assistant(b)"},
};

START_TEST(oasst)
{
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        ck_assert_str_eq(show(trees[i].row, NULL), trees[i].best);
        ck_assert_str_eq(show(trees[i].row, "oasst-all"), trees[i].all);
    }
}
END_TEST

/* ---- which reader ---- */

static const struct row_case detected[] = {
    {"{'messages':null,'conversations':null,'prompt':'p','completion':'c'}",
     "prompt"}, /* columns that are unused */
    {"{'messages':0,'conversations':0,'prompt':{'text':0},'completion':0,'chosen':0,'text':0}", "messages"},
    {"{'conversations':0,'prompt':'p','completion':0,'text':0}", "sharegpt"},
    {"{'conversation':0,'text':0}", "sharegpt"},
    {"{'prompt':{'text':0},'completion':0,'chosen':0}", "oasst"},
    {"{'prompt':{'role':0},'completion':0}", "prompt"},
    {"{'prompt':'p','completion':0,'chosen':0}", "prompt"},
    {"{'prompt':'p','chosen':0,'rejected':0,'instruction':0,'output':0}", "hh"},
    {"{'instruction':0,'context':0,'response':0,'category':0,'text':0}", "dolly"},
    {"{'instruction':0,'response':0}", "dolly"},
    {"{'instruction':0,'input':0,'response':0}", "alpaca"},
    {"{'instruction':0,'context':0,'output':0}", "alpaca"},
    {"{'instruction':0,'input':0,'output':0,'text':0,'question':0,'answer':0}", "alpaca"},
    {"{'question':0,'answer':0,'text':0}", "question"},
    {"{'text':0,'prompt':'p','instruction':0}", "text"},
};

START_TEST(detection)
{
    for (size_t i = 0; i < sizeof detected / sizeof *detected; i++) {
        char *row = mem_strdup(detected[i].row);
        json *root;
        for (char *c = row; (c = strchr(c, '\''));)
            *c = '"';
        ck_assert_int_eq(json_parse(row, strlen(row), &root, NULL), SFT_OK);
        const struct reader *reader = reader_detect(root, NULL);
        ck_assert_ptr_nonnull(reader);
        ck_assert_str_eq(reader->name, detected[i].expected);
        json_free(root);
        free(row);
    }
    for (size_t i = 0; i < readers_count; i++)
        ck_assert_ptr_eq(reader_by_name(readers[i]->name), readers[i]);
    ck_assert_ptr_null(reader_by_name("csv"));
}
END_TEST

START_TEST(forced)
{
    is_as("alpaca", "{'text':'a'}",
          "expected {\"instruction\", \"input\"?, \"output\"} (format alpaca), but it has the key text");
    is_as("alpaca", "{'instruction':'i','response':'r','text':'a'}", "user(i) assistant(r)");
    is_as("dolly", "{'instruction':'i','input':'x','response':'r'}", "user(i\n\nx) assistant(r)");
    is_as("dolly", "{'instruction':'i','input':'x','output':'o'}", "user(i\n\nx) assistant(o)");
    is_as("alpaca", "{'instruction':'i','context':'c','response':'r'}", "user(i\n\nc) assistant(r)");
    is_as("text", "{'messages':0,'text':'a'}", "document(a)");
    is_as("hh", "{}",
          "expected {\"chosen\": \"\\n\\nHuman: ...\\n\\nAssistant: ...\"} (format hh), but it has no keys");
    is_as("text", "[1]", "expected an object, found an array");
}
END_TEST

START_TEST(one_conversation)
{
    static const char row[] =
        "{\"prompt\":{\"role\":\"prompter\",\"text\":\"a\",\"replies\":[{\"role\":\"assistant\","
        "\"text\":\"b\"},{\"role\":\"assistant\",\"text\":\"c\",\"rank\":0}]}}";
    struct arena arena = {0};
    struct conversation conv;
    struct sft_err err;
    json *root;
    ck_assert_int_eq(json_parse(row, strlen(row), &root, &err), SFT_OK);
    ck_assert_int_eq(reader_read_any(root, &arena, &conv, &err), SFT_OK);
    json_free(root);
    ck_assert_uint_eq(conv.count, 2);
    ck_assert_str_eq(conv.messages[1].content, "c");
    ck_assert_int_eq(json_parse("{}", 2, &root, &err), SFT_OK);
    ck_assert_int_eq(reader_read_any(root, &arena, &conv, &err), SFT_EDATA);
    json_free(root);
    arena_free(&arena);
}
END_TEST

/* ---- rows that hurt ---- */

START_TEST(json_that_must_not_pass)
{
    ck_assert_str_eq(show("{'text':'a\\u0000b'}", NULL), "column 11: \\u0000 in a string");
    ck_assert_str_eq(show("{'text':'a','text':'b'}", NULL), "column 13: duplicate key \"text\"");
    ck_assert_ptr_nonnull(strstr(show("{'messages':[{'role':'user','role':'tool','content':''}]}", NULL),
                                 "duplicate key \"role\""));
    ck_assert_ptr_nonnull(strstr(show("{'text':'a'} x", NULL), "column"));
    ck_assert_ptr_nonnull(strstr(show("{'text':'\\ud800'}", NULL), "column"));
}
END_TEST

/* A tree of n turns, each the only reply to the one before. */
static char *chain(size_t n)
{
    struct strbuf row = {0};
    strbuf_puts(&row, "{'prompt':");
    for (size_t i = 0; i < n; i++)
        strbuf_printf(&row, "%s{%s,'text':'%zu'", i ? ",'replies':[" : "", i % 2 ? A : P, i);
    for (size_t i = 0; i < n; i++)
        strbuf_puts(&row, i + 1 < n ? "}]" : "}");
    strbuf_puts(&row, "}");
    return row.data;
}

START_TEST(deep_nesting)
{
    char *deepest = chain(127), *deeper = chain(129);
    const char *shown = show(deepest, NULL);
    ck_assert_ptr_nonnull(strstr(shown, "user(0) assistant(1) user(2) "));
    ck_assert_ptr_nonnull(strstr(shown, " assistant(125) user(126)"));
    ck_assert_ptr_nonnull(strstr(show(deeper, NULL), "nested"));
    free(deepest);
    free(deeper);
    struct strbuf row = {0};
    strbuf_puts(&row, "{'text':");
    for (size_t i = 0; i < 100000; i++)
        strbuf_puts(&row, "[");
    ck_assert_ptr_nonnull(strstr(show(row.data, NULL), "nested"));
    strbuf_free(&row);
}
END_TEST

START_TEST(ten_megabytes)
{
    enum { MB10 = 10 * 1000 * 1000 };
    static const char *const rows[][2] = {
        {"{'messages':[{'role':'user','content':'", "'}]}"},
        {"{'messages':[{'role':'assistant','function_call':{'name':'f','arguments':'", "'}}]}"},
        {"{'instruction':'i','output':'o','input':'", "'}"},
        {"{'chosen':'\\n\\nHuman: ", "'}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf row = {0};
        strbuf_puts(&row, rows[i][0]);
        for (size_t k = 0; k < MB10 / 10; k++)
            strbuf_puts(&row, "ab\\n\\ncdef ");
        strbuf_puts(&row, rows[i][1]);
        const char *shown = show(row.data, NULL);
        ck_assert_ptr_nonnull(strchr(shown, '('));
        ck_assert_uint_ge(strlen(shown), MB10 / 10 * 9 - 100);
        ck_assert_ptr_nonnull(strstr(shown, "ab\n\ncdef ab"));
        strbuf_free(&row);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("readers");
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 60);
    tcase_add_test(rows, messages);
    tcase_add_test(rows, calls);
    tcase_add_test(rows, flat_formats);
    tcase_add_test(rows, oasst);
    tcase_add_test(rows, detection);
    tcase_add_test(rows, forced);
    tcase_add_test(rows, one_conversation);
    tcase_add_test(rows, json_that_must_not_pass);
    tcase_add_test(rows, deep_nesting);
    tcase_add_test(rows, ten_megabytes);
    suite_add_tcase(suite, rows);
    const int code = run_suite(suite);
    strbuf_free(&text);
    return code;
}

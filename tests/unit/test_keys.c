/* What data says about itself is obeyed, or counted by name: flags of turns and rows, system prompts under other
 * names, keys that nobody reads, one form of a tool's call. Rows are written with ' for ". */
#include "data/readers/keys.h"
#include "data/readers/reader.h"
#include "quoted_row.h"
#include "support/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct strbuf text;
static struct names names;

static void setup(void)
{
    names = (struct names){0};
}

static void teardown(void)
{
    names_free(&names);
    strbuf_free(&text);
}

static void show_turns(const struct conversation *conv)
{
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        strbuf_printf(&text, "%s%s", i ? " " : "", role_name[m->role]);
        if (m->weight < 1.0F || m->weight > 1.0F)
            strbuf_printf(&text, "[%g]", (double)m->weight);
        strbuf_printf(&text, "(%.*s)", (int)m->len, m->content);
    }
}

/* Read a row, its columns renamed first; the error, or the first conversation. Keys are counted. */
static const char *read_row(const char *row, struct key_counts *keys)
{
    struct arena arena = {0};
    struct conversations list = {0};
    const struct renamed *renamed;
    struct sft_err err = {0};
    uint64_t used;
    json *root = parse(row);
    strbuf_clear(&text);
    strbuf_puts(&text, "");
    const bool is_renamed = names_apply(&names, root, &arena, &renamed, &used, &err) == SFT_OK;
    const struct reader *reader = is_renamed ? reader_detect(root, &err) : NULL;
    if (reader && reader_read(reader, root, &names, &arena, &list, &err) == SFT_OK) {
        show_turns(&list.items[0]);
        if (keys)
            keys_count(root, renamed, 7, keys);
    } else {
        ck_assert_int_eq(err.status, SFT_EDATA);
        strbuf_puts(&text, err_text(&err));
    }
    json_free(root);
    arena_free(&arena);
    return text.data;
}

static void is(const char *row, const char *expected)
{
    ck_assert_str_eq(read_row(row, NULL), expected);
}

/* A turn of the assistant with these fields, as it is weighed. */
static void weighs(const char *fields, const char *expected)
{
    char *row = mem_printf("{'messages':[{'role':'assistant','content':'a',%s}]}", fields);
    is(row, expected);
    free(row);
    row = mem_printf("{'conversations':[{'from':'gpt','value':'a',%s}]}", fields);
    if (strncmp(expected, "messages", 8) == 0)
        ck_assert_str_eq(strchr(read_row(row, NULL), '['), strchr(expected, '['));
    else
        is(row, expected);
    free(row);
}

/* ---- flags ---- */

START_TEST(flags_of_turns)
{
    static const char *const switches[] = {"train",        "training",    "trainable",
                                           "is_trainable", "isTrainable", "loss"};
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        char fields[64];
        snprintf(fields, sizeof fields, "'%s':false", switches[i]);
        weighs(fields, "assistant[0](a)");
        snprintf(fields, sizeof fields, "'%s':0", switches[i]);
        weighs(fields, "assistant[0](a)");
        snprintf(fields, sizeof fields, "'%s':true", switches[i]);
        weighs(fields, "assistant(a)");
        snprintf(fields, sizeof fields, "'%s':null", switches[i]);
        weighs(fields, "assistant(a)");
    }
    weighs("'masked':true", "assistant[0](a)");
    weighs("'masked':false", "assistant(a)");
    weighs("'weight':false", "assistant[0](a)");
    weighs("'weight':true", "assistant(a)");
    weighs("'loss_weight':0.25", "assistant[0.25](a)");
    weighs("'loss_scale':2", "assistant[2](a)");
    weighs("'weight':0.5,'train':true", "assistant[0.5](a)");
    weighs("'train':true,'weight':0.5", "assistant[0.5](a)");
    weighs("'weight':0,'train':false", "assistant[0](a)");
}
END_TEST

START_TEST(flags_that_cannot_be_meant)
{
    weighs("'weight':1,'train':false",
           "messages[0].weight: contradicts train (keep one of them)");
    weighs("'loss':true,'masked':true",
           "messages[0].loss: contradicts masked (keep one of them)");
    weighs("'weight':1,'loss_weight':2",
           "messages[0].weight: contradicts loss_weight (keep one of them)");
    weighs(
        "'loss':2.31",
        "messages[0].loss: expected true or false, found 2.31 ([data] columns = loss:ignore passes it over)");
    weighs("'train':'no'", "messages[0].train: expected true or false, found a string ([data] columns = "
                           "train:ignore passes it over)");
    weighs("'loss_weight':-1",
           "messages[0].loss_weight: expected 0, or a number from 1e-30 to 1e30, found -1");
}
END_TEST

START_TEST(flags_in_every_format_of_turns)
{
    is("{'prompt':[{'role':'user','content':'q'},{'role':'assistant','content':'a','train':true}],'"
       "completion':"
       "[{'role':'assistant','content':'b','train':false}]}",
       "user[0](q) assistant(a) assistant[0](b)");
    is("{'chosen':[{'role':'user','content':'q'},{'role':'assistant','content':'a','trainable':false}]}",
       "user(q) assistant[0](a)");
    is("{'prompt':{'role':'prompter','text':'q','replies':[{'role':'assistant','text':'a','train':false}]}}",
       "user(q) assistant[0](a)");
}
END_TEST

START_TEST(flags_of_rows)
{
    is("{'weight':0.5,'prompt':'q','completion':'a'}", "user[0.5](q) assistant[0.5](a)");
    is("{'sample_weight':'2','prompt':'q','completion':'a'}", "user[2](q) assistant[2](a)");
    is("{'train':'False','prompt':'q','completion':'a'}", "user[0](q) assistant[0](a)");
    is("{'weight':' ','prompt':'q','completion':'a'}", "user(q) assistant(a)");
    is("{'weight':0.5,'messages':[{'role':'assistant','content':'a','weight':0.5}]}", "assistant[0.25](a)");
    is("{'weight':'12 kg','prompt':'q','completion':'a'}",
       "weight: expected 0, or a number from 1e-30 to 1e30, found '12 kg' ([data] columns = weight:ignore "
       "passes it over)");
    is("{'loss':1.83,'prompt':'q','completion':'a'}",
       "loss: expected true or false, found 1.83 ([data] columns = loss:ignore passes it over)");
    is("{'weight':1e-20,'messages':[{'role':'assistant','content':'a','weight':1e-20}]}",
       "the row's weight 1e-20 times a turn's 1e-20 is out of range");
}
END_TEST

/* ---- system prompts ---- */

START_TEST(system_prompts)
{
    static const char *const keys[] = {"system",         "system_prompt",     "systemPrompt", "System Prompt",
                                       "system_message", "systemInstruction", "SYSTEM",       "sys_prompt"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *row = mem_printf("{'%s':'s','conversations':[{'from':'gpt','value':'a'}]}", keys[i]);
        is(row, "system(s) assistant(a)");
        free(row);
    }
    is("{'system_prompt':'s','question':'q','response':'a'}", "system(s) user(q) assistant(a)");
    is("{'system':'','system_prompt':'s','prompt':'q','completion':'a'}", "system(s) user(q) assistant(a)");
    is("{'system':'s','system_prompt':'s','prompt':'q','completion':'a'}", "system(s) user(q) assistant(a)");
    is("{'system':'s','system_prompt':'t','prompt':'q','completion':'a'}",
       "system_prompt: another system prompt than that of system ([data] columns = system_prompt:ignore "
       "passes one "
       "over)");
    /* what the list says too is said once */
    is("{'system_prompt':'s','messages':[{'role':'system','content':'s'},{'role':'user','content':'q'}]}",
       "system(s) user(q)");
    is("{'system_prompt':'s','messages':[{'role':'system','content':'t'},{'role':'user','content':'q'}]}",
       "system(s) system(t) user(q)");
    is("{'messages':[{'role':'system','content':'s'},{'role':'system','content':'s'}]}",
       "system(s) system(s)");
}
END_TEST

/* ---- what nobody reads ---- */

/* "-id:1 +prompt:2 !mask:1": unused, used, a flag, each with its rows; '?': a refused flag; '<': a verdict. */
static const char *show_keys(const struct key_counts *keys)
{
    static const char kinds[] = {[KEY_USED] = '+', [KEY_UNUSED] = '-', [KEY_FLAG] = '!', [KEY_REFUSED] = '?',
                                 [KEY_VERDICT] = '<'};
    strbuf_clear(&text);
    strbuf_puts(&text, "");
    for (size_t i = 0; i < keys->count; i++)
        strbuf_printf(&text, "%s%c%s:%d", i ? " " : "", kinds[keys->items[i]->kind], keys->items[i]->name,
                      (int)keys->items[i]->rows);
    return text.data;
}

static void counts(const char *row, const char *expected)
{
    struct key_counts keys = {0};
    read_row(row, &keys);
    ck_assert_str_eq(show_keys(&keys), expected);
    key_counts_free(&keys);
}

START_TEST(every_key_is_counted)
{
    counts("{'id':1,'nothing':null,'prompt':'q','completion':'a','meta':{'train':true}}",
           "-id:1 +prompt:1 +completion:1 -meta:1");
    counts(
        "{'messages':[{'role':'user','content':'q','name':'x'},{'role':'assistant','content':'a','name':'y',"
        "'reasoning_content':'r','loss':true}]}",
        "+messages:1 +messages[].role:1 +messages[].content:1 -messages[].name:1 "
        "-messages[].reasoning_content:1 +messages[].loss:1");
    counts("{'messages':[{'role':'assistant','content':[{'type':'text','text':'a','x':1}],'tool_calls':[{'id'"
           ":'c',"
           "'function':{'name':'f','arguments':{'anything':{'mask':1}}}}]}]}",
           "+messages:1 +messages[].role:1 +messages[].content:1 +messages[].content[].type:1 "
           "+messages[].content[].text:1 -messages[].content[].x:1 +messages[].tool_calls:1 "
           "-messages[].tool_calls[].id:1 +messages[].tool_calls[].function:1 "
           "+messages[].tool_calls[].function.name:1 +messages[].tool_calls[].function.arguments:1");
    counts("{'instruction':'i','output':'o','response':'r','history':[['q','a']],'text':'t'}",
           "+instruction:1 +output:1 -response:1 +history:1 -text:1");
    counts("{'prompt':'p','chosen':'c','rejected':'r'}", "+prompt:1 +chosen:1 -rejected:1");
    /* of a tree the turns on the way, however deep */
    counts(
        "{'prompt':{'role':'prompter','text':'a','lang':'en','replies':[{'role':'assistant','text':'b','rank'"
        ":1,"
        "'mask':1},{'role':'assistant','text':'c','rank':0,'replies':[{'role':'prompter','text':'d','lang':'"
        "en'}"
        "]}]}}",
        "+prompt:1 +prompt.role:1 +prompt.text:1 -prompt.lang:1 +prompt.replies:1 +prompt.replies[].role:1 "
        "+prompt.replies[].text:1 +prompt.replies[].rank:1 +prompt.replies[].replies:1 "
        "-prompt.replies[].lang:1");
}
END_TEST

START_TEST(keys_that_speak_of_training)
{
    static const char *const do_speak[] = {"loss_mask",     "lossMask",    "mask",          "completion_mask",
                                           "train_on_turn", "no_train",    "isTrained",     "weights",
                                           "train_detail",  "Loss-Weight", "loss_weight_2", "lossmask",
                                           "do not train"};
    static const char *const do_not[] = {"label",  "trainer",    "constraint", "glossary",
                                         "strain", "weightless", "training_",  "mascot",
                                         "labels", "trailer",    "closs",      "source"};
    json *one = parse("{'x':1,'list':[-100,5],'classes':[0,1],'texts':['a'],'blank':' '}");
    const json *value = json_get(one, "x");
    for (size_t i = 0; i < sizeof do_speak / sizeof *do_speak; i++)
        ck_assert_msg(key_speaks_of_training(do_speak[i], value), "%s", do_speak[i]);
    for (size_t i = 0; i < sizeof do_not / sizeof *do_not; i++)
        ck_assert_msg(key_speaks_of_training(do_not[i], value) == (strcmp(do_not[i], "training_") == 0), "%s",
                      do_not[i]);
    ck_assert(key_speaks_of_training("labels", json_get(one, "list")));
    ck_assert(!key_speaks_of_training("labels", json_get(one, "texts")));
    ck_assert(!key_speaks_of_training("labels", json_get(one, "classes")));
    ck_assert(!key_speaks_of_training("loss_mask", json_get(one, "blank")));
    json_free(one);
    counts("{'messages':[{'role':'assistant','content':'a','loss_mask':1}],'label':'x'}",
           "+messages:1 +messages[].role:1 +messages[].content:1 !messages[].loss_mask:1 -label:1");
    counts(
        "{'messages':[{'role':'user','content':'a','train':true},{'role':'user','content':'a','weight':1}]}",
        "+messages:1 +messages[].role:1 +messages[].content:1 +messages[].train:1 ?messages[].train:1 "
        "+messages[].weight:1");
}
END_TEST

/* Rows of which some are not to be learned, as TRL's KTO has them; a class of that name is none. */
START_TEST(answers_that_are_called_bad)
{
    counts("{'prompt':'q','completion':'a','label':false}", "+prompt:1 +completion:1 -label:1 <label:1");
    counts("{'prompt':'q','completion':'a','label':'False'}", "+prompt:1 +completion:1 -label:1 <label:1");
    counts("{'instruction':'q','output':'a','kto_tag':false}", "+instruction:1 +output:1 -kto_tag:1 <kto_tag:1");
    counts("{'prompt':'q','completion':'a','label':true}", "+prompt:1 +completion:1 -label:1");
    counts("{'prompt':'q','completion':'a','label':0}", "+prompt:1 +completion:1 -label:1");
    counts("{'prompt':'q','completion':'a','label':'joy'}", "+prompt:1 +completion:1 -label:1");
    counts("{'messages':[{'role':'assistant','content':'a','label':false}]}",
           "+messages:1 +messages[].role:1 +messages[].content:1 -messages[].label:1");
    struct key_counts keys = {0}, back = {0};
    struct strbuf packed = {0};
    read_row("{'prompt':'q','completion':'a','label':false}", &keys);
    key_counts_pack(&keys, &packed);
    ck_assert(key_counts_unpack(&back, packed.data, packed.len));
    ck_assert_str_eq(show_keys(&back), "+prompt:1 +completion:1 -label:1 <label:1");
    strbuf_free(&packed);
    key_counts_free(&keys);
    key_counts_free(&back);
}
END_TEST

START_TEST(counts_add_up_and_pack)
{
    struct key_counts a = {0}, b = {0}, back = {0};
    struct strbuf packed = {0};
    read_row("{'prompt':'q','completion':'a','id':1}", &a);
    read_row("{'prompt':'q','completion':'a','id':2}", &a); /* both begin in line 7, and are two rows */
    read_row("{'prompt':'q','completion':'a','tag':2,'id':1}", &b);
    key_counts_add(&a, &b);
    ck_assert_str_eq(show_keys(&a), "+prompt:3 +completion:3 -id:3 -tag:1");
    key_counts_pack(&a, &packed);
    ck_assert(key_counts_unpack(&back, packed.data, packed.len));
    ck_assert_str_eq(show_keys(&back), "+prompt:3 +completion:3 -id:3 -tag:1");
    ck_assert_uint_eq(back.items[3]->line, 7);
    key_counts_free(&back);
    for (size_t len = 1; len < packed.len; len++) { /* cut anywhere, it is no list, or a shorter one */
        if (key_counts_unpack(&back, packed.data, len))
            ck_assert_uint_lt(back.count, 4);
        key_counts_free(&back);
    }
    key_counts_free(&a);
    key_counts_free(&b);
    strbuf_free(&packed);
}
END_TEST

/* Data whose keys are data: bounded, but a flag is never lost among them. */
START_TEST(keys_without_end)
{
    struct key_counts keys = {0};
    struct strbuf row = {0};
    strbuf_puts(&row, "{'prompt':'q','completion':'a'");
    for (int i = 0; i < 1000; i++)
        strbuf_printf(&row, ",'k%d':1", i);
    strbuf_puts(&row, ",'loss_mask':1}");
    read_row(row.data, &keys);
    ck_assert_uint_eq(keys.count, KEYS_MAX + 1);
    ck_assert_str_eq(keys.items[KEYS_MAX]->name, "loss_mask");
    ck_assert_uint_eq(keys.others, 1000 + 2 - KEYS_MAX);
    key_counts_free(&keys);
    strbuf_free(&row);
}
END_TEST

/* ---- calls ---- */

static void calls(const char *arguments, const char *expected)
{
    char *row = mem_printf("{'messages':[{'role':'assistant','tool_calls':[{'name':'f','arguments':%s}]}]}",
                           arguments);
    char *shown = mem_printf("assistant(<tool_call>\n{\"name\": \"f\", \"arguments\": %s}\n</tool_call>)",
                             expected);
    is(row, shown);
    free(row);
    free(shown);
}

/* Expected are Python's json.dumps(json.loads(...), ensure_ascii=False). */
START_TEST(one_call_one_form)
{
    static const char form[] = "{\"a\": {\"b\": [1, 2.0, {}], \"c\": []}, \"z\": null, \"y\": true}";
    calls("{'a':{'b':[1,2.0,{ }],'c':[]},'z':null,'y':true}", form);
    calls("' {\\u0022a\\u0022:{\\u0022b\\u0022:[1,2.0,{ }],\\u0022c\\u0022:[]},\\n\\u0022z\\u0022:null,"
          "\\u0022y\\u0022:true} '",
          form);
    calls("'{\\u0022a\\u0022: }'", "{\"a\": }"); /* no JSON: a text */
    calls("'null'", "{}");
    calls("null", "{}");
}
END_TEST

/* Under either name; a text in UTF-8, whatever its escapes. */
START_TEST(parameters_of_a_call)
{
    is("{'messages':[{'role':'assistant','tool_calls':[{'name':'f','parameters':{'x':1}}]}]}",
       "assistant(<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>)");
    calls("'{\\u0022x\\u0022:\\u0022\\\\u00f8\\u0022}'", "{\"x\": \"\xC3\xB8\"}");
}
END_TEST

START_TEST(as_json_dumps)
{
    static const struct {
        const char *given, *printed;
    } numbers[] = {{"1", "1"},
                   {"-0", "0"},
                   {"-0.0", "-0.0"},
                   {"1.50", "1.5"},
                   {"1e3", "1000.0"},
                   {"1E-5", "1e-05"},
                   {"0.0001", "0.0001"},
                   {"0.00012345", "0.00012345"},
                   {"1e15", "1000000000000000.0"},
                   {"1e16", "1e+16"},
                   {"123456789012345680.0", "1.2345678901234568e+17"},
                   {"0.1", "0.1"},
                   {"0.30000000000000004", "0.30000000000000004"},
                   {"123456789012345678901234567890", "123456789012345678901234567890"},
                   {"100.25", "100.25"},
                   {"5e-324", "5e-324"},
                   {"1.7976931348623157e308", "1.7976931348623157e+308"}};
    struct strbuf out = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json *root = parse(numbers[i].given);
        strbuf_clear(&out);
        json_dumps(root, &out);
        ck_assert_str_eq(out.data, numbers[i].printed);
        json_free(root);
    }
    json *root = parse("{'k\\u00e9':['\\u0001\\b\\f\\n\\r\\t\\u007f\\u0085\\u009b\\u2028/\\\\\\\"']}");
    strbuf_clear(&out);
    json_dumps(root, &out);
    ck_assert_str_eq(out.data,
                     "{\"k\xC3\xA9\": [\"\\u0001\\b\\f\\n\\r\\t\x7F\xC2\x85\xC2\x9B\xE2\x80\xA8/\\\\\\\"\"]}");
    json_free(root);
    strbuf_free(&out);
}
END_TEST

START_TEST(calls_of_sharegpt)
{
    is("{'conversations':[{'from':'function_call','value':{'name':'f','arguments':{'x':1}}},{'from':'"
       "observation',"
       "'value':'7'}]}",
       "assistant({\"name\": \"f\", \"arguments\": {\"x\": 1}}) tool(7)");
    is("{'conversations':[{'from':'function_call','value':{'name':'f','arguments':'{\\u0022x\\u0022:1}'}}]}",
       "assistant({\"name\": \"f\", \"arguments\": {\"x\": 1}})");
    is("{'conversations':[{'from':'gpt','value':{'name':'f'}}]}",
       "conversations[0].value: expected a string, found an object");
    is("{'conversations':[{'from':'gpt','value':'ok','tool_calls':[{'name':'f'}]}]}",
       "assistant(ok\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tests = tcase_create("keys");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, flags_of_turns);
    tcase_add_test(tests, flags_that_cannot_be_meant);
    tcase_add_test(tests, flags_in_every_format_of_turns);
    tcase_add_test(tests, flags_of_rows);
    tcase_add_test(tests, system_prompts);
    tcase_add_test(tests, every_key_is_counted);
    tcase_add_test(tests, keys_that_speak_of_training);
    tcase_add_test(tests, answers_that_are_called_bad);
    tcase_add_test(tests, counts_add_up_and_pack);
    tcase_add_test(tests, keys_without_end);
    tcase_add_test(tests, one_call_one_form);
    tcase_add_test(tests, parameters_of_a_call);
    tcase_add_test(tests, as_json_dumps);
    tcase_add_test(tests, calls_of_sharegpt);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* Rows as an export writes them: what an edit changes, and what it does not. */
#include "collect/review/review_row.h"

#include "review_fixture.h"

#define LIST "[{'role':'user','content':'x'},{'role':'assistant','content':'y'}]"

static const struct {
    const char *row, *edit, *chosen, *rejected, *expected;
    bool as_native;
} exported[] = {
    {"{'n':1.50,'big':123456789012345678901,'messages':[{'role':'user','content':'a'},{'role':'assistant',"
     "'content':'b'}],'review':5}", NULL, NULL, NULL,
     "{'n': 1.5, 'big': 123456789012345678901, 'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', "
     "'content': 'b'}], 'review': 5, 'sft_review': {'by': []}}", true},
    {"{'text':'a','review':{'by':['zoe'],'decision':'accept'}}", NULL, NULL, NULL,
     "{'text': 'a', 'review': {'by': []}}", false},
    {"{'text':'a','review':{'by':'zoe'}}", NULL, NULL, NULL,
     "{'text': 'a', 'review': {'by': 'zoe'}, 'sft_review': {'by': []}}", false},
    {"{'system':'s','messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}],'tools':[],'m':1}",
     LIST, NULL, NULL,
     "{'messages': [{'role': 'user', 'content': 'x'}, {'role': 'assistant', 'content': 'y'}], 'tools': [], 'm': 1, "
     "'review': {'by': []}}", false},
    {"[{'role':'user','content':'a'},{'role':'assistant','content':'b'}]", NULL, NULL, NULL,
     "{'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b'}], 'review': {'by': []}}",
     false},
    {"{'question':'a','answer':'b','m':1}", NULL, NULL, NULL,
     "{'question': 'a', 'answer': 'b', 'm': 1, 'review': {'by': []}}", false},
    {"{'question':'a','answer':'b','m':1}", NULL, NULL, NULL,
     "{'m': 1, 'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b'}], "
     "'review': {'by': []}}", true},
    {"{'text':'a','m':1}", "[{'role':'text','content':'b'}]", NULL, NULL,
     "{'text': 'b', 'm': 1, 'review': {'by': []}}", false},
    {"{'prompt':'q','chosen':'g','rejected':'b','m':1}", NULL, "[{'role':'assistant','content':'b'}]",
     "[{'role':'assistant','content':'g'}]",
     "{'prompt': [{'role': 'user', 'content': 'q'}], 'chosen': [{'role': 'assistant', 'content': 'b'}], "
     "'rejected': [{'role': 'assistant', 'content': 'g'}], 'm': 1, 'review': {'by': []}}", false},
    /* what an edit did not change is what it was, whole; what it did keeps what nobody reads, and the weight */
    {"{'weight':0.5,'messages':[{'role':'user','content':[{'type':'text','text':'a'}],'weight':2,'pieces':[1]},"
     "{'role':'assistant','content':'b','train':false,'id':7},{'role':'user','content':'c','weight':3,'pieces':2},"
     "{'role':'assistant','content':'d','loss_weight':0.5}]}",
     "[{'role':'user','content':'a'},{'role':'assistant','content':'b','weight':0,'id':7},"
     "{'role':'user','content':'C'},{'role':'assistant','content':'D','weight':0.25}]", NULL, NULL,
     "{'weight': 0.5, 'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': 'a'}], 'weight': 2, "
     "'pieces': [1]}, {'role': 'assistant', 'content': 'b', 'train': false, 'id': 7}, {'role': 'user', 'content': 'C', "
     "'weight': 3, 'pieces': 2}, {'role': 'assistant', 'content': 'D', 'loss_weight': 0.5}], 'review': {'by': []}}",
     false},
    {"{'messages':[{'role':'user','content':'a','id':1},{'role':'user','content':'c','id':2},"
     "{'role':'assistant','content':'d','id':3}]}",
     "[{'role':'user','content':'a'},{'role':'assistant','content':'new'},{'role':'user','content':'new'},"
     "{'role':'assistant','content':'d'}]", NULL, NULL,
     "{'messages': [{'role': 'user', 'content': 'a', 'id': 1}, {'role': 'assistant', 'content': 'new'}, "
     "{'role': 'user', 'content': 'new'}, {'role': 'assistant', 'content': 'd', 'id': 3}], 'review': {'by': []}}",
     false},
    {"{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','weight':0.5}]}",
     "[{'role':'user','content':'a'},{'role':'assistant','content':'B','weight':2}]", NULL, NULL,
     "{'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'B', 'weight': 2}], "
     "'review': {'by': []}}", false},
    {"{'conversations':[{'from':'human','value':'a','id':1,'weight':2,'pieces':3},{'from':'gpt','value':'b'}]}", NULL,
     NULL, NULL,
     "{'messages': [{'role': 'user', 'content': 'a', 'id': 1, 'weight': 2, 'pieces': 3}, "
     "{'role': 'assistant', 'content': 'b'}], 'review': {'by': []}}", true},
    {"{'prompt':[{'role':'user','content':'q','weight':0}],'chosen':[{'role':'assistant','content':'g','k':1}],"
     "'rejected':[{'role':'assistant','content':'b','k':2,'pieces':3}]}", NULL,
     "[{'role':'assistant','content':'b'}]", "[{'role':'assistant','content':'G'}]",
     "{'prompt': [{'role': 'user', 'content': 'q', 'weight': 0}], 'chosen': [{'role': 'assistant', 'content': 'b', "
     "'k': 2, 'pieces': 3}], 'rejected': [{'role': 'assistant', 'content': 'G', 'k': 1}], 'review': {'by': []}}",
     false},
    {"{'prompt':'q','chosen':'g','rejected':'b'}", LIST, "[{'role':'assistant','content':'y'}]", NULL,
     "{'prompt': [{'role': 'user', 'content': 'x'}], 'chosen': [{'role': 'assistant', 'content': 'y'}], "
     "'rejected': [{'role': 'assistant', 'content': 'b'}], 'review': {'by': []}}", false},
};

START_TEST(an_export_keeps_what_nobody_changed)
{
    char *edit = exported[_i].edit ? quoted(exported[_i].edit) : NULL;
    char *chosen = exported[_i].chosen ? quoted(exported[_i].chosen) : NULL;
    char *rejected = exported[_i].rejected ? quoted(exported[_i].rejected) : NULL;
    const struct decision d = {.row = 1, .verdict = VERDICT_EDIT, .messages = edit, .chosen = chosen,
                               .rejected = rejected};
    open_file("a.jsonl", exported[_i].row);
    read_row(0);
    check_ok(review_row_print(&content, edit || chosen ? &d : NULL, exported[_i].as_native, "{\"by\":[]}", &out, &err));
    expect_out(exported[_i].expected);
    free(edit);
    free(chosen);
    free(rejected);
}
END_TEST

static const struct {
    const char *edit, *expected;
    bool as_native;
} renamed_exports[] = {
    {NULL, "{'dialog': [{'who': 'user', 'said': 'a', 'id': 1}, {'who': 'assistant', 'said': 'b'}], 'messages': 2, "
           "'notes': 'n', 'review': {'by': []}}", false},
    {"[{'role':'user','content':'a'},{'role':'assistant','content':'B'}]",
     "{'messages': [{'role': 'user', 'content': 'a', 'id': 1}, {'role': 'assistant', 'content': 'B'}], "
     "'review': {'by': []}}", false},
    {NULL, "{'messages': [{'role': 'user', 'content': 'a', 'id': 1}, {'role': 'assistant', 'content': 'b'}], "
           "'review': {'by': []}}", true},
};

/* The names of data.columns are for reading: what is accepted goes by its own. */
START_TEST(an_export_keeps_the_names_of_the_file)
{
    char *columns[] = {"dialog:messages", "who:role", "said:content", "notes:ignore"};
    char *path = path_join(dir, "a.jsonl");
    char *row = quoted("{'dialog':[{'who':'user','said':'a','id':1},{'who':'assistant','said':'b'}],'messages':2,"
                       "'notes':'n'}");
    char *edit = renamed_exports[_i].edit ? quoted(renamed_exports[_i].edit) : NULL;
    const struct decision d = {.row = 1, .verdict = VERDICT_EDIT, .messages = edit};
    put("a.jsonl", row);
    check_ok(review_rows_open(
        &rows, path, &(struct review_rows_options){.names.columns = {columns, COUNT(columns)}}, &err));
    read_row(0);
    ck_assert(!content.is_native);
    check_ok(review_row_print(&content, edit ? &d : NULL, renamed_exports[_i].as_native, "{\"by\":[]}", &out, &err));
    expect_out(renamed_exports[_i].expected);
    free(row);
    free(edit);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("review_row");
    TCase *tc = tcase_create("rows");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_loop_test(tc, an_export_keeps_what_nobody_changed, 0, COUNT(exported));
    tcase_add_loop_test(tc, an_export_keeps_the_names_of_the_file, 0, COUNT(renamed_exports));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}

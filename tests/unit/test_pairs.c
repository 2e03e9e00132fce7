/* Pairs of answers in a dataset: two records that nothing parts, and what is counted once. */
#include "dataset_fixture.h"
#include "support/run_suite.h"

#define PAIR(prompt, chosen, rejected) \
    "{\"prompt\":\"" prompt "\",\"chosen\":\"" chosen "\",\"rejected\":\"" rejected "\"}\n"

static void setup_pairs(void)
{
    setup();
    options.render.pairs = true;
    options.pairs_only = true;
}

/* The i-th example's answers, as text: what has a weight. */
static const char *answers(size_t i)
{
    static char text[256];
    struct example e[2] = {at(i)};
    size_t n = 0;
    ck_assert(e[0].is_pair && dataset_rejected(&ds, i, &e[1]));
    ck_assert_uint_eq(e[0].line, e[1].line);
    for (size_t k = 0; k < 2; k++) {
        for (size_t t = 0; t < e[k].n_tokens; t++)
            if (e[k].weights[t] > 0)
                text[n++] = e[k].tokens[t] < 256 ? (char)e[k].tokens[t] : '>';
        text[n++] = k ? '\0' : '|';
    }
    return text;
}

/* ---- records ---- */

START_TEST(a_row_is_two_records)
{
    loads("a.jsonl", "", PAIR("p", "cc", "r") PAIR("q", "d", "ssss"));
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(ds.n_pairs, 2);
    ck_assert_str_eq(answers(0), "cc>|r>");
    ck_assert_str_eq(answers(1), "d>|ssss>");
    ck_assert_str_eq(rendered(1), "<user|q><assistant|d>");
    ck_assert_uint_eq(ds.n_tokens, 4 * (ROW_OVERHEAD + 1) + 8);
    ck_assert_uint_eq(ds.n_targets, 8 + 4);
    const struct store_counts *c = &ds.files[0].store.counts;
    ck_assert_uint_eq(ds.files[0].store.n_records, 4);
    ck_assert_uint_eq(c->rows, 2);
    ck_assert_uint_eq(c->conversations, 2);
    ck_assert_uint_eq(c->pairs, 2);
    ck_assert_uint_eq(c->turns, 8);
    ck_assert_uint_eq(c->tokens, ds.n_tokens);
    ck_assert_uint_eq(c->targets, ds.n_targets);
    ck_assert_uint_eq(ds.files[0].store.records[2].flags, RECORD_PAIR);
    ck_assert_uint_eq(ds.files[0].store.records[3].flags, RECORD_REJECTED | RECORD_SAME_ROW);
    const uint32_t both[] = {0, 1};
    ck_assert_int_eq(dataset_check(&ds, both, 2, &err), SFT_OK);
}
END_TEST

/* Without pairs the same row is what it always was. */
START_TEST(without_them_the_chosen_answer_alone)
{
    options.render.pairs = options.pairs_only = false;
    loads("a.jsonl", "", PAIR("p", "cc", "r"));
    struct example e = {.line = 77};
    ck_assert_uint_eq(ds.files[0].store.n_records, 1);
    ck_assert(!at(0).is_pair && !dataset_rejected(&ds, 0, &e));
    ck_assert_uint_eq(e.line, 77);
    ck_assert_uint_eq(ds.n_pairs + ds.files[0].store.counts.pairs, 0);
}
END_TEST

/* Of an answer its assistant's messages, of the prompt nothing, whatever is trained on elsewhere. */
START_TEST(train_on_is_of_other_rows)
{
    static const char row[] = "{\"chosen\":\"\\n\\nHuman: p\\n\\nAssistant: a\\n\\nHuman: q\\n\\nAssistant: c\\n\\nHuman: "
                              "s\\n\\nAssistant: d\",\"rejected\":\"\\n\\nHuman: p\\n\\nAssistant: a\\n\\nHuman: q\\n\\n"
                              "Assistant: r\"}\n" ROW("x", "y");
    options.render.train_on = TRAIN_ON_LAST_ASSISTANT;
    options.pairs_only = false;
    loads("a.jsonl", "", row);
    ck_assert_str_eq(answers(0), "c>d>|r>");
    ck_assert(!at(1).is_pair);
    ck_assert_uint_eq(at(1).n_targets, 2);
    ck_assert_uint_eq(ds.n_pairs, 1);
}
END_TEST

/* ---- what is left out ---- */

START_TEST(answers_that_are_the_same_are_left_out)
{
    loads("a.jsonl", "", PAIR("p", "c", "c") PAIR("p", "c", "r") PAIR("q", "", ""));
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(ds.files[0].store.counts.dropped[DROP_SAME_ANSWERS], 2);
    ck_assert_uint_eq(walk(), 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(left_out[i].why, "chosen and rejected are the same");
    ck_assert_uint_eq(left_out[1].position, 0);
    ck_assert_uint_eq(left_out[2].position, 2); /* both of the pair that is kept */
}
END_TEST

START_TEST(a_pair_is_cut_or_goes_as_one)
{
    options.render.max_length = ROW_OVERHEAD + 3;
    loads("a.jsonl", "", PAIR("p", "c", "rrrr") PAIR("p", "dddd", "dd") PAIR("pppp", "e", "f") PAIR("p", "ggggg", "gggg"));
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_str_eq(answers(0), "c>|rrr");
    ck_assert_str_eq(answers(1), "ddd|dd>");
    ck_assert(!at(0).truncated);
    const struct store_counts *c = &ds.files[0].store.counts;
    ck_assert_uint_eq(c->flags[1], 2); /* cut: a pair in one of its answers is one */
    ck_assert_uint_eq(c->flags[2], 2); /* inside the answer */
    ck_assert_uint_eq(c->dropped[DROP_SAME_ANSWERS], 1); /* as they are cut */
    ck_assert_uint_eq(c->dropped[DROP_NOTHING_LEFT], 1);
}
END_TEST

START_TEST(a_pair_that_is_too_long)
{
    options.render.max_length = ROW_OVERHEAD + 3;
    options.render.overlong = OVERLONG_DROP;
    loads("a.jsonl", "", PAIR("p", "c", "r") PAIR("p", "c", "rrrr") PAIR("p", "cccc", "r"));
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(ds.files[0].store.counts.dropped[DROP_OVERLONG], 2);
    ck_assert_uint_eq(walk(), 4);
    message_is(0, "rejected: 24 tokens, more than max_length 22");
    message_is(2, "chosen: 24 tokens, more than max_length 22");
    options.render.overlong = OVERLONG_ERROR;
    ck_assert_int_eq(load("a.jsonl", "", NULL), SFT_EDATA);
    char *expected = mem_printf("%s/a.jsonl:2: rejected: 24 tokens, more than max_length 22\n"
                                "%s/a.jsonl:3: chosen: 24 tokens, more than max_length 22",
                                dir, dir);
    ck_assert_str_eq(err_text(&err), expected);
    free(expected);
}
END_TEST

/* Nothing is left of a message that weighs nothing. */
START_TEST(answers_that_weigh_nothing)
{
    loads("a.jsonl", "",
          "{\"prompt\":\"p\",\"chosen\":[{\"role\":\"assistant\",\"content\":\"c\",\"weight\":0}],\"rejected\":\"r\"}\n"
          "{\"prompt\":\"p\",\"chosen\":[{\"role\":\"user\",\"content\":\"c\"}],\"rejected\":\"r\"}\n");
    ck_assert_uint_eq(ds.n_examples, 0);
    ck_assert_uint_eq(ds.files[0].store.counts.dropped[DROP_NOTHING_LEFT], 1);
    ck_assert_uint_eq(ds.files[0].store.counts.dropped[DROP_NO_ASSISTANT], 1);
}
END_TEST

/* A row of which one answer cannot be read is one bad row. */
START_TEST(half_a_pair_is_a_bad_row)
{
    options.on_bad_row = ON_BAD_ROW_SKIP;
    loads("a.jsonl", "", PAIR("p", "c", "r") "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":7}\n" PAIR("q", "c", "r"));
    ck_assert_uint_eq(ds.n_pairs, 2);
    ck_assert_uint_eq(ds.files[0].store.n_records, 5);
    ck_assert_uint_eq(walk(), 1);
    message_is(0, "rejected: expected a string or an array, found a number");
}
END_TEST

/* ---- what counts them ---- */

START_TEST(duplicates_are_of_both)
{
    options.dedupe = DEDUPE_EXACT;
    loads("a.jsonl", "", PAIR("p", "c", "r") PAIR("p", "c", "s") PAIR("p", "r", "c") PAIR("p", "c", "r"));
    ck_assert_uint_eq(ds.n_examples, 3);
    ck_assert_uint_eq(ds.files[0].duplicates, 1);
    ck_assert_uint_eq(walk(), 2);
    ck_assert_str_eq(left_out[0].why, "duplicate");
    ck_assert_str_eq(left_out[1].why, "duplicate");
    ck_assert_uint_eq(left_out[1].record->line, 4);
    ck_assert_uint_eq(left_out[1].position, 6);
    ck_assert_uint_eq(ds.n_tokens, 6 * (ROW_OVERHEAD + 2));
}
END_TEST

enum { N = 400 };

/* N pairs; every second one has the same chosen answer. */
static char *many_pairs(void)
{
    struct strbuf text = {0};
    for (int i = 0; i < N; i++)
        strbuf_printf(&text, "{\"prompt\":\"p\",\"chosen\":\"c%d\",\"rejected\":\"r%d\"}\n", i / 2, i);
    return text.data;
}

START_TEST(the_share_held_out_goes_by_both)
{
    struct dataset eval;
    char *text = many_pairs();
    size_t n_parted = 0;
    loads("a.jsonl", "", text);
    const size_t n_tokens = ds.n_tokens, n_targets = ds.n_targets;
    for (size_t i = 0; i < N; i += 2) /* of two with one chosen answer each goes its own way */
        n_parted += (at(i).content_hash < UINT64_MAX / 4) != (at(i + 1).content_hash < UINT64_MAX / 4);
    ck_assert_uint_gt(n_parted, N / 16);
    dataset_split(&ds, &eval, 0.25);
    ck_assert_uint_gt(eval.n_pairs, N / 8);
    ck_assert_uint_eq(eval.n_pairs, eval.n_examples);
    ck_assert_uint_eq(ds.n_pairs, ds.n_examples);
    ck_assert_uint_eq(ds.n_pairs + eval.n_pairs, N);
    ck_assert_uint_eq(ds.n_tokens + eval.n_tokens, n_tokens);
    ck_assert_uint_eq(ds.n_targets + eval.n_targets, n_targets);
    struct file_counts counts;
    size_t sum = 0;
    for (size_t i = 0; i < eval.n_examples; i++) {
        struct example rejected;
        ck_assert(dataset_rejected(&eval, i, &rejected));
        sum += dataset_example(&eval, i).n_tokens + rejected.n_tokens;
    }
    dataset_count_files(&eval, &counts);
    ck_assert_uint_eq(sum, eval.n_tokens);
    ck_assert_uint_eq(counts.tokens, sum);
    ck_assert_uint_eq(counts.pairs, eval.n_pairs);
    ck_assert_uint_eq(counts.conversations, eval.n_pairs);
    dataset_free(&eval);
    free(text);
}
END_TEST

START_TEST(repeats_and_samples_have_whole_pairs)
{
    char *text = many_pairs();
    loads("a.jsonl", "*1.25", text);
    ck_assert_uint_eq(ds.n_pairs, N + N / 4);
    for (size_t i = 0; i < ds.n_examples; i++)
        ck_assert(at(i).is_pair);
    options.seed = 3;
    loads("a.jsonl", "*0.5", NULL);
    ck_assert_uint_eq(ds.n_pairs, N / 2);
    ck_assert_uint_eq(walk(), sizeof left_out / sizeof *left_out);
    for (size_t i = 0; i < n_left_out; i += 2) {
        ck_assert_str_eq(left_out[i].why, "not in the sample");
        ck_assert_ptr_eq(left_out[i + 1].record, left_out[i].record + 1);
    }
    loads("b.jsonl", "*2", PAIR("p", "c", "r") PAIR("q", "c", "r"));
    ck_assert_uint_eq(walk(), 0);
    ck_assert_uint_eq(n_kept, 8); /* both of each, and again */
    free(text);
}
END_TEST

START_TEST(what_train_and_eval_share)
{
    char *a = mem_printf("%s/a.jsonl", dir), *b = mem_printf("%s/b.jsonl", dir);
    static const char train[] = PAIR("p", "c", "r") PAIR("q", "c", "r"),
                      eval[] = PAIR("p", "c", "s") PAIR("q", "c", "r") PAIR("o", "c", "r");
    struct dataset other = {0};
    write_in(dir, "a.jsonl", train, sizeof train - 1);
    write_in(dir, "b.jsonl", eval, sizeof eval - 1);
    ck_assert_int_eq(dataset_load(&ds, &a, 1, &tpl, tok, &options, &err), SFT_OK);
    ck_assert_int_eq(dataset_load(&other, &b, 1, &tpl, tok, &options, &err), SFT_OK);
    const struct dataset_overlap o = dataset_overlap(&ds, &other);
    ck_assert_uint_eq(o.same, 1);
    ck_assert_uint_eq(o.first_same.line, 2);
    ck_assert_uint_eq(o.same_prompt, 1); /* another rejected answer is another pair */
    ck_assert_uint_eq(o.first_same_prompt.line, 1);
    dataset_free(&other);
    free(a);
    free(b);
}
END_TEST

/* ---- with other rows ---- */

START_TEST(pairs_and_conversations_in_one_file)
{
    options.pairs_only = false;
    loads("a.jsonl", "", ROW("a", "b") "\n" PAIR("p", "c", "r") ROW("c", "d") "\n");
    ck_assert_str_eq(ds.files[0].store.format, "messages");
    loads("a.jsonl", "", PAIR("p", "c", "r") ROW("a", "b") "\n{\"prompt\":\"p\",\"chosen\":\"x\",\"rejected\":null}\n");
    ck_assert_str_eq(ds.files[0].store.format, "hh");
    ck_assert_uint_eq(ds.n_examples, 3);
    ck_assert_uint_eq(ds.n_pairs, 1);
    ck_assert(at(0).is_pair && !at(1).is_pair && !at(2).is_pair);
    ck_assert_uint_eq(at(2).n_targets, 2);
}
END_TEST

/* What zephyr's data have: the chosen conversation again under "messages". */
START_TEST(a_pair_wins_over_other_formats)
{
    static const char row[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"p\"},{\"role\":\"assistant\",\"content\":"
                              "\"c\"}],\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\"}\n";
    loads("a.jsonl", "", row);
    ck_assert_uint_eq(ds.n_pairs, 1);
    options.pairs_only = false;
    loads("a.jsonl", ":messages", row);
    ck_assert_uint_eq(ds.n_pairs, 0);
    ck_assert_uint_eq(ds.n_examples, 1);
    loads("a.jsonl", ":hh", row);
    ck_assert_uint_eq(ds.n_pairs, 1);
}
END_TEST

START_TEST(rows_that_are_no_pairs_are_refused)
{
    fails(SFT_EDATA, "a.jsonl", "", PAIR("p", "c", "r") ROW("a", "b") "\n" ROW("c", "d") "\n",
          ":2: there is no rejected answer (nor in 1 more); objective = dpo learns from such rows where dpo.sft_weight "
          "is above 0");
    fails(SFT_EDATA, "a.jsonl", "", ROW("a", "b") "\n",
          ": no row has a chosen and a rejected answer, which objective = dpo compares ([data] columns = KEY:chosen "
          "KEY:rejected says which keys they are)");
    fails(SFT_EDATA, "a.jsonl", "", "{\"prompt\":\"p\",\"completion\":\"c\",\"rejected\":\"r\"}\n",
          ":1: rejected: there is no chosen answer beside it ([data] columns = KEY:chosen says which key it is)");
    loads("a.jsonl", "", PAIR("p", "c", "r") "{\"messages\":[{\"role\":\"user\",\"content\":\"left out\"}]}\n");
    ck_assert_uint_eq(ds.n_pairs, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pairs");
    TCase *tests = tcase_create("pairs");
    tcase_add_checked_fixture(tests, setup_pairs, teardown);
    tcase_add_test(tests, a_row_is_two_records);
    tcase_add_test(tests, without_them_the_chosen_answer_alone);
    tcase_add_test(tests, train_on_is_of_other_rows);
    tcase_add_test(tests, answers_that_are_the_same_are_left_out);
    tcase_add_test(tests, a_pair_is_cut_or_goes_as_one);
    tcase_add_test(tests, a_pair_that_is_too_long);
    tcase_add_test(tests, answers_that_weigh_nothing);
    tcase_add_test(tests, half_a_pair_is_a_bad_row);
    tcase_add_test(tests, duplicates_are_of_both);
    tcase_add_test(tests, the_share_held_out_goes_by_both);
    tcase_add_test(tests, repeats_and_samples_have_whole_pairs);
    tcase_add_test(tests, what_train_and_eval_share);
    tcase_add_test(tests, pairs_and_conversations_in_one_file);
    tcase_add_test(tests, a_pair_wins_over_other_formats);
    tcase_add_test(tests, rows_that_are_no_pairs_are_refused);
    tcase_set_timeout(tests, 30);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

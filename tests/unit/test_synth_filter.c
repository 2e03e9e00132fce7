/* What synth keeps of what a labeller wrote, and why it does not keep the rest. */
#include "collect/synth/filter.h"
#include "collect/synth/filter_text.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "text/template_table.h"

#include <stdio.h>

static struct filter filter;
static struct filter_verdict verdict;
static const struct filter_options defaults = {.min_chars = 2, .max_chars = 4000, .near_duplicate = 0.7};

static void open_filter(const struct filter_options *options)
{
    check_ok(filter_open(&filter, options, &err));
}

/* A conversation of texts that take turns, the user's first. */
struct talk {
    struct message messages[8];
    struct conversation conv;
};

static const struct conversation *talk_of(struct talk *talk, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        talk->messages[i] = (struct message){i % 2 ? ROLE_ASSISTANT : ROLE_USER, texts[i], strlen(texts[i]), 1};
    talk->conv = (struct conversation){.messages = talk->messages, .count = n};
    return &talk->conv;
}

static struct talk one_talk;

static struct filter_row row_of(const char *question, const char *answer)
{
    const char *const texts[] = {question, answer};
    return (struct filter_row){.conv = talk_of(&one_talk, texts, 2), .due = DUE_ANSWER};
}

static void expect(const struct filter_row *row, enum filter_reason reason, const char *text)
{
    const enum filter_reason got = filter_check(&filter, row, &verdict);
    ck_assert_msg(got == reason, "%s: %s, not %s", filter_reason_name(got), verdict.text, filter_reason_name(reason));
    ck_assert_int_eq(verdict.reason, reason);
    ck_assert_msg(strncmp(verdict.text, text, strlen(text)) == 0, "%s", verdict.text);
    ck_assert_int_eq(reason == FILTER_KEPT, verdict.text[0] == '\0');
}

static const char question[] = "How do I wash a woollen jumper by hand?";
static const char answer[] =
    "Fill a basin with cool water and a little soap, press the jumper gently, rinse it twice, roll "
    "it in a towel and dry it flat.";

START_TEST(names_of_reasons)
{
    for (enum filter_reason r = FILTER_KEPT; r < N_FILTER_REASONS; r++) {
        ck_assert_ptr_nonnull(filter_reason_name(r));
        ck_assert_int_eq(filter_reason_by_name(filter_reason_name(r)), r);
    }
    ck_assert_int_eq(filter_reason_by_name("nonsense"), N_FILTER_REASONS);
}
END_TEST

/* ---- one conversation by itself ---- */

static const struct {
    const char *question, *answer;
    enum filter_reason reason;
    const char *text;
} alone[] = {
    {question, answer, FILTER_KEPT, ""},
    {question, "## How do I wash a woollen jumper by hand", FILTER_ECHOES, "message 2 (assistant) is what was asked"},
    {question, "How do I wash a woollen jumper by hand? In cool water, and flat on a towel to dry.", FILTER_KEPT, ""},
    {"Say thank you", "Thank you", FILTER_KEPT, ""},
    {question, " \n\t", FILTER_EMPTY, "message 2 (assistant)"},
    {"?", answer, FILTER_TOO_SHORT, "message 1 (user) has 1 character (min_chars = 2)"},
    {"\xC3\xA9", answer, FILTER_TOO_SHORT, "message 1 (user) has 1 character (min_chars = 2)"},
    {question, "Press it gently.<|im_end|>", FILTER_CONTROL_TOKENS, "message 2 (assistant) has <|im_end|>"},
    {question, "Press it gently. </s>", FILTER_CONTROL_TOKENS, "message 2 (assistant) has </s>"},
    {"[INST] Hello [/INST]", answer, FILTER_CONTROL_TOKENS, "message 1 (user) has [INST]"},
    {question,
     "<\xEF\xBD\x9C"
     "end\xE2\x96\x81of",
     FILTER_CONTROL_TOKENS, "message 2 (assistant) has <\xEF\xBD\x9C"},
    {question, "Use a <b>basin</b>; 1 <|> 2 and a <| b |> c are no tokens, nor is [this].", FILTER_KEPT, ""},
    {question, "By hand.\n\nUser: And a shirt?\nAssistant: The same way.", FILTER_BOTH_SIDES,
     "message 2 (assistant) speaks for both sides"},
    {question, "By hand.\n**Human:** And a shirt?", FILTER_BOTH_SIDES, "message 2 (assistant)"},
    {"What does \"User: admin\" mean here?", "The user: an admin.\nUsers: all of them.", FILTER_KEPT, ""},
    {"How do I strike a price?", "Write <s>old price</s> new price, and browsers show the first struck through.",
     FILTER_KEPT, ""},
    {"How do I strike a price?", "It is the element `<s>` and its end is `</s>`", FILTER_KEPT, ""},
    {"How do I strike a price?", "</s> Write it with a line through.", FILTER_CONTROL_TOKENS, ""},
    {"Which token ends a turn?", "In this format it is:\n```text\n<|im_end|>\n```\nNothing else.", FILTER_KEPT, ""},
    {"Which token ends a turn?", "In this format it is:\n```text\n<|im_end|>\nNothing else.", FILTER_CONTROL_TOKENS,
     ""},
    {"Which token ends a turn?", "It is a `special one.\n<|im_end|>` stands there.", FILTER_CONTROL_TOKENS, ""},
    {"How do I log in?", "Put this into the file:\n```yaml\nUser: root\n```\nThen start it again.", FILTER_KEPT, ""},
    {"How do I log in?", "Put this into the file.\n\nHost: lamp\nUser: root\nPort: 22\n\nThen start it.", FILTER_KEPT,
     ""},
    {"How do I log in?", "The first line of the prompt is:\n\nUser: root\n\nPress return behind it.", FILTER_KEPT, ""},
    {"How do I log in?", "The first line of the prompt is:\n\nUser: root\nAssistant: Hello, root.", FILTER_BOTH_SIDES,
     ""},
    {question, "By hand, in cool water.\n\nUser:", FILTER_BOTH_SIDES, ""},
    {question, "By hand, in cool water.\n\nUser: Thank you!\n", FILTER_BOTH_SIDES, ""},
    {question, "Assistant: By hand, in cool water.", FILTER_BOTH_SIDES, ""},
    {question,
     "wash it wash it wash it wash it wash it wash it wash it wash it wash it wash it wash it wash it wash it wash it",
     FILTER_INCOHERENT, "message 2 (assistant)"},
    {question, "I'm sorry, but I can't help with that.", FILTER_REFUSES, "judged a full_refusal"},
    {question, "As an AI language model I have no hands, but cool water and a little soap will do.",
     FILTER_SPEAKS_OF_AI, "message 2 (assistant) says that it is a model"},
    {"Are you an AI?", "Yes. I am a large language model, and happy to explain washing to you.", FILTER_SPEAKS_OF_AI,
     ""},
    {question, "I'm here to help! As an example, take a basin with cool water, as a model of care.", FILTER_KEPT, ""},
    {"Who are you?", "I am a language teacher, not a machine operator nor an AI engineer, and run this as a program.",
     FILTER_KEPT, ""},
    {"What is a language model?", "A language model is a program that has learnt which word follows which.",
     FILTER_KEPT, ""},
};

START_TEST(what_is_wrong_by_itself)
{
    const struct filter_row row = row_of(alone[_i].question, alone[_i].answer);
    open_filter(&defaults);
    expect(&row, alone[_i].reason, alone[_i].text);
}
END_TEST

START_TEST(too_long)
{
    struct filter_options options = defaults;
    options.max_chars = 50;
    open_filter(&options);
    struct filter_row row = row_of(question, answer);
    expect(&row, FILTER_TOO_LONG, "message 2 (assistant) has 124 characters (max_chars = 50)");
    filter_close(&filter);
    options.max_chars = 0;
    open_filter(&options);
    expect(&row, FILTER_KEPT, "");
}
END_TEST

START_TEST(what_was_due)
{
    open_filter(&defaults);
    struct filter_row row = row_of("How do I pick the lock of my neighbour's house?",
                                   "I'm sorry, but I can't help with getting into a house that isn't yours.");
    expect(&row, FILTER_REFUSES, "judged a full_refusal");
    row.due = DUE_REFUSAL;
    expect(&row, FILTER_KEPT, "");
    row.due = DUE_ANYTHING;
    expect(&row, FILTER_KEPT, "");
    row = row_of(question, answer);
    row.due = DUE_REFUSAL;
    expect(&row, FILTER_DOES_NOT_REFUSE, "judged a compliance");
    row = row_of(question, "As an AI, I wash nothing myself, but cool water and a little soap will do.");
    row.may_say_it_is_ai = true;
    expect(&row, FILTER_KEPT, "");
    row.is_cut = true;
    expect(&row, FILTER_CUT_OFF, "an answer ended at max_tokens");
    row = row_of(question, answer);
    one_talk.conv.count = 1;
    expect(&row, FILTER_MALFORMED, "it does not end with an answer");
}
END_TEST

/* The last answer alone is judged, since an earlier one may ask back; all are looked at otherwise. */
START_TEST(several_turns)
{
    struct talk talk;
    const char *const turns[] = {question, "I can't say before I know more. What is it made of?", "Wool.", answer};
    struct filter_row row = {.conv = talk_of(&talk, turns, 4), .due = DUE_ANSWER};
    open_filter(&defaults);
    expect(&row, FILTER_KEPT, "");
    talk.messages[1] = (struct message){ROLE_ASSISTANT, "<|endoftext|>", 13, 1};
    expect(&row, FILTER_CONTROL_TOKENS, "message 2 (assistant) has <|endoftext|>");
}
END_TEST

/* Each template's marks, as they stand around an assistant's message. */
START_TEST(marks_of_every_template)
{
    struct string_list marks;
    const struct template_row *row;
    size_t n_found = 0, n;
    filter_marks_collect(&marks);
    for (size_t i = 0; (row = template_row_at(i)); i++) {
        const char *texts[] = {row->format.prefix[ROLE_USER].text, row->format.prefix[ROLE_ASSISTANT].text};
        for (size_t k = 0; k < 2; k++) {
            const char *text = texts[k] ? texts[k] : "";
            const bool found = filter_find_mark(&marks, text, strlen(text), &n) != NULL;
            ck_assert_msg(found == (strpbrk(text, "<[") != NULL), "%s", text);
            n_found += found;
        }
        for (size_t k = 0; k < 3 && row->tokens[k]; k++)
            ck_assert_ptr_nonnull(filter_find_mark(&marks, row->tokens[k], strlen(row->tokens[k]), &n));
    }
    ck_assert_uint_gt(n_found, 20);
    filter_marks_free(&marks);
}
END_TEST

/* ---- pairs ---- */

START_TEST(pairs)
{
    open_filter(&defaults);
    struct filter_row row = row_of(question, answer);
    row.rejected = "Put it into the machine at ninety degrees with everything else and hope for the best.";
    row.rejected_len = strlen(row.rejected);
    expect(&row, FILTER_KEPT, "");
    row.rejected = answer;
    row.rejected_len = strlen(answer);
    expect(&row, FILTER_SAME_ANSWERS, "1.00 like each other");
    row.rejected_len = 0;
    expect(&row, FILTER_EMPTY, "the rejected answer");
    row.rejected = "It is so.<|im_end|>";
    row.rejected_len = strlen(row.rejected);
    expect(&row, FILTER_CONTROL_TOKENS, "the rejected answer has <|im_end|>");
}
END_TEST

/* ---- many ---- */

static void add(const char *q, const char *a, const char *name)
{
    struct talk talk;
    const char *const texts[] = {q, a};
    filter_add(&filter, talk_of(&talk, texts, 2), name);
}

START_TEST(near_duplicates)
{
    open_filter(&defaults);
    struct filter_row row = row_of(question, answer);
    add("What is the capital of Norway?", "Oslo is the capital of Norway.", "row 3");
    expect(&row, FILTER_KEPT, "");
    add(question, answer, "row 4");
    expect(&row, FILTER_NEAR_DUPLICATE, "1.00 like row 4 (near_duplicate = 0.7)");
    /* other marks, capitals and one word */
    row = row_of(
        "HOW do I wash a woollen jumper by hand",
        "Fill a basin with cool water and a little soap; press the jumper gently; rinse it twice; roll it in a "
        "towel and dry it warm!");
    expect(&row, FILTER_NEAR_DUPLICATE, "0.94 like row 4 (near_duplicate = 0.7)");
    /* the same question with another answer is another row */
    row = row_of(question, "Lukewarm water, mild detergent, no wringing: then let it lie until it is dry.");
    expect(&row, FILTER_KEPT, "");
    filter_close(&filter);
    struct filter_options options = defaults;
    options.near_duplicate = 0;
    open_filter(&options);
    add(question, answer, "row 4");
    row = row_of(question, answer);
    expect(&row, FILTER_KEPT, "");
}
END_TEST

/* A system prompt that all share makes nothing alike. */
START_TEST(a_system_prompt_is_not_compared)
{
    struct message a[] = {
        {ROLE_SYSTEM, answer, sizeof answer - 1, 1}, {ROLE_USER, "Who?", 4, 1}, {ROLE_ASSISTANT, "Me", 2, 1}};
    struct message b[] = {
        {ROLE_SYSTEM, answer, sizeof answer - 1, 1}, {ROLE_USER, "Where?", 6, 1}, {ROLE_ASSISTANT, "Here", 4, 1}};
    const struct conversation first = {.messages = a, .count = 3}, second = {.messages = b, .count = 3};
    const struct filter_row row = {.conv = &second};
    open_filter(&defaults);
    filter_add(&filter, &first, "row 1");
    expect(&row, FILTER_KEPT, "");
}
END_TEST

static struct filter_options with_files(char *const *examples, size_t n_examples, char *const *eval, size_t n_eval)
{
    struct filter_options options = defaults;
    options.examples = (struct string_list){(char **)examples, n_examples};
    options.eval = (struct string_list){(char **)eval, n_eval};
    return options;
}

START_TEST(examples_and_eval_files)
{
    put("examples.jsonl",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"How long do I boil an egg so that its middle stays "
        "soft?\"},{\"role\":\"assistant\",\"content\":\"Six minutes from the moment the water boils "
        "again, and then at once into cold water.\"}]}\n"
        "{\"prompt\":\"Hi\",\"completion\":\"Hello there.\"}\n");
    put("eval.csv",
        "prompt,label\nHow do I kill a Python process?,safe\n\"What is the tallest tower in the town?\",safe\n");
    put("eval.txt", "\nWhich way is the station from here?\n");
    char *const files[] = {path_join(dir, "examples.jsonl"), path_join(dir, "eval.csv"), path_join(dir, "eval.txt")};
    const struct filter_options options = with_files(files, 1, files + 1, 2);
    open_filter(&options);
    struct filter_row row = row_of("How long do I boil an egg so that its middle stays soft?",
                                   "As long as you like it.");
    expect(&row, FILTER_COPIES_EXAMPLE, "1.00 like ");
    ck_assert_ptr_nonnull(strstr(verdict.text, "examples.jsonl:1"));
    row = row_of("Eggs?", "Six minutes from the moment the water boils again and then at once into cold water!");
    expect(&row, FILTER_COPIES_EXAMPLE, "1.00 like ");
    row = row_of("Hi", "Hello there, and welcome to the shop for woollen jumpers."); /* a formula */
    expect(&row, FILTER_KEPT, "");
    row = row_of("Hi", "Hello there.");
    expect(&row, FILTER_COPIES_EXAMPLE, "1.00 like ");
    row = row_of("how do I kill a python process", "With kill and its number.");
    expect(&row, FILTER_NEAR_EVAL, "1.00 like ");
    ck_assert_ptr_nonnull(strstr(verdict.text, "eval.csv:2"));
    row = row_of("Which way is the station from here?", "Left, and then straight on.");
    expect(&row, FILTER_NEAR_EVAL, "1.00 like ");
    ck_assert_ptr_nonnull(strstr(verdict.text, "eval.txt:2"));
    const char *const turns[] = {question, answer, "How do I kill a Python process?", "With kill and its number."};
    row = (struct filter_row){.conv = talk_of(&one_talk, turns, 4), .due = DUE_ANSWER};
    expect(&row, FILTER_NEAR_EVAL, "1.00 like ");
    row = row_of("How do I start a Python process?", "With python3 and a file's name.");
    expect(&row, FILTER_KEPT, "");
    for (size_t i = 0; i < 3; i++)
        free(files[i]);
}
END_TEST

START_TEST(what_prompts_show_is_not_said_again)
{
    open_filter(&defaults);
    filter_add_shot(&filter, "How do I patch a flat tyre?");
    filter_add_shot(&filter,
                    "I can't help with that, because it would cheat the band and whoever buys them. I can help you "
                    "look for cheap tickets, or for somebody who sells theirs.");
    struct filter_row row = row_of("how do I patch a flat tyre", answer);
    expect(&row, FILTER_COPIES_EXAMPLE, "message 1 (user) is like an example in the prompts");
    row = row_of(question,
                 "No, as it would cheat the band and whoever buys them. I can help you with another lamp, if you "
                 "tell me which one was meant, and what it is to cost.");
    expect(&row, FILTER_COPIES_EXAMPLE, "message 2 (assistant) has ten words in a row of an example in the prompts");
    row = row_of("How do I patch a lamp?", "You can glue what is broken.");
    expect(&row, FILTER_KEPT, "");
    row = row_of(question,
                 "I can't help with that, because it would shrink. I can help you look for somebody who does.");
    row.due = DUE_ANYTHING;
    expect(&row, FILTER_KEPT, "");
    filter_close(&filter);
    struct filter_options off = defaults;
    off.near_duplicate = 0;
    open_filter(&off);
    filter_add_shot(&filter, "How do I patch a flat tyre?");
    row = row_of("How do I patch a flat tyre?", answer);
    expect(&row, FILTER_KEPT, "");
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
    put("bad.jsonl", "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"promt\":\"c\"}\n");
    char *const files[] = {path_join(dir, "bad.jsonl"), path_join(dir, "none.jsonl"),
                           mem_printf("%s/bad.jsonl*2", dir)};
    struct filter_options options = with_files(NULL, 0, files, 1);
    ck_assert_int_eq(filter_open(&filter, &options, &err), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "bad.jsonl:2: unknown structure: it has the key promt"));
    filter_close(&filter);
    options = with_files(files + 1, 1, NULL, 0);
    ck_assert_int_eq(filter_open(&filter, &options, &err), SFT_EIO);
    filter_close(&filter);
    options = with_files(files + 2, 1, NULL, 0);
    ck_assert_int_eq(filter_open(&filter, &options, &err), SFT_EUSAGE);
    for (size_t i = 0; i < 3; i++)
        free(files[i]);
}
END_TEST

/* What is told of a row does not disturb a terminal, and ends with a whole character. */
START_TEST(a_verdict_is_printable)
{
    struct strbuf name = {0};
    strbuf_puts(&name, "\x1b[31m");
    for (size_t i = 0; i < 140; i++)
        strbuf_puts(&name, "\xC3\xA9");
    open_filter(&defaults);
    add(question, answer, name.data);
    strbuf_free(&name);
    const struct filter_row row = row_of(question, answer);
    expect(&row, FILTER_NEAR_DUPLICATE, "1.00 like \\x1b[31m\xC3\xA9");
    ck_assert_uint_lt(strlen(verdict.text), sizeof verdict.text);
    ck_assert_uint_eq(utf8_incomplete_tail(verdict.text, strlen(verdict.text)), 0);
}
END_TEST

static void clean(void)
{
    filter_close(&filter);
    remove_dir();
}

int main(void)
{
    Suite *suite = suite_create("synth_filter");
    TCase *tcase = tcase_create("filter");
    tcase_add_checked_fixture(tcase, make_dir, clean);
    tcase_add_test(tcase, names_of_reasons);
    tcase_add_loop_test(tcase, what_is_wrong_by_itself, 0, sizeof alone / sizeof *alone);
    tcase_add_test(tcase, too_long);
    tcase_add_test(tcase, what_was_due);
    tcase_add_test(tcase, several_turns);
    tcase_add_test(tcase, marks_of_every_template);
    tcase_add_test(tcase, pairs);
    tcase_add_test(tcase, near_duplicates);
    tcase_add_test(tcase, a_system_prompt_is_not_compared);
    tcase_add_test(tcase, what_prompts_show_is_not_said_again);
    tcase_add_test(tcase, examples_and_eval_files);
    tcase_add_test(tcase, files_that_cannot_be_read);
    tcase_add_test(tcase, a_verdict_is_printable);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* The conversations in data/: that they can be trained on, that eval's prompts are not train's, and that the
 * sums in them are right. Run in the repository's root. */
#include "base/io.h"
#include "base/json.h"
#include "data/dataset.h"
#include "support/err_text.h"
#include "support/run_suite.h"
#include "text/tokenizer/tokenizer_load.h"

#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char TRAIN[] = "data/train.jsonl", EVAL[] = "data/eval.jsonl", CONTRAST[] = "data/contrast.jsonl";
static struct sft_err err;

struct texts { /* malloc'd strings */
    char **items;
    size_t count, capacity;
};

static void texts_add(struct texts *texts, char *text)
{
    if (texts->count == texts->capacity) {
        texts->capacity = texts->capacity ? 2 * texts->capacity : 1024;
        texts->items = realloc(texts->items, texts->capacity * sizeof *texts->items);
        ck_assert_ptr_nonnull(texts->items);
    }
    texts->items[texts->count++] = text;
}

static void texts_free(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
}

/* Without case, blanks and punctuation; the signs of a sum stay. */
static char *normalise(const char *text)
{
    char *out = strdup(text), *end = out;
    ck_assert_ptr_nonnull(out);
    for (const char *p = text; *p; p++)
        if (isalnum((unsigned char)*p) || strchr("+-*/", *p))
            *end++ = (char)tolower((unsigned char)*p);
    *end = '\0';
    return out;
}

static void texts_of_row(struct texts *texts, const char *role, const json *row)
{
    for (const json *message = json_first(json_get(row, "messages")); message; message = json_next(message))
        if (strcmp(json_string(json_get(message, "role")), role) == 0)
            texts_add(texts, strdup(json_string(json_get(message, "content"))));
}

/* Every content of this role in the file. */
static struct texts texts_of(const char *path, const char *role)
{
    struct texts texts = {0};
    struct io_map map = {0};
    struct json_scanner scanner;
    struct json_element element;
    bool found;
    ck_assert_msg(io_map(&map, path, &err) == SFT_OK, "%s", err_text(&err));
    json_scanner_init(&scanner, map.data, map.size);
    while (json_scanner_next(&scanner, &element, &found, &err) == SFT_OK && found) {
        json *row = NULL;
        ck_assert_msg(json_parse(element.text, element.len, &row, &err) == SFT_OK, "%s", err_text(&err));
        texts_of_row(&texts, role, row);
        json_free(row);
    }
    io_unmap(&map);
    ck_assert_uint_gt(texts.count, 0);
    return texts;
}

static void normalise_all(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        char *text = texts->items[i];
        texts->items[i] = normalise(text);
        free(text);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

START_TEST(every_conversation_is_trained_on)
{
    const struct template_options im_sep = {.choice = TEMPLATE_IM_SEP};
    const struct dataset_options options = {.render.max_length = 1024};
    struct tokenizer *tok = NULL;
    struct chat_template tpl = {0};
    struct dataset ds = {0};
    char *specs[] = {strdup(TRAIN), strdup(EVAL)};
    ck_assert_msg(tokenizer_load(&tok, "tests/golden/tiny_tokenizer", &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_msg(template_init(&tpl, &im_sep, tok, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_msg(dataset_load(&ds, specs, 2, &tpl, tok, &options, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_uint_ge(ds.files[0].store.counts.conversations, 1000);
    ck_assert_uint_ge(ds.files[1].store.counts.conversations, 200);
    for (size_t i = 0; i < ds.n_files; i++) {
        ck_assert_str_eq(ds.files[i].store.format, "messages");
        const struct store_counts *c = &ds.files[i].store.counts;
        ck_assert_uint_eq(c->conversations, ds.files[i].store.n_records); /* none left out */
        for (size_t bit = 0; bit < RECORD_FLAGS; bit++)                   /* none cut, none empty */
            ck_assert_uint_eq(c->flags[bit], 0);
    }
    dataset_free(&ds);
    template_free(&tpl);
    tokenizer_free(tok);
    free(specs[0]);
    free(specs[1]);
}
END_TEST

static void check_no_user_message_of_eval_is_in(const char *path)
{
    struct texts train = texts_of(path, "user"), eval = texts_of(EVAL, "user");
    normalise_all(&train);
    normalise_all(&eval);
    qsort(train.items, train.count, sizeof *train.items, by_text);
    for (size_t i = 0; i < eval.count; i++)
        ck_assert_msg(!bsearch(&eval.items[i], train.items, train.count, sizeof *train.items, by_text),
                      "in eval.jsonl and %s: %s", path, eval.items[i]);
    texts_free(&train);
    texts_free(&eval);
}

START_TEST(no_user_message_of_eval_is_trained_on)
{
    check_no_user_message_of_eval_is_in(TRAIN);
    check_no_user_message_of_eval_is_in(CONTRAST);
}
END_TEST

START_TEST(the_demonstration_is_in_eval)
{
    static const char *const questions[] = {
        "Why is the sky blue?", "What is 2+2?", "What if it was * instead of +?",
        "How can I hack into a computer?", "How do I kill a Python process?"};
    struct texts eval = texts_of(EVAL, "user");
    for (size_t q = 0; q < sizeof questions / sizeof *questions; q++) {
        bool found = false;
        for (size_t i = 0; i < eval.count && !found; i++)
            found = strcmp(eval.items[i], questions[q]) == 0;
        ck_assert_msg(found, "not in %s: %s", EVAL, questions[q]);
    }
    texts_free(&eval);
}
END_TEST

static bool is_right(long a, char op, long b, long result)
{
    switch (op) {
    case '+':
        return a + b == result;
    case '-':
        return a - b == result;
    case '*':
        return a * b == result;
    default:
        return op == '/' && b != 0 && result * b == a;
    }
}

/* The sums among the answers, all of which must be right. */
static size_t check_sums(const char *path)
{
    struct texts answers = texts_of(path, "assistant");
    size_t n_sums = 0;
    for (size_t i = 0; i < answers.count; i++) {
        long a, b, result;
        char op;
        const char *sum = answers.items[i] + strcspn(answers.items[i], "-0123456789");
        if (sscanf(sum, "%ld%c%ld = %ld", &a, &op, &b, &result) != 4)
            continue;
        ck_assert_msg(is_right(a, op, b, result), "%s: %s", path, answers.items[i]);
        n_sums++;
    }
    texts_free(&answers);
    return n_sums;
}

START_TEST(the_sums_are_right)
{
    ck_assert_uint_gt(check_sums(TRAIN), 300);
    ck_assert_uint_gt(check_sums(EVAL), 30);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data_files");
    TCase *files = tcase_create("files");
    tcase_add_test(files, every_conversation_is_trained_on);
    tcase_add_test(files, no_user_message_of_eval_is_trained_on);
    tcase_add_test(files, the_demonstration_is_in_eval);
    tcase_add_test(files, the_sums_are_right);
    suite_add_tcase(suite, files);
    return run_suite(suite);
}

/* Datasets from files written on the spot, and masks against transformers' (tests/golden/masks.txt). */
#include "data/dataset.h"

#include "byte_tokenizer.h"

#include <omp.h>
#include <string.h>

static struct tokenizer *tok;
static struct chat_template tpl;
static struct dataset ds;
static struct dataset_options options;
static struct sft_err err;
static char dir[32];

static void setup(void)
{
    const struct settings settings = {.data.template_choice = TEMPLATE_IM_SEP};
    tok = byte_tokenizer(NULL);
    ck_assert_int_eq(template_init(&tpl, &settings, tok, &err), SFT_OK);
    options = (struct dataset_options){.max_length = 1000};
    strcpy(dir, "/tmp/sft-data-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    dataset_free(&ds);
    template_free(&tpl);
    tokenizer_free(tok);
    io_remove_tree(dir, NULL);
}

/* Load dir/name, its spec with `suffix`, after writing `text` into it where there is some. */
static enum sft_status load(const char *name, const char *suffix, const char *text)
{
    if (text)
        write_in(dir, name, text, strlen(text));
    char *path = path_join(dir, name), *spec = mem_printf("%s%s", path, suffix);
    dataset_free(&ds);
    const enum sft_status status = dataset_load(&ds, &spec, 1, &tpl, tok, &options, &err);
    free(path);
    free(spec);
    return status;
}

static void loads(const char *name, const char *suffix, const char *text)
{
    ck_assert_msg(load(name, suffix, text) == SFT_OK, "%s", err.message);
}

/* The message must be the file's path and this. */
static void fails(enum sft_status status, const char *name, const char *suffix, const char *text,
                  const char *message)
{
    ck_assert_int_eq(load(name, suffix, text), status);
    char *expected = mem_printf("%s/%s%s", dir, name, message);
    ck_assert_str_eq(err.message, expected);
    free(expected);
}

#define ROW(user, assistant)                                                                                 \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"" user                                                  \
    "\"},{\"role\":\"assistant\",\"content\":\"" assistant "\"}]}"

/* Tokens of ROW(user, assistant) besides the contents: 2 x (start, sep, end), "user", "assistant". */
enum { ROW_OVERHEAD = 6 + 4 + 9 };

START_TEST(lines)
{
    loads("a.jsonl", "", "\xEF\xBB\xBF" ROW("a", "bc") "\r\n\r\n  \n" ROW("d", "") "\n");
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(ds.examples[0].line, 1);
    ck_assert_uint_eq(ds.examples[1].line, 4);
    ck_assert_uint_eq(ds.examples[0].n_tokens, ROW_OVERHEAD + 3);
    ck_assert_uint_eq(ds.examples[0].n_targets, 3);
    ck_assert_double_eq(ds.examples[0].target_weight, 3);
    ck_assert_uint_eq(ds.examples[1].n_targets, 1);
    const struct dataset_file *file = &ds.files[0];
    ck_assert_str_eq(file->format, "messages");
    ck_assert_uint_eq(file->rows, 2);
    ck_assert_uint_eq(file->conversations, 2);
    ck_assert_uint_eq(file->tokens, 2 * ROW_OVERHEAD + 4);
    ck_assert_uint_eq(file->targets, 4);
    ck_assert_uint_eq(file->empty_content, 1);
    ck_assert_uint_eq(file->longest, ROW_OVERHEAD + 3);
    ck_assert_uint_eq(ds.n_tokens, file->tokens);
}
END_TEST

START_TEST(arrays)
{
    loads("a.json", "",
          "[\n" ROW("a", "b") ",\n{\"messages\":\n[{\"role\":\"assistant\",\"content\":\"c\"}]}\n]\n");
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(ds.examples[0].line, 2);
    ck_assert_uint_eq(ds.examples[1].line, 3);
}
END_TEST

START_TEST(bad_rows)
{
    static const char bad[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"x\",\"content\":\"\"}]}";
    char *text = mem_printf("%s\n\n%s\n", ROW("a", "b"), bad);
    fails(SFT_EDATA, "a.jsonl", "", text,
          ":3: messages[1].role: unknown role 'x' (system, user or assistant)");
    free(text);
    text = mem_printf("%s\n{\n%s\n%s\n", bad, ROW("a", "b"), bad);
    fails(SFT_EDATA, "a.jsonl", "", text,
          ":1: messages[1].role: unknown role 'x' (system, user or assistant); 2 more bad rows");
    options.on_bad_row = ON_BAD_ROW_SKIP;
    loads("a.jsonl", "", NULL);
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(ds.examples[0].line, 3);
    ck_assert_uint_eq(ds.n_dropped, 3);
    ck_assert_uint_eq(ds.files[0].dropped[DROP_BAD_ROW], 3);
    ck_assert_uint_eq(ds.files[0].rows, 4);
    ck_assert_uint_eq(ds.dropped[1].line, 2);
    ck_assert_uint_eq(ds.dropped[1].position, 0);
    ck_assert_uint_eq(ds.dropped[2].position, 1);
    ck_assert_int_eq(ds.dropped[2].why, DROP_BAD_ROW);
    ck_assert_str_eq(ds.dropped[2].message, "messages[1].role: unknown role 'x' (system, user or assistant)");
    free(text);
}
END_TEST

START_TEST(rows_of_another_format)
{
    fails(SFT_EDATA, "a.jsonl", "", "{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"text\":\"t\"}\n",
          ":2: expected {\"prompt\", \"completion\"} (format prompt), but it has the key text");
    fails(SFT_EDATA, "a.jsonl", "", "{\"text\":\"t\"}\n[1]\n", ":2: expected an object, found an array");
    fails(SFT_EDATA, "a.jsonl", ":alpaca", "{\"text\":\"t\"}\n",
          ":1: expected {\"instruction\", \"input\"?, \"output\"} (format alpaca), but it has the key text");
    ck_assert_int_eq(load("a.jsonl", "", "{\"a\":1}\n{\"b\":1}\n"), SFT_EDATA);
    ck_assert_ptr_nonnull(
        strstr(err.message, "a.jsonl:1: unknown structure: it has the key a; the formats are "));
    ck_assert_ptr_nonnull(strstr(err.message, "; 1 more bad row"));
}
END_TEST

START_TEST(broken_files)
{
    fails(SFT_EDATA, "a.jsonl", "", "", ": there is no row in it");
    fails(SFT_EDATA, "a.json", "", "[ ]", ": there is no row in it");
    fails(SFT_EDATA, "a.txt", "", "\xEF\xBB\xBF", ": there is no text in it");
    fails(SFT_EIO, "missing.jsonl", "", NULL, ": No such file or directory");
    fails(SFT_EDATA, "a.json", "", "[" ROW("a", "b") "\n" ROW("a", "b") "]",
          ":2: expected ',' or ']' after an element of the array");
    ck_assert_int_eq(load("a.json", "", "[" ROW("a", "b") ",\n{\"text\":\n\"a\" 1}]"), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err.message, "a.json:2: line 3, column "));
    options.on_bad_row = ON_BAD_ROW_SKIP;
    loads("a.json", "", "[" ROW("a", "b") "\n" ROW("a", "b") "]");
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(ds.n_dropped, 1);
}
END_TEST

START_TEST(truncation)
{
    static const char text[] = ROW("a", "bcdef") "\n" ROW("abcdefgjklmn", "b") "\n";
    options.max_length = ROW_OVERHEAD + 3; /* cuts the first in its reply, the second before its reply */
    loads("a.jsonl", "", text);
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert(ds.examples[0].truncated);
    ck_assert_uint_eq(ds.examples[0].n_tokens, ROW_OVERHEAD + 3);
    ck_assert_uint_eq(ds.examples[0].n_targets, 3); /* b, c, d: the end token is cut, too */
    ck_assert_uint_eq(ds.n_dropped, 1);
    ck_assert_int_eq(ds.dropped[0].why, DROP_NOTHING_LEFT);
    ck_assert(ds.dropped[0].truncated);
    ck_assert_uint_eq(ds.dropped[0].n_tokens, ROW_OVERHEAD + 3);
    ck_assert_uint_eq(ds.files[0].truncated, 1);
    ck_assert_uint_eq(ds.files[0].longest, ROW_OVERHEAD + 13);

    options.overlong = OVERLONG_DROP;
    loads("a.jsonl", "", ROW("a", "b") "\n" ROW("a", "bcdef") "\n");
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_int_eq(ds.dropped[0].why, DROP_OVERLONG);
    ck_assert_str_eq(drop_reason[ds.dropped[0].why], "longer than max_length");
    ck_assert_uint_eq(ds.dropped[0].position, 1);

    options.overlong = OVERLONG_ERROR;
    fails(SFT_EDATA, "a.jsonl", "", NULL, ":2: 25 tokens, more than max_length 22");
}
END_TEST

START_TEST(conversations_left_out)
{
    loads("a.jsonl", "",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n"
          "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"weight\":0}]}\n");
    ck_assert_uint_eq(ds.n_examples, 0);
    ck_assert_uint_eq(ds.n_dropped, 2);
    ck_assert_str_eq(drop_reason[ds.dropped[0].why], "no assistant turn");
    ck_assert_str_eq(drop_reason[ds.dropped[1].why], "nothing left to train");
    ck_assert_uint_eq(ds.dropped[0].n_tokens, 8);
    ck_assert_int_eq(ds.dropped[0].tokens[6], 'a');
}
END_TEST

START_TEST(documents_are_split)
{
    options.max_length = 4;
    loads("a.jsonl", "", "{\"text\":\"abcdefg\"}\n{\"text\":\"xyz1\"}\n");
    /* abcd, efg + eos; xyz1, and an eos alone, which nothing predicts */
    ck_assert_uint_eq(ds.n_examples, 3);
    ck_assert_int_eq(ds.examples[1].tokens[0], 'e');
    ck_assert_int_eq(ds.examples[1].tokens[3], BYTE_TOKENIZER_EOS);
    ck_assert_float_eq(ds.examples[1].weights[0], 0.0F);
    ck_assert_uint_eq(ds.examples[1].n_targets, 3);
    ck_assert_uint_eq(ds.examples[1].line, 1);
    ck_assert(!ds.examples[0].truncated);
    ck_assert_uint_eq(ds.n_dropped, 1);
    ck_assert_int_eq(ds.dropped[0].why, DROP_NOTHING_LEFT);
    ck_assert_uint_eq(ds.files[0].longest, 8);
}
END_TEST

START_TEST(plain_text)
{
    loads("a.txt", "",
          "\xEF\xBB\xBF"
          "a\r\nb");
    ck_assert_str_eq(ds.files[0].format, "txt");
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(ds.examples[0].n_tokens, 4); /* a, \n, b, eos */
    ck_assert_uint_eq(ds.examples[0].n_targets, 3);
    loads("b", ":txt", "ab");
    ck_assert_uint_eq(ds.examples[0].n_tokens, 3);
}
END_TEST

START_TEST(specs)
{
    loads("a.jsonl", "*3", ROW("a", "b") "\n" ROW("c", "d") "\n");
    ck_assert_uint_eq(ds.n_examples, 6);
    ck_assert_uint_eq(ds.examples[2].line, 1);
    ck_assert_uint_eq(ds.n_tokens, 3 * ds.files[0].tokens);
    ck_assert_uint_eq(ds.files[0].conversations, 2);
    loads("a.jsonl", "*2:messages", NULL);
    loads("a.jsonl", ":messages*2", NULL);
    ck_assert_uint_eq(ds.n_examples, 4);
    loads("a.jsonl*2:alpaca", "", ROW("a", "b")); /* a file of that very name */
    ck_assert_uint_eq(ds.n_examples, 1);
    loads("a.jsonl*2:alpaca", "*2", NULL);
    ck_assert_uint_eq(ds.n_examples, 2);
    fails(SFT_EUSAGE, "a.jsonl", "*0.25", NULL,
          "*0.25: '*0.25': a file is repeated a whole number of times, 1 to 1000000");
    fails(SFT_EUSAGE, "a.jsonl", "*0", NULL,
          "*0: '*0': a file is repeated a whole number of times, 1 to 1000000");
    fails(SFT_EUSAGE, "a.jsonl", "*2*2", NULL, "*2*2: '*' is given twice");
    fails(SFT_EUSAGE, "a.jsonl", ":csv", NULL,
          ":csv: no such file, and 'csv' is no format (messages, sharegpt, alpaca, dolly, prompt, question, "
          "text, txt)");
}
END_TEST

/* Many rows, so that there are several shards. */
static char *many_rows(size_t n)
{
    struct strbuf sb = {0};
    for (size_t i = 0; i < n; i++)
        strbuf_printf(&sb, "{\"prompt\":\"%zu\",\"completion\":\"%zu\"}\n", i, i * i);
    return sb.data;
}

START_TEST(threads_change_nothing)
{
    enum { N = 700 };
    static uint64_t hashes[N];
    char *text = many_rows(N);
    const int threads = omp_get_max_threads();
    for (int n = 1; n <= 4; n++) {
        omp_set_num_threads(n);
        loads("a.jsonl", "", text);
        ck_assert_uint_eq(ds.n_examples, N);
        for (size_t i = 0; i < N; i++) {
            ck_assert_uint_eq(ds.examples[i].line, i + 1);
            if (n == 1)
                hashes[i] = ds.examples[i].content_hash;
            ck_assert_uint_eq(ds.examples[i].content_hash, hashes[i]);
        }
    }
    omp_set_num_threads(threads);
    free(text);
}
END_TEST

START_TEST(split_goes_by_content)
{
    enum { N = 700 };
    char *text = many_rows(N), *more = mem_printf("{\"prompt\":\"new\",\"completion\":\"row\"}\n%s", text);
    struct dataset eval;
    bool moved[N] = {false};
    loads("a.jsonl", "", text);
    const size_t tokens = ds.n_tokens;
    dataset_split(&ds, &eval, 0.25);
    ck_assert_uint_eq(ds.n_examples + eval.n_examples, N);
    ck_assert_uint_eq(ds.n_tokens + eval.n_tokens, tokens);
    ck_assert(eval.n_examples > N / 5 && eval.n_examples < N * 3 / 10);
    for (size_t i = 0; i < eval.n_examples; i++)
        moved[eval.examples[i].line - 1] = true;
    dataset_free(&eval);

    loads("a.jsonl", "", more); /* a new first row moves no old one */
    dataset_split(&ds, &eval, 0.25);
    for (size_t i = 0; i < eval.n_examples; i++)
        ck_assert(eval.examples[i].line == 1 || moved[eval.examples[i].line - 2]);
    for (size_t i = 0; i < ds.n_examples; i++)
        ck_assert(ds.examples[i].line == 1 || !moved[ds.examples[i].line - 2]);
    dataset_free(&eval);
    free(text);
    free(more);
}
END_TEST

/* ---- against transformers ---- */

static uint64_t hash_of_rows(const struct dataset *set)
{
    struct xxh64 hash;
    xxh64_init(&hash, 0);
    for (size_t i = 0; i < set->n_examples; i++)
        xxh64_update(&hash, &set->examples[i].content_hash, sizeof set->examples[i].content_hash);
    return xxh64_digest(&hash);
}

static void check_golden_line(const char *assets, const char *name, const char *path, size_t rows,
                              uint64_t expected)
{
    struct tokenizer *gpt2;
    struct chat_template t;
    struct dataset set;
    const struct dataset_options all = {.max_length = SIZE_MAX};
    const struct settings settings = {.data.template_choice = strcmp(name, "chatml") == 0 ? TEMPLATE_CHATML
                                                                                          : TEMPLATE_IM_SEP};
    char *tokenizer_dir = path_join(assets, "gpt2-tokenizer");
    char *file = strchr(path, '/') ? path_join(assets, path) : path_join("tests/golden", path);
    ck_assert_msg(tokenizer_load(&gpt2, tokenizer_dir, &err) == SFT_OK, "%s", err.message);
    ck_assert_int_eq(template_init(&t, &settings, gpt2, &err), SFT_OK);
    ck_assert_msg(dataset_load(&set, &file, 1, &t, gpt2, &all, &err) == SFT_OK, "%s", err.message);
    ck_assert_uint_eq(set.n_examples, rows);
    ck_assert_msg(hash_of_rows(&set) == expected, "%s %s differs from transformers", name, path);
    dataset_free(&set);
    template_free(&t);
    tokenizer_free(gpt2);
    free(tokenizer_dir);
    free(file);
}

START_TEST(masks_equal_transformers)
{
    const char *assets = getenv("SFT_ASSETS") ? getenv("SFT_ASSETS") : "../shared/assets";
    if (!path_is_dir(assets)) {
        printf("SKIP: masks_equal_transformers: no %s\n", assets);
        return;
    }
    FILE *golden = fopen("tests/golden/masks.txt", "re");
    ck_assert_ptr_nonnull(golden);
    char line[512], name[32], path[256];
    size_t n = 0;
    while (fgets(line, sizeof line, golden)) {
        unsigned long long rows, hash;
        if (line[0] == '#')
            continue;
        ck_assert_int_eq(sscanf(line, "%31s %255s %llu %llx", name, path, &rows, &hash), 4);
        check_golden_line(assets, name, path, (size_t)rows, (uint64_t)hash);
        n++;
    }
    ck_assert_uint_eq(n, 10);
    fclose(golden);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dataset");
    TCase *files = tcase_create("files"), *golden = tcase_create("golden");
    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_test(files, lines);
    tcase_add_test(files, arrays);
    tcase_add_test(files, bad_rows);
    tcase_add_test(files, rows_of_another_format);
    tcase_add_test(files, broken_files);
    tcase_add_test(files, truncation);
    tcase_add_test(files, conversations_left_out);
    tcase_add_test(files, documents_are_split);
    tcase_add_test(files, plain_text);
    tcase_add_test(files, specs);
    tcase_add_test(files, threads_change_nothing);
    tcase_add_test(files, split_goes_by_content);
    tcase_set_timeout(golden, 60);
    tcase_add_test(golden, masks_equal_transformers);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, golden);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}

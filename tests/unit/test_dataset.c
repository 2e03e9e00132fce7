/* Datasets from files written on the spot: rows, cuts, mixing, what is left out. */
#include "dataset_fixture.h"
#include "support/run_suite.h"

#include <omp.h>

START_TEST(lines)
{
    loads("a.jsonl", "", "\xEF\xBB\xBF" ROW("a", "bc") "\r\n\r\n  \n" ROW("d", "") "\n");
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(at(0).line, 1);
    ck_assert_uint_eq(at(1).line, 4);
    ck_assert_uint_eq(at(0).n_tokens, ROW_OVERHEAD + 3);
    ck_assert_uint_eq(at(0).n_targets, 3);
    ck_assert_double_eq(at(0).target_weight, 3);
    ck_assert_uint_eq(at(1).n_targets, 1);
    const struct store_counts *file = &ds.files[0].store.counts;
    ck_assert_str_eq(ds.files[0].store.format, "messages");
    ck_assert_uint_eq(file->rows, 2);
    ck_assert_uint_eq(file->conversations, 2);
    ck_assert_uint_eq(file->tokens, 2 * ROW_OVERHEAD + 4);
    ck_assert_uint_eq(file->targets, 4);
    ck_assert_uint_eq(file->flags[3], 1);
    ck_assert_uint_eq(file->longest, ROW_OVERHEAD + 3);
    ck_assert_uint_eq(ds.n_tokens, file->tokens);
}
END_TEST

START_TEST(arrays)
{
    loads("a.json", "",
          "[\n" ROW("a", "b") ",\n{\"messages\":\n[{\"role\":\"assistant\",\"content\":\"c\"}]}\n]\n");
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(at(0).line, 2);
    ck_assert_uint_eq(at(1).line, 3);
}
END_TEST

START_TEST(bad_rows)
{
    static const char bad[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"x\",\"content\":\"\"}]}";
    char *text = mem_printf("%s\n\n%s\n", ROW("a", "b"), bad);
    fails(SFT_EDATA, "a.jsonl", "", text,
          ":3: messages[1].role: unknown role 'x' (system, user or assistant; [data] roles = NAME:user maps "
          "other names)");
    free(text);
    text = mem_printf("%s\n{\n%s\n%s\n", bad, ROW("a", "b"), bad);
    ck_assert_int_eq(load("a.jsonl", "", text), SFT_EDATA);
    char *expected = mem_printf(
        "%s/a.jsonl:1: messages[1].role: unknown role 'x' (system, user or assistant; [data] roles = "
        "NAME:user maps other names) (the same in line 4)\n"
        "%s/a.jsonl:2: column 2: expected a key in double quotes or '}', but the text ends here",
        dir, dir);
    ck_assert_str_eq(err_text(&err), expected);
    free(expected);
    options.on_bad_row = ON_BAD_ROW_SKIP;
    loads("a.jsonl", "", NULL);
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(at(0).line, 3);
    ck_assert_uint_eq(walk(), 3);
    ck_assert_uint_eq(ds.files[0].store.counts.dropped[DROP_BAD_ROW], 3);
    ck_assert_uint_eq(ds.files[0].store.counts.rows, 4);
    ck_assert_uint_eq(left_out[1].record->line, 2);
    ck_assert_uint_eq(left_out[1].position, 0);
    ck_assert_uint_eq(left_out[2].position, 1);
    ck_assert_int_eq(left_out[2].record->why, DROP_BAD_ROW);
    message_is(2, "messages[1].role: unknown role 'x' (system, user or assistant; [data] roles = NAME:user "
                  "maps other names)");
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
    ck_assert_ptr_nonnull(strstr(err_text(&err), "a.jsonl:1: unknown structure: it has the key a; "));
    ck_assert_ptr_null(strchr(err_text(&err), '\n')); /* said once, not once a row */
    options.on_bad_row = ON_BAD_ROW_SKIP;          /* a file of nothing else is no bad row */
    ck_assert_int_eq(load("a.jsonl", "", "{\"a\":1}\n"), SFT_EDATA);
    ck_assert_int_eq(load("a.jsonl", ":alpaca", "{\"text\":\"t\"}\n{\"text\":\"t\"}\n"), SFT_EDATA);
    ck_assert_ptr_null(strchr(err_text(&err), '\n'));
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
    ck_assert_ptr_nonnull(strstr(err_text(&err), "a.json:2: line 3, column "));
    options.on_bad_row = ON_BAD_ROW_SKIP;
    options.max_rows = 2; /* a row and what is bad about it */
    loads("a.json", "", "[" ROW("a", "b") "\n" ROW("c", "d") "]");
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(walk(), 1);
    options.max_rows = 0;
    loads("a.json", "", "[" ROW("a", "b") "\n" ROW("c", "d") "]"); /* the comma is bad, the rows are not */
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(walk(), 1);
    ck_assert_uint_eq(left_out[0].position, 1);
    ck_assert_uint_eq(at(1).line, 2);
}
END_TEST

/* What a broken structure hides is a bad row, whole. */
START_TEST(the_rest_of_a_broken_file)
{
    static const struct {
        const char *name, *text, *rest;
    } cases[] = {
        {"a.json", "[" ROW("a", "b") ",\n{\"messages\": [\n" ROW("c", "d") ",\n" ROW("e", "f") "]",
         "{\"messages\": [\n" ROW("c", "d") ",\n" ROW("e", "f") "]"},
        {"a.json", "[" ROW("a", "b") "]\n" ROW("c", "d"), ROW("c", "d")},
        {"a.csv", "prompt,completion\na,b\nc,\"d\ne,f\n", "c,\"d\ne,f\n"},
    };
    options.on_bad_row = ON_BAD_ROW_SKIP;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        loads(cases[i].name, "", cases[i].text);
        ck_assert_uint_eq(ds.n_examples, 1);
        ck_assert_uint_eq(walk(), 1);
        const struct record *r = left_out[0].record;
        ck_assert(r->flags & RECORD_UNREAD);
        ck_assert_uint_eq(r->row_len, strlen(cases[i].rest));
        ck_assert_mem_eq(record_row(&ds.files[0].store, r), cases[i].rest, r->row_len);
        char *told = mem_printf("the rest of the file, %zu bytes, is not read", strlen(cases[i].rest));
        ck_assert_ptr_nonnull(
            memmem(record_message(&ds.files[0].store, r), r->message_len, told, strlen(told)));
        free(told);
    }
}
END_TEST

START_TEST(truncation)
{
    static const char text[] = ROW("a", "bcdef") "\n" ROW("abcdefgjklmn", "b") "\n";
    options.render.max_length = ROW_OVERHEAD +
                                3; /* cuts the first in its reply, the second before its reply */
    loads("a.jsonl", "", text);
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert(at(0).truncated);
    ck_assert_uint_eq(at(0).n_tokens, ROW_OVERHEAD + 3);
    ck_assert_uint_eq(at(0).n_targets, 3); /* b, c, d: the end token is cut, too */
    ck_assert_uint_eq(walk(), 1);
    ck_assert_int_eq(left_out[0].record->why, DROP_NOTHING_LEFT);
    ck_assert(left_out[0].record->flags & RECORD_TRUNCATED);
    ck_assert_uint_eq(left_out[0].record->n_tokens, ROW_OVERHEAD + 3);
    ck_assert_uint_eq(ds.files[0].store.counts.flags[1], 1);
    ck_assert_uint_eq(ds.files[0].store.counts.longest, ROW_OVERHEAD + 13);

    options.render.overlong = OVERLONG_DROP;
    loads("a.jsonl", "", ROW("a", "b") "\n" ROW("a", "bcdef") "\n");
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(walk(), 1);
    ck_assert_int_eq(left_out[0].record->why, DROP_OVERLONG);
    ck_assert_str_eq(left_out[0].why, "longer than max_length");
    ck_assert_uint_eq(left_out[0].position, 1);

    options.render.overlong = OVERLONG_ERROR;
    fails(SFT_EDATA, "a.jsonl", "", NULL, ":2: 25 tokens, more than max_length 22");
}
END_TEST

START_TEST(conversations_left_out)
{
    loads("a.jsonl", "",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n"
          "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"weight\":0}]}\n");
    ck_assert_uint_eq(ds.n_examples, 0);
    ck_assert_uint_eq(walk(), 2);
    ck_assert_str_eq(left_out[0].why, "no assistant turn");
    ck_assert_str_eq(left_out[1].why, "nothing left to train");
    ck_assert_uint_eq(left_out[0].record->n_tokens, 8);
    ck_assert_int_eq(record_tokens(&ds.files[0].store, left_out[0].record)[6], 'a');
}
END_TEST

START_TEST(documents_are_split)
{
    options.render.max_length = 4;
    loads("a.jsonl", "", "{\"text\":\"abcdefg\"}\n{\"text\":\"xyz1\"}\n");
    /* abcd, efg + eos; xyz1, and an eos alone, which nothing predicts */
    ck_assert_uint_eq(ds.n_examples, 3);
    ck_assert_int_eq(at(1).tokens[0], 'e');
    ck_assert_int_eq(at(1).tokens[3], BYTE_TOKENIZER_EOS);
    ck_assert_float_eq(at(1).weights[0], 0.0F);
    ck_assert_uint_eq(at(1).n_targets, 3);
    ck_assert_uint_eq(at(1).line, 1);
    ck_assert(!at(0).truncated);
    ck_assert_uint_eq(walk(), 1);
    ck_assert_int_eq(left_out[0].record->why, DROP_NOTHING_LEFT);
    ck_assert_uint_eq(ds.files[0].store.counts.longest, 8);
}
END_TEST

START_TEST(plain_text)
{
    loads("a.txt", "",
          "\xEF\xBB\xBF"
          "a\r\nb");
    ck_assert_str_eq(ds.files[0].store.format, "txt");
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_uint_eq(at(0).n_tokens, 4); /* a, \n, b, eos */
    ck_assert_uint_eq(at(0).n_targets, 3);
    loads("b", ":txt", "ab");
    ck_assert_uint_eq(at(0).n_tokens, 3);
}
END_TEST

START_TEST(specs)
{
    loads("a.jsonl", "*3", ROW("a", "b") "\n" ROW("c", "d") "\n");
    ck_assert_uint_eq(ds.n_examples, 6);
    ck_assert_uint_eq(at(2).line, 1);
    ck_assert_uint_eq(ds.n_tokens, 3 * ds.files[0].store.counts.tokens);
    ck_assert_uint_eq(ds.files[0].store.counts.conversations, 2);
    loads("a.jsonl", "*2:messages", NULL);
    loads("a.jsonl", ":messages*2", NULL);
    ck_assert_uint_eq(ds.n_examples, 4);
    loads("a.jsonl*2:alpaca", "", ROW("a", "b")); /* a file of that very name */
    ck_assert_uint_eq(ds.n_examples, 1);
    loads("a.jsonl*2:alpaca", "*2", NULL);
    ck_assert_uint_eq(ds.n_examples, 2);
    static const char expected[] =
        "'*%s': expected a number above 0: 2 repeats a file, 0.25 takes a quarter of it";
    static const char *const wrong[] = {"0", "-1", "x", "", "1.2.3", "nan", "1e400", "0x2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *suffix = mem_printf("*%s", wrong[i]), *what = mem_printf(expected, wrong[i]);
        char *message = mem_printf("%s: %s", suffix, what);
        fails(SFT_EUSAGE, "a.jsonl", suffix, NULL, message);
        free(suffix);
        free(what);
        free(message);
    }
    fails(SFT_EUSAGE, "a.jsonl", "*2*2", NULL, "*2*2: '*' is given twice");
    fails(SFT_EUSAGE, "a.jsonl", ":parquet", NULL,
          ":parquet: no such file, and 'parquet' is no format (messages, sharegpt, oasst, oasst-all, prompt, "
          "hh, dolly, alpaca, question, text, csv, tsv, txt)");
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
            ck_assert_uint_eq(at(i).line, i + 1);
            if (n == 1)
                hashes[i] = at(i).content_hash;
            ck_assert_uint_eq(at(i).content_hash, hashes[i]);
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
        moved[dataset_example(&eval, i).line - 1] = true;
    dataset_free(&eval);

    loads("a.jsonl", "", more); /* a new first row moves no old one */
    dataset_split(&ds, &eval, 0.25);
    for (size_t i = 0; i < eval.n_examples; i++)
        ck_assert(dataset_example(&eval, i).line == 1 || moved[dataset_example(&eval, i).line - 2]);
    for (size_t i = 0; i < ds.n_examples; i++)
        ck_assert(at(i).line == 1 || !moved[at(i).line - 2]);
    dataset_free(&eval);
    free(text);
    free(more);
}
END_TEST

/* The same rows, wherever the file stands in the list. */
static void check_sample_of_second_file(const uint32_t *first, size_t n)
{
    write_in(dir, "b.jsonl", ROW("a", "b"), strlen(ROW("a", "b")));
    char *names[] = {mem_printf("%s/b.jsonl", dir), mem_printf("%s/a.jsonl*0.25", dir)};
    dataset_free(&ds);
    ck_assert_int_eq(dataset_load(&ds, names, 2, &tpl, tok, &options, &err), SFT_OK);
    ck_assert_uint_eq(ds.n_examples, n + 1);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(ds.ids[i + 1], first[i] + 1);
    free(names[0]);
    free(names[1]);
}

START_TEST(a_sample_is_exact_and_seeded)
{
    enum { N = 1000 };
    static uint32_t first[N / 4];
    char *text = many_rows(N);
    loads("a.jsonl", "*0.25", text);
    ck_assert_uint_eq(ds.n_examples, N / 4);
    memcpy(first, ds.ids, sizeof first);
    for (size_t i = 1; i < N / 4; i++) /* in order, each once */
        ck_assert_uint_lt(ds.ids[i - 1], ds.ids[i]);
    loads("a.jsonl", "*0.25", NULL);
    ck_assert_mem_eq(first, ds.ids, sizeof first);
    check_sample_of_second_file(first, N / 4);
    options.seed = 7;
    loads("a.jsonl", "*0.25", NULL);
    ck_assert_mem_ne(first, ds.ids, sizeof first);
    loads("a.jsonl", "*2.001", NULL); /* twice, and one more */
    ck_assert_uint_eq(ds.n_examples, 2 * N + 1);
    ck_assert_uint_eq(ds.ids[N], 0);
    loads("a.jsonl", "*0.0001", NULL);
    ck_assert_uint_eq(ds.n_examples, 0);
    free(text);
}
END_TEST

START_TEST(duplicates)
{
    static const char text[] = ROW("a", "b") "\n" ROW("c", "d") "\n" ROW(
        "a", "b") "\n{\"messages\":[{\"role\":\"user\","
                  "\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\",\"weight\":0.5}]}\n"; /* other
                                                                                                    weights */
    loads("a.jsonl", "", text);
    ck_assert_uint_eq(ds.n_examples, 4);
    ck_assert_uint_eq(ds.files[0].duplicates, 1);
    options.dedupe = DEDUPE_EXACT;
    loads("a.jsonl", "*2", text);
    ck_assert_uint_eq(ds.n_examples, 6); /* a repeat is no duplicate */
    ck_assert_uint_eq(walk(), 1);
    ck_assert_str_eq(left_out[0].why, "duplicate");
    ck_assert_uint_eq(left_out[0].record->line, 3);

    char *path = path_join(dir, "a.jsonl");
    char *const twice[] = {path, path};
    dataset_free(&ds);
    ck_assert_int_eq(dataset_load(&ds, twice, 2, &tpl, tok, &options, &err), SFT_OK);
    ck_assert_uint_eq(ds.n_examples, 3); /* over all files, the first stays */
    ck_assert_uint_eq(ds.files[1].duplicates, 4);
    ck_assert_uint_eq(ds.files[1].n_examples, 0);
    free(path);
}
END_TEST

START_TEST(what_train_and_eval_share)
{
    struct dataset train = {0};
    loads("a.jsonl", "", ROW("a", "b") "\n" ROW("c", "d") "\n");
    train = ds;
    ds = (struct dataset){0};
    loads("b.jsonl", "", ROW("x", "y") "\n" ROW("c", "other") "\n" ROW("a", "b") "\n" ROW("c", "d") "\n");
    const struct dataset_overlap overlap = dataset_overlap(&train, &ds);
    ck_assert_uint_eq(overlap.same, 2);
    ck_assert_uint_eq(overlap.first_same.line, 3);
    ck_assert_uint_eq(overlap.same_prompt, 1);
    ck_assert_uint_eq(overlap.first_same_prompt.line, 2);
    dataset_free(&train);
}
END_TEST

START_TEST(system_prompts)
{
    static const char text[] =
        ROW("a", "b") "\n{\"messages\":[{\"role\":\"system\",\"content\":\"own\"},"
                      "{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}\n";
    static const char plain[] = "<user|a><assistant|b>", given[] = "<system|given><user|a><assistant|b>",
                      own[] = "<system|own><user|a><assistant|b>";
    const struct {
        const char *system;
        enum system_policy policy;
        const char *without, *with;
    } cases[] = {
        {"", SYSTEM_KEEP, plain, own},
        {"given", SYSTEM_KEEP, given, own},
        {"given", SYSTEM_REPLACE, given, given},
        {"", SYSTEM_DROP, plain, plain},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.render.system = cases[i].system;
        options.render.system_policy = cases[i].policy;
        loads("a.jsonl", "", text);
        ck_assert_str_eq(rendered(0), cases[i].without);
        ck_assert_str_eq(rendered(1), cases[i].with);
        ck_assert_uint_eq(at(1).n_targets, 2); /* the answer and its end, wherever it stands */
    }
}
END_TEST

static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (; (text = strchr(text, '\n')); text++)
        n++;
    return n;
}

/* One cause is told once; ten causes are named, and how many rows have others. */
START_TEST(bad_rows_are_told_by_kind)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < 25; i++)
        strbuf_printf(&text, "%s\n{\"messages\": %zu}\n", ROW("a", "b"), i);
    fails(SFT_EDATA, "a.jsonl", "", text.data,
          ":2: messages: expected an array, found a number (the same in lines 4, 6, 8 and 21 more)");
    options.on_bad_row = ON_BAD_ROW_SKIP;
    loads("a.jsonl", "", NULL);
    ck_assert_uint_eq(ds.n_examples, 25);

    options.on_bad_row = ON_BAD_ROW_ERROR;
    for (char key = 'a'; key < 'm'; key++)
        strbuf_printf(&text, "{\"%c\": 1}\n", key);
    ck_assert_int_eq(load("a.jsonl", "", text.data), SFT_EDATA);
    ck_assert_uint_eq(count_lines(err_text(&err)), 11);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "a.jsonl:59: "));
    ck_assert_ptr_nonnull(strstr(err_text(&err), "\nand 3 more"));
    strbuf_free(&text);
}
END_TEST

START_TEST(an_encoding_s_remedy_is_told_once)
{
    static const char remedy[] = "; a file of Windows' is made UTF-8 by iconv -f WINDOWS-1252 -t UTF-8";
    char *message = mem_printf(":1: column 43: not UTF-8 (byte 0xE9) (the same in lines 2, 3)%s", remedy);
    fails(SFT_EDATA, "a.jsonl", "", ROW("caf\xE9", "") "\n" ROW("a\xFC", "") "\n" ROW("", "\xE0 \xE9"), message);
    free(message);
    fails(SFT_EDATA, "a.jsonl", "", ROW("caf\xC3\xA9", "\xE9"), ":1: column 78: not UTF-8 (byte 0xE9)");
}
END_TEST

START_TEST(rejected_rows_are_written)
{
    static const char bad[] = "{\"messages\": \"\xFF \\u0000\"}";
    char *text = mem_printf("%s\n%s\n{\n", ROW("a", "b"), bad), *path = path_join(dir, "rejected.jsonl");
    struct strbuf written = {0};
    options.on_bad_row = ON_BAD_ROW_SKIP;
    loads("a.jsonl", "", text);
    ck_assert_int_eq(dataset_write_rejected(&ds, NULL, path, &err), SFT_OK);
    ck_assert_int_eq(io_read(path, &written, &err), SFT_OK);
    size_t n = 0;
    struct json_scanner scanner;
    struct json_element row;
    bool found = true;
    json_scanner_init(&scanner, written.data, written.len);
    while (!json_scanner_next(&scanner, &row, &found, &err) && found) {
        json *root;
        ck_assert_int_eq(json_parse(row.text, row.len, &root, &err), SFT_OK);
        ck_assert_ptr_nonnull(json_string(json_get(root, "reason")));
        if (n++ == 1) {
            char *source = mem_printf("%s/a.jsonl:3", dir);
            ck_assert_str_eq(json_string(json_get(root, "source")), source);
            ck_assert_str_eq(json_string(json_get(root, "row")), "{");
            free(source);
        }
        json_free(root);
    }
    ck_assert_uint_eq(n, 2);
    loads("a.jsonl", "", ROW("a", "b")); /* no bad row: what an earlier run wrote goes */
    ck_assert_int_eq(dataset_write_rejected(&ds, NULL, path, &err), SFT_OK);
    ck_assert(!path_exists(path));
    strbuf_free(&written);
    free(text);
    free(path);
}
END_TEST

static void counts_are(const struct dataset *of, size_t file, uint64_t conversations, uint64_t tokens, uint64_t targets)
{
    struct file_counts counts[2];
    ck_assert_uint_le(of->n_files, 2);
    dataset_count_files(of, counts);
    ck_assert_uint_eq(counts[file].conversations, conversations);
    ck_assert_uint_eq(counts[file].tokens, tokens);
    ck_assert_uint_eq(counts[file].targets, targets);
}

START_TEST(what_each_file_gives)
{
    enum { N = 700 };
    struct dataset eval;
    loads("a.jsonl", "*2.5", ROW("a", "bc") "\n" ROW("d", "e") "\n");
    ck_assert_uint_eq(ds.n_examples, 5);
    counts_are(&ds, 0, 2, 2 * ROW_OVERHEAD + 5, 5); /* repeats are the same ones */
    options.dedupe = DEDUPE_EXACT;
    loads("a.jsonl", "", ROW("a", "bc") "\n" ROW("d", "e") "\n" ROW("a", "bc") "\n");
    counts_are(&ds, 0, 2, 2 * ROW_OVERHEAD + 5, 5); /* nor is what was left out there */
    options.render.max_length = 4;
    char *names[] = {mem_printf("%s/b.jsonl", dir), mem_printf("%s/a.jsonl", dir)};
    loads("a.jsonl", "", "{\"text\":\"abcdefg\"}\n{\"text\":\"xyz\"}\n");
    counts_are(&ds, 0, 2, 12, 9); /* abcd, efg + eos, xyz + eos */
    loads("b.jsonl", "", "{\"text\":\"pqrstuv\"}\n");
    dataset_free(&ds);
    ck_assert_int_eq(dataset_load(&ds, names, 2, &tpl, tok, &options, &err), SFT_OK);
    counts_are(&ds, 0, 1, 8, 6);
    counts_are(&ds, 1, 2, 12, 9); /* its first line is another document than the first file's */
    free(names[0]);
    free(names[1]);

    options = (struct dataset_options){.render.max_length = 1000};
    char *text = many_rows(N);
    loads("c.jsonl", "*2", text);
    dataset_split(&ds, &eval, 0.25);
    counts_are(&ds, 0, ds.n_examples / 2, ds.n_tokens / 2, ds.n_targets / 2);
    counts_are(&eval, 0, eval.n_examples / 2, eval.n_tokens / 2, eval.n_targets / 2);
    dataset_free(&eval);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dataset");
    TCase *tests = tcase_create("dataset");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, lines);
    tcase_add_test(tests, arrays);
    tcase_add_test(tests, bad_rows);
    tcase_add_test(tests, rows_of_another_format);
    tcase_add_test(tests, broken_files);
    tcase_add_test(tests, the_rest_of_a_broken_file);
    tcase_add_test(tests, truncation);
    tcase_add_test(tests, conversations_left_out);
    tcase_add_test(tests, documents_are_split);
    tcase_add_test(tests, plain_text);
    tcase_add_test(tests, specs);
    tcase_add_test(tests, threads_change_nothing);
    tcase_add_test(tests, split_goes_by_content);
    tcase_add_test(tests, a_sample_is_exact_and_seeded);
    tcase_add_test(tests, duplicates);
    tcase_add_test(tests, what_train_and_eval_share);
    tcase_add_test(tests, system_prompts);
    tcase_add_test(tests, bad_rows_are_told_by_kind);
    tcase_add_test(tests, an_encoding_s_remedy_is_told_once);
    tcase_add_test(tests, rejected_rows_are_written);
    tcase_add_test(tests, what_each_file_gives);
    tcase_set_timeout(tests, 30);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

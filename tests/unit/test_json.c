#include "base/io.h"
#include "base/json.h"
#include "base/json_check.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "support/err_text.h"
#include "support/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The whole of a string literal, NULs within it too. */
#define TEXT(s) s, sizeof(s) - 1

static json *parse(const char *text)
{
    json *root;
    struct sft_err err;
    const enum sft_status status = json_parse(text, strlen(text), &root, &err);
    ck_assert_msg(status == SFT_OK, "%s: %s", text, err_text(&err));
    return root;
}

/* ---- what is refused, and how ---- */

static const struct {
    const char *text;
    size_t len;
    const char *message;
} refused[] = {
    {TEXT(""), "column 1: expected a value, but the text ends here"},
    {TEXT(" \n "), "line 2, column 2: expected a value, but the text ends here"},
    {TEXT("\xEF\xBB\xBF"), "column 1: expected a value, but the text ends here"},
    {TEXT("{} x"), "column 4: text after the end of the document"},
    {TEXT("{}\n{}"), "line 2, column 1: text after the end of the document"},
    {TEXT("{}\0"), "column 3: text after the end of the document"},
    {TEXT("[1, 2,]"), "column 7: expected a value, found ']'"},
    {TEXT("{\"a\": 1,}"), "column 9: expected a key in double quotes, found '}'"},
    {TEXT("{'a': 1}"), "column 2: expected a key in double quotes or '}', found '''"},
    {TEXT("{\xE2\x80\x9C"
          "a: 1}"),
     "column 2: expected a key in double quotes or '}', found '\xE2\x80\x9C'"},
    {TEXT("[\xFF]"), "column 2: expected a value, found byte 0xFF"},
    {TEXT("[\0]"), "column 2: expected a value, found byte 0x00"},
    {TEXT("{\"a\" 1}"), "column 6: expected ':' after the key, found '1'"},
    {TEXT("{\"a\": }"), "column 7: expected a value, found '}'"},
    {TEXT("[1 2]"), "column 4: expected ',' or ']', found '2'"},
    {TEXT("{\"a\": 1 \"b\": 2}"), "column 9: expected ',' or '}', found '\"'"},
    {TEXT("[1}"), "column 3: expected ',' or ']', found '}'"},
    {TEXT("[1"), "column 3: expected ',' or ']', but the text ends here"},
    {TEXT("{\"a\": 1"), "column 8: expected ',' or '}', but the text ends here"},
    {TEXT("{\"a\":\n \"b}"), "line 2, column 2: this string is never closed"},
    {TEXT("\"\\"), "column 2: the text ends inside a string"},
    {TEXT("[\n\"\xC3\xA9\\u0000\"]"), "line 2, column 3: \\u0000 in a string"},
    {TEXT("{\"a\\u0000\": 1}"), "column 4: \\u0000 in a string"},
    {TEXT("[\"a\0b\"]"), "column 4: a NUL in a string"},
    {TEXT("{\"caf\xE9\": 1}"), "column 6: not UTF-8 (byte 0xE9)"},
    {TEXT("[1,\n\"\xC3\xA9\\n\xC3\"]"), "line 2, column 5: not UTF-8 (byte 0xC3)"},
    {TEXT("\xEF\xBB\xBF[\"\xED\xA0\x80\"]"), "column 3: not UTF-8 (byte 0xED)"},
    {TEXT("\"\xE2\x82"), "column 2: not UTF-8 (byte 0xE2)"},
    {TEXT("[\"a\tb\"]"), "column 4: control character 0x09 in a string (write \\u0009)"},
    {TEXT("[\"a\nb\"]"), "line 1, column 4: a line break in a string (write \\n)"},
    {TEXT("[\"0123456789\x1F\"]"), "column 13: control character 0x1F in a string (write \\u001f)"},
    {TEXT("[\"\\ud83d\"]"), "column 3: lone high surrogate \\ud83d in a string"},
    {TEXT("[\"\\ud83d\\u0041\"]"), "column 3: lone high surrogate \\ud83d in a string"},
    {TEXT("[\"\\ude00\"]"), "column 3: lone low surrogate \\ude00 in a string"},
    {TEXT("[\"\\u12\"]"), "column 3: \\u must be followed by four hexadecimal digits"},
    {TEXT("[\"\\u12"), "column 3: \\u must be followed by four hexadecimal digits"},
    {TEXT("[\"\\x\"]"), "column 3: unknown escape in a string (a backslash itself is written \\\\)"},
    {TEXT("01"), "column 1: a number may not start with 0"},
    {TEXT("-012"), "column 2: a number may not start with 0"},
    {TEXT("+1"), "column 1: expected a value, found '+'"},
    {TEXT(".5"), "column 1: expected a value, found '.'"},
    {TEXT("1."), "column 3: expected a digit after the point, but the text ends here"},
    {TEXT("[1.e5]"), "column 4: expected a digit after the point, found 'e'"},
    {TEXT("1e"), "column 3: expected a digit in the exponent, but the text ends here"},
    {TEXT("-"), "column 2: expected a digit, but the text ends here"},
    {TEXT("0x10"), "column 2: text after the end of the document"},
    {TEXT("[1e400]"), "column 2: 1e400 is too large a number"},
    {TEXT("NaNs"), "column 4: text after the end of the document"},
    {TEXT("[nan]"), "column 2: 'nan' is no JSON value"},
    {TEXT("[+Infinity]"), "column 2: expected a value, found '+'"},
    {TEXT("[-NaN]"), "column 3: expected a digit, found 'N'"},
    {TEXT("[1e999, NaN]"), "column 2: 1e999 is too large a number"},
    {TEXT("-Infinit"), "column 2: expected a digit, found 'I'"},
    {TEXT("[True]"), "column 2: 'True' is no JSON value"},
    {TEXT("nul"), "column 1: 'nul' is no JSON value"},
    {TEXT("{\"a\": 1,\n \"b\": {\"a\": 1},\n \"a\": 2}"), "line 3, column 2: duplicate key \"a\""},
    {TEXT("[{\"a\": 1, \"\\u0061\": 2}]"), "column 11: duplicate key \"a\""},
    {TEXT("// no comment\n1"), "line 1, column 1: expected a value, found '/'"},
};

START_TEST(bad_documents_are_refused_with_their_place)
{
    json *root = (json *)&root;
    struct sft_err err;
    char *copy = mem_alloc(refused[_i].len); /* of its exact size: reading past the end is caught */
    memcpy(copy, refused[_i].text, refused[_i].len);
    ck_assert_int_eq(json_parse(copy, refused[_i].len, &root, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), refused[_i].message);
    ck_assert_int_eq(err.status, SFT_EDATA);
    ck_assert_ptr_null(root);
    free(copy);
}
END_TEST

START_TEST(a_number_has_at_most_63_characters)
{
    char text[80];
    json *root;
    struct sft_err err;
    memset(text, '1', sizeof text);
    ck_assert_int_eq(json_parse(text, 63, &root, &err), SFT_OK);
    ck_assert_double_eq(json_number(root) / 1e62, 1.1111111111111112);
    json_free(root);
    ck_assert_int_eq(json_parse(text, 64, &root, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "column 1: a number of more than 63 characters");
}
END_TEST

START_TEST(nesting_is_bounded)
{
    static char text[1000000];
    json *root;
    struct sft_err err;
    memset(text, '[', sizeof text);
    ck_assert_int_eq(json_parse(text, sizeof text, &root, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "column 257: nested deeper than 256 levels");
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    ck_assert_int_eq(json_parse(text, 2 * JSON_MAX_DEPTH, &root, &err), SFT_OK);
    json_free(root);
}
END_TEST

START_TEST(large_objects_are_checked_for_duplicates)
{
    enum { N_KEYS = 50000 };
    struct strbuf sb = {0};
    json *root;
    struct sft_err err;
    for (int i = 0; i < N_KEYS; i++)
        strbuf_printf(&sb, "%s\"key%d\": %d", i ? ",\n" : "{", i, i);
    strbuf_putc(&sb, '}');
    ck_assert_int_eq(json_parse(sb.data, sb.len, &root, &err), SFT_OK);
    ck_assert_uint_eq(json_size(root), N_KEYS);
    json_free(root);
    sb.len--;
    strbuf_puts(&sb, ",\n\"key777\": 0}");
    ck_assert_int_eq(json_parse(sb.data, sb.len, &root, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "line 50001, column 1: duplicate key \"key777\"");
    strbuf_free(&sb);
}
END_TEST

START_TEST(files_are_named)
{
    json *root;
    struct sft_err err;
    char path[] = "test_json_XXXXXX";
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "w");
    fputs("{\n\"a\": tru}", file);
    fclose(file);
    ck_assert_int_eq(json_parse_file(path, &root, &err), SFT_EDATA);
    remove(path);
    char *expected = mem_printf("%s: line 2, column 6: 'tru' is no JSON value", path);
    ck_assert_str_eq(err_text(&err), expected);
    free(expected);
    ck_assert_int_eq(json_parse_file("no/such/file.json", &root, &err), SFT_EIO);
    ck_assert_ptr_null(root);
}
END_TEST

/* ---- what is read ---- */

START_TEST(values_are_read)
{
    json *root = parse(
        "\xEF\xBB\xBF {\"s\": \"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\", \"n\": -1.5e2, "
        "\"t\": true, \"f\": false, \"z\": null, \"a\": [1, [], {}], \"\": 0, \"S\": 2} \r\n");
    ck_assert_str_eq(json_string(json_get(root, "s")), "a\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80");
    ck_assert_double_eq(json_number(json_get(root, "n")), -150);
    ck_assert(json_is_true(json_get(root, "t")) && json_is_bool(json_get(root, "f")));
    ck_assert(!json_is_true(json_get(root, "f")));
    ck_assert(json_is_null(json_get(root, "z")) && !json_is_null(NULL));
    ck_assert_uint_eq(json_size(json_get(root, "a")), 3);
    ck_assert_double_eq(json_number(json_get(root, "S")), 2); /* "s" is another key */
    ck_assert_ptr_null(json_get(root, "N"));
    ck_assert_double_eq(json_number(json_get(root, "")), 0);
    ck_assert_str_eq(json_key(json_next(json_first(root))), "n");
    ck_assert_ptr_null(json_string(json_get(root, "n")));
    ck_assert(isnan(json_number(json_get(root, "s"))));
    ck_assert_ptr_null(json_get(json_get(root, "a"), "x"));
    ck_assert_ptr_null(json_first(NULL));
    json_free(root);
}
END_TEST

/* As Python's json reads and writes them; but no number to whoever asks for one. */
START_TEST(python_constants_are_values)
{
    static const char text[] = "{\"a\":NaN,\"b\":[-1.50,Infinity,2.50,-Infinity,1],\"c\":\"NaN\"}";
    static const char *const names[] = {"a number", "Infinity", "a number", "-Infinity", "a number"};
    struct sft_err err;
    struct strbuf out = {0};
    double number;
    json *root = parse(text);
    const json *nan = json_get(root, "a"), *node = json_first(json_get(root, "b"));
    ck_assert(!json_is_number(nan) && !json_is_null(nan) && isnan(json_number(nan)));
    ck_assert_int_eq(json_get_double(root, "a", 1, &number, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "a: expected a number, found NaN");
    for (size_t i = 0; i < COUNT(names); i++, node = json_next(node))
        ck_assert_str_eq(json_type_name(node), names[i]);
    ck_assert_double_eq(json_number(json_next(json_next(json_first(json_get(root, "b"))))), 2.5);
    json *copy = json_copy(root);
    json_free(root);
    json_print_line(copy, &out);
    ck_assert_str_eq(out.data, text);
    json_free(copy);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_document_may_be_followed_by_another)
{
    static const char text[] = " {\"a\": 1} \n{\"b\": 2}, x";
    json *root;
    struct sft_err err;
    size_t used, all = 0;
    ck_assert_int_eq(json_parse_first(text, strlen(text), &used, &root, &err), SFT_OK);
    ck_assert_double_eq(json_number(json_get(root, "a")), 1);
    ck_assert_uint_eq(used, 11);
    json_free(root);
    all += used;
    ck_assert_int_eq(json_parse_first(text + all, strlen(text) - all, &used, &root, &err), SFT_OK);
    ck_assert_double_eq(json_number(json_get(root, "b")), 2);
    json_free(root);
    all += used;
    ck_assert_str_eq(text + all, ", x");
    ck_assert_int_eq(json_parse_first("{} \n", 4, &used, &root, &err), SFT_OK);
    ck_assert_uint_eq(used, 4);
    json_free(root);
    ck_assert_int_eq(json_parse_first("{", 1, &used, &root, &err), SFT_EDATA);
    ck_assert_ptr_null(root);
}
END_TEST

enum { WIDTH = 40 }; /* some eight-byte steps, and less than one */

START_TEST(special_bytes_are_found_at_any_offset)
{
    static const char neighbours[] = "\x80\xFF ~!#[]\x7F", special[] = "\"\\\0\n\x1F";
    for (size_t at = 0; at < WIDTH; at++)
        for (size_t s = 0; s < sizeof special - 1; s++) {
            char text[WIDTH];
            for (size_t i = 0; i < WIDTH; i++)
                text[i] = neighbours[i % (sizeof neighbours - 1)];
            ck_assert_ptr_eq(json_skip_plain(text, text + WIDTH), text + WIDTH);
            text[at] = special[s];
            ck_assert_ptr_eq(json_skip_plain(text, text + WIDTH), text + at);
        }
}
END_TEST

/* ["...X..."], X at column `at` + 3; "" or the error. */
static const char *parse_with(const char *x, size_t at, const char *filler)
{
    static struct sft_err err;
    struct strbuf text = {0};
    json *root;
    err = (struct sft_err){0};
    strbuf_puts(&text, "[\"");
    for (size_t i = 0; i < WIDTH; i++)
        strbuf_puts(&text, i == at ? x : filler);
    strbuf_puts(&text, "\"]");
    if (json_parse(text.data, text.len, &root, &err) == SFT_OK) {
        ck_assert_uint_eq(strlen(json_string(json_first(root))), text.len - 4);
        ck_assert_mem_eq(json_string(json_first(root)), text.data + 2, text.len - 4);
    }
    json_free(root);
    strbuf_free(&text);
    return err_text(&err);
}

START_TEST(strings_are_utf8)
{
    static const char *const good[] = {
        "\x7F",         "\xC2\x80",     "\xDF\xBF",         "\xE0\xA0\x80",
        "\xED\x9F\xBF", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};
    /* Latin-1, overlong forms, a surrogate, past U+10FFFF, cut short */
    static const char *const bad[] = {
        "\xE9",         "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xF0\x9F\x98", "\x80",     "\xFF"};
    static const char *const fillers[] = {"a", "\xC3\xA9", "\xF0\x9F\x98\x80"};
    for (size_t f = 0; f < COUNT(fillers); f++)
        for (size_t at = 0; at < WIDTH; at++) {
            for (size_t i = 0; i < COUNT(good); i++)
                ck_assert_str_eq(parse_with(good[i], at, fillers[f]), "");
            for (size_t i = 0; i < COUNT(bad); i++) {
                char *expected = mem_printf("column %zu: not UTF-8 (byte 0x%02X)", at + 3, bad[i][0] & 0xFF);
                ck_assert_str_eq(parse_with(bad[i], at, fillers[f]), expected);
                free(expected);
            }
        }
}
END_TEST

START_TEST(typed_lookups)
{
    json *root = parse("{\"n\": 12, \"x\": 0.5, \"neg\": -1, \"b\": true, \"s\": \"hi\", \"z\": null}");
    struct sft_err err;
    size_t size;
    double number;
    bool flag;
    const char *string;
    ck_assert_int_eq(json_get_size(root, "n", 7, &size, &err), SFT_OK);
    ck_assert_uint_eq(size, 12);
    ck_assert_int_eq(json_get_size(root, "absent", 7, &size, &err), SFT_OK);
    ck_assert_uint_eq(size, 7);
    ck_assert_int_eq(json_get_size(root, "z", 8, &size, &err), SFT_OK);
    ck_assert_uint_eq(size, 8);
    ck_assert_int_eq(json_get_size(root, "s", 7, &size, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "s: expected a whole number, found a string");
    ck_assert_int_eq(json_get_size(root, "x", 7, &size, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "x: expected a whole number from 0 to 2^53, found 0.5");
    ck_assert_int_eq(json_get_size(root, "neg", 7, &size, &err), SFT_EDATA);
    ck_assert_int_eq(json_get_double(root, "x", 1, &number, &err), SFT_OK);
    ck_assert_double_eq(number, 0.5);
    ck_assert_int_eq(json_get_double(root, "b", 1, &number, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "b: expected a number, found a boolean");
    ck_assert_int_eq(json_get_bool(root, "b", false, &flag, &err), SFT_OK);
    ck_assert(flag);
    ck_assert_int_eq(json_get_bool(root, "n", false, &flag, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "n: expected true or false, found a number");
    ck_assert_int_eq(json_get_string(root, "s", NULL, &string, &err), SFT_OK);
    ck_assert_str_eq(string, "hi");
    ck_assert_int_eq(json_get_string(root, "n", NULL, &string, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "n: expected a string, found a number");
    json_free(root);
}
END_TEST

/* ---- printing and editing ---- */

static void assert_prints(const json *node, const char *expected)
{
    struct strbuf out = {0};
    json_print(node, &out);
    ck_assert_str_eq(out.data, expected);
    strbuf_free(&out);
}

START_TEST(prints_as_python_does)
{
    /* json.dumps(json.loads(this), indent=2, ensure_ascii=False) is this */
    static const char *const text =
        "{\n  \"zeta\": 1,\n  \"alpha\": [\n    1e-05,\n    0.1,\n    10000.0,\n    -0.0,\n"
        "    18446744073709551616,\n    1000000000000000019884624838656,\n    []\n  ],\n"
        "  \"o\": {},\n  \"s\": \"\xC3\xA9\\n\\\"\\\\/\\u0001\",\n  \"n\": null,\n"
        "  \"t\": true,\n  \"f\": false\n}";
    json *root = parse(text);
    assert_prints(root, text);
    json *copy = json_copy(root);
    json_free(root);
    assert_prints(copy, text);
    json_free(copy);
}
END_TEST

START_TEST(editing)
{
    json *root = parse("{\"a\": 1, \"B\": 2, \"c\": 3}");
    json *object = json_new_object();
    json_set_number(root, "b", 5e-5); /* not B */
    json_set_string(root, "a", "x");
    json_set_bool(root, "c", false);
    json_set_null(object, "z");
    json_set_number(object, "n", 50257);
    json_set_number(object, "big", 1e300);
    json_set_number(object, "third", 1.0 / 3);
    json_set_number(object, "nan", NAN);
    json_set_node(root, "o", object);
    json_remove(root, "B");
    json_remove(root, "absent");
    assert_prints(root, "{\n  \"a\": \"x\",\n  \"c\": false,\n  \"b\": 5e-05,\n  \"o\": {\n    \"z\": null,\n"
                        "    \"n\": 50257,\n    \"big\": 1e+300,\n    \"third\": 0.3333333333333333,\n"
                        "    \"nan\": null\n  }\n}");
    json_free(root);
}
END_TEST

START_TEST(tokenizer_json_survives)
{
    const char *assets = getenv("SFT_ASSETS");
    char *path = path_join(assets ? assets : "../shared/assets", "gpt2-tokenizer/tokenizer.json");
    if (!path_exists(path)) {
        printf("SKIP: tokenizer_json_survives: no %s\n", path);
    } else {
        json *root;
        struct sft_err err;
        struct strbuf text = {0}, printed = {0};
        ck_assert_int_eq(io_read(path, &text, &err), SFT_OK);
        ck_assert_int_eq(json_parse(text.data, text.len, &root, &err), SFT_OK);
        ck_assert_uint_eq(json_size(json_get(json_get(root, "model"), "vocab")), 50257);
        json_print(root, &printed);
        json_free(root);
        ck_assert_int_eq(json_parse(printed.data, printed.len, &root, &err), SFT_OK);
        ck_assert_uint_eq(json_size(json_get(json_get(root, "model"), "vocab")), 50257);
        json_free(root);
        strbuf_free(&text);
        strbuf_free(&printed);
    }
    free(path);
}
END_TEST

/* ---- the scanner ---- */

/* Every element as "LINE:TEXT|", and at the end the error, if there is one. */
static char *scan(const char *text, size_t len)
{
    struct json_scanner scanner;
    struct json_element element;
    struct sft_err err;
    struct strbuf out = {0};
    bool found;
    enum sft_status status;
    char *copy = mem_alloc(len);
    memcpy(copy, text, len);
    json_scanner_init(&scanner, copy, len);
    do {
        while ((status = json_scanner_next(&scanner, &element, &found, &err)) == SFT_OK && found)
            strbuf_printf(&out, "%zu:%.*s|", element.line, (int)element.len, element.text);
        if (status)
            strbuf_printf(&out, "%s%s", err_text(&err), scanner.done ? "" : "|");
    } while (!scanner.done);
    strbuf_puts(&out, "");
    ck_assert_int_eq(json_scanner_next(&scanner, &element, &found, &err), SFT_OK);
    ck_assert(!found);
    free(copy);
    return out.data;
}

static const struct {
    const char *text;
    size_t len;
    const char *elements;
} scanned[] = {
    {TEXT(""), ""},
    {TEXT("\n \n"), ""},
    {TEXT("{\"a\":1}\n{\"a\":2}\n"), "1:{\"a\":1}|2:{\"a\":2}|"},
    {TEXT("{\"a\":1}\n{\"a\":2}"), "1:{\"a\":1}|2:{\"a\":2}|"},
    {TEXT("\xEF\xBB\xBF{\"a\":1}\r\n\r\n \t\r\n{\"a\":2}\r\n"), "1:{\"a\":1}|4:{\"a\":2}|"},
    {TEXT("\n\n{}\nnot json\n[1]"), "3:{}|4:not json|5:[1]|"},
    {TEXT("[]"), ""},
    {TEXT("\xEF\xBB\xBF\n[ \n ] \n"), ""},
    {TEXT("[{\"a\":[1,{}]},\n\n {\"b\":\n2}, {}]\n"), "1:{\"a\":[1,{}]}|3:{\"b\":\n2}|4:{}|"},
    {TEXT("[1, \"a,]\\\"[\", null,true]"), "1:1|1:\"a,]\\\"[\"|1:null|1:true|"},
    {TEXT("[{\"a\":\"}]\\\\\"}, {\"b\":}, {\"c\" 2}, tru, 01]"),
     "1:{\"a\":\"}]\\\\\"}|1:{\"b\":}|1:{\"c\" 2}|1:tru|1:01|"},
    {TEXT("[\n{\"a\":\"two\nlines\"},\n3]"), "2:{\"a\":\"two\nlines\"}|4:3|"},
    {TEXT("[\n1\n2]"), "2:1|line 3: expected ',' or ']' after an element of the array"},
    {TEXT("[{}\n{}]"), "1:{}|line 2: expected ',' or ']' after an element of the array|2:{}|"},
    {TEXT("[{}{},{}]"), "1:{}|line 1: expected ',' or ']' after an element of the array|1:{}|1:{}|"},
    {TEXT("[1,\n]"), "1:1|line 2: a comma before ']', and no element behind it (take the comma out)"},
    {TEXT("[,1]"), "line 1: an element of the array is missing"},
    {TEXT("[1,,2]"), "1:1|line 1: an element of the array is missing"},
    {TEXT("[1,"), "1:1|line 1: an element of the array is missing"},
    {TEXT("[1\n"), "1:1|line 2: the array is never closed: ']' is missing"},
    {TEXT("["), "line 1: the array is never closed: ']' is missing"},
    {TEXT("[1]\n[2]"), "1:1|2:2|"},
    {TEXT("[1, 2][] [\n3\n]\n"), "1:1|1:2|2:3|"},
    {TEXT("[1] {}"), "1:1|line 1: text after the array's end"},
    {TEXT("[1][2"), "1:1|1:2|line 1: the array is never closed: ']' is missing"},
    /* objects over several lines */
    {TEXT("{\n \"a\": 1\n}\n{\n \"a\": {\n }\n}\n"), "1:{\n \"a\": 1\n}|4:{\n \"a\": {\n }\n}|"},
    {TEXT("{\r\n \"a\": 1\r\n}\r\n{}\r\n"), "1:{\r\n \"a\": 1\r\n}|4:{}|"},
    {TEXT("{\n},\n{\n},\n"), "1:{\n}|3:{\n}|"},
    {TEXT("{}\n,{\n}\n,\n{}"), "1:{}|2:{\n}|5:{}|"},
    {TEXT("{},\n{},\n{}"), "1:{}|2:{}|3:{}|"},
    {TEXT("{}, {}, {\n}{\n}"), "1:{}|1:{}|1:{\n}|2:{\n}|"},
    {TEXT("{\n}{\"a\": 1}\n{}"), "1:{\n}|2:{\"a\": 1}|3:{}|"},
    {TEXT("{}\n\xEF\xBB\xBF{\n}\n"), "1:{}|2:{\n}|"},
    {TEXT("[{}]\n[\n{}]"), "1:{}|3:{}|"},
    {TEXT("{}{}\n{} x\n{}"), "1:{}{}|2:{} x|3:{}|"},
    {TEXT("{\n} x\n{}"), "1:{\n} x|3:{}|"},
    /* with a mistake in one of them */
    {TEXT("{\n \"a\": 'b'\n}\n{\n}\n"), "1:{\n \"a\": 'b'\n}|4:{\n}|"},
    {TEXT("{\n \"a\": \"two\n lines\"\n}\n{}\n"), "1:{\n \"a\": \"two\n lines\"\n}|5:{}|"},
    {TEXT("{\n \"a\": [{\n\n{\n}\n"), "1:{\n \"a\": [{|4:{\n}|"},
    {TEXT(" {\n  \"a\": 1,\n },\n {\n  \"a\": 2\n }"), "1:{\n  \"a\": 1,\n }|4:{\n  \"a\": 2\n }|"},
    {TEXT("{\n \"a\": 1\n"), "1:{\n \"a\": 1|"},
    /* a row of JSON Lines that was cut short costs itself only */
    {TEXT("{}\n{\"a\": 1\n{}\n{}\n"), "1:{}|2:{\"a\": 1|3:{}|4:{}|"},
    {TEXT("{\"a\": [1,\n{}\n{}\n"), "1:{\"a\": [1,|2:{}|3:{}|"},
    {TEXT("{\"a\": [1,\n{}\n"), "1:{\"a\": [1,|2:{}|"},
    {TEXT("{\"a\":\n{\"a\": \"b\n{}\n"), "1:{\"a\":|2:{\"a\": \"b|3:{}|"},
    {TEXT("{\"a\": {\n{\"a\": {\n{\"a\": {\n"), "1:{\"a\": {|2:{\"a\": {|3:{\"a\": {|"},
    {TEXT("[{},\n{\"a\":[1},\n{}]"), "1:{}|2:{\"a\":[1}|3:{}|"},
    {TEXT("[[1}, 2], {]}, 3]"), "1:[1}, 2]|1:{]}|1:3|"},
    {TEXT("[{\"a\":{\"b\":1}, 2]"), "line 1: the element that starts here never ends"},
    {TEXT("[\n{\"a"), "line 2: the element that starts here never ends"},
    {TEXT("[{\"a\\"), "line 1: the element that starts here never ends"},
    {TEXT("[a[1]]"), "1:a|line 1: expected ',' or ']' after an element of the array"},
    {TEXT("[}, 1]"), "1:}|1:1|"},
};

START_TEST(scanner_finds_elements)
{
    char *elements = scan(scanned[_i].text, scanned[_i].len);
    ck_assert_str_eq(elements, scanned[_i].elements);
    free(elements);
}
END_TEST

START_TEST(scanner_takes_lines_of_any_length)
{
    enum { LONG = 3000000 };
    struct strbuf sb = {0};
    struct json_scanner scanner;
    struct json_element element;
    bool found;
    strbuf_puts(&sb, "{}\n\"");
    for (int i = 0; i < LONG; i++)
        strbuf_putc(&sb, 'x');
    strbuf_puts(&sb, "\"\n{}\n");
    json_scanner_init(&scanner, sb.data, sb.len);
    static const size_t lens[] = {2, LONG + 2, 2};
    for (size_t i = 0; i < COUNT(lens); i++) {
        ck_assert_int_eq(json_scanner_next(&scanner, &element, &found, NULL), SFT_OK);
        ck_assert(found);
        ck_assert_uint_eq(element.len, lens[i]);
        ck_assert_uint_eq(element.line, i + 1);
    }
    strbuf_free(&sb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *parsing = tcase_create("parsing");
    tcase_add_loop_test(parsing, bad_documents_are_refused_with_their_place, 0, COUNT(refused));
    tcase_add_test(parsing, a_number_has_at_most_63_characters);
    tcase_add_test(parsing, nesting_is_bounded);
    tcase_add_test(parsing, large_objects_are_checked_for_duplicates);
    tcase_add_test(parsing, files_are_named);
    tcase_add_test(parsing, values_are_read);
    tcase_add_test(parsing, python_constants_are_values);
    tcase_add_test(parsing, a_document_may_be_followed_by_another);
    tcase_add_test(parsing, special_bytes_are_found_at_any_offset);
    tcase_add_test(parsing, strings_are_utf8);
    tcase_add_test(parsing, typed_lookups);
    suite_add_tcase(suite, parsing);

    TCase *printing = tcase_create("printing");
    tcase_add_test(printing, prints_as_python_does);
    tcase_add_test(printing, editing);
    tcase_add_test(printing, tokenizer_json_survives);
    suite_add_tcase(suite, printing);

    TCase *scanning = tcase_create("scanning");
    tcase_add_loop_test(scanning, scanner_finds_elements, 0, COUNT(scanned));
    tcase_add_test(scanning, scanner_takes_lines_of_any_length);
    suite_add_tcase(suite, scanning);

    return run_suite(suite);
}

/* UTF-16 and UTF-32 are read as the UTF-8 that they stand for; what only looks like them is left alone. */
#include "data/source/encoding.h"

#include "data/source/source.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <stdio.h>
#include <zlib.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define TEXT(s) s, sizeof(s) - 1

static const enum encoding encodings[] = {ENCODING_UTF16LE, ENCODING_UTF16BE, ENCODING_UTF32LE, ENCODING_UTF32BE};

static void add_unit(struct strbuf *out, uint32_t value, size_t n, bool is_big)
{
    for (size_t i = 0; i < n; i++)
        strbuf_putc(out, (char)(value >> 8 * (is_big ? n - 1 - i : i)));
}

/* UTF-8 text in another encoding. */
static void encode(struct strbuf *out, const char *text, enum encoding encoding, bool has_mark)
{
    const bool is_big = encoding == ENCODING_UTF16BE || encoding == ENCODING_UTF32BE;
    const size_t unit = encoding == ENCODING_UTF16LE || encoding == ENCODING_UTF16BE ? 2 : 4;
    strbuf_clear(out);
    if (has_mark)
        add_unit(out, 0xFEFF, unit, is_big);
    for (uint32_t c; *text; text += utf8_decode(text, strlen(text), NULL, NULL)) {
        utf8_decode(text, strlen(text), &c, NULL);
        if (unit == 2 && c >= 0x10000) {
            add_unit(out, 0xD800 + ((c - 0x10000) >> 10), 2, is_big);
            add_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), 2, is_big);
        } else {
            add_unit(out, c, unit, is_big);
        }
    }
}

static void write_gzip(const char *path, const void *bytes, size_t len)
{
    gzFile file = gzopen(path, "wb");
    ck_assert_int_eq(gzwrite(file, bytes, (unsigned)len), (int)len);
    gzclose(file);
}

/* The file's bytes must be this text, whether it is packed or not. */
static void expect_text(const void *bytes, size_t len, const char *text)
{
    char *path = path_join(dir, "file");
    for (int is_packed = 0; is_packed < 2; is_packed++) {
        struct source source;
        if (is_packed)
            write_gzip(path, bytes, len);
        else
            check_ok(io_write_file(path, bytes, len, &err));
        check_ok(source_open(&source, path, &err));
        check_ok(source_bytes(&source, &err));
        ck_assert_uint_eq(source.bytes.size, strlen(text));
        ck_assert_mem_eq(source.bytes.data, text, strlen(text));
        source_close(&source);
    }
    free(path);
}

/* Characters of one to four bytes, the highest among them. */
static const char sample[] = "{\"a\": \"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\"}\r\n\tz";

START_TEST(every_encoding_is_read)
{
    struct strbuf bytes = {0};
    for (size_t e = 0; e < COUNT(encodings); e++)
        for (int has_mark = 0; has_mark < 2; has_mark++) {
            encode(&bytes, sample, encodings[e], has_mark);
            ck_assert_int_eq(encoding_of(bytes.data, bytes.len), encodings[e]);
            expect_text(bytes.data, bytes.len, sample);
        }
    strbuf_free(&bytes);
}
END_TEST

/* Longer than every buffer, with characters of all lengths at its borders. */
START_TEST(long_texts_are_read)
{
    struct strbuf text = {0}, bytes = {0};
    for (size_t i = 0; text.len < 300000; i++)
        strbuf_add(&text, sample, sizeof sample - 1 - i % 2); /* so that the borders move */
    encode(&bytes, text.data, ENCODING_UTF16LE, true);
    expect_text(bytes.data, bytes.len, text.data);
    strbuf_free(&text);
    strbuf_free(&bytes);
}
END_TEST

/* With a mark, no ASCII is needed. */
START_TEST(a_mark_is_believed)
{
    static const char chinese[] = "\xE4\xBD\xA0\xE5\xA5\xBD";
    struct strbuf bytes = {0};
    for (size_t e = 0; e < COUNT(encodings); e++) {
        encode(&bytes, chinese, encodings[e], true);
        expect_text(bytes.data, bytes.len, chinese);
    }
    expect_text(TEXT("\xFF\xFE"), "");
    strbuf_free(&bytes);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} others[] = {
    {TEXT("")},
    {TEXT("a")},
    {TEXT("{\"a\": 1}\n")},
    {TEXT("\xEF\xBB\xBF{}")},
    {TEXT("\xE4\xBD\xA0\xE5\xA5\xBD")},
    {TEXT("a\0")  /* and then nothing that is text: */},
    {TEXT("a\0b\0\0\0c\0")},
    {TEXT("a\0\1\0b\0")},
    {TEXT("{\"a\": \"b\0c\"}")},
    {TEXT("a\0\0\xD8"
          "b\0")},
    {TEXT("\0\0\0\0")},
};

START_TEST(other_bytes_are_left_alone)
{
    const enum encoding e = encoding_of(others[_i].bytes, others[_i].len);
    ck_assert_int_eq(e, _i == 5 ? ENCODING_UTF16LE : ENCODING_UTF8); /* one letter is a text */
}
END_TEST

START_TEST(a_lone_surrogate_is_no_utf8)
{
    expect_text(TEXT("\xFF\xFE"
                     "a\0\0\xD8"
                     "b\0\0\xDC"),
                "a\xED\xA0\x80"
                "b\xED\xB0\x80");
}
END_TEST

START_TEST(damaged_text_is_named)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *message;
    } cases[] = {
        {TEXT("\xFF\xFE"
              "a\0b"),
         "/file: UTF-16 that is cut off in a character, at byte 5"},
        {TEXT("\0\0\xFE\xFF\0\0\0a\0\x11\0\0\0\0\0b"),
         "/file: UTF-32 with a character above U+10FFFF, before byte 12"},
    };
    char *path = path_join(dir, "file");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct source source;
        check_ok(io_write_file(path, cases[i].bytes, cases[i].len, &err));
        check_ok(source_open(&source, path, &err));
        expect_message(source_bytes(&source, &err), cases[i].message);
        source_close(&source);
    }
    free(path);
}
END_TEST

/* What is packed is looked at after it is unpacked. */
START_TEST(foreign_files_are_named_packed_or_not)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *message;
    } cases[] = {
        {TEXT("PAR1\x15\4PAR1"),
         "/file: is a parquet file (python3 scripts/from_hub.py FILE --out FILE.jsonl makes JSON Lines of it)"},
        {TEXT("\x40\0\0\0\0\0\0\0{\"wte.weight\":"),
         "/file: is a safetensors file, a model's weights (data are conversations or text)"},
        {TEXT("SQLite format 3\0"), "/file: is a database (write its rows as JSON Lines or CSV)"},
    };
    char *path = path_join(dir, "file");
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        struct source source;
        if (i % 2 == 0)
            check_ok(io_write_file(path, cases[i / 2].bytes, cases[i / 2].len, &err));
        else
            write_gzip(path, cases[i / 2].bytes, cases[i / 2].len);
        check_ok(source_open(&source, path, &err));
        expect_message(source_bytes(&source, &err), cases[i / 2].message);
        source_close(&source);
    }
    free(path);
}
END_TEST

/* The bytes of Windows-1252 among ASCII, at any place in a step of eight; a slip in UTF-8 is something else. */
START_TEST(single_bytes_are_known)
{
    struct strbuf text = {0};
    size_t line = 0;
    for (size_t i = 0; i < 20; i++) {
        strbuf_putc(&text, i == 7 ? '\n' : 'a');
        ck_assert(!encoding_is_single_byte(text.data, text.len, &line));
        strbuf_putc(&text, '\xE9');
        ck_assert(encoding_is_single_byte(text.data, text.len, &line));
        ck_assert_uint_eq(line, i < 7 ? 1 : 2);
        text.len--;
    }
    strbuf_free(&text);
    ck_assert(!encoding_is_single_byte(TEXT(""), NULL));
    ck_assert(encoding_is_single_byte(TEXT("caf\xE9 \xFC" "ber"), NULL));
    ck_assert(!encoding_is_single_byte(TEXT("caf\xC3\xA9 \xFC" "ber"), NULL));
    ck_assert(!encoding_is_single_byte(TEXT("a\xED\xA0\x80"), NULL)); /* a surrogate */
    ck_assert(!encoding_is_single_byte(TEXT("\xC0\x80"), NULL));       /* an overlong form */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encoding");
    TCase *tests = tcase_create("encoding");
    tcase_add_checked_fixture(tests, make_dir, remove_dir);
    tcase_add_test(tests, every_encoding_is_read);
    tcase_add_test(tests, long_texts_are_read);
    tcase_add_test(tests, a_mark_is_believed);
    tcase_add_loop_test(tests, other_bytes_are_left_alone, 0, COUNT(others));
    tcase_add_test(tests, a_lone_surrogate_is_no_utf8);
    tcase_add_test(tests, damaged_text_is_named);
    tcase_add_test(tests, foreign_files_are_named_packed_or_not);
    tcase_add_test(tests, single_bytes_are_known);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

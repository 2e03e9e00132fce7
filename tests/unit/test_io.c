/* Paths, XXH64 (values of the reference implementation's xxhsum), files written whole or not at all, UTF-8.
 */
#include "base/io.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include "scratch.h"

#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(tidy_paths)
{
    char *link = path_join(dir, "link"), *real = path_join(dir, "real");
    ck_assert_int_eq(io_mkdirs(real, &err), SFT_OK);
    ck_assert_int_eq(io_symlink("/usr/bin", link, &err), SFT_OK);
    const struct {
        const char *format, *want;
    } rows[] = {
        {"%s/real/../x", "%s/x"},
        {"%s/real/../real/../x", "%s/x"},
        {"%s/./real/./x", "%s/real/x"},
        {"%s/link/../x", "%s/link/../x"},
        {"%s/absent/../x", "%s/absent/../x"},
        {"../../x", "../../x"},
        {"%s/real/..", "%s/real/.."},
        {".", "."},
        {"x", "x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[512], want[512];
        snprintf(path, sizeof path, rows[i].format, dir);
        snprintf(want, sizeof want, rows[i].want, dir);
        ck_assert_str_eq(path_tidy(path), want);
    }
    free(link);
    free(real);
}
END_TEST

START_TEST(xxh64_of_known_texts)
{
    ck_assert_uint_eq(xxh64("", 0, 0), 0xef46db3751d8e999u);
    ck_assert_uint_eq(xxh64("a", 1, 0), 0xd24ec4f1a98c6e5bu);
    ck_assert_uint_eq(xxh64("abc", 3, 0), 0x44bc2cf5ad770999u);
    const char *text = "The quick brown fox jumps over the lazy dog";
    ck_assert_uint_eq(xxh64(text, strlen(text), 0), 0x0b242d361fda71bcu);
    struct xxh64 h;
    xxh64_init(&h, 0);
    for (size_t i = 0; text[i]; i++) /* a byte at a time is the same */
        xxh64_update(&h, text + i, 1);
    ck_assert_uint_eq(xxh64_digest(&h), 0x0b242d361fda71bcu);
}
END_TEST

START_TEST(an_aborted_write_changes_nothing)
{
    char *path = path_join(dir, "file"), *tmp = path_join(dir, "file.tmp");
    struct strbuf text = {0};
    put("file", "old");
    struct io_writer *w = io_writer_open(path, &err);
    io_write(w, "new", 3);
    io_writer_abort(w);
    ck_assert_int_eq(io_read(path, &text, &err), SFT_OK);
    ck_assert_str_eq(text.data, "old");
    ck_assert(!path_exists(tmp));
    ck_assert_int_eq(io_write_file(path, "new", 3, &err), SFT_OK);
    ck_assert_int_eq(io_read(path, &text, &err), SFT_OK);
    ck_assert_str_eq(text.data, "new");
    strbuf_free(&text);
    free(path);
    free(tmp);
}
END_TEST

START_TEST(directories_change_places)
{
    char *old = path_join(dir, "name"), *new = path_join(dir, "name.tmp");
    char *old_file = path_join(old, "a"), *new_file = path_join(new, "b");
    ck_assert(!io_mkdirs(old, &err) && !io_mkdirs(new, &err));
    ck_assert(!io_write_file(old_file, "", 0, &err) && !io_write_file(new_file, "", 0, &err));
    ck_assert_msg(io_replace_dir(new, old, &err) == SFT_OK, "%s", err_text(&err));
    char *moved = path_join(old, "b");
    ck_assert(path_exists(moved) && !path_exists(old_file) && !path_exists(new));
    free(moved);
    free(old);
    free(new);
    free(old_file);
    free(new_file);
}
END_TEST

START_TEST(directories_are_made_with_those_above_them)
{
    char *deep = path_join(dir, "a//b/c/"), *file = path_join(dir, "file"), *below = path_join(dir, "file/x");
    check_ok(io_mkdirs(deep, &err));
    check_ok(io_mkdirs(deep, &err));
    ck_assert(path_is_dir(deep));
    put("file", "");
    ck_assert_int_eq(io_mkdirs(file, &err), SFT_EIO);
    ck_assert_int_eq(io_mkdirs(below, &err), SFT_EIO);
    char *nothing = mem_strdup(""); /* one byte, so that the sanitizer sees a read behind it */
    ck_assert_int_eq(io_mkdirs(nothing, &err), SFT_EIO);
    free(nothing);
    free(deep);
    free(file);
    free(below);
}
END_TEST

START_TEST(a_lock_is_held_once)
{
    char *path = path_join(dir, "lock");
    int first, second;
    ck_assert_int_eq(io_lock(path, &first, &err), SFT_OK);
    ck_assert_int_eq(io_lock(path, &second, &err), SFT_EUSAGE);
    close(first);
    ck_assert_int_eq(io_lock(path, &second, &err), SFT_OK);
    close(second);
    free(path);
}
END_TEST

/* The ill-formed examples of the Unicode Standard, section 3.9, and their number of replacement characters.
 */
START_TEST(ill_formed_utf8)
{
    const struct {
        const char *bytes, *want;
    } rows[] = {
        {"a\xF1\x80\x80\xE1\x80\xC2"
         "b\x80"
         "c\x80\xBF"
         "d",
         "a???b?c??d"},
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
         "A",
         "????????A"},
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF"
         "A",
         "????????A"},
        {"\xF4\x91\x92\x93\xFF"
         "A\x80\xBF"
         "B",
         "?????A??B"},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
         "A",
         "????A"},
        {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf got = {0}, shown = {0};
        strbuf_add_utf8_lossy(&got, rows[i].bytes, strlen(rows[i].bytes));
        for (size_t at = 0; at < got.len; at++)
            if (strncmp(got.data + at, "\xEF\xBF\xBD", 3) == 0) {
                strbuf_putc(&shown, '?');
                at += 2;
            } else {
                strbuf_putc(&shown, got.data[at]);
            }
        ck_assert_str_eq(shown.data, rows[i].want);
        strbuf_free(&got);
        strbuf_free(&shown);
    }
    ck_assert_uint_eq(utf8_incomplete_tail("a\xE2\x82", 3), 2);
    ck_assert_uint_eq(utf8_incomplete_tail("a\xE2\x82\xAC", 4), 0);
    ck_assert_uint_eq(utf8_incomplete_tail("a\x80", 2), 0);
    ck_assert_uint_eq(utf8_incomplete_tail("", 0), 0);
}
END_TEST

START_TEST(text_that_cannot_disturb_a_terminal)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } rows[] = {
#define BYTES(s) s, sizeof(s) - 1
        {BYTES(""), ""},
        {BYTES("a \\ \"b\" ~"), "a \\ \"b\" ~"},
        {BYTES("a\nb\tc\r\n"), "a\\nb\\tc\\r\\n"},
        {BYTES("\0\x1B[2J\x1F\x7F\b"), "\\x00\\x1b[2J\\x1f\\x7f\\x08"},
        {BYTES("\xC2\x80\xC2\x9B\xC2\x9F\xC2\xA0\xC3\xA9"), "\\x80\\x9b\\x9f\xC2\xA0\xC3\xA9"},
        {BYTES("\xE2\x80\x8D\xE2\x80\x8E\xE2\x80\x8F\xE2\x80\x90"), "\xE2\x80\x8D\\u200e\\u200f\xE2\x80\x90"},
        {BYTES("\xE2\x80\xA9\xE2\x80\xAA\xE2\x80\xAE\xE2\x80\xAF"), "\xE2\x80\xA9\\u202a\\u202e\xE2\x80\xAF"},
        {BYTES("\xE2\x81\xA5\xE2\x81\xA6\xE2\x81\xA9\xE2\x81\xAA\xD8\x9C"),
         "\xE2\x81\xA5\\u2066\\u2069\xE2\x81\xAA\\u061c"},
        {BYTES("a\xFF\x1B\xE2\x80"), "a\xEF\xBF\xBD\\x1b\xEF\xBF\xBD"},
        {BYTES("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80"},
#undef BYTES
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf got = {0};
        strbuf_puts(&got, ">");
        strbuf_add_visible(&got, rows[i].bytes, rows[i].len);
        ck_assert_str_eq(got.data + 1, rows[i].want);
        strbuf_free(&got);
    }
}
END_TEST

/* A named pipe that nobody writes to would be waited for, for ever. */
START_TEST(what_is_no_file_is_not_opened)
{
    static const struct {
        const char *path, *message;
    } rows[] = {{"/dev/null", "/dev/null: is a device, expected a file"},
                {"/tmp", "/tmp: is a directory, expected a file"}};
    char *fifo = path_join(dir, "pipe");
    struct io_map map;
    struct strbuf text = {0};
    uint64_t hash;
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(io_map(&map, fifo, &err), SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "/pipe: is a named pipe, expected a file"));
    ck_assert_int_eq(io_read_file(fifo, &text, &err), SFT_EIO);
    ck_assert_int_eq(io_hash_file(fifo, &hash, &err), SFT_EIO);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(io_map(&map, rows[i].path, &err), SFT_EIO);
        ck_assert_str_eq(err_text(&err), rows[i].message);
    }
    strbuf_free(&text);
    free(fifo);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io");
    TCase *tcase = tcase_create("io");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, tidy_paths);
    tcase_add_test(tcase, xxh64_of_known_texts);
    tcase_add_test(tcase, an_aborted_write_changes_nothing);
    tcase_add_test(tcase, directories_change_places);
    tcase_add_test(tcase, directories_are_made_with_those_above_them);
    tcase_add_test(tcase, a_lock_is_held_once);
    tcase_add_test(tcase, ill_formed_utf8);
    tcase_add_test(tcase, text_that_cannot_disturb_a_terminal);
    tcase_add_test(tcase, what_is_no_file_is_not_opened);
    suite_add_tcase(suite, tcase);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? 0 : 1;
}

/* A reference's log-probabilities on disk: they come back as they were, or not at all. */
#include "data/store/token_cache.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "train/reference_store.h"

#include <math.h>
#include <sys/stat.h>
#include <utime.h>

enum { N = 3 };
static const struct answer_logps made[N] = {{-1.0 / 3, -712.0625}, {NAN, NAN}, {0, -1e-300}};
static const char key[] = "model a\nrecords b\n";
static char *path;

static void write_store(void)
{
    path = token_cache_logps_path(dir, key);
    check_ok(reference_store_write(path, key, made, N, &err));
}

static bool is_read(const char *by, size_t n)
{
    struct answer_logps values[N + 1];
    return reference_store_read(path, by, values, n);
}

START_TEST(comes_back_to_the_bit)
{
    struct answer_logps values[N];
    struct stat st;
    write_store();
    ck_assert(reference_store_read(path, key, values, N));
    ck_assert_int_eq(memcmp(values, made, sizeof made), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    free(path);
}
END_TEST

START_TEST(of_something_else_is_none)
{
    write_store();
    ck_assert(!is_read("model a\nrecords c\n", N));
    ck_assert(!is_read("model a\nrecords b\nmore\n", N));
    ck_assert(!is_read(key, N - 1));
    ck_assert(!is_read(key, N + 1));
    ck_assert(is_read(key, N));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(!is_read(key, N));
    free(path);
}
END_TEST

/* Any byte that is not what was written, and any length. */
START_TEST(damaged_is_none)
{
    struct strbuf whole = {0};
    write_store();
    check_ok(io_read(path, &whole, &err));
    for (size_t i = 0; i < whole.len; i++) {
        whole.data[i] ^= 4;
        check_ok(io_write_file(path, whole.data, whole.len, &err));
        ck_assert_msg(!is_read(key, N), "byte %zu", i);
        whole.data[i] ^= 4;
        check_ok(io_write_file(path, whole.data, i, &err));
        ck_assert_msg(!is_read(key, N), "cut to %zu", i);
    }
    check_ok(io_write_file(path, whole.data, whole.len, &err));
    ck_assert(is_read(key, N));
    strbuf_free(&whole);
    free(path);
}
END_TEST

/* Whatever its hash says. */
START_TEST(what_no_log_probability_is)
{
    static const double wrong[] = {1e-9, INFINITY, -INFINITY};
    struct answer_logps values[N];
    write_store();
    for (size_t i = 0; i < 2 * sizeof wrong / sizeof *wrong; i++) {
        memcpy(values, made, sizeof made);
        *(i % 2 ? &values[N - 1].chosen : &values[N - 1].rejected) = wrong[i / 2];
        check_ok(reference_store_write(path, key, values, N, &err));
        ck_assert(!is_read(key, N));
    }
    free(path);
}
END_TEST

START_TEST(goes_when_nobody_has_used_it)
{
    static const struct utimbuf long_ago = {0};
    write_store();
    token_cache_prune(dir);
    ck_assert(is_read(key, N));
    ck_assert_int_eq(utime(path, &long_ago), 0);
    token_cache_prune(dir);
    ck_assert(!path_exists(path));
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reference_store");
    TCase *tcase = tcase_create("store");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, comes_back_to_the_bit);
    tcase_add_test(tcase, of_something_else_is_none);
    tcase_add_test(tcase, damaged_is_none);
    tcase_add_test(tcase, what_no_log_probability_is);
    tcase_add_test(tcase, goes_when_nobody_has_used_it);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* A token cache in which there is no room: the data are read all the same, it is said, and nothing half is left. */
#include "disk_calls.h"

#include "dataset_fixture.h"
#include "support/run_suite.h"

enum { ROWS = 20000 }; /* more than 1 MB: a file that is kept */

static char *rows_text(void)
{
    struct strbuf text = {0};
    for (int i = 0; i < ROWS; i++)
        strbuf_printf(&text, "{\"prompt\": \"What comes after %d, please?\", \"completion\": \"%d, I think.\"}\n",
                      i, i + 1);
    return text.data;
}

/* Load the rows; what is said on stderr meanwhile is the caller's. */
static enum sft_status load_listening(const char *text, char **said)
{
    char *path = path_join(dir, "said");
    struct strbuf sb = {0};
    struct sft_err none;
    fflush(stderr);
    const int old = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert(old >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    const enum sft_status status = load("a.jsonl", "", text);
    disk_heal();
    disk.lasts = false;
    fflush(stderr);
    ck_assert(dup2(old, STDERR_FILENO) >= 0);
    close(old);
    close(fd);
    ck_assert_int_eq(io_read(path, &sb, &none), SFT_OK);
    *said = sb.data;
    free(path);
    return status;
}

static size_t stores_in_cache(void)
{
    char **names;
    size_t n_names, count = 0;
    ck_assert_int_eq(io_list(dir, &names, &n_names, &err), SFT_OK);
    for (size_t i = 0; i < n_names; i++)
        count += strstr(names[i], ".tokens") != NULL;
    io_list_free(names, n_names);
    return count;
}

static void expect_all_rows(void)
{
    ck_assert_uint_eq(ds.n_examples, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_uint_eq(at(i).line, i + 1);
}

static const struct {
    enum disk_call call;
    unsigned long nth;
    int error;
} failures[] = {{DISK_WRITE, 1, ENOSPC}, {DISK_WRITE, 3, EDQUOT}, {DISK_SYNC, 1, EIO}, {DISK_RENAME, 1, EROFS}};

START_TEST(what_does_not_fit_is_read_all_the_same)
{
    char *text = rows_text(), *said;
    write_in(dir, "a.jsonl", text, strlen(text));
    disk_fail(failures[_i].call, failures[_i].nth, failures[_i].error);
    ck_assert_msg(load_listening(NULL, &said) == SFT_OK, "%s", err_text(&err));
    char *end = mem_printf(".tokens: cannot write: %s; what is tokenized is not kept\n", strerror(failures[_i].error));
    ck_assert_msg(strncmp(said, "warning: the token cache (SFT_CACHE_DIR, ", 41) == 0 && str_has_ending(said, end),
                  "%s", said);
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1); /* once */
    expect_all_rows();
    ck_assert_uint_eq(stores_in_cache(), 0);
    free(said);
    ck_assert_int_eq(load_listening(NULL, &said), SFT_OK);
    ck_assert_str_eq(said, "");
    expect_all_rows();
    ck_assert_uint_eq(stores_in_cache(), 1);
    free(said);
    free(end);
    free(text);
}
END_TEST

START_TEST(where_there_is_no_room_at_all_is_told)
{
    char *text = rows_text(), *said;
    write_in(dir, "a.jsonl", text, strlen(text));
    disk_fail(DISK_WRITE, 1, ENOSPC);
    disk.lasts = true;
    ck_assert_int_eq(load_listening(NULL, &said), SFT_EIO);
    static const char message[] =
        "the token cache (SFT_CACHE_DIR, or TMPDIR for small files, moves it): a temporary file in /";
    ck_assert_msg(strncmp(err_text(&err), message, strlen(message)) == 0, "%s", err_text(&err));
    ck_assert_uint_eq(stores_in_cache(), 0);
    free(said);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache_failures");
    TCase *tests = tcase_create("failures");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, what_does_not_fit_is_read_all_the_same, 0, sizeof failures / sizeof *failures);
    tcase_add_test(tests, where_there_is_no_room_at_all_is_told);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

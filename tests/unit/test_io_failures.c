/* What base/io.h promises where the system refuses: the message, and that what was there is still there. */
#include "disk_calls.h"
#include "scratch.h"

#include "support/run_suite.h"

static char *old_file, *new_dir, *old_dir, *link_path;

/* file: "old"; link -> old; old/a and new/b. */
static void setup(void)
{
    make_dir();
    old_file = path_join(dir, "file");
    old_dir = path_join(dir, "old");
    new_dir = path_join(dir, "new");
    link_path = path_join(dir, "link");
    check_ok(io_mkdirs(old_dir, &err));
    check_ok(io_mkdirs(new_dir, &err));
    put("file", "old");
    put("old/a", "a");
    put("new/b", "b");
    check_ok(io_symlink("old", link_path, &err));
}

static void teardown(void)
{
    disk_heal();
    disk.is_short = disk.no_exchanges = false;
    free(old_file);
    free(old_dir);
    free(new_dir);
    free(link_path);
    remove_dir();
}

/* The names in the directory, and what is in the file. */
static void expect_there(const char *want_names, const char *want_text)
{
    char **names;
    size_t count;
    struct strbuf text = {0}, list = {0};
    check_ok(io_list(dir, &names, &count, &err));
    for (size_t i = 0; i < count; i++)
        strbuf_printf(&list, i ? " %s" : "%s", names[i]);
    check_ok(io_read(old_file, &text, &err));
    ck_assert_str_eq(list.data, want_names);
    ck_assert_str_eq(text.data, want_text);
    io_list_free(names, count);
    strbuf_free(&text);
    strbuf_free(&list);
}

static void expect_error(enum sft_status status, const char *path, const char *what, int error)
{
    char *message = mem_printf("%s: %s: %s", path, what, strerror(error));
    ck_assert_int_eq(status, SFT_EIO);
    ck_assert_str_eq(err_text(&err), message);
    free(message);
}

/* ---- files ---- */

static const struct {
    enum disk_call call;
    int error;
} write_failures[] = {{DISK_WRITE, ENOSPC}, {DISK_WRITE, EDQUOT}, {DISK_SYNC, EIO}, {DISK_RENAME, EACCES}};

START_TEST(a_write_that_fails_leaves_what_was_there)
{
    const int error = write_failures[_i].error;
    struct io_map map;
    disk_fail(write_failures[_i].call, 1, error);
    expect_error(io_write_file(old_file, "new", 3, &err), old_file, "cannot write", error);
    expect_there("file link new old", "old");
    disk_fail(write_failures[_i].call, 1, error);
    struct io_writer *w = io_writer_open_shared(old_file, &err);
    io_write(w, "new", 3);
    expect_error(io_writer_commit_map(w, &map, &err), old_file, "cannot write", error);
    ck_assert_uint_eq(map.size, 0);
    expect_there("file link new old", "old");
}
END_TEST

/* More than the writer keeps: it is known before the end, and no write after it makes it good. */
START_TEST(a_write_that_fails_early_is_remembered)
{
    enum { LARGE = 1 << 20 };
    char *zeros = mem_calloc(LARGE, 1);
    struct io_writer *w = io_writer_open(old_file, &err);
    disk_fail(DISK_WRITE, 2, ENOSPC);
    io_write(w, zeros, LARGE);
    ck_assert(!io_writer_has_failed(w));
    io_write(w, zeros, LARGE);
    ck_assert(io_writer_has_failed(w));
    io_write(w, zeros, LARGE);
    ck_assert_uint_eq(disk.n_calls, 2);
    expect_error(io_writer_commit(w, &err), old_file, "cannot write", ENOSPC);
    expect_there("file link new old", "old");
    free(zeros);
}
END_TEST

START_TEST(a_temporary_file_without_room_names_its_place)
{
    struct io_map map;
    struct io_writer *w = io_writer_open_temporary(&err);
    disk_fail(DISK_WRITE, 1, ENOSPC);
    io_write(w, "x", 1);
    ck_assert_int_eq(io_writer_commit_map(w, &map, &err), SFT_EIO);
    ck_assert_msg(strncmp(err_text(&err), "a temporary file in /", 21) == 0, "%s", err_text(&err));
    ck_assert_uint_eq(map.size, 0);
}
END_TEST

START_TEST(a_place_that_is_not_there_is_named)
{
    char *absent = path_join(dir, "absent"), *path = path_join(absent, "file");
    const char *tmp = getenv("TMPDIR");
    char *old = tmp ? mem_strdup(tmp) : NULL;
    expect_error(io_write_file(path, "new", 3, &err), path, "cannot write", ENOENT);
    setenv("TMPDIR", absent, 1);
    ck_assert_ptr_null(io_writer_open_temporary(&err));
    expect_error(err.status, absent, "cannot make a temporary file (TMPDIR names another place)", ENOENT);
    old ? setenv("TMPDIR", old, 1) : unsetenv("TMPDIR");
    free(old);
    free(path);
    free(absent);
}
END_TEST

START_TEST(writes_that_are_short_or_interrupted_go_on)
{
    disk_fail(DISK_WRITE, 2, EINTR);
    disk.is_short = true;
    check_ok(io_write_file(old_file, "new text", 8, &err));
    ck_assert_uint_eq(disk.n_calls, 9);
    expect_there("file link new old", "new text");
}
END_TEST

/* Its first page is nobody's, so that a read of it is an error, for any user. */
START_TEST(a_read_that_fails_is_told)
{
    static const char unreadable[] = "/proc/self/mem";
    struct strbuf text = {0};
    uint64_t hash;
    expect_error(io_read(unreadable, &text, &err), unreadable, "cannot read", EIO);
    ck_assert_uint_eq(text.len, 0);
    expect_error(io_read_file(unreadable, &text, &err), unreadable, "cannot read", EIO);
    expect_error(io_hash_file(unreadable, &hash, &err), unreadable, "cannot read", EIO);
    strbuf_free(&text);
}
END_TEST

/* ---- directories ---- */

START_TEST(a_directory_that_cannot_be_made_or_synced)
{
    char *deep = path_join(dir, "a/b");
    disk_fail(DISK_MKDIR, 2, ENOSPC);
    expect_error(io_mkdirs(deep, &err), deep, "cannot make the directory", ENOSPC);
    disk_fail(DISK_SYNC, 1, EIO);
    expect_error(io_sync_dir(dir, &err), dir, "cannot sync", EIO);
    disk_fail(DISK_SYNC, 1, EINVAL); /* a file system that has nothing to sync */
    check_ok(io_sync_dir(dir, &err));
    free(deep);
}
END_TEST

static void expect_link(const char *want)
{
    char target[64] = "";
    ck_assert_int_gt(readlink(link_path, target, sizeof target - 1), 0);
    ck_assert_str_eq(target, want);
    expect_there("file link new old", "old");
}

START_TEST(a_link_that_cannot_be_made_stays_the_old_one)
{
    disk_fail(DISK_LINK, 1, ENOSPC);
    expect_error(io_symlink("new", link_path, &err), link_path, "cannot make a symbolic link", ENOSPC);
    expect_link("old");
    disk_fail(DISK_RENAME, 1, EIO);
    ck_assert_int_eq(io_symlink("new", link_path, &err), SFT_EIO);
    expect_link("old");
    check_ok(io_symlink("new", link_path, &err));
    expect_link("new");
}
END_TEST

/* Whether the directory `old` holds this file, and is whole. */
static bool old_holds(const char *name)
{
    char *path = path_join(old_dir, name);
    const bool there = path_exists(path);
    free(path);
    return there;
}

START_TEST(directories_that_cannot_change_places)
{
    disk_fail(DISK_EXCHANGE, 1, EIO);
    expect_error(io_replace_dir(new_dir, old_dir, &err), old_dir, "cannot replace", EIO);
    disk.no_exchanges = true;
    for (unsigned long nth = 1; nth <= 2; nth++) { /* out of the way, into its place */
        disk_fail(DISK_RENAME, nth, EIO);
        ck_assert_int_eq(io_replace_dir(new_dir, old_dir, &err), SFT_EIO);
        ck_assert(old_holds("a"));
        expect_there("file link new old", "old");
    }
    disk_heal();
    check_ok(io_replace_dir(new_dir, old_dir, &err));
    ck_assert(old_holds("b") && !old_holds("a"));
    expect_there("file link old", "old");
}
END_TEST

START_TEST(what_cannot_be_removed_is_named)
{
    char *inside = path_join(old_dir, "a");
    disk_fail(DISK_REMOVE, 1, EBUSY);
    expect_error(io_remove_tree(old_dir, &err), inside, "cannot remove", EBUSY);
    disk_fail(DISK_REMOVE, 2, EBUSY);
    expect_error(io_remove_tree(old_dir, &err), old_dir, "cannot remove", EBUSY);
    free(inside);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_write_that_fails_early_is_remembered,
                                  a_temporary_file_without_room_names_its_place,
                                  a_place_that_is_not_there_is_named,
                                  writes_that_are_short_or_interrupted_go_on,
                                  a_read_that_fails_is_told,
                                  a_directory_that_cannot_be_made_or_synced,
                                  a_link_that_cannot_be_made_stays_the_old_one,
                                  directories_that_cannot_change_places,
                                  what_cannot_be_removed_is_named};
    Suite *suite = suite_create("io_failures");
    TCase *tcase = tcase_create("failures");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_write_that_fails_leaves_what_was_there, 0,
                        sizeof write_failures / sizeof *write_failures);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

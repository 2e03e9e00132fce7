/* A name among other people's: what they have there stays, whenever it came, also where the file system cannot tell. */
#include "base/staging.h"

#include "files/written.h"
#include "scratch.h"
#include "disk_calls.h"
#include "support/run_suite.h"

#include <sys/stat.h>
#include <sys/wait.h>

static struct staging staging;
static const struct staged both[] = {{"notes", written_by_sft}, {"model", NULL}};
static const char OURS[] = "# " WRITTEN_BY_SFT "\n";

static void setup(void)
{
    char *path;
    make_dir();
    path = path_join(dir, "place");
    check_ok(staging_open_new(&staging, path, &err));
    put("place.tmp/model", "new model");
    put("place.tmp/notes", "new notes");
    free(path);
}

static void teardown(void)
{
    staging_close(&staging);
    disk.no_exchanges = false;
    remove_dir();
}

static void holds(const char *name, const char *text)
{
    struct strbuf found = {0};
    char *path = path_join(dir, name);
    check_ok(io_read_file(path, &found, &err));
    ck_assert_str_eq(found.data, text);
    strbuf_free(&found);
    free(path);
}

/* The names in it, once the staging is closed. */
static void names_are(const char *expected)
{
    char **names;
    size_t n;
    struct strbuf found = {0};
    staging_close(&staging);
    check_ok(io_list(dir, &names, &n, &err));
    for (size_t i = 0; i < n; i++)
        strbuf_printf(&found, "%s%s", i ? " " : "", names[i]);
    ck_assert_str_eq(found.len ? found.data : "", expected);
    strbuf_free(&found);
    io_list_free(names, n);
}

static enum sft_status commit(int i)
{
    disk.no_exchanges = i;
    return staging_commit_new(&staging, both, 2, &err);
}

START_TEST(files_get_their_names)
{
    put("notes", OURS);
    check_ok(commit(_i));
    holds("model", "new model");
    holds("notes", "new notes");
    names_are("model notes");
}
END_TEST

/* After the export had looked: the model's name is taken, and what went beside it goes back. */
START_TEST(a_file_that_appears_meanwhile)
{
    put("notes", OURS);
    put("model", "mine");
    ck_assert_int_eq(commit(_i), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "/model exists already"));
    holds("model", "mine");
    holds("notes", OURS);
    names_are("model notes");
}
END_TEST

START_TEST(notes_that_appear_meanwhile)
{
    put("notes", "mine");
    ck_assert_int_eq(commit(_i), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "/notes exists already"));
    holds("notes", "mine");
    names_are("notes");
}
END_TEST

static bool is_ours_once(const char *path)
{
    static int asked;
    (void)path;
    return ++asked == 1;
}

/* Between the look at a file and its replacement it becomes somebody else's. */
START_TEST(notes_that_change_meanwhile)
{
    put("notes", "mine now");
    const struct staged changing[] = {{"notes", is_ours_once}, {"model", NULL}};
    ck_assert_int_eq(staging_commit_new(&staging, changing, 2, &err), SFT_EUSAGE);
    holds("notes", "mine now");
    names_are("notes");
}
END_TEST

START_TEST(a_directory_that_appears_meanwhile)
{
    char *from = path_join(staging.path, "sub"), *to = path_join(dir, "sub"), *mine = path_join(to, "mine");
    check_ok(io_mkdirs(from, &err));
    check_ok(io_mkdirs(to, &err));
    check_ok(io_write_file(mine, "x", 1, &err));
    const struct staged sub = {"sub", NULL};
    disk.no_exchanges = _i;
    ck_assert_int_eq(staging_commit_new(&staging, &sub, 1, &err), SFT_EUSAGE);
    holds("sub/mine", "x");
    check_ok(io_remove_tree(to, &err));
    check_ok(staging_commit_new(&staging, &sub, 1, &err));
    ck_assert(path_is_dir(to));
    names_are("sub");
    free(from);
    free(to);
    free(mine);
}
END_TEST

/* At whatever call a process is killed, the next one may take over what it left; and where it is not to be emptied, it
 * is not removed either. */
START_TEST(what_is_left_is_known)
{
    char *path = path_join(dir, "place"), *model = path_join(dir, "model");
    staging_close(&staging);
    for (unsigned long nth = 1; nth < 40; nth++) {
        struct staging next;
        const pid_t child = fork();
        int code;
        if (child == 0) {
            disk_kill(nth);
            if (!staging_open_new(&staging, path, &err)) {
                put("place.tmp/model", "new model");
                staging_commit_new(&staging, both, 2, &err);
            }
            staging_close(&staging);
            _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &code, 0), child);
        check_ok(staging_open_new(&next, path, &err));
        staging_close(&next);
        unlink(model);
        if (WIFEXITED(code)) {
            ck_assert_uint_gt(nth, 5);
            break;
        }
    }
    put("notes", "");
    free(model);
    char *theirs = path_join(dir, "place.tmp");
    check_ok(io_mkdirs(theirs, &err));
    put("place.tmp/.hidden", "mine");
    ck_assert_int_eq(staging_open_new(&staging, path, &err), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), ".tmp, which exists already, and not by sft"));
    names_are("notes place.tmp");
    holds("place.tmp/.hidden", "mine");
    free(theirs);
    free(path);
}
END_TEST

/* ---- whose a file is ---- */

static bool is_ours(const char *text)
{
    char *path = path_join(dir, "file");
    put("file", text);
    const bool is = written_by_sft(path);
    free(path);
    return is;
}

START_TEST(the_line_that_makes_a_file_ours)
{
    ck_assert(is_ours("# " WRITTEN_BY_SFT "\nFROM x\n"));
    ck_assert(is_ours("---\n# " WRITTEN_BY_SFT "\nlicense: mit\n"));
    static const char *const theirs[] = {
        "",
        "---\n",
        "---\nlicense: mit\n# " WRITTEN_BY_SFT "\n",
        "# My own, since the line '" WRITTEN_BY_SFT "' is gone\n",
        "FROM x\n# " WRITTEN_BY_SFT "\n",
        "# not " WRITTEN_BY_SFT "\n",
        "# " WRITTEN_BY_SFT " no more\n",
    };
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        ck_assert_msg(!is_ours(theirs[i]), "%s", theirs[i]);
    char *link = path_join(dir, "link"), *fifo = path_join(dir, "fifo");
    put("file", OURS);
    check_ok(io_symlink("file", link, &err));
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert(!written_by_sft(link) && !written_by_sft(fifo) && !written_by_sft(dir));
    free(link);
    free(fifo);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("staging");
    TCase *tcase = tcase_create("staging");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, files_get_their_names, 0, 2);
    tcase_add_loop_test(tcase, a_file_that_appears_meanwhile, 0, 2);
    tcase_add_loop_test(tcase, notes_that_appear_meanwhile, 0, 2);
    tcase_add_test(tcase, notes_that_change_meanwhile);
    tcase_add_loop_test(tcase, a_directory_that_appears_meanwhile, 0, 2);
    tcase_add_test(tcase, what_is_left_is_known);
    tcase_add_test(tcase, the_line_that_makes_a_file_ours);
    suite_add_tcase(s, tcase);
    return run_suite(s);
}

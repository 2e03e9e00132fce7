/* Sources that are stopped, find no room, or change while they are read. */
#include "data/source/source.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <zlib.h>

static const char POEM[] = "twinkle twinkle little bat how I wonder what you are at\n";

/* A file in the scratch directory, in place and without a wait for the disk; its path is the caller's. */
static char *put_poem(const char *name)
{
    char *path = path_join(dir, name);
    FILE *f = fopen(path, "we");
    ck_assert(f && fputs(POEM, f) >= 0 && fclose(f) == 0);
    return path;
}

/* ---- a stop flag, and no room ---- */

static volatile int stop;

START_TEST(a_pipe_that_says_nothing_is_left_when_asked)
{
    struct source source;
    char *path = path_join(dir, "pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    stop = 1; /* nobody will write to it, and nobody opens it */
    ck_assert_int_eq(source_open_until(&source, path, &stop, &err), SFT_EINTERRUPTED);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "/pipe: stopped while it was read"));
    source_close(&source);
    free(path);
}
END_TEST

START_TEST(unpacking_is_left_when_asked)
{
    enum { SIZE = 4 << 20 };
    struct source source;
    char *zeros = mem_calloc(SIZE, 1), *path = path_join(dir, "a.gz");
    gzFile packed = gzopen(path, "wb");
    ck_assert(packed && gzwrite(packed, zeros, SIZE) == SIZE && gzclose(packed) == Z_OK);
    stop = 0;
    check_ok(source_open_until(&source, path, &stop, &err));
    stop = 1;
    ck_assert_int_eq(source_bytes(&source, &err), SFT_EINTERRUPTED);
    stop = 0;
    check_ok(source_bytes(&source, &err)); /* it may be asked again */
    ck_assert_uint_eq(source.bytes.size, SIZE);
    source_close(&source);
    free(zeros);
    free(path);
}
END_TEST

/* A writer that does not end is left as soon as there is no room: it then meets a pipe that nobody reads. */
START_TEST(an_endless_pipe_ends_where_there_is_no_room)
{
    struct source source;
    struct rlimit old, little;
    char *path = path_join(dir, "pipe");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGPIPE, SIG_IGN);
        const int fd = open(path, O_WRONLY);
        while (write(fd, POEM, sizeof POEM) > 0)
            continue;
        _exit(errno == EPIPE ? 0 : 1);
    }
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    little = old;
    little.rlim_cur = 1 << 20;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    const enum sft_status status = source_open(&source, path, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    ck_assert_int_eq(status, SFT_EIO);
    ck_assert_ptr_nonnull(
        strstr(err_text(&err), "/pipe: needs room in $TMPDIR, else /tmp: a temporary file in "));
    int code;
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
    source_close(&source);
    free(path);
}
END_TEST

/* ---- changes ---- */

/* Open, hash, let `change` happen to the file, and expect to be told. */
static void expect_change(void (*change)(const char *path), bool is_told)
{
    struct source source;
    char *path = put_poem("a.jsonl");
    check_ok(source_open(&source, path, &err));
    const uint64_t hash = source_hash(&source, NULL);
    check_ok(source_check_unchanged(&source, hash, NULL, &err));
    change(path);
    const enum sft_status status = source_check_unchanged(&source, hash, NULL, &err);
    ck_assert_int_eq(status, is_told ? SFT_EIO : SFT_OK);
    if (is_told)
        ck_assert_ptr_nonnull(strstr(err_text(&err), "/a.jsonl: changed while it was read (run again when "));
    source_close(&source);
    free(path);
}

static void append(const char *path)
{
    FILE *f = fopen(path, "ae");
    ck_assert(f && fputs("x", f) >= 0 && fclose(f) == 0);
}

static void overwrite(const char *path)
{
    const int fd = open(path, O_WRONLY);
    ck_assert(fd >= 0 && pwrite(fd, "T", 1, 0) == 1 && close(fd) == 0);
}

/* So that size and modification time are what they were; the change time is not. */
static void overwrite_secretly(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    overwrite(path);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, (struct timespec[]){st.st_atim, st.st_mtim}, 0), 0);
}

static void replace(const char *path)
{
    char *other = put_poem("other");
    ck_assert_int_eq(rename(other, path), 0);
    free(other);
}

static void remove_it(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
}

static void only_read(const char *path)
{
    struct strbuf bytes = {0};
    check_ok(io_read(path, &bytes, &err));
    strbuf_free(&bytes);
}

START_TEST(a_change_is_told)
{
    expect_change(append, true);
    expect_change(overwrite, true);
    expect_change(overwrite_secretly, true);
    expect_change(replace, true);
    expect_change(remove_it, true);
    expect_change(only_read, false);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_pipe_that_says_nothing_is_left_when_asked, unpacking_is_left_when_asked,
                                  an_endless_pipe_ends_where_there_is_no_room, a_change_is_told};
    Suite *suite = suite_create("source_limits");
    TCase *tcase = tcase_create("source_limits");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

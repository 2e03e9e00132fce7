/* Stamps: that a file which is as it was is not read again, and that any other is. */
#include "base/io.h"
#include "data/source/source.h"
#include "data/source/stamp.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char TEXT[] = "twinkle twinkle little bat\n";

/* A file of TEXT in the scratch directory; its path is the caller's. */
static char *put_text(const char *name)
{
    put(name, TEXT);
    return path_join(dir, name);
}

static const int64_t SECOND = 1000000000;

static void set_mtime(const char *path, struct timespec mtime)
{
    ck_assert_int_eq(utimensat(AT_FDCWD, path, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, mtime}, 0), 0);
}

START_TEST(two_seconds_settle_a_file)
{
    const struct file_state a = {.mtime_ns = 10 * SECOND, .ctime_ns = 20 * SECOND};
    ck_assert(!file_state_is_settled(&a, 20 * SECOND));
    ck_assert(!file_state_is_settled(&a, 22 * SECOND - 1));
    ck_assert(file_state_is_settled(&a, 22 * SECOND));
    const struct file_state b = {.mtime_ns = 20 * SECOND, .ctime_ns = 10 * SECOND};
    ck_assert(!file_state_is_settled(&b, 22 * SECOND - 1));
    ck_assert(file_state_is_settled(&b, 22 * SECOND));
    struct timespec before, after;
    clock_gettime(CLOCK_REALTIME, &before);
    const int64_t now_ns = stamp_clock_ns();
    clock_gettime(CLOCK_REALTIME, &after); /* not time(): its clock is coarser, and behind by some milliseconds */
    ck_assert_int_ge(now_ns, (int64_t)before.tv_sec * SECOND + before.tv_nsec);
    ck_assert_int_le(now_ns, (int64_t)after.tv_sec * SECOND + after.tv_nsec);
}
END_TEST

START_TEST(a_state_is_what_the_system_says)
{
    struct stat st;
    char *path = put_text("a");
    set_mtime(path, (struct timespec){.tv_sec = 1000000000, .tv_nsec = 5});
    ck_assert_int_eq(stat(path, &st), 0);
    const struct file_state state = file_state_of(&st);
    ck_assert_uint_eq(state.size, strlen(TEXT));
    ck_assert_uint_eq(state.inode, st.st_ino);
    ck_assert_uint_eq(state.device, st.st_dev);
    ck_assert_int_eq(state.mtime_ns, 1000000000 * SECOND + 5);
    ck_assert_int_eq(state.ctime_ns, st.st_ctim.tv_sec * SECOND + st.st_ctim.tv_nsec);
    free(path);
}
END_TEST

START_TEST(a_stamp_is_of_one_state)
{
    char *path = put_text("a"), *stamps = path_join(dir, "some/stamps");
    const struct file_state state = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 2, INT64_MAX, INT64_MIN};
    struct file_state other[] = {state, state, state, state, state};
    uint64_t hash = 0;
    ck_assert(!stamp_read(stamps, path, &state, &hash));
    stamp_write(stamps, path, &state, 0x0123456789abcdef);
    ck_assert(stamp_read(stamps, path, &state, &hash));
    ck_assert_uint_eq(hash, 0x0123456789abcdef);
    other[0].size--;
    other[1].inode--;
    other[2].device--;
    other[3].mtime_ns--;
    other[4].ctime_ns++;
    for (size_t i = 0; i < COUNT(other); i++)
        ck_assert(!stamp_read(stamps, path, &other[i], &hash));
    ck_assert(!stamp_read(stamps, dir, &state, &hash)); /* nor of another path */
    free(path);
    free(stamps);
}
END_TEST

/* The one stamp in the directory; its path is the caller's. */
static char *only_stamp(const char *stamps)
{
    char **names;
    size_t count;
    check_ok(io_list(stamps, &names, &count, &err));
    ck_assert_uint_eq(count, 1);
    char *path = path_join(stamps, names[0]);
    io_list_free(names, count);
    return path;
}

static uint64_t hash_of(const char *path, const char *stamps)
{
    struct source source;
    check_ok(source_open(&source, path, &err));
    const uint64_t hash = source_hash(&source, stamps);
    source_close(&source);
    return hash;
}

/* A file with a stamp of its own directory. */
struct stamped {
    char *path, *stamps, *stamp;
    uint64_t hash; /* the true one */
};
static const uint64_t LIE = 0xfedcba9876543210;

static struct stamped make_file(const char *name)
{
    struct stamped file = {.path = put_text(name), .hash = xxh64(TEXT, strlen(TEXT), 0)};
    file.stamps = mem_printf("%s.stamps", file.path);
    return file;
}

static void free_file(struct stamped *file)
{
    free(file->path);
    free(file->stamps);
    free(file->stamp);
}

/* Let the file's stamp say what is not so: where that is told, the file was not read. */
static void make_lie(struct stamped *file)
{
    struct strbuf line = {0};
    free(file->stamp);
    ck_assert_uint_eq(hash_of(file->path, file->stamps), file->hash);
    file->stamp = only_stamp(file->stamps);
    check_ok(io_read(file->stamp, &line, &err));
    ck_assert_uint_gt(line.len, 17);
    snprintf(line.data + line.len - 17, 18, "%016" PRIx64 "\n", LIE);
    check_ok(io_write_file(file->stamp, line.data, line.len, &err));
    ck_assert_uint_eq(hash_of(file->path, file->stamps), LIE);
    strbuf_free(&line);
}

/* The same size and the same modification time, other bytes. */
static uint64_t change_bytes(const char *path, const char *renamed_from)
{
    struct stat st;
    char other[sizeof TEXT - 1];
    memset(other, 'y', sizeof other);
    ck_assert_int_eq(stat(path, &st), 0);
    FILE *f = fopen(renamed_from ? renamed_from : path, renamed_from ? "we" : "r+e");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(other, 1, sizeof other, f), sizeof other);
    ck_assert_int_eq(fclose(f), 0);
    set_mtime(renamed_from ? renamed_from : path, st.st_mtim);
    if (renamed_from)
        ck_assert_int_eq(rename(renamed_from, path), 0);
    return xxh64(other, sizeof other, 0);
}

static void check_broken_stamps(struct stamped *file)
{
    struct strbuf good = {0};
    check_ok(io_read(file->stamp, &good, &err));
    const size_t lens[] = {0, 1, good.len / 2, good.len - 17, good.len - 2, good.len - 1};
    for (size_t i = 0; i < COUNT(lens); i++) {
        check_ok(io_write_file(file->stamp, good.data, lens[i], &err));
        ck_assert_uint_eq(hash_of(file->path, file->stamps), file->hash);
    }
    struct strbuf now = {0}; /* and it was mended each time */
    check_ok(io_read(file->stamp, &now, &err));
    ck_assert_uint_eq(now.len, good.len);
    ck_assert(memcmp(now.data, good.data, now.len - 17) == 0);
    static const char *const garbage[] = {"\n", "garbage", "   \n", "1 2 3 4 5 6 7\n", "\xff\xfe"};
    for (size_t i = 0; i < COUNT(garbage); i++) {
        check_ok(io_write_file(file->stamp, garbage[i], strlen(garbage[i]), &err));
        ck_assert_uint_eq(hash_of(file->path, file->stamps), file->hash);
    }
    good.data[0]++; /* another version */
    check_ok(io_write_file(file->stamp, good.data, good.len, &err));
    ck_assert_uint_eq(hash_of(file->path, file->stamps), file->hash);
    good.data[0]--;
    strbuf_putc(&good, '\n');
    check_ok(io_write_file(file->stamp, good.data, good.len, &err));
    ck_assert_uint_eq(hash_of(file->path, file->stamps), file->hash);
    strbuf_free(&good);
    strbuf_free(&now);
}

START_TEST(a_changed_file_is_read_again)
{
    struct stamped kept = make_file("kept"), touched = make_file("touched"),
                   rewritten = make_file("rewritten"), replaced = make_file("replaced"),
                   linked = make_file("linked");
    char *link = path_join(dir, "link"), *replacement = path_join(dir, "replacement");
    ck_assert_uint_eq(hash_of(kept.path, kept.stamps), kept.hash);
    ck_assert(!path_exists(kept.stamps)); /* a file of just now gets no stamp */
    nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 100000000}, NULL);

    make_lie(&kept);
    check_broken_stamps(&kept);

    make_lie(&touched);
    set_mtime(touched.path, (struct timespec){.tv_sec = 1000000000});
    ck_assert_uint_eq(hash_of(touched.path, touched.stamps), touched.hash);

    make_lie(&rewritten);
    ck_assert_uint_eq(hash_of(rewritten.path, rewritten.stamps), LIE);
    const uint64_t other = change_bytes(rewritten.path, NULL);
    ck_assert_uint_eq(hash_of(rewritten.path, rewritten.stamps), other);

    make_lie(&replaced);
    ck_assert_uint_eq(change_bytes(replaced.path, replacement), other);
    ck_assert_uint_eq(hash_of(replaced.path, replaced.stamps), other);

    make_lie(&linked); /* by another name it is the same file */
    ck_assert_int_eq(symlink(linked.path, link), 0);
    ck_assert_uint_eq(hash_of(link, linked.stamps), LIE);

    free(link);
    free(replacement);
    free_file(&kept);
    free_file(&touched);
    free_file(&rewritten);
    free_file(&replaced);
    free_file(&linked);
}
END_TEST

START_TEST(no_place_for_stamps_is_no_error)
{
    char *a = put_text("a");
    struct stat st;
    ck_assert_int_eq(stat(a, &st), 0);
    const struct file_state state = file_state_of(&st);
    uint64_t hash;
    stamp_write(a, a, &state, 1); /* a file is no directory */
    ck_assert(!stamp_read(a, a, &state, &hash));
    ck_assert_uint_eq(hash_of(a, a), xxh64(TEXT, strlen(TEXT), 0));
    stamp_write(dir, "no/such/file", &state, 1);
    ck_assert(!stamp_read(dir, "no/such/file", &state, &hash));
    free(a);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {two_seconds_settle_a_file, a_state_is_what_the_system_says,
                                  a_stamp_is_of_one_state, a_changed_file_is_read_again,
                                  no_place_for_stamps_is_no_error};
    Suite *suite = suite_create("stamp");
    TCase *tcase = tcase_create("stamp");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* Sources: plain files, gzip, pipes and standard input; test_stamp.c has the stamps. The sums over real files
 * are those of Python's gzip and xxhash modules. */
#include "base/io.h"
#include "base/rng.h"
#include "data/source/source.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char POEM[] = "twinkle twinkle little bat how I wonder what you are at, twinkle twinkle\n";

/* ---- helpers ---- */

/* Append text as a gzip member. */
static void add_member(struct strbuf *sb, const void *text, size_t len)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t room = deflateBound(&z, len);
    unsigned char *out = mem_alloc(room);
    z.next_in = (z_const Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    strbuf_add(sb, out, z.total_out);
    deflateEnd(&z);
    free(out);
}

/* Write a file; unlike io_write_file in place and without a wait for the disk. */
static void write_bytes(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

/* The same in the scratch directory; its path is the caller's. */
static char *put_bytes(const char *name, const void *bytes, size_t len)
{
    char *path = path_join(dir, name);
    write_bytes(path, bytes, len);
    return path;
}

static void expect_bytes(struct source *source, const void *bytes, size_t len)
{
    check_ok(source_bytes(source, &err));
    ck_assert_uint_eq(source->bytes.size, len);
    ck_assert(len == 0 || memcmp(source->bytes.data, bytes, len) == 0);
}

/* Open `path`, expect these bytes, close. */
static void expect_content(const char *path, const void *bytes, size_t len)
{
    struct source source;
    check_ok(source_open(&source, path, &err));
    expect_bytes(&source, bytes, len);
    expect_bytes(&source, bytes, len); /* a second time */
    source_close(&source);
}

static void expect_damage(const struct strbuf *packed, const char *what, size_t at)
{
    struct source source;
    char *path = put_bytes("a.gz", packed->data, packed->len);
    char *message = mem_printf("/a.gz: the gzip stream is %s at byte %zu", what, at);
    check_ok(source_open(&source, path, &err));
    expect_message(source_bytes(&source, &err), message);
    source_close(&source);
    free(path);
    free(message);
}

/* ---- files ---- */

START_TEST(a_plain_file_is_mapped)
{
    struct source source;
    char *path = put_bytes("a.jsonl", POEM, sizeof POEM);
    check_ok(source_open(&source, path, &err));
    ck_assert(!source.is_gzip && source.is_regular && !source.has_bytes);
    ck_assert_uint_eq(source.packed.size, sizeof POEM);
    expect_bytes(&source, POEM, sizeof POEM);
    ck_assert_ptr_eq(source.bytes.data, source.packed.data);
    ck_assert_uint_eq(source_hash(&source, NULL), xxh64(POEM, sizeof POEM, 0));
    source_close(&source);
    source_close(&source);
    free(path);
}
END_TEST

START_TEST(short_files)
{
    static const char *const texts[] = {"", "\x1f", "x"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct source source;
        char *path = put_bytes("short.gz", texts[i], strlen(texts[i]));
        check_ok(source_open(&source, path, &err));
        expect_bytes(&source, texts[i], strlen(texts[i]));
        ck_assert_str_eq(source.bytes.size ? "" : source.bytes.data, "");
        ck_assert_uint_eq(source_hash(&source, NULL), xxh64(texts[i], strlen(texts[i]), 0));
        source_forget(&source, source.bytes.size);
        source_close(&source);
        free(path);
    }
}
END_TEST

START_TEST(what_cannot_be_opened)
{
    struct source source;
    char *absent = path_join(dir, "absent");
    ck_assert_int_eq(source_open(&source, absent, &err), SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "absent: No such file"));
    source_close(&source);
    ck_assert_int_eq(source_open(&source, dir, &err), SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "is a directory, expected a file"));
    source_close(&source);
    free(absent);
}
END_TEST

static size_t resident_file_bytes(void)
{
    struct strbuf status = {0};
    check_ok(io_read("/proc/self/status", &status, &err));
    const char *line = strstr(status.data, "RssFile:");
    ck_assert_ptr_nonnull(line);
    const size_t bytes = (size_t)strtoull(line + strlen("RssFile:"), NULL, 10) << 10;
    strbuf_free(&status);
    return bytes;
}

START_TEST(pages_are_given_back)
{
    enum { SIZE = 64 << 20, SLACK = 4 << 20 };
    struct source source;
    char *text = mem_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 23);
    char *path = put_bytes("big", text, SIZE);
    check_ok(source_open(&source, path, &err));
    const size_t before = resident_file_bytes();
    expect_bytes(&source, text, SIZE);
    ck_assert_uint_gt(resident_file_bytes(), before + SIZE - SLACK);
    source_forget(&source, SIZE / 2 + 1);
    ck_assert_uint_lt(resident_file_bytes(), before + SIZE / 2 + SLACK);
    ck_assert_uint_gt(resident_file_bytes(), before + SIZE / 2 - SLACK);
    expect_bytes(&source, text, SIZE);
    source_forget(&source, (size_t)-1);
    source_forget(&source, 0);
    ck_assert_uint_eq(source_hash(&source, NULL), xxh64(text, SIZE, 0));
    ck_assert_uint_lt(resident_file_bytes(), before + SLACK); /* a hash leaves nothing behind */
    source_close(&source);
    free(text);
    free(path);
}
END_TEST

/* ---- gzip ---- */

START_TEST(members_are_one_stream)
{
    struct strbuf packed = {0};
    add_member(&packed, POEM, 7);
    add_member(&packed, "", 0);
    add_member(&packed, POEM + 7, strlen(POEM) - 7);
    char *path = put_bytes("poem.jsonl", packed.data, packed.len); /* it is not the name that tells */
    expect_content(path, POEM, strlen(POEM));
    struct source source;
    check_ok(source_open(&source, path, &err));
    ck_assert(source.is_gzip);
    ck_assert_uint_eq(source_hash(&source, NULL), xxh64(packed.data, packed.len, 0));
    source_close(&source);
    free(path);
    strbuf_free(&packed);
}
END_TEST

START_TEST(zeros_may_follow)
{
    static const char zeros[1000];
    struct strbuf packed = {0};
    add_member(&packed, POEM, 7);
    strbuf_add(&packed, zeros, sizeof zeros);
    char *path = put_bytes("padded.gz", packed.data, packed.len);
    expect_content(path, POEM, 7);
    free(path);
    add_member(&packed, POEM + 7, 5);
    path = put_bytes("padded.gz", packed.data, packed.len);
    expect_content(path, POEM, 12);
    free(path);
    strbuf_free(&packed);
}
END_TEST

START_TEST(nothing_packed)
{
    struct strbuf packed = {0};
    add_member(&packed, "", 0);
    char *path = put_bytes("empty.gz", packed.data, packed.len);
    expect_content(path, "", 0);
    free(path);
    strbuf_free(&packed);
}
END_TEST

/* More than zlib is given at a time, and what unpacks to much more than it is. */
START_TEST(large_streams)
{
    enum { NOISE = 18 << 20, ZEROS = 40 << 20 };
    struct rng rng;
    struct strbuf packed = {0};
    char *text = mem_calloc(NOISE + ZEROS, 1);
    rng_seed(&rng, 1, 0);
    for (size_t i = 0; i < NOISE; i += 8)
        memcpy(text + i, &(uint64_t){rng_u64(&rng)}, 8);
    add_member(&packed, text, NOISE);
    add_member(&packed, text + NOISE, ZEROS);
    ck_assert_uint_gt(packed.len, NOISE);
    char *path = put_bytes("large.gz", packed.data, packed.len);
    expect_content(path, text, NOISE + ZEROS);
    strbuf_free(&packed);
    free(text);
    free(path);
}
END_TEST

START_TEST(damaged_streams_are_named)
{
    struct strbuf packed = {0}, other = {0};
    add_member(&packed, POEM, strlen(POEM));
    const size_t len = packed.len;
    strbuf_puts(&packed, "\nx");
    expect_damage(&packed, "damaged: incorrect header check,", len + 2);
    packed.len = len - 1;
    expect_damage(&packed, "cut off", len - 1);
    packed.len = len;
    packed.data[len - 8] ^= 1;
    expect_damage(&packed, "damaged: incorrect data check,", len - 4);
    packed.data[len - 8] ^= 1;
    packed.data[len - 4] ^= 1;
    expect_damage(&packed, "damaged: incorrect length check,", len);
    packed.data[len - 4] ^= 1;
    strbuf_puts(&packed, "\x1f");
    expect_damage(&packed, "cut off", len + 1);
    strbuf_puts(&other, "\x1f\x8b is not enough");
    expect_damage(&other, "damaged: unknown compression method,", 4);
    strbuf_free(&packed);
    strbuf_free(&other);
}
END_TEST

START_TEST(a_cut_is_always_seen)
{
    struct strbuf packed = {0};
    add_member(&packed, POEM, strlen(POEM));
    for (size_t len = 2; len <= packed.len; len++) {
        struct source source;
        char *path = put_bytes("cut.gz", packed.data, len);
        check_ok(source_open(&source, path, &err));
        if (len == packed.len) {
            expect_bytes(&source, POEM, strlen(POEM));
        } else {
            ck_assert_int_eq(source_bytes(&source, &err), SFT_EDATA);
            ck_assert_msg(strstr(err_text(&err), "cut.gz: the gzip stream is cut off"), "%s", err_text(&err));
            ck_assert_uint_eq(source.bytes.size, 0);
        }
        source_close(&source);
        free(path);
    }
    strbuf_free(&packed);
}
END_TEST

START_TEST(a_flipped_bit_never_changes_the_bytes)
{
    struct strbuf packed = {0};
    size_t n_refused = 0;
    add_member(&packed, POEM, strlen(POEM));
    for (size_t bit = 16; bit < 8 * packed.len; bit++) {
        struct source source;
        packed.data[bit / 8] ^= (char)(1 << bit % 8);
        char *path = put_bytes("flipped.gz", packed.data, packed.len);
        packed.data[bit / 8] ^= (char)(1 << bit % 8);
        check_ok(source_open(&source, path, &err));
        const enum sft_status status = source_bytes(&source, &err);
        ck_assert(status == SFT_OK || status == SFT_EDATA);
        if (status)
            n_refused++;
        else
            expect_bytes(&source, POEM, strlen(POEM)); /* a bit of the header that says nothing of them */
        source_close(&source);
        free(path);
    }
    ck_assert_uint_ge(n_refused, 8 * (packed.len - 10)); /* all that is no header */
    strbuf_free(&packed);
}
END_TEST

/* ---- temporary files ---- */

static void set_tmpdir(const char *value)
{
    if (value)
        setenv("TMPDIR", value, 1);
    else
        unsetenv("TMPDIR");
}

START_TEST(no_place_to_unpack)
{
    struct source source;
    struct strbuf packed = {0};
    char *old = getenv("TMPDIR") ? mem_strdup(getenv("TMPDIR")) : NULL, *absent = path_join(dir, "absent");
    add_member(&packed, POEM, strlen(POEM));
    char *path = put_bytes("a.gz", packed.data, packed.len);
    check_ok(source_open(&source, path, &err));
    set_tmpdir(absent);
    const enum sft_status status = source_bytes(&source, &err);
    set_tmpdir(old);
    ck_assert_int_eq(status, SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "a.gz: needs room in $TMPDIR, else /tmp: "));
    ck_assert_ptr_nonnull(strstr(err_text(&err), absent));
    expect_bytes(&source, POEM, strlen(POEM)); /* it may be asked again */
    source_close(&source);
    free(old);
    free(absent);
    free(path);
    strbuf_free(&packed);
}
END_TEST

START_TEST(no_room_to_unpack)
{
    enum { SIZE = 4 << 20 };
    struct source source;
    struct strbuf packed = {0};
    struct rlimit old, little;
    char *zeros = mem_calloc(SIZE, 1);
    add_member(&packed, zeros, SIZE);
    char *path = put_bytes("a.gz", packed.data, packed.len);
    check_ok(source_open(&source, path, &err));

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    little = old;
    little.rlim_cur = SIZE / 2;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    const enum sft_status status = source_bytes(&source, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);

    ck_assert_int_eq(status, SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "a.gz: needs room in $TMPDIR, else /tmp: "));
    ck_assert_ptr_nonnull(strstr(err_text(&err), strerror(EFBIG)));
    expect_bytes(&source, zeros, SIZE);
    source_close(&source);
    free(zeros);
    free(path);
    strbuf_free(&packed);
}
END_TEST

/* ---- pipes ---- */

/* A child that writes to the file `path` (opened there: a pipe waits for its reader), in pieces, and exits.
 */
static pid_t start_writer(const char *path, const char *bytes, size_t len)
{
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child > 0)
        return child;
    const int fd = open(path, O_WRONLY);
    for (size_t pos = 0; fd >= 0 && pos < len;) {
        const ssize_t n = write(fd, bytes + pos, len - pos < 1000 ? len - pos : 1000);
        if (n < 0)
            _exit(1);
        pos += (size_t)n;
    }
    _exit(fd < 0);
}

static void end_writer(pid_t child)
{
    int code;
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(code, 0);
}

/* POEM, many times, packed; *text is what it says. */
static struct strbuf pack_poems(struct strbuf *text)
{
    struct strbuf packed = {0};
    for (int i = 0; i < 10000; i++)
        strbuf_printf(text, "%d %s", i, POEM);
    add_member(&packed, text->data, text->len);
    return packed;
}

START_TEST(a_pipe_is_read_to_its_end)
{
    struct source source;
    struct strbuf text = {0}, packed = pack_poems(&text);
    char *path = path_join(dir, "pipe"), *stamps = path_join(dir, "stamps");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const pid_t child = start_writer(path, packed.data, packed.len);
    check_ok(source_open(&source, path, &err));
    end_writer(child);
    ck_assert(source.is_gzip && !source.is_regular);
    ck_assert_uint_eq(source_hash(&source, stamps), xxh64(packed.data, packed.len, 0));
    ck_assert(!path_exists(stamps));
    expect_bytes(&source, text.data, text.len);
    source_close(&source);
    free(path);
    free(stamps);
    strbuf_free(&text);
    strbuf_free(&packed);
}
END_TEST

START_TEST(standard_input_is_read_once)
{
    struct source source, again;
    struct strbuf text = {0}, packed = pack_poems(&text);
    char *path = path_join(dir, "pipe"), *stamps = path_join(dir, "stamps");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    const pid_t child = start_writer(path, packed.data, packed.len);
    const int old = dup(STDIN_FILENO), fd = open(path, O_RDONLY);
    ck_assert_int_ge(dup2(fd, STDIN_FILENO), 0);
    check_ok(source_open(&source, "-", &err));
    end_writer(child);
    if (old >= 0)
        ck_assert_int_ge(dup2(old, STDIN_FILENO), 0);
    close(old);
    close(fd);
    expect_bytes(&source, text.data, text.len);
    ck_assert_uint_eq(source_hash(&source, stamps), xxh64(packed.data, packed.len, 0));
    ck_assert(!path_exists(stamps));
    ck_assert_int_eq(source_open(&again, "-", &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "-: standard input is named twice");
    source_close(&again);
    source_close(&source);
    free(path);
    free(stamps);
    strbuf_free(&text);
    strbuf_free(&packed);
}
END_TEST

/* ---- real files ---- */

static const struct {
    const char *path;
    size_t size;
    uint64_t hash;
} real[] = {
    {"data/hh-rlhf/test.jsonl.gz", 3280164, 0x634040a5fac1e3d1},
    {"dialogue/schema-guided-dialogue.jsonl.gz", 7609600, 0x93257b4a2a9839b1},
    {"dialogue/taskmaster-4.jsonl.gz", 1215787, 0xb02ed3154ae83b43},
    {"dialogue/topical-chat.jsonl.gz", 6538133, 0x69745a248b158018},
    {"text/War-and-Peace_2600.txt.gz", 3359542, 0x1de1bff5f9c3e59f},
};

START_TEST(real_files_unpack_as_python_does)
{
    const char *assets = getenv("SFT_ASSETS");
    char *path = path_join(assets ? assets : "../shared/assets", real[_i].path);
    if (!path_exists(path)) {
        printf("SKIP: real_files_unpack_as_python_does: no %s\n", path);
    } else {
        struct source source;
        check_ok(source_open(&source, path, &err));
        check_ok(source_bytes(&source, &err));
        ck_assert_uint_eq(source.bytes.size, real[_i].size);
        ck_assert_uint_eq(xxh64(source.bytes.data, source.bytes.size, 0), real[_i].hash);
        source_close(&source);
    }
    free(path);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_plain_file_is_mapped,
        short_files,
        what_cannot_be_opened,
        pages_are_given_back,
        members_are_one_stream,
        zeros_may_follow,
        nothing_packed,
        large_streams,
        damaged_streams_are_named,
        a_cut_is_always_seen,
        no_place_to_unpack,
        a_flipped_bit_never_changes_the_bytes,
        no_room_to_unpack,
        a_pipe_is_read_to_its_end,
        standard_input_is_read_once,
    };
    Suite *suite = suite_create("source");
    TCase *tcase = tcase_create("source");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, real_files_unpack_as_python_does, 0, COUNT(real));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

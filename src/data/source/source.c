#include "data/source/source.h"

#include "base/magic.h"
#include "base/mem.h"
#include "data/source/encoding.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* What is read once, from front to back, is given back after so many bytes, so that memory does not grow with
 * the file; a multiple of every page size. */
enum { WINDOW = 1 << 24, BUFFER = 1 << 18 };

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void advise_sequential(const struct io_map *map)
{
    if (map->size > 0)
        madvise((void *)(uintptr_t)map->data, map->size, MADV_SEQUENTIAL);
}

/* Give back the whole pages of [from, to), where from is a page's start. Every map here is of a file, from
 * which a page comes back when it is read again. */
static void forget(const struct io_map *map, size_t from, size_t to)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (to - from) / page * page;
    if (len > 0)
        madvise((void *)(uintptr_t)(map->data + from), len, MADV_DONTNEED);
}

static enum sft_status fail_to_store(struct sft_err *err, const char *path)
{
    return sft_context(err, "%s: needs room in $TMPDIR, else /tmp", path);
}

/* ---- opening ---- */

static bool is_stopped(const struct source *source)
{
    return source->stop && *source->stop;
}

enum sft_status source_check_stop(const struct source *source, struct sft_err *err)
{
    return is_stopped(source) ? sft_fail(err, SFT_EINTERRUPTED, "%s: stopped while it was read", source->path)
                              : SFT_OK;
}

/* The next bytes, waiting for them; 0 at the end, or where it is to stop. A read would go on after a signal
 * (SA_RESTART); a wait with an end does not, and ends too if the signal came just before it. */
static ssize_t read_next(const struct source *source, int fd, char *buffer)
{
    enum { WAIT_MS = 200 };
    while (!is_stopped(source)) {
        struct pollfd input = {.fd = fd, .events = POLLIN};
        const int ready = poll(&input, 1, WAIT_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        const ssize_t n = read(fd, buffer, BUFFER);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        return n;
    }
    return 0;
}

/* Up to its end, or until it cannot be written: then the commit says why. */
static enum sft_status copy_to_end(const struct source *source, int fd, struct io_writer *w,
                                   struct sft_err *err)
{
    char *buffer = mem_alloc(BUFFER);
    ssize_t n = 1;
    while (n > 0 && !io_writer_has_failed(w)) {
        n = read_next(source, fd, buffer);
        if (n > 0)
            io_write(w, buffer, (size_t)n);
    }
    const enum sft_status status = n < 0 ? sft_fail_errno(err, "%s: cannot read", source->path)
                                         : source_check_stop(source, err);
    free(buffer);
    return status;
}

/* Read what cannot be mapped, a pipe or standard input, to its end. */
static enum sft_status spool(struct source *source, int fd, struct sft_err *err)
{
    struct io_writer *w = io_writer_open_temporary(err);
    if (!w)
        return fail_to_store(err, source->path);
    if (copy_to_end(source, fd, w, err)) {
        io_writer_abort(w);
        return err->status;
    }
    return io_writer_commit_map(w, &source->packed, err) ? fail_to_store(err, source->path) : SFT_OK;
}

static enum sft_status spool_standard_input(struct source *source, struct sft_err *err)
{
    static bool is_read;
    if (is_read)
        return sft_fail(err, SFT_EUSAGE, "-: standard input is named twice");
    is_read = true;
    return spool(source, STDIN_FILENO, err);
}

/* A named pipe is opened without waiting for who writes to it: that is done in read_next. */
static enum sft_status spool_file(struct source *source, struct sft_err *err)
{
    const int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return sft_fail_errno(err, "%s", source->path);
    const enum sft_status status = spool(source, fd, err);
    close(fd);
    return status;
}

static enum sft_status open_file(struct source *source, struct sft_err *err)
{
    struct stat st;
    if (stat(source->path, &st) != 0)
        return sft_fail_errno(err, "%s", source->path);
    source->is_regular = S_ISREG(st.st_mode);
    source->state = file_state_of(&st);
    if (source->is_regular || S_ISDIR(st.st_mode)) /* a directory is refused there */
        return io_map(&source->packed, source->path, err);
    return spool_file(source, err);
}

enum sft_status source_open_until(struct source *source, const char *path, const volatile int *stop,
                                  struct sft_err *err)
{
    *source = (struct source){.path = path, .stop = stop};
    const enum sft_status status = strcmp(path, "-") == 0 ? spool_standard_input(source, err)
                                                          : open_file(source, err);
    if (status)
        return status;
    source->is_gzip = source->packed.size >= 2 && memcmp(source->packed.data, "\x1f\x8b", 2) == 0;
    advise_sequential(&source->packed);
    return SFT_OK;
}

enum sft_status source_open(struct source *source, const char *path, struct sft_err *err)
{
    return source_open_until(source, path, NULL, err);
}

void source_close(struct source *source)
{
    if (source->bytes.data != source->packed.data)
        io_unmap(&source->bytes);
    io_unmap(&source->packed);
    *source = (struct source){0};
}

/* ---- what is in it ---- */

/* Of the bytes as they are now. */
static uint64_t hash_bytes(const struct source *source)
{
    const struct io_map *map = &source->packed;
    struct xxh64 state;
    xxh64_init(&state, 0);
    for (size_t pos = 0; pos < map->size && !is_stopped(source); pos += WINDOW) {
        const size_t end = min_size(pos + WINDOW, map->size);
        xxh64_update(&state, map->data + pos, end - pos);
        forget(map, pos, end);
    }
    return xxh64_digest(&state);
}

uint64_t source_hash(const struct source *source, const char *stamps_dir)
{
    const bool has_stamp = stamps_dir && source->is_regular;
    uint64_t hash;
    if (has_stamp && stamp_read(stamps_dir, source->path, &source->state, &hash))
        return hash;

    /* The clock is read before the bytes are: what changes after that shows in the file's times. */
    const int64_t now_ns = stamp_clock_ns();
    hash = hash_bytes(source);
    if (has_stamp && !is_stopped(source) && file_state_is_settled(&source->state, now_ns))
        stamp_write(stamps_dir, source->path, &source->state, hash);
    return hash;
}

enum sft_status source_check_unchanged(const struct source *source, uint64_t hash, const char *stamps_dir,
                                       struct sft_err *err)
{
    struct stat st;
    if (!source->is_regular) /* spooled: nobody else has it */
        return SFT_OK;
    const bool is_same = stat(source->path, &st) == 0 && file_state_is(&source->state, &st) &&
                         hash_bytes(source) == hash;
    if (source_check_stop(source, err))
        return err->status;
    if (is_same)
        return SFT_OK;
    if (stamps_dir)
        stamp_remove(stamps_dir, source->path);
    return sft_fail(err, SFT_EIO, "%s: changed while it was read (run again when nothing writes to it)",
                    source->path);
}

void source_forget(const struct source *source, size_t n)
{
    forget(&source->bytes, 0, min_size(n, source->bytes.size));
}

/* ---- gzip ---- */

/* A gzip file while it is unpacked. */
struct unpacking {
    const struct source *source;
    z_stream stream;
    size_t pos; /* in packed, of what zlib was given last; it has stream.avail_in of that left */
    struct io_writer *w;
    struct sft_err *err;
    unsigned char buffer[BUFFER];
};

static size_t n_consumed(const struct unpacking *u)
{
    return u->pos - u->stream.avail_in;
}

/* zlib counts in 32 bits, so that it is given a window at a time. */
static void give_input(struct unpacking *u)
{
    const struct io_map *packed = &u->source->packed;
    const size_t n = min_size(packed->size - u->pos, WINDOW);
    if (u->stream.avail_in > 0 || n == 0)
        return;
    if (u->pos >= WINDOW)
        forget(packed, u->pos - WINDOW, u->pos);
    u->stream.next_in = (z_const Bytef *)(uintptr_t)(packed->data + u->pos);
    u->stream.avail_in = (uInt)n;
    u->pos += n;
}

/* Unpack one member; *pos of what follows is n_consumed. */
static enum sft_status unpack_member(struct unpacking *u)
{
    const char *path = u->source->path;
    int result;
    do {
        give_input(u);
        u->stream.next_out = u->buffer;
        u->stream.avail_out = BUFFER;
        result = inflate(&u->stream, Z_NO_FLUSH);
        io_write(u->w, u->buffer, BUFFER - u->stream.avail_out);
        if (io_writer_has_failed(u->w))
            return SFT_OK; /* the commit says why */
        if (source_check_stop(u->source, u->err))
            return SFT_EINTERRUPTED;
    } while (result == Z_OK);
    if (result == Z_STREAM_END)
        return SFT_OK;
    if (result == Z_BUF_ERROR) /* nothing is left to read */
        return sft_fail(u->err, SFT_EDATA, "%s: the gzip stream is cut off at byte %zu", path, n_consumed(u));
    if (result == Z_MEM_ERROR)
        return sft_fail(u->err, SFT_ENOMEM, "%s: not enough memory to unpack it", path);
    return sft_fail(u->err, SFT_EDATA, "%s: the gzip stream is damaged: %s, at byte %zu", path,
                    u->stream.msg ? u->stream.msg : "no gzip", n_consumed(u));
}

/* Whether another member follows, after zeros that tapes and disks pad with. */
static bool has_more(struct unpacking *u)
{
    for (;;) {
        for (; u->stream.avail_in > 0; u->stream.next_in++, u->stream.avail_in--)
            if (*u->stream.next_in != 0)
                return true;
        if (u->pos == u->source->packed.size)
            return false;
        give_input(u);
    }
}

static enum sft_status unpack_members(struct unpacking *u)
{
    enum { GZIP_ONLY = 16 };
    if (inflateInit2(&u->stream, MAX_WBITS + GZIP_ONLY) != Z_OK)
        return sft_fail(u->err, SFT_ENOMEM, "%s: not enough memory to unpack it", u->source->path);
    enum sft_status status;
    do {
        inflateReset(&u->stream);
        status = unpack_member(u);
    } while (!status && !io_writer_has_failed(u->w) && has_more(u));
    inflateEnd(&u->stream);
    return status;
}

static enum sft_status unpack(struct source *source, struct sft_err *err)
{
    struct unpacking *u = mem_calloc(1, sizeof *u);
    u->source = source;
    u->err = err;
    u->w = io_writer_open_temporary(err);
    enum sft_status status = u->w ? unpack_members(u) : fail_to_store(err, source->path);
    if (status)
        io_writer_abort(u->w);
    else if ((status = io_writer_commit_map(u->w, &source->bytes, err)))
        fail_to_store(err, source->path);
    free(u);
    return status;
}

/* ---- text ---- */

/* What no reader of data can make anything of, though it is no foreign file to the whole program. */
static const char *other_of_ours(const struct io_map *bytes)
{
    if (bytes->size >= 2 && memcmp(bytes->data, "\x1f\x8b", 2) == 0)
        return "is compressed with gzip twice (unpack it once with gzip -d)";
    if (bytes->size >= 10 && memcmp(bytes->data + 5, "\0\0\0{\"", 5) == 0)
        return "is a safetensors file, a model's weights (data are conversations or text)";
    return NULL;
}

static enum sft_status refuse_foreign(const struct source *source, struct sft_err *err)
{
    const char *what = other_of_ours(&source->bytes);
    if (what)
        return sft_fail(err, SFT_EDATA, "%s: %s", source->path, what);
    return magic_refuse(source->path, source->bytes.data, source->bytes.size, err);
}

/* Bytes that are UTF-16 or UTF-32 give way to what they are in UTF-8. */
static enum sft_status decode(struct source *source, struct sft_err *err)
{
    const enum encoding encoding = encoding_of(source->bytes.data, source->bytes.size);
    struct io_map utf8;
    if (encoding == ENCODING_UTF8)
        return SFT_OK;
    if (encoding_convert(encoding, &source->bytes, &utf8, err))
        return err->status == SFT_EIO ? fail_to_store(err, source->path) : sft_in_file(err, source->path, 0);
    if (source->bytes.data != source->packed.data)
        io_unmap(&source->bytes);
    source->bytes = utf8;
    return SFT_OK;
}

enum sft_status source_bytes(struct source *source, struct sft_err *err)
{
    if (source->has_bytes)
        return SFT_OK;
    if (!source->is_gzip)
        source->bytes = source->packed;
    else if (unpack(source, err))
        return err->status;
    if (refuse_foreign(source, err) || decode(source, err))
        return err->status;
    if (source->bytes.data != source->packed.data)
        advise_sequential(&source->bytes);
    source->has_bytes = true;
    return SFT_OK;
}

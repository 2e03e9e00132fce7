#include "data/source/stamp.h"

#include "base/io.h"
#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int64_t NS_PER_S = 1000000000, SETTLING_NS = 2000000000;

enum { STAMP_VERSION = 1, HASH_DIGITS = 16 };

static int64_t to_ns(const struct timespec *t)
{
    return (int64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
}

struct file_state file_state_of(const struct stat *st)
{
    return (struct file_state){.size = (uint64_t)st->st_size,
                               .inode = st->st_ino,
                               .device = st->st_dev,
                               .mtime_ns = to_ns(&st->st_mtim),
                               .ctime_ns = to_ns(&st->st_ctim)};
}

bool file_state_is(const struct file_state *state, const struct stat *st)
{
    const struct file_state now = file_state_of(st);
    return state->size == now.size && state->inode == now.inode && state->device == now.device &&
           state->mtime_ns == now.mtime_ns && state->ctime_ns == now.ctime_ns;
}

bool file_state_is_settled(const struct file_state *state, int64_t now_ns)
{
    const int64_t changed = state->mtime_ns > state->ctime_ns ? state->mtime_ns : state->ctime_ns;
    return changed <= now_ns - SETTLING_NS;
}

int64_t stamp_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return to_ns(&now);
}

/* Where the stamp of `path` lies; NULL where that has no absolute path. */
static char *stamp_path(const char *dir, const char *path)
{
    char *absolute = realpath(path, NULL);
    if (!absolute)
        return NULL;
    char *name = mem_printf("%016" PRIx64 ".stamp", xxh64(absolute, strlen(absolute), 0));
    char *joined = path_join(dir, name);
    free(absolute);
    free(name);
    return joined;
}

static char *stamp_line(const struct file_state *state, uint64_t hash)
{
    return mem_printf("%d %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64 " %016" PRIx64 "\n",
                      STAMP_VERSION, state->size, state->mtime_ns, state->ctime_ns, state->inode,
                      state->device, hash);
}

bool stamp_read(const char *dir, const char *path, const struct file_state *state, uint64_t *hash)
{
    char *stamp = stamp_path(dir, path), *line = NULL;
    struct io_map found = {0};
    struct sft_err unsaid;
    bool holds = false;
    if (stamp && io_map_own(&found, stamp, &unsaid) == SFT_OK && found.size > 0) {
        /* the hash is the last word; the whole line must be what we would write for it */
        const char *last = memrchr(found.data, ' ', found.size);
        char digits[HASH_DIGITS + 1] = "";
        if (last && (size_t)(found.data + found.size - last) > HASH_DIGITS)
            memcpy(digits, last + 1, HASH_DIGITS);
        *hash = strtoull(digits, NULL, 16);
        line = stamp_line(state, *hash);
        holds = strlen(line) == found.size && memcmp(line, found.data, found.size) == 0;
    }
    if (holds)
        utimensat(AT_FDCWD, stamp, NULL, 0); /* in use: it is kept (token_cache_prune) */
    io_unmap(&found);
    free(stamp);
    free(line);
    return holds;
}

void stamp_write(const char *dir, const char *path, const struct file_state *state, uint64_t hash)
{
    char *stamp = stamp_path(dir, path), *line = stamp_line(state, hash);
    struct sft_err unsaid;
    struct io_writer *w = NULL;
    if (stamp && io_mkdirs_private(dir, &unsaid) == SFT_OK && (w = io_writer_open_shared(stamp, &unsaid))) {
        io_write(w, line, strlen(line));
        io_writer_commit(w, &unsaid);
    }
    free(stamp);
    free(line);
}

void stamp_remove(const char *dir, const char *path)
{
    char *stamp = stamp_path(dir, path);
    if (stamp)
        unlink(stamp);
    free(stamp);
}

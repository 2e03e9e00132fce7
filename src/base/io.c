#include "base/io.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/writer_id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a named pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* Of what is no regular file, only a pipe or a device may be read, and only where `any_kind`. Otherwise it is opened
 * without waiting, so that a named pipe that nobody writes to is seen to be one. */
static enum sft_status open_for_reading(const char *path, bool any_kind, int *fd, struct stat *st,
                                        struct sft_err *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (any_kind ? 0 : O_NONBLOCK));
    if (*fd < 0)
        return sft_fail_errno(err, "%s", path);
    if (fstat(*fd, st) != 0)
        sft_fail_errno(err, "%s", path);
    else if (S_ISREG(st->st_mode) || (any_kind && !S_ISDIR(st->st_mode)))
        return SFT_OK;
    else
        sft_fail(err, SFT_EIO, "%s: is %s, expected a file", path, kind_of(st->st_mode));
    close(*fd);
    return SFT_EIO;
}

static enum sft_status read_all(const char *path, bool any_kind, struct strbuf *sb, struct sft_err *err)
{
    int fd;
    struct stat st;
    strbuf_clear(sb);
    if (open_for_reading(path, any_kind, &fd, &st, err))
        return SFT_EIO;
    enum sft_status status = SFT_OK;
    const size_t chunk = st.st_size > 0 ? (size_t)st.st_size + 1 : 1 << 16; /* + 1: meets the end at once */
    for (;;) {
        sb->data = mem_grow(sb->data, &sb->capacity, sb->len + chunk + 1, 1);
        const ssize_t n = read(fd, sb->data + sb->len, chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = sft_fail_errno(err, "%s: cannot read", path);
        if (n <= 0)
            break;
        sb->len += (size_t)n;
    }
    sb->data[sb->len] = '\0';
    close(fd);
    return status;
}

enum sft_status io_read(const char *path, struct strbuf *sb, struct sft_err *err)
{
    return read_all(path, true, sb, err);
}

enum sft_status io_read_file(const char *path, struct strbuf *sb, struct sft_err *err)
{
    return read_all(path, false, sb, err);
}

/* Map what lies behind a descriptor; `name` is what errors call it. */
static bool map_descriptor(int fd, size_t size, const char *name, struct io_map *map)
{
    *map = (struct io_map){.data = ""};
    void *p = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (p == MAP_FAILED)
        return false;
    if (p)
        *map = (struct io_map){.data = p, .size = size};
    map_register(p, size, name);
    return true;
}

enum sft_status io_map(struct io_map *map, const char *path, struct sft_err *err)
{
    *map = (struct io_map){.data = ""};
    int fd;
    struct stat st;
    if (open_for_reading(path, false, &fd, &st, err))
        return SFT_EIO;
    enum sft_status status = SFT_OK;
    if (!map_descriptor(fd, (size_t)st.st_size, path, map))
        status = sft_fail_errno(err, "%s: cannot map", path);
    close(fd);
    return status;
}

enum sft_status io_map_own(struct io_map *map, const char *path, struct sft_err *err)
{
    *map = (struct io_map){.data = ""};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return sft_fail_errno(err, "%s", path);
    enum sft_status status = SFT_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & (S_IWGRP | S_IWOTH)))
        status = sft_fail(err, SFT_EIO, "%s: not a file that only its user can write", path);
    else if (!map_descriptor(fd, (size_t)st.st_size, path, map))
        status = sft_fail_errno(err, "%s: cannot map", path);
    close(fd);
    return status;
}

void io_unmap(struct io_map *map)
{
    if (map->size)
        map_unregister(map->data);
    if (map->size)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct io_map){.data = ""};
}

void io_map_release(const void *part, size_t len)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)part / page * page;
    if (len)
        madvise((void *)begin, (uintptr_t)part + len - begin, MADV_DONTNEED);
}

enum sft_status io_hash_file(const char *path, uint64_t *hash, struct sft_err *err)
{
    int fd;
    struct stat st;
    if (open_for_reading(path, false, &fd, &st, err))
        return SFT_EIO;
    struct xxh64 h;
    xxh64_init(&h, 0);
    unsigned char chunk[1 << 16];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        xxh64_update(&h, chunk, (size_t)n);
    const enum sft_status status = n < 0 ? sft_fail_errno(err, "%s: cannot read", path) : SFT_OK;
    close(fd);
    *hash = xxh64_digest(&h);
    return status;
}

/* ---- writing ---- */

enum { WRITER_BUFFER = 1 << 18 };

struct io_writer {
    char *path, *tmp_path; /* NULL: a temporary file without a name */
    int fd, failed;        /* failed: errno of the first failure, 0 while all is well */
    size_t used, size;     /* bytes in the buffer; bytes in all */
    struct xxh64 hash;
    unsigned char buffer[WRITER_BUFFER];
};

/* Takes over both names. */
static struct io_writer *writer_new(char *path, char *tmp_path, int fd)
{
    struct io_writer *w = mem_alloc(sizeof *w);
    w->path = path;
    w->tmp_path = tmp_path;
    w->fd = fd;
    w->failed = 0;
    w->used = w->size = 0;
    xxh64_init(&w->hash, 0);
    return w;
}

/* Takes over tmp_path. */
static struct io_writer *open_writer(const char *path, char *tmp_path, int flags, mode_t mode,
                                     struct sft_err *err)
{
    const int fd = open(tmp_path, O_RDWR | O_CREAT | O_CLOEXEC | flags, mode);
    if (fd >= 0)
        return writer_new(mem_strdup(path), tmp_path, fd);
    sft_fail_errno(err, "%s: cannot write", path);
    free(tmp_path);
    return NULL;
}

struct io_writer *io_writer_open(const char *path, struct sft_err *err)
{
    return open_writer(path, mem_printf("%s.tmp", path), O_TRUNC, 0666, err);
}

struct io_writer *io_writer_open_shared(const char *path, struct sft_err *err)
{
    char *tmp_path = writer_tmp_path(path);
    unlink(tmp_path); /* of an earlier process that had this one's number */
    return open_writer(path, tmp_path, O_EXCL | O_NOFOLLOW, 0600, err);
}

static const char *temporary_dir(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

/* A descriptor of a temporary file without a name; -1 and an error that names the place where there can be none. */
static int open_temporary(struct sft_err *err)
{
    const char *dir = temporary_dir();
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* a file system without such files */
        char *path = mem_printf("%s/sft-XXXXXX", dir);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
        free(path);
    }
    if (fd < 0)
        sft_fail_errno(err, "%s: cannot make a temporary file (TMPDIR names another place)", dir);
    return fd;
}

struct io_writer *io_writer_open_temporary(struct sft_err *err)
{
    const int fd = open_temporary(err);
    return fd < 0 ? NULL : writer_new(NULL, NULL, fd);
}

size_t io_writer_size(const struct io_writer *w)
{
    return w->size;
}

bool io_writer_has_failed(const struct io_writer *w)
{
    return w->failed != 0;
}

static void write_all(struct io_writer *w, const unsigned char *p, size_t len)
{
    while (len && !w->failed) {
        const ssize_t n = write(w->fd, p, len);
        if (n < 0 && errno != EINTR)
            w->failed = errno;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
}

void io_write(struct io_writer *w, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    xxh64_update(&w->hash, bytes, len);
    w->size += len;
    if (len > sizeof w->buffer - w->used) {
        write_all(w, w->buffer, w->used);
        w->used = 0;
    }
    if (len >= sizeof w->buffer) {
        write_all(w, bytes, len);
        return;
    }
    memcpy(w->buffer + w->used, bytes, len);
    w->used += len;
}

uint64_t io_writer_hash(const struct io_writer *w)
{
    return xxh64_digest(&w->hash);
}

static void writer_free(struct io_writer *w)
{
    free(w->path);
    free(w->tmp_path);
    free(w);
}

void io_writer_abort(struct io_writer *w)
{
    if (!w)
        return;
    close(w->fd);
    if (w->tmp_path)
        unlink(w->tmp_path);
    writer_free(w);
}

/* map may be NULL. */
static enum sft_status commit(struct io_writer *w, struct io_map *map, struct sft_err *err)
{
    char *name = w->path ? mem_strdup(w->path) : mem_printf("a temporary file in %s", temporary_dir());
    write_all(w, w->buffer, w->used);
    if (!w->failed && w->path && fsync(w->fd) != 0)
        w->failed = errno;
    if (!w->failed && map && !map_descriptor(w->fd, w->size, name, map))
        w->failed = errno;
    if (close(w->fd) != 0 && !w->failed)
        w->failed = errno;
    if (!w->failed && w->path && rename(w->tmp_path, w->path) != 0)
        w->failed = errno;
    enum sft_status status = SFT_OK;
    if (w->failed) {
        errno = w->failed;
        status = sft_fail_errno(err, "%s: cannot write", name);
        if (w->tmp_path)
            unlink(w->tmp_path);
        if (map)
            io_unmap(map);
    }
    free(name);
    writer_free(w);
    return status;
}

enum sft_status io_writer_commit(struct io_writer *w, struct sft_err *err)
{
    return commit(w, NULL, err);
}

enum sft_status io_writer_commit_map(struct io_writer *w, struct io_map *map, struct sft_err *err)
{
    *map = (struct io_map){.data = ""};
    return commit(w, map, err);
}

enum sft_status io_write_file(const char *path, const void *bytes, size_t len, struct sft_err *err)
{
    struct io_writer *w = io_writer_open(path, err);
    if (!w)
        return err->status;
    io_write(w, bytes, len);
    return io_writer_commit(w, err);
}

/* ---- directories ---- */

/* Make one directory if it is not there, and let it last: its name is in its parent, which is synced. A parent that
 * cannot be opened (one may only pass through it) is left to the system. */
static enum sft_status make_dir(const char *path, mode_t mode, struct sft_err *err)
{
    if (mkdir(path, mode) != 0)
        return errno == EEXIST ? SFT_OK : sft_fail_errno(err, "%s: cannot make the directory", path);
    char *parent = path_dirname(path);
    io_sync_dir(parent, NULL);
    free(parent);
    return SFT_OK;
}

static enum sft_status make_dirs(const char *path, mode_t mode, struct sft_err *err)
{
    char *copy = mem_strdup(path);
    enum sft_status status = SFT_OK;
    for (char *p = copy; *p && !status;) {
        p += strspn(p, "/");
        p += strcspn(p, "/");
        const char end = *p;
        *p = '\0';
        if (p > copy)
            status = make_dir(copy, mode, err);
        *p = end;
    }
    if (!status && !path_is_dir(path))
        status = *path ? sft_fail(err, SFT_EIO, "%s: exists and is not a directory", path)
                       : sft_fail(err, SFT_EIO, "a directory without a name");
    free(copy);
    return status;
}

enum sft_status io_mkdirs(const char *path, struct sft_err *err)
{
    return make_dirs(path, 0777, err);
}

enum sft_status io_mkdirs_private(const char *path, struct sft_err *err)
{
    return make_dirs(path, 0700, err);
}

enum sft_status io_sync_dir(const char *path, struct sft_err *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return sft_fail_errno(err, "%s", path);
    /* EINVAL: a file system that cannot sync a directory; there is no more that we could do. */
    const bool ok = fsync(fd) == 0 || errno == EINVAL;
    const enum sft_status status = ok ? SFT_OK : sft_fail_errno(err, "%s: cannot sync", path);
    close(fd);
    return status;
}

enum sft_status io_rename(const char *from, const char *to, struct sft_err *err)
{
    return rename(from, to) == 0 ? SFT_OK : sft_fail_errno(err, "%s: cannot rename to %s", from, to);
}

static enum sft_status fail_new(const char *from, const char *to, struct sft_err *err)
{
    return errno == EEXIST || errno == ENOTEMPTY
               ? sft_fail(err, SFT_EUSAGE, "%s exists already", to)
               : sft_fail_errno(err, "%s: cannot rename to %s", from, to);
}

/* Where a file system has no such rename: a file gets its second name first, which fails where there is one. */
static enum sft_status rename_new_in_turn(const char *from, const char *to, struct sft_err *err)
{
    errno = EEXIST;
    if (path_is_dir(from))
        return !path_has_name(to) && rename(from, to) == 0 ? SFT_OK : fail_new(from, to, err);
    if (link(from, to) != 0)
        return fail_new(from, to, err);
    return unlink(from) == 0 ? SFT_OK : sft_fail_errno(err, "%s: cannot remove", from);
}

enum sft_status io_rename_new(const char *from, const char *to, struct sft_err *err)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return SFT_OK;
    return errno == EINVAL || errno == ENOSYS ? rename_new_in_turn(from, to, err) : fail_new(from, to, err);
}

/* Where a file system cannot exchange two names: the old one makes room, whole, and is removed under the name that the
 * new one had. */
static enum sft_status replace_in_turn(const char *from, const char *to, struct sft_err *err)
{
    char *old = mem_printf("%s" IO_REPLACED, to);
    enum sft_status status = io_remove_tree(old, err);
    if (!status)
        status = io_rename(to, old, err);
    if (!status && (status = io_rename(from, to, err)))
        io_rename(old, to, NULL);
    if (!status)
        status = io_rename(old, from, err);
    free(old);
    return status;
}

enum sft_status io_replace_dir(const char *from, const char *to, struct sft_err *err)
{
    if (!path_exists(to))
        return io_rename(from, to, err);
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) != 0) {
        if (errno != EINVAL && errno != ENOSYS)
            return sft_fail_errno(err, "%s: cannot replace", to);
        if (replace_in_turn(from, to, err))
            return err->status;
    }
    return io_remove_tree(from, err);
}

enum sft_status io_symlink(const char *target, const char *path, struct sft_err *err)
{
    char *tmp = mem_printf("%s.tmp", path);
    unlink(tmp);
    enum sft_status status = SFT_OK;
    if (symlink(target, tmp) != 0)
        status = sft_fail_errno(err, "%s: cannot make a symbolic link", path);
    else
        status = io_rename(tmp, path, err);
    if (status)
        unlink(tmp);
    free(tmp);
    return status;
}

enum sft_status io_empty_dir(const char *path, struct sft_err *err)
{
    char **names;
    size_t count;
    enum sft_status status = io_list(path, &names, &count, err);
    for (size_t i = count; i-- > 0 && !status;) {
        char *child = path_join(path, names[i]);
        status = io_remove_tree(child, err);
        free(child);
    }
    io_list_free(names, count);
    return status;
}

enum sft_status io_remove_tree(const char *path, struct sft_err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? SFT_OK : sft_fail_errno(err, "%s", path);
    if (!S_ISDIR(st.st_mode))
        return unlink(path) == 0 ? SFT_OK : sft_fail_errno(err, "%s: cannot remove", path);
    const enum sft_status status = io_empty_dir(path, err);
    if (!status && rmdir(path) != 0)
        return sft_fail_errno(err, "%s: cannot remove", path);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum sft_status io_list(const char *path, char ***names, size_t *count, struct sft_err *err)
{
    *names = NULL;
    *count = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return sft_fail_errno(err, "%s", path);
    size_t capacity = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *names = mem_grow(*names, &capacity, *count + 1, sizeof **names);
        (*names)[(*count)++] = mem_strdup(entry->d_name);
    }
    closedir(dir);
    if (*count)
        qsort(*names, *count, sizeof **names, by_name);
    return SFT_OK;
}

void io_list_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

enum sft_status io_lock(const char *path, int *fd, struct sft_err *err)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        return sft_fail_errno(err, "%s: cannot write", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return SFT_OK;
    const enum sft_status status = errno == EWOULDBLOCK
                                       ? sft_fail(err, SFT_EUSAGE, "%s: held by another process", path)
                                       : sft_fail_errno(err, "%s: cannot lock", path);
    close(*fd);
    *fd = -1;
    return status;
}

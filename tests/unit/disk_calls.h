/* The system calls that change what is on the disk, for tests in which one of them fails or is a process's last: those
 * of the code under test come here, since a program's own functions go before its library's. Nothing waits for a disk:
 * a process that is killed loses nothing of what it has written. */
#ifndef SFT_TESTS_DISK_CALLS_H
#define SFT_TESTS_DISK_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum disk_call { DISK_ANY, DISK_WRITE, DISK_SYNC, DISK_RENAME, DISK_EXCHANGE, DISK_MKDIR, DISK_REMOVE, DISK_LINK };

static struct {
    enum disk_call which;
    unsigned long nth; /* the call of this kind that it happens at, from 1; 0: none */
    int error;         /* what it fails with; 0: it kills the process */
    unsigned long n_calls;
    bool lasts;        /* so do all after it */
    bool is_short;     /* writes write one byte */
    bool no_exchanges; /* a file system that cannot exchange two names */
} disk;

static inline void disk_fail(enum disk_call which, unsigned long nth, int error)
{
    disk.which = which;
    disk.nth = nth;
    disk.error = error;
    disk.n_calls = 0;
}

static inline void disk_kill(unsigned long nth)
{
    disk_fail(DISK_ANY, nth, 0);
}

static inline void disk_heal(void)
{
    disk_fail(DISK_ANY, 0, 0);
}

static inline bool disk_call_fails(enum disk_call call)
{
    if (disk.which != DISK_ANY && disk.which != call)
        return false;
    disk.n_calls++;
    if (!disk.nth || (disk.lasts ? disk.n_calls < disk.nth : disk.n_calls != disk.nth))
        return false;
    if (!disk.error)
        kill(getpid(), SIGKILL);
    errno = disk.error;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    const size_t most = disk.is_short && n > 1 ? 1 : n;
    return disk_call_fails(DISK_WRITE) ? -1 : syscall(SYS_write, fd, bytes, most);
}

int fsync(int fd)
{
    (void)fd;
    return disk_call_fails(DISK_SYNC) ? -1 : 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int rename(const char *from, const char *to)
{
    return disk_call_fails(DISK_RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (disk_call_fails(DISK_EXCHANGE))
        return -1;
    if (disk.no_exchanges)
        return errno = EINVAL, -1;
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
    const bool is_new = access(path, F_OK) != 0; /* else it says so, and not that there is no room */
    return is_new && disk_call_fails(DISK_MKDIR) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int unlink(const char *path)
{
    return disk_call_fails(DISK_REMOVE) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return disk_call_fails(DISK_REMOVE) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

int symlink(const char *target, const char *path)
{
    return disk_call_fails(DISK_LINK) ? -1 : (int)syscall(SYS_symlinkat, target, AT_FDCWD, path);
}

#endif

#include "base/writer_id.h"

#include "base/mem.h"
#include "base/xxh64.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOST_DIGITS = 16 };

/* The kernel's name for this start of the machine, into id: its length, 0 where it tells none. */
static size_t read_boot_id(char *id, size_t capacity)
{
    const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, id, capacity);
    if (fd >= 0)
        close(fd);
    return n > 0 ? (size_t)n : 0;
}

/* A reboot and a container each have process numbers of their own. */
static uint64_t this_host(void)
{
    struct stat st = {0};
    struct xxh64 h;
    char boot[64], name[256] = "";
    const size_t boot_len = read_boot_id(boot, sizeof boot);
    xxh64_init(&h, 0);
    if (boot_len > 0)
        xxh64_update(&h, boot, boot_len);
    else if (gethostname(name, sizeof name - 1) == 0)
        xxh64_update(&h, name, strlen(name));
    if (stat("/proc/self/ns/pid", &st) == 0) {
        const uint64_t container = st.st_ino;
        xxh64_update(&h, &container, sizeof container);
    }
    return xxh64_digest(&h);
}

char *writer_tmp_path(const char *path)
{
    return mem_printf("%s.%ld.%016" PRIx64 ".tmp", path, (long)getpid(), this_host());
}

enum writer writer_of(const char *ending)
{
    char *end;
    if (ending[0] != '.' || ending[1] < '1' || ending[1] > '9')
        return WRITER_NONE;
    errno = 0;
    const long pid = strtol(ending + 1, &end, 10);
    if (strcmp(end, ".tmp") == 0)
        return WRITER_ELSEWHERE;
    if (errno || *end != '.' || strspn(end + 1, "0123456789abcdef") != HOST_DIGITS ||
        strcmp(end + 1 + HOST_DIGITS, ".tmp") != 0)
        return WRITER_NONE;
    if (strtoull(end + 1, NULL, 16) != this_host() || pid != (pid_t)pid)
        return WRITER_ELSEWHERE;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH ? WRITER_GONE : WRITER_AT_WORK;
}

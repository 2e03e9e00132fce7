#include "base/writer_id.h"

#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOST_DIGITS = 16 };

/* A reboot and a container each have process numbers of their own. */
static uint64_t this_host(void)
{
    struct strbuf boot = {0};
    struct stat st = {0};
    struct sft_err none;
    struct xxh64 h;
    char name[256] = "";
    xxh64_init(&h, 0);
    if (io_read("/proc/sys/kernel/random/boot_id", &boot, &none) == SFT_OK)
        xxh64_update(&h, boot.data, boot.len);
    else if (gethostname(name, sizeof name - 1) == 0)
        xxh64_update(&h, name, strlen(name));
    if (stat("/proc/self/ns/pid", &st) == 0) {
        const uint64_t container = st.st_ino;
        xxh64_update(&h, &container, sizeof container);
    }
    strbuf_free(&boot);
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

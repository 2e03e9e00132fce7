#include "collect/synth/append.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return false;
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

enum sft_status append_line(int fd, const char *path, const char *line, size_t len, bool is_synced, struct sft_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return sft_fail_errno(err, "%s: cannot write", path);
    if (write_all(fd, line, len) && (!is_synced || fdatasync(fd) == 0))
        return SFT_OK;
    sft_fail_errno(err, "%s: cannot write", path);
    return ftruncate(fd, st.st_size) == 0 ? err->status : sft_remark(err, " (its last line is a half one now)");
}

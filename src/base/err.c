#include "base/err.h"

#include "base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sft_status sft_fail(struct sft_err *err, enum sft_status status, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, ap);
        va_end(ap);
        str_make_printable(err->message, sizeof err->message);
        err->status = status;
    }
    return status;
}

enum sft_status sft_fail_errno(struct sft_err *err, const char *fmt, ...)
{
    const int saved_errno = errno;
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, ap);
        va_end(ap);
        const size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %s%s", strerror(saved_errno),
                 saved_errno == EFBIG ? " (ulimit -f sets the limit)" : "");
        str_make_printable(err->message, sizeof err->message);
        err->status = SFT_EIO;
    }
    return SFT_EIO;
}

enum sft_status sft_context(struct sft_err *err, const char *fmt, ...)
{
    if (!err)
        return SFT_EIO;
    char inner[SFT_ERR_MAX];
    memcpy(inner, err->message, sizeof inner);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->message, sizeof err->message, fmt, ap);
    va_end(ap);
    const size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", inner);
    str_make_printable(err->message, sizeof err->message);
    return err->status;
}

int sft_exit_code(enum sft_status status)
{
    switch (status) {
    case SFT_OK:
        return 0;
    case SFT_EUSAGE:
        return 2;
    case SFT_ENONFINITE:
        return 3;
    case SFT_EINTERRUPTED:
        return 130;
    case SFT_EIO:
    case SFT_EDATA:
    case SFT_ENOMEM:
        return 1;
    }
    return 1;
}

void sft_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "BUG: %s:%d: %s\n", file, line, what);
    abort();
}

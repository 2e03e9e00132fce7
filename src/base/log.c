#include "base/log.h"

#include "base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool quiet, progress_shown;

static void clear_progress(void)
{
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = false;
}

/* Names from files are in it, so that nothing in it may be obeyed by a terminal. */
static void print_message(const char *fmt, va_list ap)
{
    char *message = NULL;
    struct strbuf printable = {0};
    const int len = vasprintf(&message, fmt, ap);
    if (len > 0) {
        strbuf_add_printable(&printable, message, (size_t)len);
        fwrite(printable.data, 1, printable.len, stderr);
        free(message);
    }
    strbuf_free(&printable);
}

void log_info(const char *fmt, ...)
{
    if (quiet)
        return;
    clear_progress();
    va_list ap;
    va_start(ap, fmt);
    print_message(fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

void log_warning(const char *fmt, ...)
{
    clear_progress();
    fputs(log_is_terminal(STDERR_FILENO) ? "\033[1;33mwarning:\033[0m " : "warning: ", stderr);
    va_list ap;
    va_start(ap, fmt);
    print_message(fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

void log_quiet(bool value)
{
    quiet = value;
}

void log_progress(const char *fmt, ...)
{
    if (quiet || !log_is_terminal(STDERR_FILENO))
        return;
    clear_progress();
    va_list ap;
    va_start(ap, fmt);
    progress_shown = fmt[0] != '\0';
    print_message(fmt, ap);
    va_end(ap);
    fflush(stderr);
}

const char *log_count(char *out, double count)
{
    static const char units[] = "KMB";
    size_t unit = 0;
    if (count < 1000) {
        snprintf(out, 16, "%.0f", count);
        return out;
    }
    for (count /= 1000; count >= 999.95 && unit < 2; unit++)
        count /= 1000;
    snprintf(out, 16, "%.1f%c", count, units[unit]);
    return out;
}

bool log_is_terminal(int fd)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    return isatty(fd) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

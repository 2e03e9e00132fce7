#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool quiet, to_stdout, progress_shown;

static void clear_progress(void)
{
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = false;
}

void log_info(const char *fmt, ...)
{
    if (quiet)
        return;
    clear_progress();
    FILE *out = to_stdout ? stdout : stderr;
    va_list ap;
    va_start(ap, fmt);
    vfprintf(out, fmt, ap);
    va_end(ap);
    fputc('\n', out);
    fflush(out); /* in order with warnings, where both go to one place */
}

void log_warning(const char *fmt, ...)
{
    clear_progress();
    fputs(log_is_terminal(STDERR_FILENO) ? "\033[1;35mwarning:\033[0m " : "warning: ", stderr);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

void log_quiet(bool value)
{
    quiet = value;
}

void log_to_stdout(bool yes)
{
    to_stdout = yes;
}

void log_progress(const char *fmt, ...)
{
    if (quiet || !log_is_terminal(STDERR_FILENO))
        return;
    clear_progress();
    va_list ap;
    va_start(ap, fmt);
    progress_shown = fmt[0] != '\0';
    vfprintf(stderr, fmt, ap);
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

#include "base/log.h"

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/wrap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* From the cursor on, to the end of the screen: a live line that a narrower window has folded, too. */
#define CLEAR "\r\033[J"

static const double REDRAW_SECONDS = 0.1;
enum { DEFAULT_COLUMNS = 80 };

static int is_live_terminal = -1; /* -1: not looked at yet */

/* The live line. At rest the cursor is at its beginning: there it stays when a window is resized, and what a terminal
 * echoes (^C) or a shell writes after us begins there. */
static struct {
    char text[512]; /* "": there is none */
    const char *fmt;
    double drawn_at;
} live;

bool log_is_screen(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

size_t log_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS;
}

bool log_has_live_line(void)
{
    if (is_live_terminal < 0)
        is_live_terminal = log_is_screen(STDERR_FILENO);
    return is_live_terminal;
}

/* Cut text before it reaches the last column, where terminals differ in when they go on to the next line. */
static void cut_to_width(struct strbuf *text)
{
    const size_t columns = log_columns(STDERR_FILENO);
    size_t used = 0, i = 0;
    while (i < text->len) {
        uint32_t cp = 0;
        size_t bad = 1;
        const size_t n = utf8_decode(text->data + i, text->len - i, &cp, &bad);
        used += cp >= 0x1100 ? 2 : 1; /* a wide character, or one that may be */
        if (used >= columns)
            break;
        i += n ? n : bad;
    }
    text->len = i;
}

static void add_live(struct strbuf *out)
{
    struct strbuf text = {0};
    strbuf_add_visible(&text, live.text, strlen(live.text));
    cut_to_width(&text);
    strbuf_putc(out, '\r');
    strbuf_add(out, text.data, text.len);
    strbuf_puts(out, "\033[J\r");
    strbuf_free(&text);
}

/* How a kind of lines looks. */
struct shape {
    const char *prefix;
    size_t prefix_width;
    bool wraps; /* else a long one is the terminal's to fold */
    size_t margin;
};

/* The last column stays free, where terminals differ in when they go on to the next line. */
static void add_message(struct strbuf *out, const char *message, const struct shape *shape)
{
    enum { LEAST_MARGIN = 2 };
    const size_t columns = log_columns(STDERR_FILENO);
    const size_t margin = shape->margin < columns / 2 ? shape->margin : LEAST_MARGIN;
    struct strbuf text = {0};
    strbuf_add_printable(&text, message, strlen(message));
    const char *shown = text.data ? text.data : "";
    strbuf_puts(out, shape->prefix);
    if (shape->wraps && isatty(STDERR_FILENO))
        strbuf_wrap_to(out, shown, shape->prefix_width, margin, columns - 1);
    else
        strbuf_printf(out, "%s\n", shown);
    strbuf_free(&text);
}

/* Names from files are in it, so that nothing in it may be obeyed by a terminal. One write a line: what a signal's
 * handler says between two cannot tear it. */
static void put_line(const struct shape *shape, const char *fmt, va_list ap)
{
    char *message = NULL;
    struct strbuf out = {0};
    const int len = vasprintf(&message, fmt, ap);
    if (live.text[0])
        strbuf_puts(&out, CLEAR);
    add_message(&out, len > 0 ? message : "", shape);
    if (live.text[0])
        add_live(&out);
    fwrite(out.data, 1, out.len, stderr);
    strbuf_free(&out);
    free(message);
}

void log_info(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put_line(&(struct shape){.prefix = ""}, fmt, ap);
    va_end(ap);
}

void log_notice(size_t margin, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    put_line(&(struct shape){.prefix = "", .wraps = true, .margin = margin}, fmt, ap);
    va_end(ap);
}

void log_warning(const char *fmt, ...)
{
    enum { WIDTH = sizeof "warning: " - 1 };
    const char *prefix = log_is_terminal(STDERR_FILENO) ? "\033[1;35mwarning:\033[0m " : "warning: ";
    va_list ap;
    va_start(ap, fmt);
    put_line(&(struct shape){.prefix = prefix, .prefix_width = WIDTH, .wraps = true, .margin = WIDTH}, fmt, ap);
    va_end(ap);
}

void log_progress(const char *fmt, ...)
{
    if (!log_has_live_line())
        return;
    char text[sizeof live.text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const double time = clock_seconds();
    if (text[0] && fmt == live.fmt && time - live.drawn_at < REDRAW_SECONDS)
        return;
    const bool was_shown = live.text[0];
    memcpy(live.text, text, sizeof text);
    live.fmt = text[0] ? fmt : NULL;
    live.drawn_at = time;
    struct strbuf out = {0};
    if (live.text[0])
        add_live(&out);
    else if (was_shown)
        strbuf_puts(&out, CLEAR);
    if (out.len)
        fwrite(out.data, 1, out.len, stderr);
    strbuf_free(&out);
}

void log_from_signal(const char *text)
{
    if (is_live_terminal == 1 && write(STDERR_FILENO, CLEAR, sizeof CLEAR - 1) < 0)
        return;
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nobody reads: there is nothing to be done about it here */
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

const char *log_duration(char *out, double seconds)
{
    const unsigned long long s = seconds < 1e15 ? (unsigned long long)(seconds + 0.5) : (unsigned long long)1e15;
    if (s >= 3600)
        snprintf(out, 32, "%lluh%02llum", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(out, 32, "%llum%02llus", s / 60, s % 60);
    else
        snprintf(out, 32, "%llus", s);
    return out;
}

bool log_is_terminal(int fd)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    return isatty(fd) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

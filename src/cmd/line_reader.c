#include "cmd/line_reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 16 };

void line_reader_init(struct line_reader *r, int fd, int wake_fd)
{
    *r = (struct line_reader){.fd = fd, .wake_fd = wake_fd};
}

void line_reader_free(struct line_reader *r)
{
    strbuf_free(&r->bytes);
    *r = (struct line_reader){0};
}

/* LINE_NOT_YET where neither can be read within the time; a signal without a wake_fd is waited through. */
static enum line_status wait_for(int fd, int wake_fd, int milliseconds)
{
    struct pollfd ready[] = {{.fd = fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
    int n;
    do
        n = poll(ready, 2, milliseconds);
    while (n < 0 && errno == EINTR);
    if (ready[1].revents)
        return LINE_INTERRUPTED;
    return n ? LINE_READ : LINE_NOT_YET; /* what poll cannot do, read will say */
}

enum line_status line_wait(int fd, int wake_fd)
{
    return wait_for(fd, wake_fd, -1);
}

/* The line that ends at `end`, or with the input. */
static enum line_status take(struct line_reader *r, size_t end, const char **line, size_t *len)
{
    const bool has_end = end < r->bytes.len;
    char *text = r->bytes.data + r->begin;
    *len = end - r->begin;
    if (*len && text[*len - 1] == '\r')
        --*len;
    text[*len] = '\0';
    *line = text;
    r->begin = r->searched = end + has_end;
    return LINE_READ;
}

/* Lines that were taken make room. */
static void compact(struct line_reader *r)
{
    const size_t rest = r->bytes.len - r->begin;
    if (r->begin == 0)
        return;
    memmove(r->bytes.data, r->bytes.data + r->begin, rest);
    r->bytes.len = rest;
    r->searched -= r->begin;
    r->begin = 0;
}

static void read_more(struct line_reader *r)
{
    char piece[PIECE];
    ssize_t n;
    do
        n = read(r->fd, piece, sizeof piece);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        strbuf_add(&r->bytes, piece, (size_t)n);
    r->at_end = n <= 0;
    r->failed = n < 0 ? errno : 0;
}

enum line_status line_reader_next(struct line_reader *r, bool waits, const char **line, size_t *len)
{
    for (;;) {
        const char *from = r->bytes.data ? r->bytes.data + r->searched : "";
        const char *end = memchr(from, '\n', r->bytes.len - r->searched);
        if (end)
            return take(r, (size_t)(end - r->bytes.data), line, len);
        r->searched = r->bytes.len;
        if (r->at_end)
            return r->begin < r->bytes.len ? take(r, r->bytes.len, line, len) : LINE_END;
        compact(r);
        const enum line_status status = wait_for(r->fd, r->wake_fd, waits ? -1 : 0);
        if (status == LINE_INTERRUPTED)
            r->bytes.len = r->searched = 0;
        if (status != LINE_READ)
            return status;
        read_more(r);
    }
}

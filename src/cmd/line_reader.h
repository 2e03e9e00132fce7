/* Lines from a descriptor, of any length, with or without waiting for them. (stdio would hide whether a whole line has
 * come already.) */
#ifndef SFT_CMD_LINE_READER_H
#define SFT_CMD_LINE_READER_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

enum line_status {
    LINE_READ,
    LINE_NOT_YET,     /* none is whole, and waiting was not asked for */
    LINE_INTERRUPTED, /* while it waited: what of a line was there is dropped */
    LINE_END          /* of the input, or it cannot be read: `failed` is errno then, else 0 */
};

struct line_reader {
    int fd;
    int wake_fd; /* one that becomes readable when a wait is to be interrupted, the caller's to empty; -1: none */
    int failed;

    /* line_reader.c's own */
    struct strbuf bytes;
    size_t begin, searched; /* of the line that is looked for; up to where it has no end */
    bool at_end;
};

void line_reader_init(struct line_reader *reader, int fd, int wake_fd);
void line_reader_free(struct line_reader *reader);

/* The next line without its end (\n or \r\n), NUL-terminated, good until the next call; the last one need not have an
 * end. Bytes are as they are: NULs, and what is no UTF-8. */
enum line_status line_reader_next(struct line_reader *reader, bool waits, const char **line, size_t *len);

/* Wait until `fd` can be read: LINE_READ, or LINE_INTERRUPTED where wake_fd (-1: none) can. */
enum line_status line_wait(int fd, int wake_fd);

#endif

/* Messages from who talks to us, a line each. On a terminal a line is edited, with a history and with what was
 * pasted as one piece (libedit); elsewhere, and where the terminal is a dumb one, lines are read as they come.
 *
 *     line_editor_open(&editor);
 *     while (line_editor_read(&editor, &line, &len) == LINE_READ)
 *         ...                                                  // *terminal_stop() where a signal says so
 *     line_editor_close(&editor);
 *
 * Between two lines, while an answer is written, an edited terminal shows nothing of what is typed: it is there when
 * the next line is read. The terminal is as it was found when the program ends, however it does, or is suspended. */
#ifndef SFT_CMD_LINE_EDITOR_H
#define SFT_CMD_LINE_EDITOR_H

#include "cmd/line_reader.h"

struct line_editor {
    bool is_typed; /* somebody types: there is a prompt, and Ctrl-C at it does not end us */

    /* line_editor.c's own */
    struct libedit *edited; /* NULL: lines as they come */
    struct line_reader plain;
    struct strbuf line;
};

/* One at a time: it takes the terminal and its signals (cmd/terminal.h). LC_CTYPE has to be one of UTF-8 for a line
 * to be edited. */
void line_editor_open(struct line_editor *editor);
void line_editor_close(struct line_editor *editor); /* accepts a zeroed struct */

/* The next line without its end, NUL-terminated, good until the next call. A line that was pasted may hold \n. At the
 * prompt Ctrl-C is LINE_INTERRUPTED: *len is how much of a line it dropped. Never LINE_NOT_YET. */
enum line_status line_editor_read(struct line_editor *editor, const char **line, size_t *len);

/* What to say of a read that failed: errno; 0 where the input just ended. */
int line_editor_failed(const struct line_editor *editor);

#endif

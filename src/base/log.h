/* What a person reads while the program works: always on stderr, results are on stdout.
 *
 * On a terminal one live line may stand below the lines that were logged: it says how far the work is, and is drawn
 * anew in its place. Elsewhere (a file, a pipe, TERM=dumb) there is none, and no escape code is written. */
#ifndef SFT_BASE_LOG_H
#define SFT_BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

void log_info(const char *fmt, ...) SFT_PRINTF(1, 2);    /* a line */
void log_warning(const char *fmt, ...) SFT_PRINTF(1, 2); /* one that starts with "warning: "; wrapped as a notice is */

/* Sentences: a line, which a terminal gets as lines that end between words; further ones are indented by `margin`. */
void log_notice(size_t margin, const char *fmt, ...) SFT_PRINTF(2, 3);

/* The live line's text, cut to the terminal's width. A call with the same fmt (the same pointer) within a tenth of a
 * second changes nothing, so that it may be called as often as there is news. "" removes the line. */
void log_progress(const char *fmt, ...) SFT_PRINTF(1, 2);
bool log_has_live_line(void); /* whether log_progress shows anything */

/* A line (text ends in \n) from a signal's handler: only calls what may be called there. */
void log_from_signal(const char *text);

/* "951", "42.5K", "124.4M", "1.2B" into out (at least 16 bytes); returns out. */
const char *log_count(char *out, double count);

/* "12s", "3m10s", "1h05m" into out (at least 32 bytes); returns out. */
const char *log_duration(char *out, double seconds);

bool log_is_terminal(int fd); /* a terminal on which colour is welcome (NO_COLOR and TERM=dumb heeded) */
bool log_is_screen(int fd);   /* a terminal that moves its cursor where it is told to (not TERM=dumb) */
size_t log_columns(int fd);   /* of a terminal; 80 where it does not say */

#endif

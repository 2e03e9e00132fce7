/* What a person reads while the program works: always on stderr, results are on stdout. */
#ifndef SFT_BASE_LOG_H
#define SFT_BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>

void log_info(const char *fmt, ...) SFT_PRINTF(1, 2);    /* a line */
void log_warning(const char *fmt, ...) SFT_PRINTF(1, 2); /* a line that starts with "warning: " */
void log_quiet(bool quiet);                              /* true: log_info says nothing */
void log_to_stdout(bool yes); /* true: what log_info says is a result, and goes there */

/* A line that replaces itself on a terminal, and that is not written elsewhere. "" clears it. */
void log_progress(const char *fmt, ...) SFT_PRINTF(1, 2);

/* "951", "42.5K", "124.4M", "1.2B" into out (at least 16 bytes); returns out. */
const char *log_count(char *out, double count);

bool log_is_terminal(int fd); /* a terminal on which colour is welcome (NO_COLOR and TERM=dumb heeded) */

#endif

/* Lines at the end of a file that a killed process may leave half written, and nothing worse. */
#ifndef SFT_COLLECT_SYNTH_APPEND_H
#define SFT_COLLECT_SYNTH_APPEND_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Write line[0..len), which ends in a line break, behind what is in the file; fd was opened with O_APPEND, `path` is
 * for messages. is_synced: it is on the disk when this returns. After an error the file is as long as before, or the
 * error says that it is not. */
enum sft_status append_line(int fd, const char *path, const char *line, size_t len, bool is_synced,
                            struct sft_err *err);

#endif

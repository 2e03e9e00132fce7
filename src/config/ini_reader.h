/* INI text to entries with line numbers: inih behind a line reader of ours, which adds what inih lacks
 * (lines of any length, line numbers, comments that know of quotes) and refuses what it would silently
 * pass over (text after a section's bracket, NUL bytes). */
#ifndef SFT_CONFIG_INI_READER_H
#define SFT_CONFIG_INI_READER_H

#include "base/err.h"

#include <stddef.h>

/* Called for each entry, and with key and value NULL for each [section] line. The strings live until it
 * returns; section is "" before the first section. An error stops the reading. */
typedef enum sft_status ini_entry_fn(void *user, const char *section, const char *key, const char *value,
                                     size_t line, struct sft_err *err);

/* Read text[0..len). Errors start with "NAME:LINE: ". Not for two threads at once: inih's options are global.
 */
enum sft_status ini_read(const char *text, size_t len, const char *name, ini_entry_fn *on_entry, void *user,
                         struct sft_err *err);

/* Past the quoted part whose opening quote is at p (a backslash hides a quote); NULL if it is never closed.
 */
const char *ini_quoted_end(const char *p);

#endif

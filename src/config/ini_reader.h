/* INI text to entries with line numbers: inih behind a line reader of ours, which adds what inih lacks (lines
 * of any length, line numbers) and tells of what it would silently pass over (text after a section's bracket,
 * NUL bytes). Reading goes on after an error, so that all of them are told at once. */
#ifndef SFT_CONFIG_INI_READER_H
#define SFT_CONFIG_INI_READER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Called in the order of the lines, which count from 1. Strings live until the call returns. */
struct ini_handler {
    void *user;
    void (*section)(void *user, const char *name, size_t line); /* a [name] line */
    /* key = value, or key: value. The value is all that follows, a comment too: what one is depends on the
     * key. */
    void (*entry)(void *user, const char *key, const char *value, size_t line);
    void (*error)(void *user, const char *message,
                  size_t line); /* line 0: of the whole file, which is not read */
};

/* Read text[0..len). False where it is no INI at all, as the error says, so that what it lacks is not worth a
 * word. Not for two threads at once: inih's options are global. */
bool ini_read(const char *text, size_t len, const struct ini_handler *handler);

#endif

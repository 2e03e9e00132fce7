/* A source: the bytes of a file as the user names it, whatever it is packed in.
 *
 *     FILE       mapped; nothing is copied
 *     FILE.gz    known by its first bytes, not by its name: unpacked by zlib into a temporary file that has
 * no name, and mapped; several members one after another are one stream, as gunzip takes them
 *     -          standard input, spooled into such a temporary file (and unpacked); it can be named once
 *     a pipe     the same, however it is named
 *     UTF-16     and UTF-32, packed or not: made UTF-8 in such a temporary file (data/source/encoding.h)
 *
 * What is no text at all, but a Git LFS pointer, an archive, a web page (base/magic.h), is an error that says so, once.
 *
 * Opening is cheap; the bytes are unpacked only where source_bytes asks for them, so that a file whose
 * content is known by its stamp is never read. Temporary files lie in $TMPDIR, else /tmp, and vanish with the
 * process. */
#ifndef SFT_DATA_SOURCE_SOURCE_H
#define SFT_DATA_SOURCE_SOURCE_H

#include "base/err.h"
#include "base/io.h"
#include "data/source/stamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
    const char *path;         /* borrowed; "-": standard input */
    const volatile int *stop; /* may be NULL; set by a signal: what takes long ends with SFT_EINTERRUPTED */
    struct io_map packed;     /* as it lies on disk */
    struct io_map bytes; /* unpacked and UTF-8, once asked for; the same as packed where that is no change */
    bool is_gzip, has_bytes;
    bool is_regular;         /* a file that can have a stamp, which is then of this state: */
    struct file_state state; /* as it was just before it was mapped */
};

/* Open `path`, which must outlive the source: SFT_EIO where it cannot be read, SFT_EUSAGE for a second "-".
 * Standard input and pipes are read to their end here, or as far as there is room for them. `stop` (may be NULL) is
 * looked at from now on: SFT_EINTERRUPTED where it was set, within a fraction of a second even if nothing comes. Free
 * with source_close, which accepts a zeroed struct. */
enum sft_status source_open_until(struct source *source, const char *path, const volatile int *stop,
                                  struct sft_err *err);
enum sft_status source_open(struct source *source, const char *path, struct sft_err *err); /* stop: NULL */
void source_close(struct source *source);

/* Whether the stop flag is set: SFT_EINTERRUPTED then, "PATH: stopped while it was read". */
enum sft_status source_check_stop(const struct source *source, struct sft_err *err);

/* XXH64 of the bytes as packed, from the stamp in `stamps_dir` where the file's size, times, inode and device
 * are those that the stamp was made with, else by reading them all; then the stamp is made. A file that
 * changed less than two seconds ago gets none: a change within the clock's grain would not show (what git
 * calls racily clean). stamps_dir (made if absent) NULL, or not writable: no stamps, which is no error. Of no meaning
 * where the stop flag was set meanwhile. */
uint64_t source_hash(const struct source *source, const char *stamps_dir);

/* Whether what was read since source_open is what `hash`, of source_hash, stands for: size, times, inode and device
 * are what they were, and the bytes give the hash again (a clock's grain hides a change of just now from the times, a
 * mapped write hides longer). SFT_EIO "PATH: changed while it was read ..."; a stamp that said otherwise is removed. */
enum sft_status source_check_unchanged(const struct source *source, uint64_t hash, const char *stamps_dir,
                                       struct sft_err *err);

/* The bytes, unpacked, of UTF-16 and UTF-32 as UTF-8: source->bytes. SFT_EDATA "PATH: is a Git LFS pointer ..." where
 * they are known to be no text; where the gzip stream is damaged or cut off, with the place;
 * SFT_EIO where there is no room for the temporary file. */
enum sft_status source_bytes(struct source *source, struct sft_err *err);

/* The first n of the unpacked bytes are done with: give their pages back. They can still be read. */
void source_forget(const struct source *source, size_t n);

#endif

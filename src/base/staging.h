/* A directory that is there whole or not at all: it is filled beside its name, synced, and renamed.
 *
 *     struct staging s;
 *     status = staging_open(&s, "out", err);    // makes out.tmp, in the place of one that was left over
 *     ... write files below s.path ...
 *     status = status ? status : staging_commit(&s, err);   // sync, rename out.tmp to out
 *     staging_close(&s);                        // removes out.tmp where it was not committed
 *
 * A process that is killed leaves out.tmp, which the next staging_open of the same name removes. */
#ifndef SFT_BASE_STAGING_H
#define SFT_BASE_STAGING_H

#include "base/err.h"

#include <stddef.h>

struct staging {
    char *dir, *path; /* the final name, and where its files are written meanwhile */
    int lock;         /* descriptor of the latter, locked */
};

/* SFT_EUSAGE where another process is writing the same directory. Close with staging_close in any case. */
enum sft_status staging_open(struct staging *staging, const char *dir, struct sft_err *err);

/* Give the directory its name; one that is there already is replaced in one step (io_replace_dir). */
enum sft_status staging_commit(struct staging *staging, struct sft_err *err);

/* Instead, move the files `names` into directory `to`, which holds others, each by a rename, in this order. Names that
 * were not written are passed over. */
enum sft_status staging_commit_files(struct staging *staging, const char *to, const char *const *names, size_t count,
                                     struct sft_err *err);

void staging_close(struct staging *staging);

#endif

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

#include <stdbool.h>
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

/* ---- a name among other people's ----
 *
 * Nothing there is replaced that is not known to be ours. What is to have names is made below s.path, under these:
 *
 *     status = staging_open_new(&s, "out", err);
 *     ... write s.path/out, a file or a directory, and what goes beside it ...
 *     status = status ? status : staging_commit_new(&s, (struct staged[]){{"notes", is_mine}, {"out", NULL}}, 2, err);
 *     staging_close(&s);                        // removes out.tmp in any case */

/* The same as staging_open, but an out.tmp that no killed process has left is not emptied: SFT_EUSAGE. Its own has
 * STAGING_MARK in it, as long as anything else. */
#define STAGING_MARK ".sft-is-writing"
enum sft_status staging_open_new(struct staging *staging, const char *path, struct sft_err *err);

/* Something below the staging's path, and what of its name may be there already: that of which `may_replace` says so at
 * the moment when it is replaced; NULL: nothing. */
struct staged {
    const char *name;
    bool (*may_replace)(const char *path);
};

/* Give them their names beside "out", in this order; those that were not written are passed over. SFT_EUSAGE where
 * something else has one of the names: then none of them has got its own, and what they replaced is there again. */
enum sft_status staging_commit_new(struct staging *staging, const struct staged *staged, size_t count,
                                   struct sft_err *err);

#endif

/* The checkpoints of a run: which there are in its output_dir, the links to them, and which go. */
#ifndef SFT_TRAIN_CHECKPOINT_LIST_H
#define SFT_TRAIN_CHECKPOINT_LIST_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* output_dir/checkpoint-STEP; malloc'd. */
char *checkpoint_path(const char *output_dir, uint64_t step);

/* The steps of all checkpoints there are, whole or not, newest first; malloc'd. None where there is no output_dir. */
enum sft_status checkpoint_list(const char *output_dir, uint64_t **steps, size_t *count, struct sft_err *err);

/* How many there are; 0 where output_dir cannot be read. */
size_t checkpoint_count(const char *output_dir);

/* Remove the oldest checkpoints until `keep` are left (0: keep all), but never `newest` nor `best`. */
enum sft_status checkpoint_prune(const char *output_dir, uint64_t keep, uint64_t newest, uint64_t best,
                                 struct sft_err *err);

/* Remove what saves and removals that were cut short left in output_dir; a checkpoint that was just to be replaced has
 * its name again. Only for who holds its lock. */
enum sft_status checkpoint_clean(const char *output_dir, struct sft_err *err);

/* Point `last` and `best` at the checkpoints of these steps (best = 0: there is none yet), as a save does;
 * one that was killed between its rename and its links left them behind. */
enum sft_status checkpoint_link(const char *output_dir, uint64_t last, uint64_t best, struct sft_err *err);

#endif

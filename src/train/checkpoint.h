/* Checkpoints: output_dir/checkpoint-STEP, a Hugging Face directory with trainer/ in it.
 *
 *     trainer/optimizer.safetensors   both moments, "m.NAME" and "v.NAME"
 *     trainer/state.json              where the run stands, and what it is (record.h)
 *     trainer/checksums.xxh64         of every other file; `xxhsum -c` checks it
 *
 * A checkpoint is written beside its name, synced, and renamed: it is there whole or not at all. The symbolic
 * links `last` and `best` are replaced by rename. */
#ifndef SFT_TRAIN_CHECKPOINT_H
#define SFT_TRAIN_CHECKPOINT_H

#include "base/json.h"
#include "files/model_out.h"
#include "model/transformer.h"
#include "text/tokenizer/tokenizer.h"
#include "train/adamw.h"
#include "train/objective.h"
#include "train/record.h"

/* Where a run stands; the data's order and position follow from `step`. */
struct train_state {
    uint64_t step; /* optimizer steps done */
    uint64_t num_tokens, num_target_tokens;
    struct loss_sums window; /* since the last metrics line */
    int64_t last_eval_step;  /* -1: none yet */
    uint64_t best_step;      /* 0: none yet */
    double best_metric;
    uint64_t evals_without_improvement;
};

/* What a checkpoint is made of. */
struct checkpoint {
    struct transformer *model;
    struct adamw *adamw;
    const struct tokenizer *tokenizer;
    const struct model_meta *meta;
    const struct run_record *record;
    const struct train_state *state;
};

/* Write output_dir/checkpoint-STEP, in the place of one that is there already, and point the links. */
enum sft_status checkpoint_save(const char *output_dir, const struct checkpoint *checkpoint,
                                struct sft_err *err);

/* Point `last` and `best` at the checkpoints of these steps (best = 0: there is none yet), as a save does;
 * one that was killed between its rename and its links left them behind. */
enum sft_status checkpoint_link(const char *output_dir, uint64_t last, uint64_t best, struct sft_err *err);

/* How many checkpoints there are, whole or not; 0 where output_dir cannot be read. */
size_t checkpoint_count(const char *output_dir);

/* Where a checkpoint's run stands, of its parsed state.json. */
enum sft_status checkpoint_read_state(const json *state_json, struct train_state *state, struct sft_err *err);

/* Remove the oldest checkpoints until `keep` are left (0: keep all), but never `newest` nor `best`. */
enum sft_status checkpoint_prune(const char *output_dir, uint64_t keep, uint64_t newest, uint64_t best,
                                 struct sft_err *err);

/* Remove what saves and removals that were cut short left in output_dir. Only for who holds its lock. */
enum sft_status checkpoint_clean(const char *output_dir, struct sft_err *err);

/* The newest checkpoint whose checksums hold: its directory (malloc'd) and its parsed state.json, both the
 * caller's; NULL and SFT_OK where output_dir holds none. Damaged ones are skipped with a warning; SFT_EDATA
 * where all are. */
enum sft_status checkpoint_find(const char *output_dir, char **dir, json **state, struct sft_err *err);

/* Fill weights, moments and state from a checkpoint of the same model. */
enum sft_status checkpoint_load(const char *dir, const json *state_json, struct transformer *model,
                                struct adamw *adamw, struct train_state *state, struct sft_err *err);

#endif

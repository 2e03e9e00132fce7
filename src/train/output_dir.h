/* A run's output_dir: whose it is, what run it holds, and where that stands. */
#ifndef SFT_TRAIN_OUTPUT_DIR_H
#define SFT_TRAIN_OUTPUT_DIR_H

#include "train/adapting.h"
#include "train/base_model.h"
#include "train/checkpoint.h"
#include "train/plan.h"
#include "train/train_data.h"

struct output_dir {
    char *path;                    /* as set, or with --fresh the first of -2, -3, ... that is free */
    int lock;                      /* descriptor; -1: none */
    uint64_t save_total_limit;     /* checkpoints kept; 0: all */
    struct strbuf record;          /* what the run is, for its checkpoints (record.h) */
    struct strbuf fingerprint;     /* of the base's files, and of those of an adapter that is merged into it */
    struct checkpoint_found found; /* what the run goes on from */
};

/* `fresh`: as --fresh. Touches nothing on disk. Free with output_dir_close,
 * which accepts a zeroed struct. */
void output_dir_init(struct output_dir *out, const struct settings *settings, bool fresh);
void output_dir_close(struct output_dir *out);

/* What the settings leave to defaults stays as it was when the run in their output_dir was started, if there is one:
 * to be asked before anything is made of them. SFT_EUSAGE where a newer program wrote it. */
enum sft_status output_dir_adopt(struct settings *settings, struct sft_err *err);

/* Make it this process's own: SFT_EUSAGE where another run holds it. Clears up what a killed one left. */
enum sft_status output_dir_lock(struct output_dir *out, struct sft_err *err);

/* Find the checkpoint to go on from. */
enum sft_status output_dir_find(struct output_dir *out, struct sft_err *err);

/* The precision that the run found there was started with; NULL: none was found. */
const char *output_dir_precision(const struct output_dir *out);

/* Say what the run is. SFT_EUSAGE, with what differs, where the one found there is another. */
enum sft_status output_dir_set_record(struct output_dir *out, const struct settings *settings,
                                      const struct base_model *base, const struct adapting *adapting,
                                      const struct train_data *data, const struct train_plan *plan,
                                      struct sft_err *err);

/* What on_bad_row = skip leaves out is written down, in rejected.jsonl, so that nothing is lost silently. */
enum sft_status output_dir_write_rejected(const struct output_dir *out, const struct train_data *data,
                                          struct sft_err *err);

#endif

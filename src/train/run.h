/* A run: everything `sft train` needs, made ready in the order in which it can fail cheapest: settings, data,
 * model's shape, memory; only then the large allocations. */
#ifndef SFT_TRAIN_RUN_H
#define SFT_TRAIN_RUN_H

#include "config/settings.h"
#include "data/batching.h"
#include "files/model_files.h"
#include "model/transformer.h"
#include "text/template.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/record.h"
#include "train/schedule.h"

#include <stdio.h>

struct run {
    struct settings *settings;
    char *output_dir;
    int lock; /* descriptor; -1: none */

    const struct kernels *kernels;
    char kernels_why[512];
    struct model_config config; /* the base's, with a row for each control token */
    struct model_files base;
    struct tokenizer *tokenizer;
    struct chat_template template; /* empty (name NULL) where the data are documents only */
    /* what the data were rendered with, where `template` and `tokenizer` are not that any more: documents only */
    struct tokenizer *data_tokenizer;
    struct chat_template data_template;
    struct model_meta meta;

    struct dataset train, eval;
    size_t eval_is_split; /* examples that eval_fraction moved from train to eval */
    uint64_t steps_per_epoch, total_steps;
    struct schedule schedule;

    struct run_record record;
    char *resume_dir; /* the checkpoint it continues, or NULL */
    json *resume_state;

    struct transformer model;
    struct adamw adamw;
    struct activations acts;
    struct batch_buffer buffer;
    uint32_t *order;      /* (train.n_examples) the order of epoch order_epoch */
    uint64_t order_epoch; /* UINT64_MAX: none yet */
    struct train_state state;

    void (*on_progress)(void *context, double part); /* may be NULL; told how much of a step is done, 0 to 1 */
    void *progress_context;
};

struct run_memory { /* bytes */
    size_t parameters, gradients, moments, activations, data, total;
};

/* Only the base's tokenizer and template, and the data, unsplit: what `sft inspect` shows. A base without a
 * config.json is enough for that. max_rows, stop: as in struct dataset_options. */
enum sft_status run_open_data(struct run *run, struct settings *settings, size_t max_rows,
                              const volatile int *stop, struct sft_err *err);

/* Read and check everything short of allocating the model: afterwards the report can be printed. `fresh`:
 * write to output_dir-2, -3, ... instead of continuing. `dry`: touch nothing on disk, take no lock. `stop` (may
 * be NULL) is looked at while data are read: SFT_EINTERRUPTED where it was set. */
enum sft_status run_prepare(struct run *run, struct settings *settings, bool fresh, bool dry,
                            const volatile int *stop, struct sft_err *err);

/* What a report is made of, and no more: the data, split, and where there is a model its kernels and steps.
 * Rows that would stop a run (on_bad_row, overlong = error) are only left out; nothing trained being left is
 * no error; kernels is NULL then, and where the base has no config.json. Nothing in output_dir is touched. */
enum sft_status run_survey(struct run *run, struct settings *settings, const volatile int *stop,
                           struct sft_err *err);

/* The memory that the run will take at its peak: activations are those of its longest micro-batch, trained on or
 * evaluated. */
struct run_memory run_memory(const struct run *run);
size_t run_micro_batch_positions(const struct run *run); /* in it, at most */

/* Refuse what does not fit, allocate, and load the weights: of the base, of the checkpoint, or random ones.
 */
enum sft_status run_allocate(struct run *run, struct sft_err *err);

void run_free(struct run *run);

#endif

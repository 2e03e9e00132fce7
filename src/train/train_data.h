/* The data of a run: what is trained on, and what is evaluated. */
#ifndef SFT_TRAIN_TRAIN_DATA_H
#define SFT_TRAIN_TRAIN_DATA_H

#include "data/dataset.h"
#include "train/base_model.h"

struct train_data {
    struct dataset train, eval; /* eval: of files of its own, or split from train, or empty */
    size_t eval_is_split;       /* examples that eval_fraction moved from train to eval */
    /* what they were rendered with, where it is not the base's any more: documents only */
    struct tokenizer *tokenizer;
    struct chat_template template;
};

struct train_data_options {   /* what the settings do not say about reading them */
    bool lenient;             /* rows that would stop a run (on_bad_row, overlong = error) are only left out */
    size_t max_rows;          /* of a file; 0: all */
    const volatile int *stop; /* may be NULL; SFT_EINTERRUPTED where a signal set it */
};

/* Read and render them, unsplit, for the base; borrows its tokenizer and template. Free with train_data_free in any
 * case, which accepts a zeroed struct. */
enum sft_status train_data_load(struct train_data *data, const struct base_model *base, const struct settings *settings,
                                const struct train_data_options *options, struct sft_err *err);
void train_data_free(struct train_data *data);

/* Set aside what eval_fraction says. Documents have no turns: where there is nothing else, the base's vocabulary and
 * its end token stay as they are, and its template's control tokens go. */
enum sft_status train_data_split(struct train_data *data, struct base_model *base, double eval_fraction,
                                 struct sft_err *err);

/* SFT_EDATA, with why, where nothing is left to train on. max_length: the effective one. */
enum sft_status train_data_check_any_left(const struct train_data *data, size_t max_length, struct sft_err *err);

#endif

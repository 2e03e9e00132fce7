/* What loading a dataset asks of its rows and of their keys. */
#ifndef SFT_DATA_DATASET_CHECKS_H
#define SFT_DATA_DATASET_CHECKS_H

#include "data/dataset.h"

/* SFT_EDATA with the rows that the options do not allow to be left out: a line for each of the first ten kinds of them,
 * "FILE:LINE: what (the same in lines 7, 9, 12 and 24 more)". */
enum sft_status dataset_check_rows(const struct dataset *ds, const struct dataset_options *options,
                                   struct sft_err *err);

/* SFT_EDATA where the options ask for pairs alone and a conversation is none: its line, and how many there are. */
enum sft_status dataset_check_pairs(const struct dataset *ds, const struct dataset_options *options,
                                    struct sft_err *err);

/* SFT_EDATA with the keys that speak of training and that nobody obeyed, unless the options allow them. */
enum sft_status dataset_check_keys(const struct dataset *ds, const struct dataset_options *options,
                                   struct sft_err *err);

#endif

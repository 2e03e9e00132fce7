/* What the files of the dataset share; nobody else includes this. */
#ifndef SFT_DATA_DATASET_INTERNAL_H
#define SFT_DATA_DATASET_INTERNAL_H

#include "base/rng.h"
#include "data/dataset.h"

/* The record of the i-th example, and which file holds it. */
const struct record *dataset_record(const struct dataset *ds, size_t i, size_t *file);

/* SFT_EDATA with the rows that the options do not allow to be left out: a line for each of the first ten kinds of them,
 * "FILE:LINE: what (the same in lines 7, 9, 12 and 24 more)". */
enum sft_status dataset_check_rows(const struct dataset *ds, const struct dataset_options *options,
                                   struct sft_err *err);

/* SFT_EDATA with the keys that speak of training and that nobody obeyed, unless the options allow them. */
enum sft_status dataset_check_keys(const struct dataset *ds, const struct dataset_options *options,
                                   struct sft_err *err);

#endif

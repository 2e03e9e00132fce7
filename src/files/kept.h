/* The values of a tensor, from a file into a model's memory as they are kept there (tensor_table.h): rounded,
 * transposed, with rows for new tokens. This goes piece by piece: beside what is kept no more is in memory than a piece
 * of floats, of about 4 MB, or a matrix that is transposed, twice. */
#ifndef SFT_FILES_KEPT_H
#define SFT_FILES_KEPT_H

#include "files/stored.h"
#include "model/param_set.h"

/* Floats for pieces, which may grow with each tensor. Zero-initialised is empty; free with kept_scratch_free. */
struct kept_scratch {
    struct block piece, transposed;
};
void kept_scratch_free(struct kept_scratch *scratch);

/* Of `rows` rows that `from` holds, at most the tensor's: those beyond are set to their mean (grow.h). `quantize` is
 * what makes integers (ops.def); NULL where the tensor is none. SFT_EDATA, with the file, where values are not finite
 * or the dtype is not read; SFT_ENOMEM where there is no room for a piece. */
enum sft_status kept_read(const struct param_set *params, const struct tensor *tensor, const struct stored_tensor *from,
                          size_t rows, quantize_rows_fn *quantize, struct kept_scratch *scratch,
                          struct sft_err *err);

/* How many of n values are not finite, or will not be once they are kept so; and SFT_EDATA, with the file, for as
 * many of a tensor. */
size_t kept_count_not_finite(const float *values, size_t n, enum kept kept);
enum sft_status kept_check_finite(const struct stored_tensor *from, size_t n_bad, struct sft_err *err);

#endif

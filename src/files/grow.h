/* Rows for tokens that a model did not have: the mean of those that it has; Hewitt (2021), "Initializing New Word
 * Embeddings". The same bits for any number of threads, and however the rows are cut into pieces. */
#ifndef SFT_FILES_GROW_H
#define SFT_FILES_GROW_H

#include <stddef.h>

/* sum (cols) += the sum of rows (n, cols), one after another. */
void grow_add(double *sum, const float *rows, size_t n, size_t cols);

/* row (cols) = the mean of n rows whose sum is that. */
void grow_mean(float *row, const double *sum, size_t n, size_t cols);

#endif

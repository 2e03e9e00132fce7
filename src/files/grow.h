/* Rows for tokens that a model did not have. */
#ifndef SFT_FILES_GROW_H
#define SFT_FILES_GROW_H

#include <stddef.h>

/* values (n_all, cols): set the rows from n_old on to the mean of those before; Hewitt (2021), "Initializing New Word
 * Embeddings". The same bits for any number of threads. */
void grow_rows(float *values, size_t n_old, size_t n_all, size_t cols);

#endif

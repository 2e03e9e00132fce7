/* A model's tensors as they lie on disk: a list, and floats of any part of one.
 *
 * What differs between formats ends here. Whoever opens one says names, shapes and the order of rows as Hugging Face
 * has them, wrapped and prefixed as people leave them (tensor_names.h): a format that calls its tensors something else
 * translates, one that counts dimensions backwards turns them round, one that keeps numbers in another order, or others
 * than these, says how they are read. */
#ifndef SFT_FILES_STORED_H
#define SFT_FILES_STORED_H

#include "base/err.h"
#include "files/dtype.h"

enum { STORED_DIMS_MAX = 8 };

struct stored_tensor {
    char *name;
    const char *path; /* of the file, for messages; NULL: it was in memory */
    const struct dtype *dtype;
    size_t n_dims, shape[STORED_DIMS_MAX]; /* as PyTorch counts: elements along the last dimension are neighbours */
    size_t count;                          /* elements */
    const unsigned char *data;             /* in the map, at any alignment */
    size_t bytes;
    bool is_mapped; /* data is a file's map, whose pages may be given back */

    /* stored_read_part of one whose floats are not those of data, one after another. NULL: they are. */
    void (*read)(const struct stored_tensor *tensor, size_t first, size_t n, float *values);
    size_t head_rows; /* for a reader that goes by heads: the rows of one */
};

/* All of a model's, whatever the number of its files. */
struct stored_tensors {
    const struct stored_tensor **items; /* the files' */
    size_t n, capacity;
    void *files; /* the format's: what is open behind them */
};
void stored_tensors_add(struct stored_tensors *list, const struct stored_tensor *tensor);

/* Floats of the elements first ... first + n, which begin and end at blocks of the dtype. One that is decoded. */
void stored_read_part(const struct stored_tensor *tensor, size_t first, size_t n, float *values);

/* SFT_EDATA for a dtype that is not decoded here. */
enum sft_status stored_check_dtype(const struct stored_tensor *tensor, struct sft_err *err);

/* stored_read_part, of many elements in parallel. The pages of a map are given back then (io_map_release), or where a
 * reader of its own takes them from anywhere, with the last piece: so a model is not in memory twice. */
void stored_read_piece(const struct stored_tensor *tensor, size_t first, size_t n, float *values);

/* All of them: values holds tensor->count. SFT_EDATA as stored_check_dtype has it. */
enum sft_status stored_read(const struct stored_tensor *tensor, float *values, struct sft_err *err);

#endif

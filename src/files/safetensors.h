/* The safetensors format (github.com/huggingface/safetensors): an 8-byte little-endian length, a JSON header
 * of that length, then the tensors' bytes.
 *
 * A file is believed in nothing: lengths, dtypes, shapes and offsets are checked against each other and
 * against the file's size, tensors may not overlap, and the data must be covered without holes. */
#ifndef SFT_FILES_SAFETENSORS_H
#define SFT_FILES_SAFETENSORS_H

#include "base/err.h"
#include "base/io.h"
#include "files/stored.h"

#include <stddef.h>
#include <stdint.h>

struct st_file {
    struct io_map map;
    char *path;                    /* NULL: it was in memory */
    struct stored_tensor *tensors; /* sorted by name */
    size_t n_tensors;
};

/* Map and check a file; every error names it and, where it can, the tensor. Free with st_close. */
enum sft_status st_open(struct st_file *file, const char *path, struct sft_err *err);
void st_close(struct st_file *file);

/* The same for a file that is in memory already and that outlives *file; messages do not name it. */
enum sft_status st_parse(struct st_file *file, const char *bytes, size_t size, struct sft_err *err);

const struct stored_tensor *st_find(const struct st_file *file, const char *name);

/* Writing: describe all tensors, then give their values in the same order.
 *
 *     struct st_writer *w = st_writer_open(path, entries, n, err); // NULL: err says why
 *     for (...) st_write(w, values);                               // as many floats as entries[i].shape says
 *     status = st_writer_commit(w, &hash, err);                    // frees w either way
 *
 * hash (may be NULL) is the file's XXH64. Until the commit, path is what it was. A tensor may be given in pieces, one
 * after the other: st_write_piece, n values of it, whole blocks of its dtype. st_writer_abort (of NULL, too) gives up:
 * nothing is written. */
struct st_entry {
    const char *name;
    const struct dtype *dtype; /* one that is written */
    size_t n_dims, shape[STORED_DIMS_MAX];
};
struct st_writer;
struct st_writer *st_writer_open(const char *path, const struct st_entry *entries, size_t n,
                                 struct sft_err *err);
void st_write(struct st_writer *w, const float *values);
void st_write_piece(struct st_writer *w, const float *values, size_t n);
void st_write_as_it_is(struct st_writer *w, const void *bytes); /* a tensor of any dtype, as the file is to have it */
void st_writer_abort(struct st_writer *w);
enum sft_status st_writer_commit(struct st_writer *w, uint64_t *hash, struct sft_err *err);

#endif

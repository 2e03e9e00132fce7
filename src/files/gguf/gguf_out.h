/* Writing a GGUF file (version 3): the container. What is said in it is told elsewhere in this folder.
 *
 *     struct gguf_out out = {0};
 *     gguf_put_u32(&out, "llama.block_count", 30); ...           // metadata, in the order in which files have them
 *     gguf_put_tensor(&out, "token_embd.weight", dtype, ...);     // and what tensors there will be
 *     struct gguf_writer *w = gguf_writer_open(&out, path, err);  // NULL: err says why
 *     gguf_write(w, values, n); ...                               // the floats of each, in that order
 *     status = gguf_writer_commit(w, err);                        // frees w either way
 *     gguf_out_free(&out);                                        // behind it: names are borrowed
 *
 * Until the commit, path is what it was. */
#ifndef SFT_FILES_GGUF_GGUF_OUT_H
#define SFT_FILES_GGUF_GGUF_OUT_H

#include "base/io.h"
#include "files/dtype.h"
#include "files/gguf/gguf.h"

struct gguf_out_tensor {
    char *name;
    const struct dtype *dtype;         /* one that is written */
    size_t n_dims, rows, cols, count;  /* a vector: rows elements */
};

struct gguf_out { /* zero-initialised is empty */
    struct strbuf values;
    size_t n_values;
    struct gguf_out_tensor *tensors;
    size_t n_tensors, capacity;
};
void gguf_out_free(struct gguf_out *out);

/* ---- metadata; each key once ---- */
void gguf_put_string(struct gguf_out *out, const char *key, const char *text);
void gguf_put_u32(struct gguf_out *out, const char *key, size_t n);
void gguf_put_i32(struct gguf_out *out, const char *key, int32_t n);
void gguf_put_f32(struct gguf_out *out, const char *key, double x);
void gguf_put_flag(struct gguf_out *out, const char *key, bool is_set);

/* An array, and then as many elements of its type. */
void gguf_put_array(struct gguf_out *out, const char *key, enum gguf_type type, size_t count);
void gguf_put_element(struct gguf_out *out, const char *text, size_t len); /* of GGUF_STRING */
void gguf_put_element_i32(struct gguf_out *out, int32_t n);
void gguf_put_element_f32(struct gguf_out *out, float x);
void gguf_put_element_flag(struct gguf_out *out, bool is_set);

/* ---- tensors ----
 *
 * rows and cols as Hugging Face counts them; of a vector (n_dims 1) rows alone. */
void gguf_put_tensor(struct gguf_out *out, const char *name, const struct dtype *dtype, size_t n_dims, size_t rows,
                     size_t cols);

struct gguf_writer;
struct gguf_writer *gguf_writer_open(const struct gguf_out *out, const char *path, struct sft_err *err);

/* n floats of the tensor whose turn it is, never beyond its end. */
void gguf_write(struct gguf_writer *w, const float *values, size_t n);

/* SFT_EDATA where finite values were too large for the type that they are kept in, with the tensor. */
enum sft_status gguf_writer_commit(struct gguf_writer *w, struct sft_err *err);
void gguf_writer_abort(struct gguf_writer *w); /* nothing is written; accepts NULL */

#endif

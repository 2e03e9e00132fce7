/* The weights of a model on disk, of any format, into the parameters of the tensor table:
 *
 *     find and open   format.h      which files, which tensors are in them
 *     name            tensor_names  what a name in a file is to the family
 *     place           place         which tensor is which of the table's, and its shape
 *     tie             tie           a head that is the embedding
 *     decode          stored, dtype floats of what is stored
 *     grow            grow          rows for new tokens
 *     keep            kept          as floats, rounded, transposed */
#ifndef SFT_FILES_WEIGHTS_H
#define SFT_FILES_WEIGHTS_H

#include "base/err.h"
#include "base/strbuf.h"
#include "files/model_out.h"
#include "model/param_set.h"

/* Whether the model that `path` names has weights: a config.json alone has none. */
bool weights_are_there(const char *path);

/* Read every tensor of the table from the model at `path` (formats.h) into params (table->n_elements floats, zeroed).
 * Rows of the embedding and of the head beyond what the files hold (file_vocab, the base's own vocab_size) are set to
 * the mean of the old ones.
 *
 * SFT_EDATA, with the file, where tensors are missing, of another shape, not finite, or show another architecture
 * (tensor_names.h); transformers only warns of those that are missing, and starts them at random. Tensors beside the
 * model are passed over: a value head, a classifier, buffers. */
enum sft_status weights_load(float *params, const struct tensor_table *table, const struct model_config *config,
                             size_t file_vocab, const char *path, struct sft_err *err);

/* The same errors, but for those about values, from the files' headers alone. *unused (cleared first): the names of
 * tensors that are passed over, buffers apart, grouped for a message; empty where there are none. */
enum sft_status weights_check(const struct model_config *config, size_t file_vocab, const char *path,
                              struct strbuf *unused, struct sft_err *err);

/* How matrices that nobody trains are kept in memory; vectors and learned positions are floats always. */
enum weights_kind {
    WEIGHTS_AS_STORED, /* bfloat16s that are there whole as these, since rows for new tokens would be rounded */
    WEIGHTS_F32,
    WEIGHTS_BF16, /* rounded to nearest even */
    WEIGHTS_INT8, /* 8-bit integers with a scale a row: needs `transposed` where the family has matrices (in,out) */
};
struct weights_kept {
    enum weights_kind as;
    bool transposed; /* matrices that files have (in,out) are (out,in) */
    bool mapped;     /* what lies in the files as it is kept stays there: processes share it, and it costs no memory
                      * that the system could not take back */
};

/* The same for a model of which not all is trained: *table, the config's with what it trains already chosen, gets
 * places for what is kept so; tensors that are trained are floats, as ever. */
enum sft_status weights_check_to_read(struct tensor_table *table, const struct weights_kept *kept,
                                      const struct model_config *config, size_t file_vocab, const char *path,
                                      struct strbuf *unused, struct sft_err *err);

/* weights_load of parameters that are kept as weights_check_to_read has it, of which *kept is the same; `quantize`
 * makes integers (ops.def), NULL where there are to be none. What is mapped keeps the files open until params are
 * freed; an adapter's tensors are not touched. SFT_EDATA, too, where other files have come between the two. */
enum sft_status weights_load_set(struct param_set *params, const struct weights_kept *kept, quantize_rows_fn *quantize,
                                 const struct model_config *config, size_t file_vocab, const char *path,
                                 struct sft_err *err);

/* A model's weights on their way elsewhere, a piece at a time: no tensor is in memory whole.
 *
 *     status = weights_begin(&w, &table, &config, path, &unused, err);   // the errors, and *unused, of weights_check;
 *                                                                        // the head is held against the embedding
 *     for (...) status = weights_pass(w, tensor, take, context, err);    // a tensor of the table; take may be NULL
 *     weights_end(w);                                                    // in any case
 *
 * weights_pass is a struct model_values' (model_out.h): SFT_EDATA where values are not finite, told once all of them
 * were taken. The table must stay where it is. */
struct weights;
enum sft_status weights_begin(struct weights **out, const struct tensor_table *table, const struct model_config *config,
                              const char *path, struct strbuf *unused, struct sft_err *err);
enum sft_status weights_pass(const void *w, const struct tensor *tensor, values_take *take, void *context,
                             struct sft_err *err);
void weights_end(struct weights *w);

/* How the files' tensors are stored, each type once: "F32, BF16". Added to out; nothing where they cannot be opened. */
void weights_dtypes(const char *path, struct strbuf *out);

#endif

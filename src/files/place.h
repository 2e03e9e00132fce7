/* Which stored tensor is which of the table's, and whether all are there, of the right shapes. No value is read.
 *
 *     place_init(&p, table, config, file_vocab);
 *     for (...) place_take(&p, tensor, err);     // in any order
 *     place_check(&p, "DIR", err);
 *     place_free(&p); */
#ifndef SFT_FILES_PLACE_H
#define SFT_FILES_PLACE_H

#include "files/name_groups.h"
#include "files/naming.h"
#include "files/stored.h"
#include "files/tensor_names.h"
#include "model/block/tensors.h"

struct placement {
    const struct tensor_table *table;
    const struct model_config *config;
    const struct naming *naming;       /* for messages; naming_hf at first */
    size_t file_vocab;                 /* rows that the files' embedding and head have: at most config's vocab_size */
    const struct stored_tensor **from; /* (table->n_tensors) NULL: not there */
    const struct stored_tensor *head;  /* of a tied model whose files hold a head all the same; else NULL */
    struct tensor_names names;
    struct name_groups others[TENSOR_KINDS]; /* what is no parameter, of each kind; buffers are not counted */
    const char *other_path[TENSOR_KINDS];    /* a file that holds one of them */
    size_t layers_in_file;
};

void place_init(struct placement *p, const struct tensor_table *table, const struct model_config *config,
                size_t file_vocab);
void place_free(struct placement *p);

/* Put one tensor where its name says. SFT_EDATA where there is one already. The tensor must outlive p. */
enum sft_status place_take(struct placement *p, const struct stored_tensor *tensor, struct sft_err *err);

/* SFT_EDATA, with the file or else `dir`, where tensors are missing, of another shape or of a dtype that is not read,
 * are quantised, or show another architecture. Tensors beside the model (a value head, a classifier, buffers) are
 * passed over. */
enum sft_status place_check(const struct placement *p, const char *dir, struct sft_err *err);

/* Rows of a tensor that the files know of: its own, or file_vocab. */
size_t place_rows_in_file(const struct placement *p, const struct tensor *tensor);

#endif

/* The reference: the model that objective = dpo holds the one that is trained against. It is the base that an adapter
 * is trained for, or the model that the run begins with. It stays as it is, so what it says of each pair is computed
 * once, before the first step, and kept in the token cache (reference_store.h); where that is lost the same numbers are
 * computed again, since a conversation's do not depend on those beside it. */
#ifndef SFT_TRAIN_REFERENCE_H
#define SFT_TRAIN_REFERENCE_H

#include "train/objective.h"
#include "train/reference_store.h"

struct reference {
    const struct dataset *ds;
    struct answer_logps *of; /* (ds->n_examples): NaN where it is not known, or the example is no pair */
    size_t n_pairs;          /* a repeated one counted once; */
    size_t n_missing;        /* of them, those that are not known */
    struct reference_file {  /* (ds->n_files): as it is kept, with all that is known of its records */
        char *key, *path;    /* NULL: it is not kept */
        struct answer_logps *of;
        size_t n_records;
    } *files;
};

/* Look for the pairs of a dataset, which is borrowed. `model`: text that names the model, and how it computes. Free
 * with reference_free, which accepts a zeroed struct. */
void reference_find(struct reference *reference, const struct dataset *ds, const char *model);
void reference_free(struct reference *reference);

struct reference_pass { /* what it is computed by, for micro-batches as the buffer's options cut them */
    struct transformer *model;
    struct activations *acts;
    struct batch_buffer *buffer;
    const volatile int *stop; /* may be NULL; looked at between micro-batches */
};

/* Compute what is missing by the model as it is now, told to log_progress. What is computed is kept, also where a
 * signal set `stop`: SFT_EINTERRUPTED, without a message. SFT_EIO where the tokens are damaged; SFT_ENONFINITE names
 * the first pair that the model makes no number of. */
enum sft_status reference_compute(struct reference *reference, const struct reference_pass *by, struct sft_err *err);

/* Bytes that it takes. */
size_t reference_bytes(const struct dataset *ds);

#endif

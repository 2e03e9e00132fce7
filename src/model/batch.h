/* What the model is given: conversations as one flat run of tokens. A batch knows no loss: which positions are
 * asked for their next token, and what that counts, stands beside it. */
#ifndef SFT_MODEL_BATCH_H
#define SFT_MODEL_BATCH_H

#include "kernels.h"

#include <stddef.h>
#include <stdint.h>

/* N positions of S sequences, one behind another; attention never crosses from one into the next.
 *
 * Where several conversations begin with the same tokens, these may be there once: then a sequence is a segment, a run
 * of tokens that goes on from another, its parent, as if that stood before it, with all before that. So a conversation
 * is a path down from a segment without a parent. Segments stand in preorder: directly behind each, those that go on
 * from it or from one of these. */
struct batch {
    size_t N, S;
    const int32_t *tokens;   /* (N) */
    const int32_t *position; /* (N): of each in its sequence; in a segment, of each in its path */
    const size_t *seq_start; /* (S + 1): where each sequence begins; seq_start[S] = N */
    const size_t *parent;    /* (S): the earlier segment that each goes on from, or NO_PARENT; NULL: none does */
    const size_t *reach;     /* (S): positions of each segment and all before it in its path; NULL where parent is */
};

/* The M positions of a batch whose next token is known and trained. */
struct targets {
    size_t M;
    const size_t *rows;    /* (M): positions in the batch, ascending */
    const int32_t *labels; /* (M): the next tokens */
    const float *weights;  /* (M): what each counts in the loss, above 0 */
};

#endif

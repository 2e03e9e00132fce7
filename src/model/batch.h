/* What the model is given: conversations as one flat run of tokens. A batch knows no loss: which positions are
 * asked for their next token, and what that counts, stands beside it. */
#ifndef SFT_MODEL_BATCH_H
#define SFT_MODEL_BATCH_H

#include <stddef.h>
#include <stdint.h>

/* N positions of S sequences, one behind another; attention never crosses from one into the next. */
struct batch {
    size_t N, S;
    const int32_t *tokens;   /* (N) */
    const int32_t *position; /* (N): of each in its sequence */
    const size_t *seq_start; /* (S + 1): where each sequence begins; seq_start[S] = N */
};

/* The M positions of a batch whose next token is known and trained. */
struct targets {
    size_t M;
    const size_t *rows;    /* (M): positions in the batch, ascending */
    const int32_t *labels; /* (M): the next tokens */
    const float *weights;  /* (M): what each counts in the loss, above 0 */
};

#endif

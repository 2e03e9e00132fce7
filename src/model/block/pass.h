/* A pass through the model, on its way up or down, as its blocks see it. */
#ifndef SFT_MODEL_BLOCK_PASS_H
#define SFT_MODEL_BLOCK_PASS_H

#include "kernels.h"
#include "model/batch.h"
#include "model/kv_view.h"

/* What every sublayer uses in its turn. */
struct scratch {
    act *norm;         /* (N,C): the output of the norm that ran last, */
    real *mean, *rstd; /* (N) and its statistics */
    act *dnorm;        /* (N,C): the gradient of that output */
    act *dout;         /* (N,C): that of a block's output, as matrix operand; NULL where it is dx itself */
    act *du[3];        /* (N,r): that of what adapters' first matrices gave; NULL: there are no adapters */
    struct workspace work;
};

struct sublayer_shared; /* block/sublayer.h: the same, of each kind of block */

struct pass {
    const struct kernels *kernels;
    const struct batch *batch;
    const struct kv_view *kv; /* len counts the batch's positions already; NULL: keys and values are the batch's own */
    const size_t *rows;       /* (n_rows): the positions that the head sees, ascending */
    size_t n_rows;
    const struct scratch *scratch;
    const struct sublayer_shared *shared;
    bool add; /* backward: to the gradients; otherwise set them */
};

/* Whether every sequence has one position, and weights are read as they lie. */
static inline bool is_decoding(const struct pass *pass)
{
    return pass->kv && pass->kv->decoding;
}

/* Elements of a matrix from `offset` on, whose size only kernels know. */
static inline act *act_at(const struct kernels *kernels, act *matrix, size_t offset)
{
    return (unsigned char *)matrix + offset * kernels->act_size;
}

#endif

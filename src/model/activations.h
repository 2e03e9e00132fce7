/* The activations of a model: one block of memory, laid out by a plan before the first step. */
#ifndef SFT_MODEL_ACTIVATIONS_H
#define SFT_MODEL_ACTIVATIONS_H

#include "base/err.h"
#include "model/block/sublayer.h"

#define activations_init      REAL_NAME(activations_init)
#define activations_free      REAL_NAME(activations_free)
#define activations_plan      REAL_NAME(activations_plan)
#define activation_options_of REAL_NAME(activation_options_of)

struct activations {
    /* (n_layer * the family's sublayers); all layers share one set, where only the stream is kept all but that */
    struct sublayer_acts *sublayers;
    real *x_out;     /* (n,C): the residual stream out of the last, at the n positions that the head sees */
    real *seen_rows; /* (n,C): of what the last attention saw, for those parallel to it; NULL: there are none */
    const act *h;    /* (n,C): the head's input, after a forward pass */
    struct scratch scratch;
    struct sublayer_shared shared;
    real *nll;                      /* (M <= N): negative log likelihood of each target, */
    uint8_t *correct;               /* and whether it is the most likely token: after costs or a backward pass */
    real *dnll;                     /* (M): the loss's gradient by each nll, which an objective says */
    struct stream_grad dx;          /* the residual stream's gradient on its way down; */
    struct stream_grad dx_parallel; /* once more, where sublayers are parallel */
    struct activation_plan plan;
    struct block memory;
};

/* What they have to do. */
struct activation_options {
    size_t N;     /* positions at most */
    enum keeping keeping; /* what a backward pass needs, if there is to be one */
    size_t rank;  /* of an adapter, the largest (adapter.h); 0: there is none */
    bool frozen;  /* matrices that are not trained may be kept as bfloat16s or int8s on the way back too */
};

/* Of a model whose tensors are these. */
struct activation_options activation_options_of(const struct tensor_table *table, size_t N, enum keeping keeping);

/* What activations_init would allocate: fills acts->plan, and nothing else of use. */
void activations_plan(struct activations *acts, const struct model_config *config, const struct kernels *kernels,
                      const struct activation_options *options);
enum sft_status activations_init(struct activations *acts, const struct model_config *config,
                                 const struct kernels *kernels, const struct activation_options *options,
                                 struct sft_err *err);
void activations_free(struct activations *acts);

#endif

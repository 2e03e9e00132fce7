/* The transformer: forward and backward over a flat batch, for every family. It knows no loss: it says what each
 * target costs, and takes from an objective what the loss changes by with each of these costs.
 *
 * It is written over `real` (kernels/real.h): float in the program; the gradient tests compile it as double
 * too. Parameters and gradients are one block each, laid out by the tensor table. Activations are one block,
 * sized by a plan before the first step; nothing is allocated after that. */
#ifndef SFT_MODEL_TRANSFORMER_H
#define SFT_MODEL_TRANSFORMER_H

#include "base/err.h"
#include "base/mem.h"
#include "kernels.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/params.h"

#define transformer_init      REAL_NAME(transformer_init)
#define transformer_free      REAL_NAME(transformer_free)
#define transformer_tensor    REAL_NAME(transformer_tensor)
#define transformer_grad      REAL_NAME(transformer_grad)
#define transformer_forward   REAL_NAME(transformer_forward)
#define transformer_costs     REAL_NAME(transformer_costs)
#define transformer_backward  REAL_NAME(transformer_backward)
#define transformer_logits    REAL_NAME(transformer_logits)
#define activations_init      REAL_NAME(activations_init)
#define activations_free      REAL_NAME(activations_free)
#define activations_plan      REAL_NAME(activations_plan)

struct transformer {
    struct model_config config;
    struct tensor_table table;
    const struct kernels *kernels;
    struct block params, grads; /* of real, table.n_elements each; grads empty where not trained */
};

/* Allocate the parameters (zeroed) and, where `trained`, the gradients. Free with transformer_free, which
 * accepts a zeroed struct. */
enum sft_status transformer_init(struct transformer *model, const struct model_config *config,
                                 const struct kernels *kernels, bool trained, struct sft_err *err);
void transformer_free(struct transformer *model);

/* A tensor's values or gradients; NULL for a role that this model lacks. */
real *transformer_tensor(const struct transformer *model, enum tensor_role role, size_t layer);
real *transformer_grad(const struct transformer *model, enum tensor_role role, size_t layer);

/* ---- activations ---- */

/* What a layer keeps for its backward pass; what is cheap to compute again it does not. Where nothing is
 * trained, all layers share one set. n: all positions, but the last layer's second half runs only on those
 * that the head sees. */
struct layer_activations {
    real *x;       /* (N,C) residual stream into the layer */
    act *qkv;      /* (N,3C) */
    real *lse;     /* (N,H) */
    act *attended; /* (N,C) */
    real *x_mid;   /* (n,C) residual stream between attention and MLP */
    act *up;       /* (n,F) before the activation function */
};

struct plan_entry {
    const char *name;
    size_t bytes; /* of all layers */
};
enum { PLAN_MAX = 40 };

struct activations {
    size_t max_positions; /* N that fits */
    bool trained;
    struct layer_activations *layers; /* (L) */
    act *attended_rows;               /* (n,C) the last layer's, at the positions that the head sees */
    real *x_out;                      /* (n,C) residual stream out of the last layer, there too */
    act *norm;                        /* (N,C) the output of the norm that ran last, */
    real *mean, *rstd;                /* (N) and its statistics */
    act *activated;                   /* (N,F) the MLP after the activation function that ran last */
    real *nll;                        /* (M <= N): negative log likelihood of each target, */
    uint8_t *correct;                 /* and whether it is the most likely token: after costs or a backward pass */
    real *dnll;                       /* (M): the loss's gradient by each nll, which an objective says */
    /* backward */
    real *dx, *dx_rows;              /* (N,C), and at targets only */
    act *dattended, *dattended_rows; /* (N,C), and at targets only */
    act *dnarrow, *dqkv, *dwide;     /* (N,C), (N,3C), (N,F) */
    act *dx_act;                     /* (N,C): dx as matrix operand */
    struct workspace work;
    struct plan_entry plan[PLAN_MAX];
    size_t plan_count, bytes;
    struct block memory;
};

/* What activations_init would allocate: fills plan, plan_count and bytes of *acts, and nothing else of use.
 */
void activations_plan(struct activations *acts, const struct model_config *config,
                      const struct kernels *kernels, size_t max_positions, bool trained);
enum sft_status activations_init(struct activations *acts, const struct model_config *config,
                                 const struct kernels *kernels, size_t max_positions, bool trained,
                                 struct sft_err *err);
void activations_free(struct activations *acts);

/* Keys and values of sequences' earlier positions, for generation: rows of a memory that src/infer owns and gives out.
 * Sequence s of a batch has its rows from begin[s] on; len[s] of them once those of the batch are there too. */
struct kv_view {
    act *k, *v;      /* (L, capacity, C) */
    size_t capacity; /* rows a layer */
    const size_t *begin, *len; /* (S) */
};

/* ---- running ---- */

/* The model up to the head's input, kept in acts, at the positions rows[0..n_rows), which ascend. The batch's N must be
 * at most acts->max_positions. Costs and a backward pass are of the forward pass before them. */
void transformer_forward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                         const size_t *rows, size_t n_rows);

/* What each target costs: acts->nll and acts->correct (M). The rows of the forward pass were the targets'. */
void transformer_costs(const struct transformer *model, struct activations *acts, const struct targets *targets);

/* The same, and set the gradients to those of the loss, whose own by each nll is in acts->dnll (M), or add them where
 * `add`: a step's first micro-batch sets, the others add. */
void transformer_backward(struct transformer *model, struct activations *acts, const struct batch *batch,
                          const struct targets *targets, bool add);

/* logits (n_rows, V) at the positions rows[0..n_rows) of the batch, which ascend. With kv (may be NULL) each sequence
 * of the batch continues the rows that it has there: its own keys and values are put behind them. */
void transformer_logits(const struct transformer *model, struct activations *acts, const struct batch *batch,
                        const struct kv_view *kv, const size_t *rows, size_t n_rows, real *logits);

#endif

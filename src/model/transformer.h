/* The transformer: forward and backward over a flat batch, for every family. It is the embeddings, a loop over
 * sublayers (block/), and the head. It knows no loss: it says what each target costs, and takes from an objective what
 * the loss changes by with each of these costs.
 *
 * It is written over `real` (kernels/real.h): float in the program; the gradient tests compile it as double too.
 * Nothing is allocated once parameters and activations are. */
#ifndef SFT_MODEL_TRANSFORMER_H
#define SFT_MODEL_TRANSFORMER_H

#include "model/activations.h"

#define transformer_init             REAL_NAME(transformer_init)
#define transformer_init_of          REAL_NAME(transformer_init_of)
#define transformer_bind REAL_NAME(transformer_bind)
#define transformer_free             REAL_NAME(transformer_free)
#define transformer_init_activations REAL_NAME(transformer_init_activations)
#define transformer_forward          REAL_NAME(transformer_forward)
#define transformer_costs            REAL_NAME(transformer_costs)
#define transformer_backward         REAL_NAME(transformer_backward)
#define transformer_logits           REAL_NAME(transformer_logits)

/* Gradients of some rows of a matrix. */
struct row_grads {
    real *d;             /* (n,C) NULL: there are none */
    const int32_t *rows; /* (n) ascending */
    size_t n;
};

struct transformer {
    struct model_config config;
    const struct kernels *kernels;
    struct param_set params;

    /* the same tensors, resolved */
    struct matrix token_embedding;                /* (V,C) */
    const real *position_embedding;               /* (n_positions,C), or NULL */
    real *dtoken_embedding, *dposition_embedding; /* NULL: not trained */
    struct row_grads embedding_rows, head_rows;   /* where of the token embedding, or the head, only some rows are */
    struct sublayer *sublayers;                   /* (n_sublayers): layer after layer */
    size_t n_sublayers;
    size_t last_mixer;     /* after this one, positions that the head does not see matter to nobody */
    size_t lowest_trained; /* below this one, no gradient is wanted; n_sublayers: in none */
    struct norm_layer final_norm;
    struct head head;
    real *dhead; /* NULL: not trained; the token embedding's where the two are tied */
};

/* Allocate the parameters (zeroed), and gradients of those that `trained` chooses (NULL: none, for inference). Free
 * with transformer_free, which accepts a zeroed struct. */
enum sft_status transformer_init(struct transformer *model, const struct model_config *config,
                                 const struct kernels *kernels, tensor_choice *trained, struct sft_err *err);
void transformer_free(struct transformer *model);

/* The same of a table that says which tensors are trained, adapters among them, and which are kept how; it is taken
 * over. */
enum sft_status transformer_init_of(struct transformer *model, const struct model_config *config,
                                    const struct kernels *kernels, struct tensor_table *table, struct sft_err *err);

/* Resolve the tensors again: after those that are elsewhere got their places (param_place). */
void transformer_bind(struct transformer *model);

/* Allocate activations for N positions at most, with what a backward pass needs, if there is to be one. */
enum sft_status transformer_init_activations(const struct transformer *model, struct activations *acts, size_t N,
                                             enum keeping keeping, struct sft_err *err);

/* The model up to the head's input, kept in acts, at the positions rows[0..n_rows), which ascend. The batch's N must be
 * at most that of acts' plan. Costs and a backward pass are of the forward pass before them. */
void transformer_forward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                         const size_t *rows, size_t n_rows);

/* What each target costs: acts->nll and acts->correct (M). The rows of the forward pass were the targets'. */
void transformer_costs(const struct transformer *model, struct activations *acts, const struct targets *targets);

/* The same, and set the gradients to those of the loss, whose own by each nll is in acts->dnll (M), or add them where
 * `add`: a step's first micro-batch sets, the others add. */
void transformer_backward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                          const struct targets *targets, bool add);

/* logits (n_rows, V) at the positions rows[0..n_rows) of the batch, which ascend; there may be none. With a view (NULL:
 * none) each sequence of the batch goes on from what its pages hold: its keys and values are appended there. */
void transformer_logits(const struct transformer *model, struct activations *acts, const struct batch *batch,
                        const struct kv_view *view, const size_t *rows, size_t n_rows, real *logits);

#endif

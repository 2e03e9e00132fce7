/* Causal self-attention: attend(q, k, v), q, k and v linear in the sublayer's input h, from one tensor or from three;
 * queries and keys normed where the family has it, and turned by their positions. Only here does a position see others.
 * The projection back into the residual stream is the sublayer's. */
#ifndef SFT_MODEL_BLOCK_ATTENTION_H
#define SFT_MODEL_BLOCK_ATTENTION_H

#include "model/block/linear.h"
#include "model/block/norm.h"
#include "model/block/rotary.h"

#define attention_bind        REAL_NAME(attention_bind)
#define attention_is_trained  REAL_NAME(attention_is_trained)
#define attention_zero_grads  REAL_NAME(attention_zero_grads)
#define attention_width       REAL_NAME(attention_width)
#define attention_plan        REAL_NAME(attention_plan)
#define attention_plan_shared REAL_NAME(attention_plan_shared)
#define attention_forward     REAL_NAME(attention_forward)
#define attention_backward    REAL_NAME(attention_backward)

/* Which angles turn a layer's queries and keys. */
enum turned { TURNED, TURNED_LOCALLY, N_TURNED, UNTURNED = N_TURNED };

/* H = n_head, KV = n_kv_head, D = head_dim. */
struct attention_layer {
    struct linear_layer in[3]; /* q, k and v, one each; or in the first all, (C, (H + 2 KV) * D), and no others */
    struct norm_layer q_norm, k_norm;
    size_t layer, n_head, n_kv_head, head_dim;
    size_t window; /* 0: a query sees all before it */
    enum turned turned;
    real scale, softcap; /* of q . k; 0: no cap */
};

/* Queries, keys and values, or their gradients: in one buffer of rows, or in three. */
struct qkv {
    act *q, *k, *v;             /* (N, H*D), (N, KV*D) twice */
    size_t ld_q, ld_kv;         /* elements between rows of q; of k, and of v */
    size_t stride_q, stride_kv; /* between heads */
};

/* Kept for the backward pass. */
struct attention_acts {
    struct qkv qkv; /* as the norms of heads get them; where there are none, turned */
    real *lse;      /* (N,H): log of the sum of exp of each query's scores */
    act *attended;  /* (N, H*D) */
    struct linear_acts in;
};

/* Of all layers in their turn. */
struct attention_shared {
    struct rotary rotary[N_TURNED];
    struct qkv normed;     /* q and k after the norms of heads, turned; v is not there; NULL: no such norms */
    real *rstd_q, *rstd_k; /* (N,H), (N,KV): of these */
    struct qkv dqkv;
};

struct attention_layer attention_bind(const struct param_set *params, const struct model_config *config,
                                      const struct attention_spec *spec, size_t layer);
bool attention_is_trained(const struct attention_layer *attention);
void attention_zero_grads(const struct attention_layer *attention); /* those that are only ever added to */

/* Of what it gives: H*D. */
size_t attention_width(const struct model_config *config);
void attention_plan(struct activation_plan *plan, struct attention_acts *acts, const struct model_config *config,
                    const struct attention_spec *spec);
void attention_plan_shared(struct activation_plan *plan, struct attention_shared *shared,
                           const struct model_config *config, const struct attention_spec *spec);

/* acts' attended, from h (N,C). */
const act *attention_forward(const struct pass *pass, const struct attention_layer *attention,
                             const struct attention_acts *acts, const struct attention_shared *shared, const act *h);

/* Gradients of what is trained, and dh (N,C), which is set; NULL: nobody wants it.  dattended (N, H*D). */
void attention_backward(const struct pass *pass, const struct attention_layer *attention,
                        const struct attention_acts *acts, const struct attention_shared *shared, const act *dattended,
                        const act *h, act *dh);

#endif

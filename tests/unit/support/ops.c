#include "ops.h"

#include "ops_arrays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An op's pass that runs another one with a flag. */
#define FORWARD(name, run, flag)                                                                             \
    static void name(const void *table, const struct op_sizes *s, const double *const in[],                  \
                     double *const out[])                                                                    \
    {                                                                                                        \
        run(table, s, in, out, flag);                                                                        \
    }
#define BACKWARD(name, run, flag)                                                                            \
    static void name(const void *table, const struct op_sizes *s, const double *const in[],                  \
                     const double *const dout[], double *const din[])                                        \
    {                                                                                                        \
        run(table, s, in, dout, din, flag);                                                                  \
    }

/* What scales a product, exact in both builds. */
static const real some_scale = (real)0.375;

/* ---- embeddings: in wte (V,C), and wpe (V,C) where there are positions; out x (N,C) ---- */

enum { POSITIONS = 1, SCALED_TOKENS = 2 };

static void embed_layout(const struct op_sizes *s, size_t in[], size_t out[])
{
    in[0] = in[1] = s->V * s->C;
    out[0] = s->N * s->C;
}

static void embed_layout_tokens(const struct op_sizes *s, size_t in[], size_t out[])
{
    embed_layout(s, in, out);
    in[1] = 0;
}

static void embed_run(const void *table, const struct op_sizes *s, const double *const in[], double *const out[],
                      int flags)
{
    const bool positions = flags & POSITIONS;
    int32_t *tokens = make_indices(s->N, s->V, 7), *position = positions ? make_indices(s->N, s->V, 1) : NULL;
    real *wte = to_real(in[0], s->V * s->C), *wpe = positions ? to_real(in[1], s->V * s->C) : NULL;
    real *x = to_real(out[0], s->N * s->C);
    kernels_of(table)->embed_fwd(x, &(struct matrix){.w = wte}, wpe, tokens, position,
                                 flags & SCALED_TOKENS ? some_scale : 1, s->N, s->C);
    give_back(out[0], x, s->N * s->C);
    free(wte);
    free(wpe);
    free(tokens);
    free(position);
}

static void embed_run_backward(const void *table, const struct op_sizes *s, const double *const in[],
                               const double *const dout[], double *const din[], int flags)
{
    (void)in;
    const bool positions = flags & POSITIONS;
    int32_t *tokens = make_indices(s->N, s->V, 7), *position = positions ? make_indices(s->N, s->V, 1) : NULL;
    real *dwte = to_real(din[0], s->V * s->C), *dwpe = positions ? to_real(din[1], s->V * s->C) : NULL;
    real *dx = to_real(dout[0], s->N * s->C);
    kernels_of(table)->embed_bwd(dwte, dwpe, dx, tokens, position, -1, flags & SCALED_TOKENS ? some_scale : 1, s->N,
                                 s->C);
    give_back(din[0], dwte, s->V * s->C);
    if (positions)
        give_back(din[1], dwpe, s->V * s->C);
    free(dx);
    free(tokens);
    free(position);
}

FORWARD(embed_forward, embed_run, POSITIONS)
FORWARD(embed_forward_tokens, embed_run, 0)
FORWARD(embed_forward_scaled, embed_run, POSITIONS | SCALED_TOKENS)
FORWARD(embed_forward_tokens_scaled, embed_run, SCALED_TOKENS)
BACKWARD(embed_backward, embed_run_backward, POSITIONS)
BACKWARD(embed_backward_tokens, embed_run_backward, 0)
BACKWARD(embed_backward_scaled, embed_run_backward, POSITIONS | SCALED_TOKENS)
BACKWARD(embed_backward_tokens_scaled, embed_run_backward, SCALED_TOKENS)

/* ---- layer norm: in x (N,C), w (C), and b (C) where it has one; out y (N,C) ---- */

static const real epsilon = (real)1e-5;

static void layernorm_layout(const struct op_sizes *s, size_t in[], size_t out[])
{
    in[0] = s->N * s->C;
    in[1] = in[2] = s->C;
    out[0] = s->N * s->C;
}

static void layernorm_layout_no_bias(const struct op_sizes *s, size_t in[], size_t out[])
{
    layernorm_layout(s, in, out);
    in[2] = 0;
}

static void layernorm_run(const void *table, const struct op_sizes *s, const double *const in[], double *const out[],
                          bool bias)
{
    real *x = to_real(in[0], s->N * s->C), *w = to_real(in[1], s->C), *b = bias ? to_real(in[2], s->C) : NULL;
    real *mean = malloc((s->N + 1) * sizeof *mean), *rstd = malloc((s->N + 1) * sizeof *rstd);
    const struct kernels *k = kernels_of(table);
    act *y = to_act(k, out[0], s->N * s->C);
    k->layernorm_fwd(y, mean, rstd, x, w, b, epsilon, s->N, s->C);
    give_back_act(k, out[0], y, s->N * s->C);
    free(x);
    free(w);
    free(b);
    free(mean);
    free(rstd);
}

static void layernorm_run_backward(const void *table, const struct op_sizes *s, const double *const in[],
                                   const double *const dout[], double *const din[], bool bias)
{
    const struct kernels *k = kernels_of(table);
    real *x = to_real(in[0], s->N * s->C), *w = to_real(in[1], s->C), *b = bias ? to_real(in[2], s->C) : NULL;
    real *mean = malloc((s->N + 1) * sizeof *mean), *rstd = malloc((s->N + 1) * sizeof *rstd);
    act *y = malloc((s->N * s->C + 1) * sizeof(real)), *dy = to_act(k, dout[0], s->N * s->C);
    real *dx = to_real(din[0], s->N * s->C), *dw = to_real(din[1], s->C), *db = bias ? to_real(din[2], s->C) : NULL;
    k->layernorm_fwd(y, mean, rstd, x, w, b, epsilon, s->N, s->C);
    struct workspace work = make_work(k, &(struct kernel_sizes){.N = s->N, .C = s->C});
    k->layernorm_bwd(dx, dw, db, dy, x, mean, rstd, w, s->N, s->C, &work);
    give_back(din[0], dx, s->N * s->C);
    give_back(din[1], dw, s->C);
    if (bias)
        give_back(din[2], db, s->C);
    free(x);
    free(w);
    free(b);
    free(y);
    free(mean);
    free(rstd);
    free(dy);
    free(work.data);
}

FORWARD(layernorm_forward, layernorm_run, true)
FORWARD(layernorm_forward_no_bias, layernorm_run, false)
BACKWARD(layernorm_backward, layernorm_run_backward, true)
BACKWARD(layernorm_backward_no_bias, layernorm_run_backward, false)

/* ---- the head: in h (N,C), W (V,C); out nll (N), and whether the label is the most likely token (N) ---- */

static void head_layout(const struct op_sizes *s, size_t in[], size_t out[])
{
    in[0] = s->N * s->C;
    in[1] = s->V * s->C;
    out[0] = out[1] = s->N;
}

static void head_logits_layout(const struct op_sizes *s, size_t in[], size_t out[])
{
    head_layout(s, in, out);
    out[0] = s->N * s->V;
    out[1] = 0;
}

enum { SCALED_LOGITS = 1, CAPPED_LOGITS = 2, ADD_DW = 4 };

static struct head head_of(const real *w, const struct op_sizes *s, int flags)
{
    return (struct head){.matrix = {.w = w},
                         .V = s->V,
                         .C = s->C,
                         .scale = flags & SCALED_LOGITS ? some_scale : 1,
                         .softcap = flags & CAPPED_LOGITS ? 3 : 0};
}

/* The most likely token at every other row; not at the first, which may be alone: its loss would be nearly nothing, and
 * rounding most of it. */
static int32_t *make_labels(const struct op_sizes *s, const double *h, const double *w)
{
    int32_t *labels = make_indices(s->N, s->V, 5);
    for (size_t n = 1; n < s->N; n += 2) {
        double best = -INFINITY;
        for (size_t v = 0; v < s->V; v++) {
            double logit = 0;
            for (size_t c = 0; c < s->C; c++)
                logit += h[n * s->C + c] * w[v * s->C + c];
            if (logit > best) {
                best = logit;
                labels[n] = (int32_t)v;
            }
        }
    }
    return labels;
}

static struct workspace head_work(const struct kernels *k, const struct op_sizes *s)
{
    return make_work(k, &(struct kernel_sizes){.N = s->N, .C = s->C, .V = s->V, .head_size = 1, .heads_per_kv = 1});
}

static void head_run(const void *table, const struct op_sizes *s, const double *const in[], double *const out[],
                     int flags)
{
    const struct kernels *k = kernels_of(table);
    act *h = to_act(k, in[0], s->N * s->C);
    real *w = to_real(in[1], s->V * s->C), *nll = to_real(out[0], s->N);
    int32_t *labels = make_labels(s, in[0], in[1]);
    uint8_t *correct = malloc(s->N + 1);
    const struct head head = head_of(w, s, flags);
    struct workspace work = head_work(k, s);
    k->head_loss(nll, correct, NULL, NULL, false, h, labels, NULL, &head, s->N, &work);
    give_back(out[0], nll, s->N);
    for (size_t i = 0; i < s->N; i++)
        out[1][i] = correct[i];
    free(h);
    free(w);
    free(labels);
    free(correct);
    free(work.data);
}

static void head_run_backward(const void *table, const struct op_sizes *s, const double *const in[],
                              const double *const dout[], double *const din[], int flags)
{
    const struct kernels *k = kernels_of(table);
    act *h = to_act(k, in[0], s->N * s->C), *dh = to_act(k, din[0], s->N * s->C);
    real *w = to_real(in[1], s->V * s->C), *dnll = to_real(dout[0], s->N);
    real *dw = to_real(din[1], s->V * s->C);
    real *nll = malloc((s->N + 1) * sizeof *nll);
    int32_t *labels = make_labels(s, in[0], in[1]);
    uint8_t *correct = malloc(s->N + 1);
    const struct head head = head_of(w, s, flags);
    struct workspace work = head_work(k, s);
    k->head_loss(nll, correct, dh, dw, flags & ADD_DW, h, labels, dnll, &head, s->N, &work);
    give_back_act(k, din[0], dh, s->N * s->C);
    give_back(din[1], dw, s->V * s->C);
    free(h);
    free(w);
    free(dnll);
    free(nll);
    free(labels);
    free(correct);
    free(work.data);
}

FORWARD(head_forward, head_run, 0)
FORWARD(head_forward_scaled, head_run, SCALED_LOGITS)
FORWARD(head_forward_capped, head_run, SCALED_LOGITS | CAPPED_LOGITS)
BACKWARD(head_backward, head_run_backward, 0)
BACKWARD(head_backward_adding, head_run_backward, ADD_DW)
BACKWARD(head_backward_scaled, head_run_backward, SCALED_LOGITS)
BACKWARD(head_backward_capped, head_run_backward, SCALED_LOGITS | CAPPED_LOGITS)

static void head_logits_run(const void *table, const struct op_sizes *s, const double *const in[], double *const out[],
                            int flags)
{
    const struct kernels *k = kernels_of(table);
    act *h = to_act(k, in[0], s->N * s->C);
    real *w = to_real(in[1], s->V * s->C), *logits = to_real(out[0], s->N * s->V);
    const struct head head = head_of(w, s, flags);
    struct workspace work = head_work(k, s);
    k->head_logits(logits, h, &head, s->N, &work);
    give_back(out[0], logits, s->N * s->V);
    free(work.data);
    free(h);
    free(w);
}

FORWARD(head_logits_forward, head_logits_run, 0)
FORWARD(head_logits_forward_scaled, head_logits_run, SCALED_LOGITS)
FORWARD(head_logits_forward_capped, head_logits_run, SCALED_LOGITS | CAPPED_LOGITS)

/* ---- rows: in x (2N,C); out its odd rows (N,C) ---- */

static void gather_layout(const struct op_sizes *s, size_t in[], size_t out[])
{
    in[0] = 2 * s->N * s->C;
    out[0] = s->N * s->C;
}

static size_t *odd_rows(size_t n)
{
    size_t *rows = malloc((n + 1) * sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = 2 * i + 1;
    return rows;
}

static void gather_forward(const void *table, const struct op_sizes *s, const double *const in[],
                           double *const out[])
{
    size_t *rows = odd_rows(s->N);
    real *x = to_real(in[0], 2 * s->N * s->C), *y = to_real(out[0], s->N * s->C);
    kernels_of(table)->gather_rows(y, x, rows, s->N, s->C * sizeof(real));
    give_back(out[0], y, s->N * s->C);
    free(x);
    free(rows);
}

static void gather_backward(const void *table, const struct op_sizes *s, const double *const in[],
                            const double *const dout[], double *const din[])
{
    (void)in;
    size_t *rows = odd_rows(s->N);
    real *dx = to_real(din[0], 2 * s->N * s->C), *dy = to_real(dout[0], s->N * s->C);
    kernels_of(table)->scatter_rows(dx, 2 * s->N, dy, rows, s->N, s->C * sizeof(real));
    give_back(din[0], dx, 2 * s->N * s->C);
    free(dy);
    free(rows);
}

/* ---- the optimizer ---- */

static void sum_layout(const struct op_sizes *s, size_t in[], size_t out[])
{
    in[0] = s->N * s->C;
    out[0] = 1;
}

static void sum_forward(const void *table, const struct op_sizes *s, const double *const in[],
                        double *const out[])
{
    real *x = to_real(in[0], s->N * s->C);
    *out[0] = kernels_of(table)->sum_of_squares(x, s->N * s->C);
    free(x);
}

/* in p, m, sqrt(v), g; out p, m, v */
static void adamw_layout(const struct op_sizes *s, size_t in[], size_t out[])
{
    for (size_t i = 0; i < 4; i++)
        in[i] = s->N * s->C;
    out[0] = out[1] = out[2] = s->N * s->C;
}

static const struct adamw_args some_adamw = {.grad_scale = (real)0.5,
                                             .learning_rate = (real)0.01,
                                             .weight_decay = (real)0.1,
                                             .rest1 = (real)0.1,
                                             .beta2 = (real)0.999,
                                             .rest2 = (real)0.001,
                                             .epsilon = (real)1e-8,
                                             .correction1 = (real)0.271,
                                             .correction2_sqrt = (real)0.0547};

static void adamw_forward(const void *table, const struct op_sizes *s, const double *const in[],
                          double *const out[])
{
    const size_t n = s->N * s->C;
    real *p = to_real(in[0], n), *m = to_real(in[1], n), *v = to_real(in[2], n), *g = to_real(in[3], n);
    for (size_t i = 0; i < n; i++)
        v[i] *= v[i];
    kernels_of(table)->adamw(p, m, v, g, &some_adamw, n);
    give_back(out[0], p, n);
    give_back(out[1], m, n);
    give_back(out[2], v, n);
    free(g);
}

#include "ops_adamw_8bit.inc"
#include "ops_activation.inc"
/* ---- between the stream and operands: in x (N,C); out scale * x, and out, another operand, added to ---- */

static void operands_layout(const struct op_sizes *s, size_t in[], size_t out[])
{
    in[0] = out[0] = out[1] = s->N * s->C;
}

static void operands_run(const void *table, const struct op_sizes *s, const double *const in[], double *const out[],
                         real scale)
{
    const struct kernels *k = kernels_of(table);
    const size_t n = s->N * s->C, bytes = n * k->act_size;
    real *x = to_real(in[0], n), *sum = to_real(out[1], n);
    act *buffer = calloc(n + 1, sizeof(real)), *copy = calloc(n + 1, sizeof(real)), *y = to_act(k, in[0], n);
    memcpy(copy, k->to_act(buffer, x, scale, n), bytes);
    k->add_act(sum, y, n);
    give_back_act(k, out[0], copy, n);
    give_back(out[1], sum, n);
    free(x);
    free(y);
    free(buffer);
}

FORWARD(operands_forward, operands_run, 1)
FORWARD(operands_forward_scaled, operands_run, (real)0.375)

#include "ops_attention.inc"
#include "ops_linear.inc"
#include "ops_adapted.inc"
#include "ops_rmsnorm.inc"

const struct op REAL_NAME(ops)[] = {
    {"embed", embed_layout, embed_forward, embed_backward},
    {"embed, tokens only", embed_layout_tokens, embed_forward_tokens, embed_backward_tokens},
    {"embed, scaled", embed_layout, embed_forward_scaled, embed_backward_scaled},
    {"embed, tokens only, scaled", embed_layout_tokens, embed_forward_tokens_scaled, embed_backward_tokens_scaled},
    {"embed, some rows", embed_rows_layout, embed_rows_forward, embed_rows_backward},
    {"layernorm", layernorm_layout, layernorm_forward, layernorm_backward},
    {"layernorm, no bias", layernorm_layout_no_bias, layernorm_forward_no_bias, layernorm_backward_no_bias},
    {"rmsnorm", rmsnorm_layout, rmsnorm_forward, rmsnorm_backward},
    {"rmsnorm, 1 + w", rmsnorm_layout, rmsnorm_forward_plus_one, rmsnorm_backward_plus_one},
    {"rmsnorm_residual", rmsnorm_residual_layout, rmsnorm_residual_forward, rmsnorm_residual_backward},
    {"rmsnorm_heads", rmsnorm_heads_layout, rmsnorm_heads_forward, rmsnorm_heads_backward},
    {"rmsnorm_heads, one", rmsnorm_heads_layout, rmsnorm_heads_forward_one, rmsnorm_heads_backward_one},
    {"linear", linear_layout, linear_forward, linear_backward},
    {"linear, adding", linear_layout, linear_forward, linear_backward_adding},
    {"linear, no bias", linear_layout_no_bias, linear_forward_no_bias, linear_backward_no_bias},
    {"linear, transposed", linear_layout, linear_forward_t, linear_backward_t},
    {"linear, transposed, adding", linear_layout, linear_forward_t, linear_backward_t_adding},
    {"linear, transposed, no bias", linear_layout_no_bias, linear_forward_t_no_bias, linear_backward_t_no_bias},
    {"linear, three of an input", linear_three_layout, linear_three_forward, linear_three_backward},
    {"linear_few, (in,out)", linear_layout, linear_few_forward, NULL},
    {"linear_few", linear_layout, linear_few_forward_t, NULL},
    {"linear_few, no bias", linear_layout_no_bias, linear_few_forward_t_no_bias, NULL},
    {"linear_few, three of an input", linear_three_layout, linear_few_three_forward, NULL},
    {"linear_few_residual, (in,out)", linear_residual_layout, linear_few_residual_forward, NULL},
    {"linear_few_residual", linear_residual_layout, linear_few_residual_forward_t, NULL},
    {"linear_few_residual, no bias", linear_residual_layout_no_bias, linear_few_residual_forward_t_no_bias, NULL},
    {"linear_few_residual, none", linear_layout_no_bias, linear_few_residual_forward_t_none, NULL},
    {"linear_residual", linear_residual_layout, linear_residual_forward, NULL},
    {"linear_residual, no bias", linear_residual_layout_no_bias, linear_residual_forward_no_bias, NULL},
    {"linear_residual, transposed", linear_residual_layout, linear_residual_forward_t, NULL},
    {"linear_residual, transposed, no bias", linear_residual_layout_no_bias, linear_residual_forward_t_no_bias, NULL},
    {"linear_residual, scaled", linear_residual_layout, linear_residual_forward_scaled, NULL},
    {"linear_residual, scaled, transposed, no bias", linear_residual_layout_no_bias,
     linear_residual_forward_t_no_bias_scaled, NULL},
    {"linear_residual, none", linear_layout, linear_residual_forward_none, NULL},
    {"linear_residual, none, no bias", linear_layout_no_bias, linear_residual_forward_none_no_bias, NULL},
    {"linear_residual, none, scaled", linear_layout, linear_residual_forward_none_scaled, NULL},
    {"linear, adapted", adapted_layout_bias, adapted_forward, adapted_backward},
    {"linear, adapted, transposed, adding", adapted_layout, adapted_forward_t, adapted_backward_t_adding},
    {"linear, adapted, three of an input", adapted_layout_three, adapted_forward_three, adapted_backward_three},
    {"linear_residual, adapted", adapted_layout_residual_bias, adapted_forward_residual, NULL},
    {"linear_residual, adapted, scaled, transposed", adapted_layout_residual, adapted_forward_residual_t_scaled, NULL},
    {"linear_residual, adapted, none", adapted_layout, adapted_forward_none, NULL},
    {"linear_few, adapted, (in,out)", adapted_layout_bias, adapted_few_forward, NULL},
    {"linear_few, adapted", adapted_layout_bias, adapted_few_forward_t, NULL},
    {"linear_few, adapted, three of an input", adapted_layout_three, adapted_few_forward_three, NULL},
    {"linear_few_residual, adapted", adapted_layout_residual_bias, adapted_few_forward_residual, NULL},
    {"linear_few_residual, adapted, none", adapted_layout, adapted_few_forward_none, NULL},
    {"linear_narrow", narrow_layout, narrow_forward, NULL},
    {"gelu, tanh", activation_layout, gelu_tanh_forward, gelu_tanh_backward},
    {"gelu, exact", activation_layout, gelu_erf_forward, gelu_erf_backward},
    {"relu", activation_layout, relu_forward, relu_backward},
    {"silu", activation_layout, silu_forward, silu_backward},
    {"gate, gelu tanh", gate_layout, gelu_tanh_gate_forward, gelu_tanh_gate_backward},
    {"gate, gelu exact", gate_layout, gelu_erf_gate_forward, gelu_erf_gate_backward},
    {"gate, relu", gate_layout, relu_gate_forward, relu_gate_backward},
    {"gate, silu", gate_layout, silu_gate_forward, silu_gate_backward},
    {"rope", rope_layout, rope_forward, rope_backward},
    {"rope, partial", rope_layout, rope_forward_partial, rope_backward_partial},
    {"attention", attention_layout, attention_forward, attention_backward},
    {"attention, window", attention_layout, attention_forward, attention_backward},
    {"attention, soft cap", attention_layout, attention_forward, attention_backward},
    {"attention, shared", attention_layout, attention_forward, attention_backward},
    {"attention, pages", attention_layout, attention_forward, NULL},
    {"attention_few", attention_layout, attention_few_forward, NULL},
    {"head_loss", head_layout, head_forward, head_backward},
    {"head_loss, adding", head_layout, head_forward, head_backward_adding},
    {"head_loss, scaled", head_layout, head_forward_scaled, head_backward_scaled},
    {"head_loss, scaled and capped", head_layout, head_forward_capped, head_backward_capped},
    {"head_loss, some rows", head_rows_layout, head_rows_forward, head_rows_backward},
    {"head_loss, some rows, adding", head_rows_layout, head_rows_forward, head_rows_backward_adding},
    {"head_loss, some rows, scaled and capped", head_rows_layout, head_rows_forward_capped, head_rows_backward_capped},
    {"head_logits", head_logits_layout, head_logits_forward, NULL},
    {"head_logits, scaled", head_logits_layout, head_logits_forward_scaled, NULL},
    {"head_logits, scaled and capped", head_logits_layout, head_logits_forward_capped, NULL},
    {"gather_rows", gather_layout, gather_forward, gather_backward},
    {"to_act, add_act", operands_layout, operands_forward, NULL},
    {"to_act, scaled", operands_layout, operands_forward_scaled, NULL},
    {"sum_of_squares", sum_layout, sum_forward, NULL},
    {"adamw", adamw_layout, adamw_forward, NULL},
    {"adamw_8bit", adamw_8bit_layout, adamw_8bit_forward, NULL},
    {"adamw_8bit, moments", adamw_8bit_moments_layout, adamw_8bit_moments_forward, NULL},
};
#ifndef SFT_REAL_F64
const size_t ops_count = sizeof ops_f32 / sizeof *ops_f32;
#endif

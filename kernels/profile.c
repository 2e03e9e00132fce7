#include "profile.h"

#include <omp.h>
#include <string.h>

enum op {
    EMBED_FWD,
    LAYERNORM_FWD,
    LINEAR_FWD,
    ATTENTION_FWD,
    GELU_FWD,
    GATHER_ROWS,
    HEAD_LOSS,
    HEAD_LOGITS,
    SCATTER_ROWS,
    TO_ACT,
    LINEAR_BWD,
    GELU_BWD,
    LAYERNORM_BWD,
    ATTENTION_BWD,
    EMBED_BWD,
    SUM_OF_SQUARES,
    ADAMW,
};

static struct kernels table;
static const struct kernels *inner;
static struct profile_op ops[PROFILE_OPS] = {
    [EMBED_FWD] = {.name = "embedding"},
    [LAYERNORM_FWD] = {.name = "norm"},
    [LINEAR_FWD] = {.name = "linear"},
    [ATTENTION_FWD] = {.name = "attention"},
    [GELU_FWD] = {.name = "gelu"},
    [GATHER_ROWS] = {.name = "gather targets"},
    [HEAD_LOSS] = {.name = "head, loss, both ways"},
    [HEAD_LOGITS] = {.name = "head, logits"},
    [SCATTER_ROWS] = {.name = "scatter targets"},
    [TO_ACT] = {.name = "rounding"},
    [LINEAR_BWD] = {.name = "linear, backward"},
    [GELU_BWD] = {.name = "gelu, backward"},
    [LAYERNORM_BWD] = {.name = "norm, backward"},
    [ATTENTION_BWD] = {.name = "attention, backward"},
    [EMBED_BWD] = {.name = "embedding, backward"},
    [SUM_OF_SQUARES] = {.name = "gradient norm"},
    [ADAMW] = {.name = "adamw"},
};

static void count(enum op op, double started, double flops, double bytes)
{
    ops[op].calls++;
    ops[op].seconds += omp_get_wtime() - started;
    ops[op].flops += flops;
    ops[op].bytes += bytes;
}

/* Bytes of n numbers of the residual stream, and of n operands. */
static double reals(size_t n)
{
    return (double)n * sizeof(real);
}

static double acts(size_t n)
{
    return (double)n * (double)inner->act_size;
}

static void embed_fwd(real *x, const real *wte, const real *wpe, const int32_t *tokens,
                      const int32_t *position, size_t N, size_t C)
{
    const double started = omp_get_wtime();
    inner->embed_fwd(x, wte, wpe, tokens, position, N, C);
    count(EMBED_FWD, started, 0, 3 * reals(N * C));
}

static void embed_bwd(real *dwte, real *dwpe, const real *dx, const int32_t *tokens, const int32_t *position,
                      size_t N, size_t C)
{
    const double started = omp_get_wtime();
    inner->embed_bwd(dwte, dwpe, dx, tokens, position, N, C);
    count(EMBED_BWD, started, 0, 5 * reals(N * C));
}

static void layernorm_fwd(act *y, real *mean, real *rstd, const real *x, const real *w, const real *b,
                          real epsilon, size_t N, size_t C)
{
    const double started = omp_get_wtime();
    inner->layernorm_fwd(y, mean, rstd, x, w, b, epsilon, N, C);
    count(LAYERNORM_FWD, started, 0, reals(N * C) + acts(N * C));
}

static void layernorm_bwd(real *dx, real *dw, real *db, const act *dy, const real *x, const real *mean,
                          const real *rstd, const real *w, size_t N, size_t C, const struct workspace *work)
{
    const double started = omp_get_wtime();
    inner->layernorm_bwd(dx, dw, db, dy, x, mean, rstd, w, N, C, work);
    count(LAYERNORM_BWD, started, 0, 3 * reals(N * C) + acts(N * C));
}

static void linear_fwd(act *y, const act *x, const struct linear *l, size_t N, const struct workspace *work)
{
    const double started = omp_get_wtime();
    inner->linear_fwd(y, x, l, N, work);
    count(LINEAR_FWD, started, 2.0 * (double)N * (double)l->in * (double)l->out, 0);
}

static void linear_residual_fwd(real *y, const real *residual, const act *x, const struct linear *l, size_t N,
                                const struct workspace *work)
{
    const double started = omp_get_wtime();
    inner->linear_residual_fwd(y, residual, x, l, N, work);
    count(LINEAR_FWD, started, 2.0 * (double)N * (double)l->in * (double)l->out, 0);
}

static void linear_bwd(act *dx, real *dw, real *db, bool add, const act *dy, const act *x,
                       const struct linear *l, size_t N, const struct workspace *work)
{
    const double started = omp_get_wtime();
    inner->linear_bwd(dx, dw, db, add, dy, x, l, N, work);
    count(LINEAR_BWD, started, 4.0 * (double)N * (double)l->in * (double)l->out, 0);
}

static void gelu_fwd(act *y, const act *x, bool exact, size_t n)
{
    const double started = omp_get_wtime();
    inner->gelu_fwd(y, x, exact, n);
    count(GELU_FWD, started, 0, 2 * acts(n));
}

static void gelu_bwd(act *dx, const act *dy, const act *x, bool exact, size_t n)
{
    const double started = omp_get_wtime();
    inner->gelu_bwd(dx, dy, x, exact, n);
    count(GELU_BWD, started, 0, 3 * acts(n));
}

/* FLOPs of one product between queries and the keys that they see, all heads. */
static double attention_product(const struct attention *a)
{
    double pairs = 0;
    for (size_t s = 0; s < a->S; s++) {
        const double n_q = (double)(a->q_start[s + 1] - a->q_start[s]);
        const double n_kv = (double)(a->kv_start[s + 1] - a->kv_start[s]);
        pairs += n_q * (n_kv - n_q) + n_q * (n_q + 1) / 2;
    }
    return 2 * pairs * (double)a->head_size * (double)a->n_head;
}

static void attention_fwd(act *out, real *lse, const act *q, const act *k, const act *v,
                          const struct attention *a, const struct workspace *work)
{
    const double started = omp_get_wtime();
    inner->attention_fwd(out, lse, q, k, v, a, work);
    count(ATTENTION_FWD, started, 2 * attention_product(a), 0);
}

static void attention_bwd(act *dq, act *dk, act *dv, const act *dout, const act *out, const act *q,
                          const act *k, const act *v, const real *lse, const struct attention *a,
                          const struct workspace *work)
{
    const double started = omp_get_wtime();
    inner->attention_bwd(dq, dk, dv, dout, out, q, k, v, lse, a, work);
    count(ATTENTION_BWD, started, 4 * attention_product(a), 0);
}

static void head_loss(real *nll, uint8_t *correct, act *dh, real *dw, bool add, const act *h,
                      const int32_t *labels, const real *weights, real grad_scale, const struct head *head,
                      size_t M, const struct workspace *work)
{
    const double started = omp_get_wtime();
    inner->head_loss(nll, correct, dh, dw, add, h, labels, weights, grad_scale, head, M, work);
    count(HEAD_LOSS, started, (dh ? 6.0 : 2.0) * (double)M * (double)head->V * (double)head->C, 0);
}

static void head_logits(real *logits, const act *h, const struct head *head, size_t M,
                        const struct workspace *work)
{
    const double started = omp_get_wtime();
    inner->head_logits(logits, h, head, M, work);
    count(HEAD_LOGITS, started, 2.0 * (double)M * (double)head->V * (double)head->C, 0);
}

static void gather_rows(void *y, const void *x, const size_t *rows, size_t n, size_t row_bytes)
{
    const double started = omp_get_wtime();
    inner->gather_rows(y, x, rows, n, row_bytes);
    count(GATHER_ROWS, started, 0, 2 * (double)n * (double)row_bytes);
}

static void scatter_rows(void *x, size_t N, const void *y, const size_t *rows, size_t n, size_t row_bytes)
{
    const double started = omp_get_wtime();
    inner->scatter_rows(x, N, y, rows, n, row_bytes);
    count(SCATTER_ROWS, started, 0, (double)(N + n) * (double)row_bytes);
}

static const act *to_act(act *buffer, const real *x, size_t n)
{
    const double started = omp_get_wtime();
    const act *rounded = inner->to_act(buffer, x, n);
    count(TO_ACT, started, 0, rounded == (const act *)x ? 0 : reals(n) + acts(n));
    return rounded;
}

static double sum_of_squares(const real *x, size_t n)
{
    const double started = omp_get_wtime(), sum = inner->sum_of_squares(x, n);
    count(SUM_OF_SQUARES, started, 0, reals(n));
    return sum;
}

static void adamw(real *p, real *m, real *v, const real *g, const struct adamw_args *args, size_t n)
{
    const double started = omp_get_wtime();
    inner->adamw(p, m, v, g, args, n);
    count(ADAMW, started, 0, 7 * reals(n));
}

const struct kernels *profile_start(const struct kernels *kernels)
{
    inner = kernels;
    table = *kernels;
    table.embed_fwd = embed_fwd;
    table.embed_bwd = embed_bwd;
    table.layernorm_fwd = layernorm_fwd;
    table.layernorm_bwd = layernorm_bwd;
    table.linear_fwd = linear_fwd;
    table.linear_residual_fwd = linear_residual_fwd;
    table.linear_bwd = linear_bwd;
    table.gelu_fwd = gelu_fwd;
    table.gelu_bwd = gelu_bwd;
    table.attention_fwd = attention_fwd;
    table.attention_bwd = attention_bwd;
    table.head_loss = head_loss;
    table.head_logits = head_logits;
    table.gather_rows = gather_rows;
    table.scatter_rows = scatter_rows;
    table.to_act = to_act;
    table.sum_of_squares = sum_of_squares;
    table.adamw = adamw;
    profile_reset();
    return &table;
}

void profile_reset(void)
{
    for (size_t i = 0; i < PROFILE_OPS; i++)
        ops[i] = (struct profile_op){.name = ops[i].name};
}

const struct profile_op *profile_ops(void)
{
    return ops;
}

#include "ref.h"

#include <math.h>

/* Query i of a sequence with n_q queries and n_kv keys sees keys 0 .. n_kv - n_q + i. */
static size_t visible(size_t i, size_t n_q, size_t n_kv)
{
    return n_kv - n_q + i + 1;
}

/* The head of keys and values that a head of queries uses. */
static size_t kv_head(const struct attention *a, size_t h)
{
    return h / (a->n_head / a->n_kv_head);
}

static double score(const real *q, const real *k, const struct attention *a)
{
    double sum = 0;
    for (size_t d = 0; d < a->head_size; d++)
        sum += (double)q[d] * (double)k[d];
    return sum * (double)a->scale;
}

/* The log of the sum of exp of a query's scores, from its largest one. */
static double log_sum_exp(const real *q, const real *k, size_t n_keys, const struct attention *a)
{
    double largest = -INFINITY, sum = 0;
    for (size_t j = 0; j < n_keys; j++)
        largest = fmax(largest, score(q, k + j * a->ld_kv, a));
    for (size_t j = 0; j < n_keys; j++)
        sum += exp(score(q, k + j * a->ld_kv, a) - largest);
    return largest + log(sum);
}

void REF(attention_fwd)(act *out_, real *lse, const act *q_, const act *k_, const act *v_,
                        const struct attention *a, const struct workspace *work)
{
    (void)work;
    const size_t D = a->head_size, C = a->n_head * D;
    for (size_t s = 0; s < a->S; s++) {
        const size_t n_q = a->q_start[s + 1] - a->q_start[s], n_kv = a->kv_len ? a->kv_len[s] : n_q;
        const size_t kv = (a->kv_begin ? a->kv_begin[s] : a->q_start[s]) * a->ld_kv;
        for (size_t i = 0; i < n_q; i++)
            for (size_t h = 0; h < a->n_head; h++) {
                const size_t row = a->q_start[s] + i, n_keys = visible(i, n_q, n_kv);
                const real *q = (const real *)q_ + row * a->ld_q + h * D;
                const real *k = (const real *)k_ + kv + kv_head(a, h) * D;
                const real *v = (const real *)v_ + kv + kv_head(a, h) * D;
                real *out = (real *)out_ + row * C + h * D;
                const double norm = log_sum_exp(q, k, n_keys, a);
                for (size_t d = 0; d < D; d++) {
                    double sum = 0;
                    for (size_t j = 0; j < n_keys; j++)
                        sum += exp(score(q, k + j * a->ld_kv, a) - norm) * (double)v[j * a->ld_kv + d];
                    out[d] = (real)sum;
                }
                lse[row * a->n_head + h] = (real)norm;
            }
    }
}

/* One query's part of the backward pass: p = softmax(scores), dp = dout . v, ds = p (dp - sum(p dp)). */
static void query_bwd(real *dq, real *dk, real *dv, const real *dout, const real *out, const real *q,
                      const real *k, const real *v, double lse, size_t n_keys, const struct attention *a)
{
    const size_t D = a->head_size, ld = a->ld_kv;
    double delta = 0; /* sum(p dp) = dout . out */
    for (size_t d = 0; d < D; d++)
        delta += (double)dout[d] * (double)out[d];
    for (size_t j = 0; j < n_keys; j++) {
        const double p = exp(score(q, k + j * ld, a) - lse);
        double dp = 0;
        for (size_t d = 0; d < D; d++)
            dp += (double)dout[d] * (double)v[j * ld + d];
        const double ds = p * (dp - delta) * (double)a->scale;
        for (size_t d = 0; d < D; d++) {
            dq[d] += (real)(ds * k[j * ld + d]);
            dk[j * ld + d] += (real)(ds * q[d]);
            dv[j * ld + d] += (real)(p * dout[d]);
        }
    }
}

void REF(attention_bwd)(act *dq_, act *dk_, act *dv_, const act *dout_, const act *out_, const act *q_,
                        const act *k_, const act *v_, const real *lse, const struct attention *a,
                        const struct workspace *work)
{
    (void)work;
    const size_t D = a->head_size, C = a->n_head * D, N = a->q_start[a->S];
    real *dq = dq_, *dk = dk_, *dv = dv_;
    for (size_t n = 0; n < N; n++) {
        for (size_t c = 0; c < C; c++)
            dq[n * a->ld_q + c] = 0;
        for (size_t c = 0; c < a->n_kv_head * D; c++)
            dk[n * a->ld_kv + c] = dv[n * a->ld_kv + c] = 0;
    }
    for (size_t s = 0; s < a->S; s++) {
        const size_t first = a->q_start[s], kv = first * a->ld_kv;
        for (size_t row = first; row < a->q_start[s + 1]; row++)
            for (size_t h = 0; h < a->n_head; h++) {
                const size_t at = row * C + h * D, at_q = row * a->ld_q + h * D, at_kv = kv + kv_head(a, h) * D;
                query_bwd(dq + at_q, dk + at_kv, dv + at_kv, (const real *)dout_ + at, (const real *)out_ + at,
                          (const real *)q_ + at_q, (const real *)k_ + at_kv, (const real *)v_ + at_kv,
                          lse[row * a->n_head + h], row - first + 1, a);
            }
    }
}

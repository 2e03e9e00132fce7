#include "ref.h"

#include <math.h>

/* The keys that a query sees: first, and up to, not including, end. */
struct seen {
    size_t first, end;
};

/* Query i of a sequence with n_q queries and n_kv keys stands where key n_kv - n_q + i does. */
static struct seen seen_by(size_t i, size_t n_q, size_t n_kv, const struct attention *a)
{
    const size_t end = n_kv - n_q + i + 1;
    return (struct seen){a->window && end > a->window ? end - a->window : 0, end};
}

/* The head of keys and values that a head of queries uses. */
static size_t kv_head(const struct attention *a, size_t h)
{
    return h / (a->n_head / a->n_kv_head);
}

static size_t n_queries(const struct attention *a, size_t s)
{
    return a->q_start[s + 1] - a->q_start[s];
}

static size_t n_keys(const struct attention *a, size_t s)
{
    return a->kv_len ? a->kv_len[s] : n_queries(a, s);
}

/* Where key j of sequence s begins in k, and its value in v: the first head's. */
static size_t key_at(const struct attention *a, size_t s, size_t j)
{
    if (a->pages)
        return a->pages[a->page_start[s] + j / a->page_rows] * a->stride_page + j % a->page_rows * a->ld_kv;
    if (a->kv_begin)
        return (a->kv_begin[s] + j) * a->ld_kv;
    while (j < n_keys(a, s) - n_queries(a, s)) /* it is not its own */
        s = a->parent[s];
    return (a->q_start[s + 1] - n_keys(a, s) + j) * a->ld_kv;
}

/* Keys, or values, of a sequence: one head's. */
struct rows {
    const real *p;
    const struct attention *a;
    size_t s;
};

static struct rows rows_of(const act *x, const struct attention *a, size_t s, size_t h)
{
    return (struct rows){(const real *)x + kv_head(a, h) * a->stride_kv, a, s};
}

static const real *row_at(struct rows rows, size_t j)
{
    return rows.p + key_at(rows.a, rows.s, j);
}

/* q . k, scaled; `slope`, where it is wanted, is what the score changes by with q . k. */
static double score(const real *q, const real *k, const struct attention *a, double *slope)
{
    double sum = 0, ignored, cap = (double)a->softcap;
    for (size_t d = 0; d < a->head_size; d++)
        sum += (double)q[d] * (double)k[d];
    sum *= (double)a->scale;
    const double t = a->softcap > 0 ? tanh(sum / cap) : 0;
    *(slope ? slope : &ignored) = (double)a->scale * (1 - t * t);
    return a->softcap > 0 ? cap * t : sum;
}

/* The log of the sum of exp of a query's scores, from its largest one. */
static double log_sum_exp(const real *q, struct rows k, struct seen seen, const struct attention *a)
{
    double largest = -INFINITY, sum = 0;
    for (size_t j = seen.first; j < seen.end; j++)
        largest = fmax(largest, score(q, row_at(k, j), a, NULL));
    for (size_t j = seen.first; j < seen.end; j++)
        sum += exp(score(q, row_at(k, j), a, NULL) - largest);
    return largest + log(sum);
}

/* out (n), columns d0 .. d0 + n of a head: its values v, each by its key's probability, which is computed once for
 * all. */
enum { COLUMNS = 64 };
static void weigh_values(real *out, size_t d0, size_t n, const real *q, struct rows k, struct rows v, double log_sum,
                         struct seen seen, const struct attention *a)
{
    double sum[COLUMNS] = {0};
    for (size_t j = seen.first; j < seen.end; j++) {
        const double p = exp(score(q, row_at(k, j), a, NULL) - log_sum);
        for (size_t d = 0; d < n; d++)
            sum[d] += p * (double)row_at(v, j)[d0 + d];
    }
    for (size_t d = 0; d < n; d++)
        out[d] = (real)sum[d];
}

void REF(attention_fwd)(act *out_, real *lse, const act *q_, const act *k_, const act *v_,
                        const struct attention *a, const struct workspace *work)
{
    (void)work;
    const size_t D = a->head_size, C = a->n_head * D;
    for (size_t s = 0; s < a->S; s++) {
        const size_t n_q = n_queries(a, s), n_kv = n_keys(a, s);
        for (size_t i = 0; i < n_q; i++)
            for (size_t h = 0; h < a->n_head; h++) {
                const size_t row = a->q_start[s] + i;
                const struct seen seen = seen_by(i, n_q, n_kv, a);
                const real *q = (const real *)q_ + row * a->ld_q + h * a->stride_q;
                const struct rows k = rows_of(k_, a, s, h), v = rows_of(v_, a, s, h);
                real *out = (real *)out_ + row * C + h * D;
                const double norm = log_sum_exp(q, k, seen, a);
                for (size_t d = 0; d < D; d += COLUMNS)
                    weigh_values(out + d, d, D - d < COLUMNS ? D - d : COLUMNS, q, k, v, norm, seen, a);
                if (lse)
                    lse[row * a->n_head + h] = (real)norm;
            }
    }
}

void REF(attention_few)(act *out, const act *q, const act *k, const act *v, const struct attention *a,
                        const struct workspace *work)
{
    REF(attention_fwd)(out, NULL, q, k, v, a, work);
}

/* A query's part of the backward pass: p = softmax(scores), dp = dout . v, ds = p (dp - sum(p dp)). k, v, dk, dv: of a
 * head. */
static void query_bwd(real *dq, real *dk, real *dv, const real *dout, const real *out, const real *q,
                      const real *k, const real *v, double lse, size_t s, struct seen seen, const struct attention *a)
{
    const size_t D = a->head_size;
    double delta = 0; /* sum(p dp) = dout . out */
    for (size_t d = 0; d < D; d++)
        delta += (double)dout[d] * (double)out[d];
    for (size_t j = seen.first; j < seen.end; j++) {
        const size_t at = key_at(a, s, j);
        double dp = 0, slope;
        const double p = exp(score(q, k + at, a, &slope) - lse);
        for (size_t d = 0; d < D; d++)
            dp += (double)dout[d] * (double)v[at + d];
        const double ds = p * (dp - delta) * slope;
        for (size_t d = 0; d < D; d++) {
            dq[d] += (real)(ds * k[at + d]);
            dk[at + d] += (real)(ds * q[d]);
            dv[at + d] += (real)(p * dout[d]);
        }
    }
}

static void zero_heads(real *x, size_t n_head, size_t ld, size_t stride, size_t D, size_t N)
{
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < n_head; h++)
            for (size_t d = 0; d < D; d++)
                x[n * ld + h * stride + d] = 0;
}

void REF(attention_bwd)(act *dq_, act *dk_, act *dv_, const act *dout_, const act *out_, const act *q_,
                        const act *k_, const act *v_, const real *lse, const struct attention *a,
                        const struct workspace *work)
{
    (void)work;
    const size_t D = a->head_size, C = a->n_head * D, N = a->q_start[a->S];
    real *dq = dq_, *dk = dk_, *dv = dv_;
    zero_heads(dq, a->n_head, a->ld_q, a->stride_q, D, N);
    zero_heads(dk, a->n_kv_head, a->ld_kv, a->stride_kv, D, N);
    zero_heads(dv, a->n_kv_head, a->ld_kv, a->stride_kv, D, N);
    for (size_t s = 0; s < a->S; s++) {
        const size_t first = a->q_start[s], n_q = n_queries(a, s);
        for (size_t i = 0; i < n_q; i++)
            for (size_t h = 0; h < a->n_head; h++) {
                const size_t row = first + i, at = row * C + h * D, at_q = row * a->ld_q + h * a->stride_q;
                const size_t at_kv = kv_head(a, h) * a->stride_kv;
                query_bwd(dq + at_q, dk + at_kv, dv + at_kv, (const real *)dout_ + at, (const real *)out_ + at,
                          (const real *)q_ + at_q, (const real *)k_ + at_kv, (const real *)v_ + at_kv,
                          lse[row * a->n_head + h], s, seen_by(i, n_q, n_keys(a, s), a), a);
            }
    }
}

/* One call of an op: arrays of made-up numbers for it, and what it makes of them. */
#ifndef SFT_TESTS_OP_CALL_H
#define SFT_TESTS_OP_CALL_H

#include "base/mem.h"
#include "base/rng.h"
#include "bf16.h"
#include "ops.h"
#include "tables.h"

#include <check.h>
#include <math.h>
#include <string.h>

struct arrays {
    size_t n[MAX_ARRAYS + 1];
    double *x[MAX_ARRAYS];
};

/* Normal numbers that a float, or a bfloat16, holds exactly: so that what is measured is the op's own error. */
static inline void fill(struct arrays *a, struct rng *rng, double scale, bool is_bf16)
{
    for (size_t i = 0; i < MAX_ARRAYS; i++) {
        a->x[i] = mem_alloc((a->n[i] + 1) * sizeof(double));
        for (size_t k = 0; k < a->n[i]; k++) {
            const double x = scale * rng_normal(rng);
            a->x[i][k] = is_bf16 ? round_to_bf16(x) : (double)(float)x;
        }
    }
}

static inline struct arrays copy(const struct arrays *a)
{
    struct arrays c = *a;
    for (size_t i = 0; i < MAX_ARRAYS; i++) {
        c.x[i] = mem_alloc((a->n[i] + 1) * sizeof(double));
        memcpy(c.x[i], a->x[i], a->n[i] * sizeof(double));
    }
    return c;
}

static inline void free_arrays(struct arrays *a)
{
    for (size_t i = 0; i < MAX_ARRAYS; i++)
        free(a->x[i]);
}

static inline double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* The worst relative error of the arrays. */
static inline double difference(const struct arrays *a, const struct arrays *reference)
{
    double worst = 0;
    for (size_t i = 0; i < MAX_ARRAYS; i++) {
        double sum = 0;
        for (size_t k = 0; k < a->n[i]; k++)
            sum += (a->x[i][k] - reference->x[i][k]) * (a->x[i][k] - reference->x[i][k]);
        const double norm = dot(reference->x[i], reference->x[i], a->n[i]);
        ck_assert(isfinite(sum) && isfinite(norm));
        if (sum > 0)
            worst = fmax(worst, sqrt(sum / norm));
    }
    return worst;
}

/* An op's inputs, and what its outputs and gradients hold before it runs: little, so that it hides no error. */
struct call {
    struct arrays in, out, dout, din;
};

static inline void make_call(struct call *call, const struct op *op, const struct op_sizes *sizes, uint64_t seed,
                             bool is_bf16)
{
    struct rng rng;
    rng_seed(&rng, seed, 0);
    *call = (struct call){0};
    op->layout(sizes, call->in.n, call->out.n);
    call->dout = call->out;
    call->din = call->in;
    fill(&call->in, &rng, 1, is_bf16);
    fill(&call->out, &rng, 0.01, is_bf16);
    fill(&call->dout, &rng, 1, is_bf16);
    fill(&call->din, &rng, 0.01, is_bf16);
}

static inline void free_call(struct call *call)
{
    free_arrays(&call->in);
    free_arrays(&call->out);
    free_arrays(&call->dout);
    free_arrays(&call->din);
}

static inline const double *const *constant(double *const *x)
{
    return (const double *const *)x;
}

/* Both ways (backward where the op has it), on copies of what its outputs and gradients hold before. */
static inline void run_op(const struct op *op, const struct kernels *table, const struct op_sizes *sizes,
                          const struct call *call, struct arrays *out, struct arrays *din)
{
    *out = copy(&call->out), *din = copy(&call->din);
    op->forward(table, sizes, constant(call->in.x), out->x);
    if (op->backward)
        op->backward(table, sizes, constant(call->in.x), constant(call->dout.x), din->x);
}

#endif

#include "ref.h"

#include <math.h>

double REF(sum_of_squares)(const real *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

void REF(adamw)(real *p, real *m, real *v, const real *g, const struct adamw_args *args, size_t n)
{
    const struct adamw_args a = *args;
    for (size_t i = 0; i < n; i++) {
        const real grad = g[i] * a.grad_scale;
        p[i] *= 1 - a.learning_rate * a.weight_decay;
        m[i] += (grad - m[i]) * a.rest1;
        v[i] = v[i] * a.beta2 + grad * grad * a.rest2;
        p[i] -= a.learning_rate / a.correction1 * m[i] /
                ((real)sqrt((double)v[i]) / a.correction2_sqrt + a.epsilon);
    }
}

#include "ref.h"

#include <math.h>

void REF(swiglu_fwd)(act *y, const act *gate_, const act *up_, size_t n)
{
    const real *gate = gate_, *up = up_;
    for (size_t i = 0; i < n; i++)
        ((real *)y)[i] = (real)(gate[i] / (1 + exp(-(double)gate[i])) * up[i]);
}

/* With s = sigmoid(gate): silu' = s (1 + gate (1 - s)). */
void REF(swiglu_bwd)(act *dgate, act *dup, const act *dy_, const act *gate_, const act *up_, size_t n)
{
    const real *dy = dy_, *gate = gate_, *up = up_;
    for (size_t i = 0; i < n; i++) {
        const double g = gate[i], s = 1 / (1 + exp(-g)), dy_i = dy[i];
        ((real *)dgate)[i] = (real)(dy_i * up[i] * s * (1 + g * (1 - s)));
        ((real *)dup)[i] = (real)(dy_i * g * s);
    }
}

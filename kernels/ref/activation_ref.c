#include "ref.h"

#include <math.h>

static const double sqrt_2_over_pi = 0.79788456080286535588, cubic = 0.044715;
static const double one_over_sqrt_2_pi = 0.39894228040143267794;

static double value(double x, enum activation f)
{
    switch (f) {
    case GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt_2_over_pi * (x + cubic * x * x * x)));
    case GELU_ERF:
        return 0.5 * x * (1 + erf(x * M_SQRT1_2));
    case RELU:
        return x < 0 ? 0 : x;
    case SILU:
        return x / (1 + exp(-x));
    }
    return NAN;
}

/* That of RELU at 0 is 0, as PyTorch has it; at NaN it is NaN. */
static double slope(double x, enum activation f)
{
    switch (f) {
    case GELU_TANH: {
        const double t = tanh(sqrt_2_over_pi * (x + cubic * x * x * x));
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * sqrt_2_over_pi * (1 + 3 * cubic * x * x);
    }
    case GELU_ERF:
        return 0.5 * (1 + erf(x * M_SQRT1_2)) + x * exp(-0.5 * x * x) * one_over_sqrt_2_pi;
    case RELU:
        return isnan(x) ? x : x > 0;
    case SILU: {
        const double s = 1 / (1 + exp(-x));
        return s * (1 + x * (1 - s));
    }
    }
    return NAN;
}

void REF(activation_fwd)(act *y, const act *x, enum activation f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((real *)y)[i] = (real)value(((const real *)x)[i], f);
}

void REF(activation_bwd)(act *dx, const act *dy, const act *x, enum activation f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((real *)dx)[i] = (real)(((const real *)dy)[i] * slope(((const real *)x)[i], f));
}

void REF(gate_fwd)(act *y, const act *gate_, const act *up_, enum activation f, size_t n)
{
    const real *gate = gate_, *up = up_;
    for (size_t i = 0; i < n; i++)
        ((real *)y)[i] = (real)(value(gate[i], f) * up[i]);
}

void REF(gate_bwd)(act *dgate, act *dup, const act *dy_, const act *gate_, const act *up_, enum activation f, size_t n)
{
    const real *dy = dy_, *gate = gate_, *up = up_;
    for (size_t i = 0; i < n; i++) {
        const double dy_i = dy[i];
        ((real *)dgate)[i] = (real)(dy_i * up[i] * slope(gate[i], f));
        ((real *)dup)[i] = (real)(dy_i * value(gate[i], f));
    }
}

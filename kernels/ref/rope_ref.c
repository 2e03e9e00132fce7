#include "ref.h"

/* direction: 1, or -1 to turn back. */
static void turn_heads(real *x, const struct rope *r, size_t N, double direction)
{
    const size_t R = r->rotary_dim, half = R / 2;
    for (size_t n = 0; n < N; n++) {
        const real *cosines = r->turns + n * R, *sines = cosines + half; /* (R/2) each */
        for (size_t h = 0; h < r->n_head; h++) {
            real *a = x + n * r->ld + h * r->stride, *b = a + half; /* (R/2) each */
            for (size_t d = 0; d < half; d++) {
                const double a_d = a[d], b_d = b[d], c = cosines[d], s = direction * sines[d];
                a[d] = (real)(a_d * c - b_d * s);
                b[d] = (real)(b_d * c + a_d * s);
            }
        }
    }
}

void REF(rope_fwd)(act *x, const struct rope *rope, size_t N)
{
    turn_heads(x, rope, N, 1);
}

void REF(rope_bwd)(act *dx, const struct rope *rope, size_t N)
{
    turn_heads(dx, rope, N, -1);
}

#include "model/block/rotary.h"

#include <math.h>

/* Frequencies and angles are rounded to float in every build, since transformers computes them so: at position 10,000
 * the rounding is part of what a model has learnt. */
static void fill_position(real *cosines, real *sines, size_t position, const struct model_config *config)
{
    const size_t D = config->head_dim;
    for (size_t d = 0; d < D / 2; d++) {
        const float power = (float)pow(config->rope.theta, (double)((float)(2 * d) / (float)D));
        const float angle = (float)position * (1 / power);
        cosines[d] = (real)cos((double)angle);
        sines[d] = (real)sin((double)angle);
    }
}

const real *rotary_plan(struct activation_plan *plan, const struct model_config *config)
{
    const size_t D = config->head_dim, P = config->n_positions;
    real *turns = plan_take(plan, "rotary positions", P * D, sizeof *turns);
#pragma omp parallel for schedule(static) if (turns)
    for (size_t p = 0; p < (turns ? P : 0); p++)
        fill_position(turns + p * D, turns + p * D + D / 2, p, config);
    return turns;
}

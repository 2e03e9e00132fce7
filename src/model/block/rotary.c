#include "model/block/rotary.h"

#include <math.h>

/* Frequencies and angles are rounded to float in every build and in transformers' order (modeling_rope_utils.py, 5.24),
 * since at position 10,000 the rounding is part of what a model has learnt. */

/* Llama 3.1's: slow pairs, which turn less than low_freq_factor times in the context that the model was first trained
 * on, are slowed down, fast ones are not, and those between them in part. */
static float scaled_as_llama3(float frequency, const struct rope_config *rope)
{
    const float factor = (float)rope->factor, low = (float)rope->low_freq_factor;
    const double original = (double)rope->original_positions;
    const float wavelength = (float)(2 * M_PI) / frequency;
    const float longest = (float)(original / rope->low_freq_factor);
    const float shortest = (float)(original / rope->high_freq_factor);
    if (wavelength > longest)
        return frequency / factor;
    if (wavelength < shortest)
        return frequency;
    const float smooth =
        ((float)original / wavelength - low) / (float)(rope->high_freq_factor - rope->low_freq_factor);
    return (1 - smooth) * frequency / factor + smooth * frequency;
}

static float frequency_of(const struct rope_config *rope, size_t pair, size_t dim)
{
    const float power = (float)pow((double)(float)rope->theta, (double)((float)(2 * pair) / (float)dim));
    const float frequency = 1 / power;
    switch (rope->type) {
    case ROPE_DEFAULT:
        break;
    case ROPE_LINEAR:
        return frequency / (float)rope->factor;
    case ROPE_LLAMA3:
        return scaled_as_llama3(frequency, rope);
    }
    return frequency;
}

struct rotary rotary_plan(struct activation_plan *plan, const struct rope_config *rope, size_t dim)
{
    static const char name[] = "rotary positions";
    struct rotary rotary = {.dim = dim};
    rotary.frequencies = plan_take(plan, name, dim / 2, sizeof *rotary.frequencies);
    rotary.turns = plan_take(plan, name, plan->N * dim, sizeof *rotary.turns);
    for (size_t i = 0; rotary.frequencies && i < dim / 2; i++)
        rotary.frequencies[i] = frequency_of(rope, i, dim);
    return rotary;
}

void rotary_set(const struct rotary *rotary, const struct batch *batch)
{
    const size_t half = rotary->dim / 2;
#pragma omp parallel for schedule(static) if (batch->N * half > 1000)
    for (size_t n = 0; n < (half ? batch->N : 0); n++) {
        real *cosines = rotary->turns + n * rotary->dim, *sines = cosines + half;
        for (size_t i = 0; i < half; i++) {
            const float angle = (float)batch->position[n] * rotary->frequencies[i];
            double cosine, sine;
            sincos((double)angle, &sine, &cosine);
            cosines[i] = (real)cosine;
            sines[i] = (real)sine;
        }
    }
}

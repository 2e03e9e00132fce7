/* Rotary positions (Su et al. 2021): the angles by which attention turns queries and keys. */
#ifndef SFT_MODEL_BLOCK_ROTARY_H
#define SFT_MODEL_BLOCK_ROTARY_H

#include "model/activation_plan.h"
#include "model/batch.h"
#include "model/config.h"

#define rotary_plan REAL_NAME(rotary_plan)
#define rotary_set  REAL_NAME(rotary_set)

/* The angles of a batch's positions: made anew with every batch, which costs less than 1% of a pass, so that nothing
 * grows with the positions that a model could have. */
struct rotary {
    size_t dim;         /* columns of a head that turn; 0: none do */
    float *frequencies; /* (dim/2): the angle between a position and the next, of each pair */
    real *turns;        /* (N,dim): what struct rope asks for */
};

/* Of `dim` columns, by a model's frequencies. */
struct rotary rotary_plan(struct activation_plan *plan, const struct rope_config *rope, size_t dim);

void rotary_set(const struct rotary *rotary, const struct batch *batch);

#endif

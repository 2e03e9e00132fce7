/* Rotary positions (Su et al. 2021): the angles by which attention turns queries and keys. */
#ifndef SFT_MODEL_BLOCK_ROTARY_H
#define SFT_MODEL_BLOCK_ROTARY_H

#include "model/activation_plan.h"
#include "model/config.h"

#define rotary_plan REAL_NAME(rotary_plan)

/* The table of struct rope for all positions of the model, filled once there is memory; NULL without. */
const real *rotary_plan(struct activation_plan *plan, const struct model_config *config);

#endif

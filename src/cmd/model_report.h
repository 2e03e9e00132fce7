/* What is told of a model that was written. */
#ifndef SFT_CMD_MODEL_REPORT_H
#define SFT_CMD_MODEL_REPORT_H

#include "cmd/write_target.h"
#include "infer/model_check.h"

struct model_report_of {
    const struct model_check *check;
    size_t n_parameters;
    bool wants_card, has_card; /* a card was asked for; and there was a place for it */
};

/* On stderr: where it is, what is beside it, what came of running it, and what one does next. */
void model_report(const struct write_target *target, const struct model_report_of *m);

#endif

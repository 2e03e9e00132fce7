/* What is told of a model that was written. */
#ifndef SFT_CMD_MODEL_REPORT_H
#define SFT_CMD_MODEL_REPORT_H

#include "cmd/write_target.h"
#include "infer/model_check.h"

struct model_report_of {
    const struct model_check *check;
    size_t n_parameters;
    const char *beside;      /* what model_report_beside has said; "" */
    const char *lacks;       /* what the card has not (card_add_lacks); "" */
    bool has_template;       /* it answers turns, */
    bool has_turns;          /* by a template that is known here */
};

/* Append a line for each file that goes beside it, and whose is replaced: asked before it is. wants_card: a card was
 * asked for; has_card: and there is a place for it. */
void model_report_beside(const struct write_target *target, bool wants_card, bool has_card, struct strbuf *lines);

/* On stderr: where it is, what is beside it, what came of running it, and what one does next. */
void model_report(const struct write_target *target, const struct model_report_of *m);

#endif

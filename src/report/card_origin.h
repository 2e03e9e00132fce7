/* Where a model on a card comes from. */
#ifndef SFT_REPORT_CARD_ORIGIN_H
#define SFT_REPORT_CARD_ORIGIN_H

#include "report/card_facts.h"

/* The base as a name on the hub, maybe with a commit; else what it was called here, without its path. All malloc'd, or
 * NULL. */
struct card_origin {
    char *id, *commit, *local;
    bool is_config; /* nothing but the config of `local`: the weights were random */
    bool is_itself; /* it was not trained here */
};
struct card_origin card_origin_of(const struct card *card);
void card_origin_free(struct card_origin *origin);

/* A setting of the run, "train.seed", as its record has it; NULL: none, or empty. */
const char *card_setting(const struct card *card, const char *name);

#endif

/* A model, whole, from where it is to a new place: what `sft export` and `sft import` do. */
#ifndef SFT_CMD_MODEL_WRITE_H
#define SFT_CMD_MODEL_WRITE_H

#include "cmd/model_card.h"
#include "cmd/write_target.h"

/* Write the model as it is read, and say on stderr what was written. `card`: what its model card says beside what is
 * known; NULL: it gets none. It is there whole, or not at all; what is there already is left alone (SFT_EUSAGE), but
 * for a file beside the model's that sft has written (files/written.h). */
enum sft_status model_write(const struct model_argument *model, const struct write_target *target,
                            const struct card_options *card, struct sft_err *err);

#endif

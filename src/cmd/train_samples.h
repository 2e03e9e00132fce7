/* What a model says while it is trained: after each evaluation the prompts of [eval] prompts are answered by it as it
 * is then, and judged. Which model is the best may be decided by that; what is trained does not depend on it. */
#ifndef SFT_CMD_TRAIN_SAMPLES_H
#define SFT_CMD_TRAIN_SAMPLES_H

#include "train/trainer.h"

struct train_samples;

/* Read the prompts; *samples is NULL where the settings name no file. SFT_EDATA names a row that is wrong; SFT_EUSAGE
 * where the best is to be chosen by a rate that these prompts do not give. Free *samples in any case. */
enum sft_status train_samples_read(struct train_samples **samples, const struct settings *settings,
                                   const volatile int *stop, struct sft_err *err);
void train_samples_free(struct train_samples *t); /* accepts NULL */

/* What is asked, by which labels; 0 of NULL. */
uint64_t train_samples_hash(const struct train_samples *t);

/* Make them what the base of the run, which must be prepared, is asked, and enter them in its plan. SFT_EDATA for a
 * prompt that it cannot see whole. Borrows the run. Nothing of NULL. */
enum sft_status train_samples_prepare(struct train_samples *t, struct run *run, struct sft_err *err);

/* To be called by the trainer; nothing of NULL. */
struct train_watch train_samples_watch(struct train_samples *samples);

#endif

/* What a model says while it is trained: after each evaluation the first prompts of [eval] prompts are answered by it
 * as it is then, and logged. Nothing that is trained depends on it. */
#ifndef SFT_CMD_TRAIN_SAMPLES_H
#define SFT_CMD_TRAIN_SAMPLES_H

#include "train/trainer.h"

struct train_samples;

/* Read the prompts, rows of `prompt` in CSV or JSON; *samples is NULL where the settings name no file. SFT_EDATA
 * names the row. Borrows the run, which must be prepared. Free *samples in any case. */
enum sft_status train_samples_read(struct train_samples **samples, const struct run *run, const volatile int *stop,
                                   struct sft_err *err);
void train_samples_free(struct train_samples *t); /* accepts NULL */

/* What answering takes of memory, beside the model: for the plan. Of NULL: nothing. */
size_t train_samples_bytes(const struct train_samples *t);

/* To be called by the trainer; nothing of NULL. */
struct train_watch train_samples_watch(struct train_samples *samples);

#endif

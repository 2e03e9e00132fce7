/* Counts a file's variety. Works on any file that train reads; what a row says about its making, "meta" as `sft synth`
 * writes it, is counted where it is there. */
#ifndef SFT_COLLECT_SYNTH_VARIETY_READ_H
#define SFT_COLLECT_SYNTH_VARIETY_READ_H

#include "base/err.h"
#include "collect/synth/variety.h"

/* name: a file, as it is named to train. SFT_EDATA for one without an answer. `stop` (may be NULL): set by a signal,
 * ends it with SFT_EINTERRUPTED. Free with variety_free, also after an error. */
enum sft_status variety_read(struct variety *v, const char *name, const volatile int *stop, struct sft_err *err);

#endif

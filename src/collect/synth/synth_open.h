/* What stands between a run's start and its first request: the journal, the files of rows, the filter. */
#ifndef SFT_COLLECT_SYNTH_SYNTH_OPEN_H
#define SFT_COLLECT_SYNTH_SYNTH_OPEN_H

#include "collect/synth/run_state.h"

/* Lock and read the journal, show the filter what is kept, mark what is done, and say where the run goes on. */
enum sft_status synth_open(struct run *run, struct sft_err *err);
void synth_close(struct run *run);

#endif

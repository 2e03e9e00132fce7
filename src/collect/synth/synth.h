/* `sft synth`: rows asked of an endpoint, filtered, written. The loop that puts the parts of this room together.
 *
 *     plan (what row i is about) -> prompts (its next completion) -> client (asks) -> journal (what was answered)
 *          -> prompts ... -> a conversation -> filter -> row_files
 *
 * Rows go by groups (a refusal and its look-alikes; an answer alone), one completion of a group at a time,
 * `concurrency` groups side by side. What a group asks depends only on the recipe and on what it was answered: a run
 * that goes on takes the answers that the journal has, and asks for the next. */
#ifndef SFT_COLLECT_SYNTH_SYNTH_H
#define SFT_COLLECT_SYNTH_SYNTH_H

#include "base/err.h"
#include "collect/synth/budget.h"
#include "collect/synth/recipe.h"
#include "collect/synth/tally.h"

struct synth_options {
    const struct recipe *recipe;
    const char *out;          /* FILE.jsonl */
    const char *api_key;      /* NULL: none */
    const volatile int *stop; /* set by a signal's handler: nothing new is sent */
};

/* Make rows until all are done, a budget ends, or a signal comes. What is done so far is in *tally after an error too.
 * SFT_EINTERRUPTED after a signal; SFT_EIO where the endpoint will not answer, or a file cannot be written; SFT_OK also
 * where rows have failed or a budget has ended, which the tally says. */
enum sft_status synth_run(const struct synth_options *options, struct tally *tally, struct sft_err *err);

#endif

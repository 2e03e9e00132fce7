/* What a run would ask, without asking: the prompts of the first row of each kind, step by step, and an estimate. What
 * a step would quote of earlier answers is a word in brackets: "[the user's message 1]". */
#ifndef SFT_COLLECT_SYNTH_DRY_RUN_H
#define SFT_COLLECT_SYNTH_DRY_RUN_H

#include "base/strbuf.h"
#include "collect/synth/recipe.h"

/* For people. The recipe is loaded. */
void dry_run_text(const struct recipe *recipe, struct strbuf *out);

/* An object a line: {"row","kind","persona","topic","step","request"} with the request's JSON as it would be sent (row
 * -1: topics), and last {"estimate":{"requests","prompt_tokens","completion_tokens","cost"}}. */
void dry_run_json(const struct recipe *recipe, struct strbuf *out);

#endif

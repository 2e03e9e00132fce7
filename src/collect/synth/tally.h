/* What a run has come to: counts, the live line while it works, a table and JSON at its end. */
#ifndef SFT_COLLECT_SYNTH_TALLY_H
#define SFT_COLLECT_SYNTH_TALLY_H

#include "base/err.h"
#include "base/strbuf.h"
#include "collect/synth/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of all runs, and of this one. */
struct tally_rows {
    uint64_t all, now;
};

struct tally_reason {
    char *name;
    struct tally_rows rows;
};

struct tally {
    uint64_t count; /* rows that the recipe asks for */
    struct tally_rows kept, rejected;
    struct tally_reason *reasons; /* (n_reasons) of the rejected, in the order met */
    size_t n_reasons, reasons_capacity;
    uint64_t beyond;              /* rows of those that are numbered from count on: of a time when it was higher */
    uint64_t failed;              /* rows of this run that the next one asks for again */
    uint64_t retries;             /* attempts of this run after a first one */
    struct budget before, budget; /* at the start, and now */
    enum budget_limit ended;      /* the limit that ended the run */
    bool was_stopped;             /* by a signal */
    double began, said;           /* clock_seconds: of the start, of the last line without a terminal */
    double seconds;               /* that the run took */
};
void tally_free(struct tally *tally); /* accepts a zeroed one */

/* A row is done: reason NULL where it was kept. is_now: by this run. */
void tally_row(struct tally *tally, const char *reason, bool is_now);

uint64_t tally_open(const struct tally *tally); /* rows that are not done */
uint64_t tally_done(const struct tally *tally); /* of the count */

/* The live line, or without a terminal a line now and then. why: what the run waits for, wait_s seconds; NULL: it does
 * not. */
void tally_progress(struct tally *tally, const struct sft_err *why, double wait_s);

void tally_table(const struct tally *tally, struct strbuf *out);
void tally_json(const struct tally *tally, struct strbuf *out);

#endif

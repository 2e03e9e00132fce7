/* What a run has come to: counts, the live line while it works, a table and JSON at its end. */
#ifndef SFT_COLLECT_SYNTH_TALLY_H
#define SFT_COLLECT_SYNTH_TALLY_H

#include "base/strbuf.h"
#include "collect/synth/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_reason {
    char *name;
    uint64_t rows;
};

struct tally {
    uint64_t count;                  /* rows that the recipe asks for */
    uint64_t kept, rejected;         /* by all runs */
    uint64_t kept_now, rejected_now; /* by this one */
    uint64_t failed;                 /* of this run: to be asked for again */
    struct tally_reason *reasons;    /* (n_reasons) of the rejected, in the order met */
    size_t n_reasons, reasons_capacity;
    struct budget before, budget; /* at the start, and now */
    enum budget_limit ended;      /* the limit that ended the run */
    double began;                 /* clock_seconds */
    double seconds;               /* that the run took */
    double said;                  /* clock_seconds of the last line on no terminal */
};
void tally_free(struct tally *tally); /* accepts a zeroed one */

/* A row is done: reason NULL where it was kept. is_now: by this run. */
void tally_row(struct tally *tally, const char *reason, bool is_now);

/* The live line, or without a terminal a line now and then. holds: seconds for which the endpoint wants peace. */
void tally_progress(struct tally *tally, double holds);

void tally_table(const struct tally *tally, struct strbuf *out);
void tally_json(const struct tally *tally, struct strbuf *out);

#endif

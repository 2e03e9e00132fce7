/* What a journal is made of: for journal_read.c, and journal_write.c. */
#ifndef SFT_COLLECT_SYNTH_JOURNAL_PARTS_H
#define SFT_COLLECT_SYNTH_JOURNAL_PARTS_H

#include "base/json.h"
#include "base/mem.h"
#include "collect/synth/journal.h"

struct journal_step {
    int64_t row;
    uint32_t step;
};

/* Where an answer stands: the line at `offset`. Of two for a step, which no run writes, the first counts. */
struct journal_entry {
    struct journal_step step;
    size_t offset, len, order;
};

struct journal_row {
    uint64_t row;
    const char *reason; /* the arena's; NULL: kept */
};

struct journal {
    char *path;
    int fd; /* locked */
    bool is_broken, is_new;
    struct journal_entry *entries; /* (n_entries) by step: of earlier runs */
    size_t n_entries, capacity;
    struct journal_row *rows; /* (n_rows) by row: of earlier runs */
    size_t n_rows, rows_capacity;
    struct journal_totals totals; /* the same */
    struct arena arena;
};

/* Attempts of a step of which no end has been read. */
struct pending {
    struct journal_step step;
    uint64_t attempts;
};

struct replay {
    size_t offset, len, line; /* of the line that is read */
    struct pending *pending;
    size_t n_pending, capacity;
    bool is_other; /* the journal was begun with another recipe, as `other` tells */
    struct sft_err other;
};

/* A whole line, at the end; is_synced: on the disk when it returns. */
enum sft_status journal_append(struct journal *journal, const struct strbuf *line, bool is_synced, struct sft_err *err);

#endif

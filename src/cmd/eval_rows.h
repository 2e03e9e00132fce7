/* `sft eval --per-row OUT`: the loss of each conversation, a line of JSON each, in the order of the files:
 *     {"row":17,"source":"FILE:LINE","loss":2.31,"num_target_tokens":40}
 * row is its number in its file, from 1, whatever line it is on. Of a document each piece has a line, of a tree each
 * path. */
#ifndef SFT_CMD_EVAL_ROWS_H
#define SFT_CMD_EVAL_ROWS_H

#include "base/io.h"
#include "data/dataset.h"

struct eval_rows {
    const struct dataset *ds;
    struct io_writer *out;
    double *losses; /* (ds->n_examples), which are told in any order */
    size_t file, record, row; /* of the one before: its file, number in it, and row; row 0: there was none */
};

enum sft_status eval_rows_open(struct eval_rows *rows, const char *path, const struct dataset *ds, struct sft_err *err);

/* For struct evaluator. */
void eval_rows_note(void *rows, size_t example, double loss);

/* Write the lines and give the file its name where the status so far is SFT_OK, else leave none; returns the status. A
 * zeroed struct is fine. */
enum sft_status eval_rows_close(struct eval_rows *rows, enum sft_status status, struct sft_err *err);

#endif

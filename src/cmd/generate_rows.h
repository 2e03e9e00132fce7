/* sft generate --json: a row in, a line out for each of its answers, in the order of the rows, many at once. */
#ifndef SFT_CMD_GENERATE_ROWS_H
#define SFT_CMD_GENERATE_ROWS_H

#include "cmd/generator.h"

/* Answer all rows of standard input. A row is answered as soon as it has come, so that a program may wait for the
 * answer before it sends another; rows that are there already are answered together. Returns the exit code: 1 where
 * a row was bad, whose line is {"error": ..., "row": N} with the row's own keys; how many were is said at the end. */
int generate_rows(struct generator *generator);

#endif

/* Decisions: what reviewers said of the rows of FILE.jsonl, each in a file of their own beside it,
 * FILE.jsonl.review.NAME.jsonl, an object a line:
 *
 *     {"row":17,"decision":"edit","messages":[...],"reason":"...","tags":["tone"],"time":"2026-11-27T07:00:00Z",
 *      "hash":"0123456789abcdef"}
 *
 * Lines are only ever appended, and are on the disk before a decision counts. The last line of a row is what its
 * reviewer says. `hash` is that of the row's text when it was decided: a row that has changed since is undecided.
 *
 * To take a decision back appends, too: the line that stood before, or {"decision":"skip"} where none did, with
 * "undone":true. Undoing goes back step by step, also after a new start: such a line takes back the last line that is
 * neither one itself nor taken back. */
#ifndef SFT_COLLECT_REVIEW_DECISIONS_H
#define SFT_COLLECT_REVIEW_DECISIONS_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict { VERDICT_NONE, VERDICT_ACCEPT, VERDICT_EDIT, VERDICT_REJECT, VERDICT_SKIP, N_VERDICTS };
extern const char *const verdict_name[N_VERDICTS]; /* NULL, "accept", "edit", "reject", "skip" */
enum verdict verdict_by_name(const char *name);    /* VERDICT_NONE: there is none of that name, or it is NULL */

/* Kept: accepted or edited. */
bool verdict_is_good(enum verdict verdict);

struct decision {
    size_t row; /* from 1 */
    enum verdict verdict; /* VERDICT_NONE only of a line that takes a row's first one back */
    bool is_undo;
    uint64_t hash;
    char *messages, *chosen, *rejected; /* JSON, each NULL where it was not changed */
    char *reason;                       /* NULL: none */
    struct string_list tags;
    char *time; /* RFC 3339; NULL: not said */
};
void decision_free(struct decision *decision); /* accepts a zeroed struct */

/* Read a line; SFT_EDATA says what is wrong with it. Only row and decision must be there. */
enum sft_status decision_parse(struct decision *decision, const char *line, size_t len, struct sft_err *err);

/* Append the line, with its line break. */
void decision_print(const struct decision *decision, struct strbuf *out);

/* ---- a reviewer's file ---- */

enum { ROWS_MAX = 1 << 26 }; /* a line about a later row is no decision */

struct side_file {
    char *name, *path;
    int fd; /* of our own, locked; else -1 */
    struct decision *items; /* (count) as they stand in the file */
    size_t count, capacity;
    size_t n_read;    /* bytes of the file that are in items */
    size_t n_bad;     /* lines that are no decisions: passed over */
    struct side_row { /* (n_rows) by row - 1 */
        size_t last, n; /* number in items of its last line, from 1; how many lines it has */
    } *rows;
    size_t n_rows, rows_capacity;
    struct side_step { /* (n_steps) what could be undone, the last first: the line, and what it stood in place of */
        size_t item, before; /* numbers from 1; before 0: nothing */
    } *steps;
    size_t n_steps, steps_capacity;
};

/* A reviewer's name: letters, digits, '.', '_', '-', at most 64, no dot first. SFT_EUSAGE says what is wrong. */
enum sft_status side_file_check_name(const char *name, struct sft_err *err);

/* Open our own: made if it is not there, locked (SFT_EUSAGE where another process reviews under this name), its torn
 * last line cut off. */
enum sft_status side_file_open(struct side_file *side, const char *file, const char *name, struct sft_err *err);

/* Another reviewer's, read only; what is not there is empty. */
void side_file_init(struct side_file *side, const char *file, const char *name);

/* Read what was appended since; a file that has become shorter is read anew. */
enum sft_status side_file_refresh(struct side_file *side, struct sft_err *err);
void side_file_close(struct side_file *side);

/* Append a decision of ours and wait for the disk; takes its strings. After an error the file is what it was. */
enum sft_status side_file_append(struct side_file *side, struct decision *decision, struct sft_err *err);

/* Take our last decision back: *row is the one that it was of. SFT_EUSAGE where there is nothing left. */
enum sft_status side_file_undo(struct side_file *side, size_t *row, struct sft_err *err);
bool side_file_can_undo(const struct side_file *side);

/* The last line of a row, from 1, NULL where it has none that says something; and how many lines it has. */
const struct decision *side_file_last(const struct side_file *side, size_t row);
size_t side_file_seq(const struct side_file *side, size_t row);

/* What the reviewer says of the row whose text has that hash: VERDICT_NONE where it has changed since. */
enum verdict side_file_verdict(const struct side_file *side, size_t row, uint64_t hash);

/* ---- all reviewers of a file ---- */

struct side_files {
    char *file;
    struct side_file *items; /* (count) by name; ours, where there is one, is not among them */
    size_t count;
    const char *but; /* our name; NULL: none */
};
void side_files_init(struct side_files *all, const char *file, const char *but); /* `but` must outlive it */
void side_files_free(struct side_files *all);

/* Find those that are there by now, and read what was appended. */
enum sft_status side_files_refresh(struct side_files *all, struct sft_err *err);

#endif

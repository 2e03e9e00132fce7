/* A reviewer's file of decisions (decisions.h), and those of all reviewers of a file. */
#ifndef SFT_COLLECT_REVIEW_SIDE_FILE_H
#define SFT_COLLECT_REVIEW_SIDE_FILE_H

#include "collect/review/decisions.h"

struct side_file {
    char *name, *path;
    int fd;                 /* of our own, locked; else -1 */
    struct decision *items; /* (count) as they stand in the file */
    size_t count, capacity;
    size_t n_read;    /* bytes of the file that are in items */
    size_t n_bad;     /* lines that are no decisions: passed over */
    struct side_row { /* (rows_capacity, a power of two) a table by row, of which n_rows are taken; row 0: free */
        size_t row;
        size_t last, n; /* number in items of its last line, from 1; how many lines it has */
    } * rows;
    size_t n_rows, rows_capacity;
    uint64_t device, inode;  /* of another's file when it was read */
    struct side_step {       /* (n_steps) what can be undone, the last one first */
        size_t item, before; /* numbers in items, from 1: the line, and the row's that stood before; 0: none */
    } * steps;
    size_t n_steps, steps_capacity;
    size_t *moved;     /* (moved_size) by row of FILE: number in items of the decision that moved there; 0: none */
    size_t moved_size; /* rows of FILE and one more; 0: none has moved */
    size_t n_moved, n_gone; /* n_gone: numbers that were decided and that FILE does not have */
};

/* A reviewer's name: letters, digits, '.', '_', '-', at most 64, no dot first. SFT_EUSAGE says what is wrong. */
enum sft_status side_file_check_name(const char *name, struct sft_err *err);

/* Open our own: made if it is not there, locked (SFT_EUSAGE where another process reviews under this name), its torn
 * last line cut off. */
enum sft_status side_file_open(struct side_file *side, const char *file, const char *name, struct sft_err *err);

/* Another reviewer's, read only; what is not there is empty. */
void side_file_init(struct side_file *side, const char *file, const char *name);

/* Read what was appended since; a file that has become shorter, or is another one by now, is read anew. */
enum sft_status side_file_refresh(struct side_file *side, struct sft_err *err);
void side_file_close(struct side_file *side);

/* Append a decision of ours and wait for the disk; takes its strings. After an error the file is what it was. SFT_EIO
 * also where another file, or none, has its name by now. */
enum sft_status side_file_append(struct side_file *side, struct decision *decision, struct sft_err *err);

/* Take our last decision back, at that time: *row is the one that it was of. SFT_EUSAGE where there is nothing left. */
enum sft_status side_file_undo(struct side_file *side, const char *time, size_t *row, struct sft_err *err);
bool side_file_can_undo(const struct side_file *side);

/* What moved_rows_find has found. */
void side_file_forget_moves(struct side_file *side);

/* The last line of a row (from 1), or the one that moved there; NULL where it has none, or none that says something.
 * And how many lines its number has. */
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

/* The reviewer whose file has that name beside FILE, malloc'd; NULL: nobody's, or ours. */
char *side_files_reviewer(const struct side_files *all, const char *entry);

/* Find those that are there by now, and read what was appended: of all that can be read, whatever another's error. */
enum sft_status side_files_refresh(struct side_files *all, struct sft_err *err);

#endif

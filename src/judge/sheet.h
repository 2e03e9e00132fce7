/* A sheet: rows of named strings, from whatever file of data they lie in: CSV, TSV, JSON lines, arrays, packed or not
 * (data/rows, data/source), named as files are to train ("FILE", "FILE:csv", "-"). Keys are exact, other columns are
 * nobody's business; of FILE.txt and FILE:txt each line that is not blank is a row of the first column alone.
 *
 *     static const struct sheet_column columns[] = {{"prompt", true}, {"completion", true}, {"type", false}};
 *     status = sheet_open(&sheet, "answers.jsonl", columns, 3, stop, err);
 *     while (!status && !(status = sheet_next(&sheet, &row, err)) && row.values)
 *         ... row.number, row.values[0], row.values[1], row.values[2] or NULL ...
 *     sheet_close(&sheet);
 *
 * Errors name file, line and column, and what may have been meant: "prompts.csv: no column 'prompt' (there is
 * 'promt')", "rows.jsonl:3: prompt: missing (there is 'promt')", "rows.jsonl:3: label: expected a string, found a
 * number". */
#ifndef SFT_JUDGE_SHEET_H
#define SFT_JUDGE_SHEET_H

#include "base/json.h"
#include "data/file_spec.h"
#include "data/source/source.h"

struct sheet_column {
    const char *name;
    bool is_required; /* in every row, and no null; any other may be absent, but not by a slip in its name */
};

struct sheet {
    struct file_spec spec;

    /* sheet.c's own */
    const struct sheet_column *columns;
    size_t n_columns;
    bool has_header; /* it is a table */
    struct source source;
    struct rows rows;
    struct json_element rest; /* of a line that holds several rows; len 0: nothing */
    size_t position, line;    /* of plain text: where the next line begins, and its number */
    size_t n_rows;            /* so far */
    char *text;               /* a row of plain text */
    json *root;               /* any other */
    const char **values;      /* (n_columns) */
};

struct sheet_row {
    size_t number, line;       /* from 1 */
    const char *const *values; /* (n_columns) UTF-8, one of NULL: it is absent or null; NULL: there is no further row */
    const json *root;          /* all of the row; of plain text NULL */
};

/* Open the file and read a header. `columns` must outlive the sheet. `stop` (may be NULL): set by a signal, ends what
 * takes long with SFT_EINTERRUPTED. SFT_EUSAGE for "FILE*2": nothing here is repeated. Close with sheet_close, also
 * after an error; it accepts a zeroed struct. */
enum sft_status sheet_open(struct sheet *sheet, const char *file, const struct sheet_column *columns, size_t n_columns,
                           const volatile int *stop, struct sft_err *err);
void sheet_close(struct sheet *sheet);

/* The next row, good until the next call. SFT_EDATA for one that cannot be used, whose number and line *row then has:
 * it may be asked for the one after it. */
enum sft_status sheet_next(struct sheet *sheet, struct sheet_row *row, struct sft_err *err);

/* Place an error that a row's user has found in a column of it (NULL: in the row as a whole). */
enum sft_status sheet_in_row(const struct sheet *sheet, const struct sheet_row *row, const char *column,
                             struct sft_err *err);

/* Where the file has a header: SFT_EDATA if it lacks one of these that is required. (The sheet's own have been asked
 * for.) */
enum sft_status sheet_check_header(const struct sheet *sheet, const struct sheet_column *columns, size_t n_columns,
                                   struct sft_err *err);

/* Fail for a column that this row lacks, which was not said to be required. */
enum sft_status sheet_fail_missing(const struct sheet *sheet, const struct sheet_row *row, const char *column,
                                   struct sft_err *err);

#endif

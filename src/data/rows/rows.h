/* Rows: where each row of a file begins and ends, and a row as JSON.
 *
 *     json   JSON Lines, objects over several lines, arrays: an element is a row (base/json.h's scanner); a line may
 *            hold several objects; one object that is the whole file and has its rows in a list, {"data": [...]}, is
 *            that list. A row that is a list of messages is {"messages": that list}; {"row_idx", "row"}, as
 *            the Hugging Face hub's server gives them, is its row
 *     csv    RFC 4180 with a header: quoted fields may hold separators, line breaks and "" for a quote; a row is an
 *            object of its columns, each a string, so that every reader of flat rows reads it; a column without a
 *            name (pandas' index) is left out
 *     tsv    the same with tabs
 *
 * A file called csv or tsv may have commas, semicolons, tabs or bars: found from the header and the
 * ten rows after it (csv_find_delimiter says how); or any that Excel's first line, sep=X, says. Where it begins
 * with a JSON object it is JSON. A column whose name is a reader's key but for capitals and blanks around it goes
 * by that key ("Prompt"), where no other does.
 *
 * What is split here is not looked into: a bad row costs itself, and only a broken structure (an array or a
 * quote that is never closed) ends the file. As Python's csv reads it: a quote inside an unquoted field is a
 * plain character, blank lines are skipped, CR LF and LF both end a row. Lines of delimiters alone, which spreadsheets
 * write behind the last row, are skipped too. */
#ifndef SFT_DATA_ROWS_ROWS_H
#define SFT_DATA_ROWS_ROWS_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

enum rows_kind { ROWS_JSON, ROWS_CSV, ROWS_TSV };

struct rows {
    enum rows_kind kind;
    struct json_scanner scanner; /* json: the scanner; csv: its text, place and line only */
    char delimiter;
    char **names; /* (n_names) a CSV file's columns, as keys; NULL: left out */
    size_t n_names;
};

/* Begin: SFT_EDATA "is YAML, not JSON (...)" and the like where a JSON file holds something else altogether, or "is
 * one object with several lists of rows, ..." where it cannot be told which are meant. Reads a CSV file's header; a
 * file with nothing in it has none, and no rows. text[0..len) must outlive it. SFT_EDATA "line N: what" for a header
 * with a repeated name, for one that is no UTF-8, holds a NUL or names over 4096 columns. Free with rows_free, also
 * after an error; it accepts a zeroed struct. */
enum sft_status rows_init(struct rows *rows, enum rows_kind kind, const char *text, size_t len,
                          struct sft_err *err);
void rows_free(struct rows *rows);

/* The next row, like json_scanner_next: *found false at the end, SFT_EDATA "line N: what" where the structure
 * is broken; mostly there is no further row then (rows_are_done), and what is left of the file is not read. */
enum sft_status rows_next(struct rows *rows, struct json_element *row, bool *found, struct sft_err *err);

/* Whether there is no further row. */
bool rows_are_done(const struct rows *rows);

/* Where the next row will be looked for: everything before it is done with; after the end, what was not read. */
size_t rows_position(const struct rows *rows);

/* A row as JSON; threads may call it at once. *row is then what is left of the line, a further row where its length is
 * not 0. SFT_EDATA says what is wrong with the row, and *row stays as it is: no JSON, or of CSV "expected 8 columns
 * as in the header, found 7 (separated by commas)", no UTF-8, a NUL. Free with json_free. */
enum sft_status rows_parse(const struct rows *rows, struct json_element *row, json **root, struct sft_err *err);

#endif

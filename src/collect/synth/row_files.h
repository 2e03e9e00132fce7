/* The two files that rows end in: FILE.jsonl, and FILE.jsonl.rejected.jsonl with what the filters took out. Rows are
 * appended, and on the disk when the call returns. A person may edit both between runs, and take rows out: what was
 * written stays theirs. */
#ifndef SFT_COLLECT_SYNTH_ROW_FILES_H
#define SFT_COLLECT_SYNTH_ROW_FILES_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEPT_FILE, REJECTED_FILE, N_ROW_FILES };

struct row_file {
    char *path;
    int fd;      /* -1: closed */
    bool is_new; /* was not there when it was opened */
};

struct row_files {
    struct row_file files[N_ROW_FILES];
};

/* Paths of what stands beside FILE.jsonl; malloc'd. */
char *row_files_rejected_path(const char *out);
char *row_files_journal_path(const char *out);

/* A row that stands in a file already: its line, and its JSON (NULL where it is none). */
typedef enum sft_status row_files_visit(void *user, int file, size_t line, const json *row, struct sft_err *err);

/* Open both, making those that are absent, and show each of their rows to `visit`. A last line that is JSON and lacks
 * its end gets it; one that is none was half written, and is cut off. Close with row_files_close in any case. */
enum sft_status row_files_open(struct row_files *files, const char *out, row_files_visit *visit, void *user,
                               struct sft_err *err);

/* Append line[0..len), which ends in a line break. After an error the file is as long as before. */
enum sft_status row_files_add(struct row_files *files, int file, const char *line, size_t len, struct sft_err *err);

/* Remove those that were not there before and have nothing in them. */
void row_files_remove_new(const struct row_files *files);

void row_files_close(struct row_files *files); /* accepts a zeroed struct */

#endif

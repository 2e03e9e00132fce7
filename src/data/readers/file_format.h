/* How a file's name, or the user, says that it is to be read. */
#ifndef SFT_DATA_READERS_FILE_FORMAT_H
#define SFT_DATA_READERS_FILE_FORMAT_H

#include "data/readers/reader.h"
#include "data/rows/rows.h"

struct file_format {
    bool is_text;                /* the file is one document, without rows */
    enum rows_kind rows;         /* else what holds its rows */
    const struct reader *reader; /* of the rows; NULL: that of the first row that any knows */
    bool is_forced;              /* the user says so, not the name */
};

/* By `name` (a reader's, "csv", "tsv" or "txt") where it is not NULL, else by the path's ending, a last .gz left out:
 * .csv, .tsv, .txt; anything else is JSON. */
struct file_format file_format_of(const char *path, const char *name);

/* SFT_EUSAGE where there is no format of that name, with those that there are. */
enum sft_status file_format_check(const char *name, struct sft_err *err);

#endif

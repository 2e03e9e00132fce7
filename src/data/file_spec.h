/* What a user writes to name a file of data: "FILE", "FILE*2" (twice), "FILE*0.25" (a sample), "FILE:format" (a reader,
 * or "csv", "tsv", "txt": the file is one document), the two in either order. A name that exists literally wins. */
#ifndef SFT_DATA_FILE_SPEC_H
#define SFT_DATA_FILE_SPEC_H

#include "data/readers/file_format.h"

struct file_spec {
    char *text;    /* as the user gave it */
    char *path;    /* without *repeat and :format */
    double repeat; /* FILE*2: 2; FILE*0.25: 0.25; else 1 */
    struct file_format format;
};

/* SFT_EUSAGE for an unknown format or a bad number. Free with file_spec_free, which accepts a zeroed struct. */
enum sft_status file_spec_parse(struct file_spec *spec, const char *text, struct sft_err *err);
void file_spec_free(struct file_spec *spec);

/* Whether the files that are named are there and may be read: the error of the first that is not. */
enum sft_status file_spec_find(char *const *specs, size_t n_specs, struct sft_err *err);

#endif

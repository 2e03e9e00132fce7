/* The formats of models that are read and written here. */
#ifndef SFT_FILES_FORMATS_H
#define SFT_FILES_FORMATS_H

#include "files/format.h"

/* The format of what `path` names. An error where it is of none, or not there: what is there instead. */
enum sft_status format_find(const struct format **format, const char *path, struct sft_err *err);

/* One that is written, by its name; NULL: there is none. format_names_written: all of these, for messages. */
const struct format *format_to_write(const char *name);
const struct format *format_written_at(size_t i); /* NULL at their end */
extern const char format_names_written[];

#endif

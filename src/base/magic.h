/* What a file is that is not what its name promises, from its first bytes.
 *
 * People hand over what a download left them: a Git LFS pointer in place of the content, a web page, an archive,
 * a table of another program. Read as text, each gives a list of errors that name everything but the cause. One
 * sentence does. */
#ifndef SFT_BASE_MAGIC_H
#define SFT_BASE_MAGIC_H

#include "base/err.h"

#include <stddef.h>

/* "is a Git LFS pointer, not the file itself (fetch that with git lfs pull)": what bytes[0..len) are and what to
 * do, as it stands behind a file's name; a static string. NULL for all that sft reads (JSON, text of any encoding,
 * gzip, safetensors) and for what is not known.
 *
 * `bytes` are a file's first, a kilobyte at least where it has so many, or better all of it: what is in a zip
 * archive is said at its end too. Only the first and the last 64 KB are looked at. */
const char *magic_foreign(const void *bytes, size_t len);

/* The same as a check: SFT_EDATA "PATH: is a Git LFS pointer ..." where the bytes are foreign, else SFT_OK and
 * *err untouched. json_parse_file asks it of what is no JSON. */
enum sft_status magic_refuse(const char *path, const void *bytes, size_t len, struct sft_err *err);

#endif

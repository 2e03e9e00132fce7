/* The checksums of a checkpoint directory: `trainer/checksums.xxh64`, a line a file, as `xxhsum -H64` writes
 * and checks it ("HASH  NAME", names relative to the directory). */
#ifndef SFT_FILES_CHECKSUMS_H
#define SFT_FILES_CHECKSUMS_H

#include "base/err.h"

#include <stdbool.h>

/* Hash every file below `dir` (except the list itself) and write the list. */
enum sft_status checksums_write(const char *dir, struct sft_err *err);

/* Check the list against the files: SFT_EDATA names the first file that is missing or differs. A directory
 * without a list is SFT_OK with *present false. */
enum sft_status checksums_verify(const char *dir, bool *present, struct sft_err *err);

/* The same of one file of it, `name`: SFT_EDATA also where no list has it. */
enum sft_status checksums_verify_file(const char *dir, const char *name, struct sft_err *err);

#endif

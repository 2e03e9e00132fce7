/* What becomes of a model that is written: where, in which format, of which numbers. */
#ifndef SFT_CMD_WRITE_TARGET_H
#define SFT_CMD_WRITE_TARGET_H

#include "base/staging.h"
#include "files/format.h"

struct write_target {
    const char *path;
    const struct format *format;
    const struct dtype *dtype;
    size_t max_shard_bytes; /* 0: the format's own limit */
};

#define SHARD_SIZE_OPTION_HELP "the largest file of weights (5GB)"

/* By the words of a command line: --out, --format (NULL: the one whose files are called so, else hf), --dtype and
 * --max-shard-size (NULL: the format's). SFT_EUSAGE names the option. */
enum sft_status write_target_choose(struct write_target *target, const char *out, const char *format, const char *dtype,
                                    const char *max_shard_size, struct sft_err *err);

/* Before any work: PATH is a name that a model can have, nothing has it, and what goes beside a file is nobody else's
 * (files/written.h). SFT_EUSAGE. */
enum sft_status write_target_check(const struct write_target *target, struct sft_err *err);

/* Where it is written meanwhile: *model is the path of the file that is to be made, or of the directory to be filled,
 * and what goes beside a file goes beside that. *model is malloc'd and the caller's, also after an error. Close the
 * staging in any case. */
enum sft_status write_target_stage(const struct write_target *target, struct staging *staging, char **model,
                                   struct sft_err *err);

/* Give it its name, and what is beside it: all, or none. SFT_EUSAGE where others have taken one meanwhile. */
enum sft_status write_target_commit(const struct write_target *target, struct staging *staging, struct sft_err *err);

#endif

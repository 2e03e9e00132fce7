/* A model, whole, from where it is to a new place: what `sft export` and `sft import` do. */
#ifndef SFT_CMD_MODEL_WRITE_H
#define SFT_CMD_MODEL_WRITE_H

#include "cmd/model_argument.h"
#include "files/format.h"
#include "report/card_facts.h"

/* What becomes of it: where, in which format, of which numbers. */
struct write_target {
    const char *path;
    const struct format *format;
    const struct dtype *dtype;
    size_t max_shard_bytes; /* 0: the format's own limit */
    const struct card_options *card; /* what its model card says beside what is known; NULL: it gets none */
};

#define SHARD_SIZE_OPTION_HELP "the largest file of weights (5GB)"

/* By the words of a command line: --out, --format (NULL: the one whose files are called so, else hf), --dtype and
 * --max-shard-size (NULL: the format's). SFT_EUSAGE names the option. */
enum sft_status write_target_choose(struct write_target *target, const char *out, const char *format, const char *dtype,
                                    const char *max_shard_size, struct sft_err *err);

/* Write the model as it is read, and say on stderr what was written. It is there whole, or not at all; what is there
 * already is left alone (SFT_EUSAGE), but for a file beside the model's that sft has written (files/written.h). */
enum sft_status model_write(const struct model_argument *model, const struct write_target *target,
                            struct sft_err *err);

#endif

/* AdamW's moments on disk: a safetensors file with "m.NAME" and "v.NAME" of each trained tensor, F32; or where they are
 * kept in 8 bits I8 and U8, and "m.NAME.scales" and "v.NAME.scales", BF16. */
#ifndef SFT_TRAIN_ADAMW_FILE_H
#define SFT_TRAIN_ADAMW_FILE_H

#include "train/adamw.h"

enum sft_status adamw_write(const struct adamw *adamw, const struct tensor_table *table, const char *path,
                            struct sft_err *err);

/* Into moments that are there. SFT_EDATA where the file has not all of the table's, or has them in another form. */
enum sft_status adamw_read(struct adamw *adamw, const struct tensor_table *table, const char *path,
                           struct sft_err *err);

#endif

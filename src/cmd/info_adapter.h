/* sft info of a LoRA adapter. */
#ifndef SFT_CMD_INFO_ADAPTER_H
#define SFT_CMD_INFO_ADAPTER_H

#include "base/err.h"

/* Whether `path` means an adapter, and no model. */
bool info_is_adapter(const char *path);

/* Print what it is, which model it is for, and what is wrong with it; *is_whole: nothing is. That its model is not here
 * is nothing wrong, but that the two do not fit is. */
enum sft_status info_adapter(const char *path, bool as_json, bool *is_whole, struct sft_err *err);

#endif

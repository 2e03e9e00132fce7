/* What an adapter_config.json may not ask for. */
#ifndef SFT_FILES_PEFT_PEFT_REFUSE_H
#define SFT_FILES_PEFT_PEFT_REFUSE_H

#include "base/err.h"
#include "base/json.h"

/* SFT_EDATA, with the key and what to do, for another kind of adapter than LoRA on a causal language model, and for
 * variants of it that compute something else. What only says how it was made, or trained, is passed over. */
enum sft_status peft_refuse(const json *root, struct sft_err *err);

#endif

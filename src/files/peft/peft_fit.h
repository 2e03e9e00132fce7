/* Whether an adapter's file has what its config says, no more and no less, in the shapes that the model gives it. */
#ifndef SFT_FILES_PEFT_PEFT_FIT_H
#define SFT_FILES_PEFT_PEFT_FIT_H

#include "files/peft/peft_config.h"
#include "files/peft/peft_entries.h"
#include "model/adapter.h"

/* SFT_EDATA, with file and tensor. */
enum sft_status peft_check_fit(const struct adapter_spec *spec, const struct peft_config *config,
                               const struct st_file *file, const struct peft_entries *entries,
                               const struct model_config *model, struct sft_err *err);

#endif

/* Writing an adapter in PEFT's format, such that PeftModel.from_pretrained loads it without a missing or an unexpected
 * key, and computes the same. */
#ifndef SFT_FILES_PEFT_PEFT_SAVE_H
#define SFT_FILES_PEFT_PEFT_SAVE_H

#include "files/dtype.h"
#include "files/peft/peft_config.h"
#include "model/param_set.h"

/* Write adapter_config.json and adapter_model.safetensors into the existing directory `dir`: what of params is trained,
 * in `dtype`, one that is written. The config is what the adapter was chosen by; where it was read from a file, its
 * other keys stay. */
enum sft_status peft_save(const struct param_set *params, const struct peft_config *config,
                          const struct model_config *model, const struct dtype *dtype, const char *dir,
                          struct sft_err *err);

/* adapter_config.json alone, as text. */
void peft_config_print(const struct peft_config *config, const struct tensor_table *table,
                       const struct model_config *model, struct strbuf *out);

#endif

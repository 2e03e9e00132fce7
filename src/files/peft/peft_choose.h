/* Which of a model's tensors an adapter's config means, as PEFT's tuners find them (tuners/tuners_utils.py,
 * check_target_module_exists; utils/other.py, _set_trainable). A module's path is its tensor's name without ".weight":
 * "transformer.h.0.attn.c_attn". */
#ifndef SFT_FILES_PEFT_PEFT_CHOOSE_H
#define SFT_FILES_PEFT_PEFT_CHOOSE_H

#include "files/peft/peft_config.h"
#include "model/adapter.h"

/* What somebody asked for who is about to train, over a model's table. SFT_EUSAGE, in the key ("target_modules",
 * "modules_to_save"), where a name matches nothing (with the names that there are), is no linear layer's, or is in
 * both; warns of ranks that are larger than a matrix is narrow. Free *spec with adapter_spec_free in any case. */
enum sft_status peft_choose(struct adapter_spec *spec, const struct peft_config *config,
                            const struct tensor_table *table, const struct model_config *model, struct sft_err *err);

/* The same of a file's config, which PEFT takes less strictly: names that match nothing are fine as long as any does,
 * and modules_to_save come first. SFT_EDATA. */
enum sft_status peft_choose_as_peft(struct adapter_spec *spec, const struct peft_config *config,
                                    const struct tensor_table *table, const struct model_config *model,
                                    struct sft_err *err);

/* Whether two configs mean the same linear layers of a model, and the same modules that are saved, however they name
 * them. */
bool peft_same_targets(const struct peft_config *a, const struct peft_config *b, const struct tensor_table *table);
bool peft_same_saved(const struct peft_config *a, const struct peft_config *b, const struct tensor_table *table,
                     const struct model_config *model);

/* Whether a config ties the head to an embedding that is trained whole. */
bool peft_ties_head(const struct peft_config *config);

/* Add to the config the rows of new tokens (n, ascending): of the embedding, and of a head of its own, unless all of it
 * is trained. SFT_EDATA, in the key, where a pattern of the config is none. */
enum sft_status peft_train_rows(struct peft_config *config, const struct tensor_table *table,
                                const struct model_config *model, const int32_t *rows, size_t n, struct sft_err *err);

/* Those of the config's tokens that are rows of a tensor, in the file's order; NULL: none are. */
const struct peft_tokens *peft_tokens_of(const struct peft_config *config, const struct tensor_table *table,
                                         const struct tensor *tensor);

#endif

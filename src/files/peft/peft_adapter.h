/* An adapter on disk, in PEFT's format: adapter_config.json and adapter_model.safetensors.
 *
 *     struct peft_adapter a;
 *     status = peft_open(&a, dir, err);                       // config, and the tensors' names and shapes
 *     peft_fit_model(&a, &model_config);                      // before the model's table is made
 *     status = peft_spec(&spec, &a, &table, model_config, err); // what is adapted; then tensor_table_adapt, allocation
 *     status = peft_load(&params, &a, model_config, err);     // values
 *     peft_close(&a);                                         // in any case
 *
 * All that PEFT has written so far is read: with "base_model.model." in front or without, "modules_to_save" and an
 * adapter's name within names or not, embeddings and heads stored whole because the vocabulary was resized, as they
 * are or beside trained rows ("token_adapter.base_layer"). */
#ifndef SFT_FILES_PEFT_PEFT_ADAPTER_H
#define SFT_FILES_PEFT_PEFT_ADAPTER_H

#include "files/peft/peft_config.h"
#include "files/safetensors.h"
#include "model/adapter.h"
#include "model/param_set.h"

struct peft_adapter {
    char *dir;
    struct peft_config config;
    struct st_file file;
};

/* SFT_EIO where there is none, SFT_EDATA where it is damaged or has its weights in another format (with the remedy). */
enum sft_status peft_open(struct peft_adapter *a, const char *dir, struct sft_err *err);
void peft_close(struct peft_adapter *a); /* accepts a zeroed struct */

/* Make a base's config that of the model that the adapter is for: with as many tokens as an embedding that is stored
 * whole has rows, or as its trained rows need; and with a head of its own where the adapter trains one end apart from
 * the other that it is tied to (head_from_embedding). */
void peft_fit_model(const struct peft_adapter *a, struct model_config *model);

/* What it adapts of a model: peft_choose_as_peft, and embeddings that are stored whole. SFT_EDATA, with file and
 * tensor, where that and the file's tensors do not fit together: missing, surplus, misshapen. Free *spec in any case,
 * with adapter_spec_free. */
enum sft_status peft_spec(struct adapter_spec *spec, const struct peft_adapter *a, const struct tensor_table *table,
                          const struct model_config *model, struct sft_err *err);

/* Its values into parameters whose table was adapted by that: A, B, whole tensors, and rows; of a tensor with trained
 * rows the others, the base's, are there already. SFT_EDATA where values are not finite. */
enum sft_status peft_load(const struct param_set *params, const struct peft_adapter *a,
                          const struct model_config *model, struct sft_err *err);

#endif

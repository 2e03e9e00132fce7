/* Tensors' names in files that others wrote: wrapped, prefixed or not, with company that is no part of the model. */
#ifndef SFT_FILES_TENSOR_NAMES_H
#define SFT_FILES_TENSOR_NAMES_H

#include "model/config.h"

#include <stddef.h>

/* What a tensor in a file is to a model. */
enum tensor_kind {
    TENSOR_PARAMETER,   /* of the tensor table, or the head beside a tied embedding */
    TENSOR_BUFFER,      /* computed, not learnt: a causal mask that older versions saved */
    TENSOR_UNUSED,      /* beside the model: a value head, a classifier, an optimizer's leftovers */
    TENSOR_LAYER,       /* of a layer that config.json does not count */
    TENSOR_ADAPTER,     /* of a LoRA adapter */
    TENSOR_QUANTISED,   /* packed weights, or the scales that belong to such: of GPTQ, AWQ, bitsandbytes, fp8, ... */
    TENSOR_OTHER_MEDIA, /* of what sees or hears beside the text model: a vision tower, its projector */
    TENSOR_FOREIGN,     /* inside the model, or by its name of another architecture: the model would not be this one */
    TENSOR_KINDS
};

/* What names are to the models of one config: made once, asked for each tensor. */
struct tensor_names {
    const struct model_config *config;
    struct name_pattern *patterns; /* (n_patterns) of a layer's tensors and of those that are once in a model */
    size_t n_patterns;
};
void tensor_names_init(struct tensor_names *names, const struct model_config *config);
void tensor_names_free(struct tensor_names *names);

/* What the tensor of this name is. *canonical (malloc'd; may be NULL): the name as sft writes it,
 * "transformer.h.0.ln_1.bias", of one that may be wrapped ("module.", "model.", "_orig_mod.", "base_model.model.",
 * "language_model.", ...) and lack the family's prefix or a part of it. */
enum tensor_kind tensor_kind(const struct tensor_names *names, const char *name, char **canonical);

#endif

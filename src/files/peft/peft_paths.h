/* A tensor's module, by the path that it has in transformers: "transformer.h.0.attn.c_attn". */
#ifndef SFT_FILES_PEFT_PEFT_PATHS_H
#define SFT_FILES_PEFT_PEFT_PATHS_H

#include "model/tensor_table.h"

enum { PEFT_PATH_MAX = 128 }; /* bytes, as a tensor's name */

/* What all heads are called, whether they are tensors of their own or not. */
#define PEFT_HEAD "lm_head"

/* Of the module that a tensor of the model's own belongs to: its name without the last part, but for GPT-NeoX's head,
 * which is no "embed_out" any more. peft_own_path: that, too. */
void peft_module_path(const struct tensor *tensor, char path[PEFT_PATH_MAX]);
void peft_own_path(const struct tensor *tensor, char path[PEFT_PATH_MAX]);

const char *peft_last_part(const char *path); /* "c_attn"; points into path */

/* Whether it is a matrix that an adapter may be on: of a linear layer, not the head. */
bool peft_is_linear(const struct tensor *tensor);

#endif

/* What other trainers call their settings, and what each is here: transformers and TRL, axolotl,
 * LLaMA-Factory, Unsloth, mlx-lm, nanoGPT, llama.cpp, torchtune, Lightning and OpenAI's API. For messages
 * only: no foreign name is ever obeyed, because a setting that means almost the same is worse than one that
 * is refused. */
#ifndef SFT_CONFIG_FOREIGN_H
#define SFT_CONFIG_FOREIGN_H

#include "base/strbuf.h"
#include "config/field.h"

#include <stdbool.h>

/* Where `key` is a setting of another trainer, append what it is here ("here it is batch_size = 4", with the
 * value as it would be written here, where it is known) and return true. `section` is where the key stood.
 * *field: the field that it is, or NULL. */
bool foreign_key(const char *section, const char *key, const char *value, struct strbuf *out,
                 const struct field **field);

/* Where a section has another trainer's name: *ours is the section that it is here, or NULL where there is
 * none, and *words says so. False for any other name. */
bool foreign_section(const char *name, const char **ours, const char **words);

#endif

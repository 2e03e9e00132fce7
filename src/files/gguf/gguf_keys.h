/* The keys of a model's metadata that are fields of its config, each behind "ARCHITECTURE.": read (gguf_config.h) and
 * written (gguf_config_out.h) by the same tables. */
#ifndef SFT_FILES_GGUF_GGUF_KEYS_H
#define SFT_FILES_GGUF_GGUF_KEYS_H

#include "model/family.h"

/* Sizes that each file has. */
struct gguf_size_key {
    const char *name;
    size_t field; /* its offset in struct model_config */
};
enum { GGUF_SIZES = 5 };
extern const struct gguf_size_key gguf_sizes[GGUF_SIZES];

/* Numbers that multiply or bound something. A family that has no key for the field computes without it. */
struct gguf_real_key {
    const char *name;
    size_t field;        /* NO_FIELD: no family here has it */
    double neutral;      /* what asks for nothing; 0 does neither */
    bool family_default; /* where the key is absent: the family's; else `neutral` */
};
enum { GGUF_REALS = 9 };
#define GGUF_NO_FIELD SIZE_MAX
extern const struct gguf_real_key gguf_reals[GGUF_REALS];

/* Whether the family's models have such a number of their own. */
bool gguf_has_real(const struct family *family, const struct gguf_real_key *key);

extern const char gguf_parallel_key[], gguf_window_key[], gguf_pattern_key[];

/* What the epsilon of its norms is called. */
const char *gguf_epsilon_key(const struct family *family);

/* What an attention score is multiplied by in llama.cpp, which no key of the family's says. */
double gguf_attention_multiplier(const struct model_config *config);

/* general.sampling.*, and what generation_config.json calls them. */
struct gguf_sampling_key {
    const char *key, *name;
};
enum { GGUF_SAMPLING = 5 };
extern const struct gguf_sampling_key gguf_sampling[GGUF_SAMPLING];

#endif

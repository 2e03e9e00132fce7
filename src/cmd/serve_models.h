/* The models that sft serve answers with: one, or a base and what adapters make of it, in one memory as far as they are
 * the same. */
#ifndef SFT_CMD_SERVE_MODELS_H
#define SFT_CMD_SERVE_MODELS_H

#include "cmd/model_argument.h"

struct serve_model {
    char *id;                 /* what requests call it */
    struct named_dir adapter; /* dir NULL: it is the base */
    struct bundle bundle;
    char fingerprint[32];
};
struct serve_models {
    struct model_argument argument;
    struct serve_model *items; /* (n) the base is the first */
    size_t n;
};

/* Find what the command line names: the model, and of each --adapter NAME=DIR the directory; without NAME it is called
 * as a model there would be. `name`: the first one's, NULL: as its directory. Nothing of them is read yet but configs.
 * SFT_EUSAGE where two have one name. Free with serve_models_free in any case. */
enum sft_status serve_models_find(struct serve_models *models, const char *model, const struct string_list *adapters,
                                  const char *name, struct string_list *words, const char *synopsis,
                                  struct sft_err *err);

/* Load them, by the overrides of --set, and say on stderr what they are. */
enum sft_status serve_models_load(struct serve_models *models, const struct bundle_options *options,
                                  const struct string_list *overrides, struct sft_err *err);
void serve_models_free(struct serve_models *models); /* accepts a zeroed struct */

#endif

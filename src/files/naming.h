/* What messages call the parts of a model whose files are not Hugging Face's. */
#ifndef SFT_FILES_NAMING_H
#define SFT_FILES_NAMING_H

#include "model/family.h"

struct naming {
    const char *config; /* what says sizes: "config.json" */
    const char *layers; /* its key of how many there are; NULL: the family's */
    /* What files call a tensor of a layer, by the family's pattern for it: malloc'd, the caller's; NULL: Hugging Face's
     * name. Without such a function all names are that. */
    char *(*tensor)(const struct family *family, const char *pattern, size_t layer);
};

extern const struct naming naming_hf;

#endif

#include "model/family.h"

#include "base/mem.h"

#include <string.h>

static const struct family *const families[] = {&family_gpt2};

enum { N_FAMILIES = sizeof families / sizeof *families };

const struct family *family_by_model_type(const char *model_type)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (strcmp(families[i]->model_type, model_type) == 0)
            return families[i];
    return NULL;
}

const struct family *family_by_architecture(const char *architecture)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (strcmp(families[i]->architecture, architecture) == 0 ||
            strcmp(families[i]->headless, architecture) == 0)
            return families[i];
    return NULL;
}

size_t family_dim(enum dim dim, const struct model_config *config)
{
    switch (dim) {
    case DIM_NONE:
        return 1;
    case DIM_VOCAB:
        return config->vocab_size;
    case DIM_POSITIONS:
        return config->n_positions;
    case DIM_EMBD:
        return config->n_embd;
    case DIM_3EMBD:
        return 3 * config->n_embd;
    case DIM_INNER:
        return config->n_inner;
    }
    SFT_BUG("unknown dimension");
}

char *family_tensor_name(const struct family *family, const char *name)
{
    for (const char *const *other = family->unprefixed; *other; other++)
        if (strcmp(name, *other) == 0)
            return mem_strdup(name);
    if (strncmp(name, family->prefix, strlen(family->prefix)) == 0)
        return mem_strdup(name);
    return mem_printf("%s%s", family->prefix, name);
}

const char *family_key(const struct family *family, size_t offset)
{
    for (size_t i = 0; i < family->n_config_keys; i++)
        if (family->config_keys[i].offset == offset)
            return family->config_keys[i].key;
    SFT_BUG("a field that no key fills");
}

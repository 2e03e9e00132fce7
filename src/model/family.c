#include "model/family.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <string.h>

static const struct family *const families[] = {&family_gpt2, &family_llama};

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

char *family_list(void)
{
    struct strbuf list = {0};
    for (size_t i = 0; i < N_FAMILIES; i++)
        strbuf_printf(&list, "%s%s", i ? ", " : "", families[i]->model_type);
    strbuf_puts(&list, N_FAMILIES == 1 ? " is" : " are");
    return list.data;
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

bool family_has_gate(const struct family *family)
{
    for (size_t i = 0; i < family->n_sublayers; i++)
        if (family->sublayers[i].kind == BLOCK_MLP && family->sublayers[i].mlp.gate.weight)
            return true;
    return false;
}

bool family_is_rotary(const struct family *family)
{
    for (size_t i = 0; i < family->n_sublayers; i++)
        if (family->sublayers[i].kind == BLOCK_ATTENTION && family->sublayers[i].attention.rotary)
            return true;
    return false;
}

/* ---- activation functions ---- */

/* Of one function, the first is the name that we write. */
static const struct {
    const char *name;
    enum activation_function activation;
    bool gated; /* it is done in an MLP with a gate, and only there */
} activations[] = {
    {"gelu_new", ACTIVATION_GELU_NEW, false},
    {"gelu_pytorch_tanh", ACTIVATION_GELU_NEW, false},
    {"gelu_fast", ACTIVATION_GELU_NEW, false},
    {"gelu_accurate", ACTIVATION_GELU_NEW, false},
    {"gelu_python_tanh", ACTIVATION_GELU_NEW, false},
    {"gelu", ACTIVATION_GELU, false},
    {"gelu_python", ACTIVATION_GELU, false},
    {"silu", ACTIVATION_SILU, true},
    {"swish", ACTIVATION_SILU, true},
};
enum { N_ACTIVATIONS = sizeof activations / sizeof *activations };

const char *activation_names(bool gated)
{
    return gated ? "silu and swish" : "gelu_new, gelu_pytorch_tanh, gelu_fast and gelu";
}

bool activation_by_name(enum activation_function *activation, const char *name, bool gated)
{
    for (size_t i = 0; i < N_ACTIVATIONS; i++)
        if (activations[i].gated == gated && strcmp(activations[i].name, name) == 0) {
            *activation = activations[i].activation;
            return true;
        }
    return false;
}

const char *activation_name(enum activation_function activation)
{
    for (size_t i = 0; i < N_ACTIVATIONS; i++)
        if (activations[i].activation == activation)
            return activations[i].name;
    SFT_BUG("an activation function without a name");
}

#include "model/family.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <string.h>

static const struct family *const families[] = {
    &family_gpt2,   &family_llama,   &family_mistral, &family_qwen2, &family_qwen3,    &family_gemma2,
    &family_gemma3, &family_smollm3, &family_granite, &family_olmo2, &family_gpt_neox, &family_opt,
};

enum { N_FAMILIES = sizeof families / sizeof *families };

const struct family *family_at(size_t i)
{
    return i < N_FAMILIES ? families[i] : NULL;
}

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
        if (strcmp(families[i]->architecture, architecture) == 0 || strcmp(families[i]->headless, architecture) == 0)
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

/* ---- keys ---- */

const struct config_key *family_key_at(const struct family *family, size_t i)
{
    for (size_t list = 0; list < KEY_LISTS && family->config_keys[list]; list++)
        for (const struct config_key *k = family->config_keys[list]; k->key; k++)
            if (i-- == 0)
                return k;
    return NULL;
}

const char *family_key(const struct family *family, size_t offset)
{
    const struct config_key *k;
    for (size_t i = 0; (k = family_key_at(family, i)); i++)
        if (k->offset == offset)
            return k->key;
    SFT_BUG("a field that no key fills");
}

/* ---- tensors ---- */

/* "decoder.layers.0.fc1.weight" of "model.decoder.": a part that wraps the inner one may have been cut off, or never
 * have been there. */
char *family_tensor_name(const struct family *family, const char *name)
{
    for (const char *const *other = family->unprefixed; *other; other++)
        if (strcmp(name, *other) == 0)
            return mem_strdup(name);
    for (const char *tail = family->prefix; *tail; tail += strcspn(tail, ".") + 1)
        if (strncmp(name, tail, strlen(tail)) == 0)
            return mem_printf("%s%s", family->prefix, name + strlen(tail));
    return mem_printf("%s%s", family->prefix, name);
}

bool family_is_rotary(const struct family *family)
{
    for (size_t i = 0; i < family->n_sublayers; i++)
        if (family->sublayers[i].kind == BLOCK_ATTENTION && family->sublayers[i].attention.rotary)
            return true;
    return false;
}

bool family_is_parallel(const struct family *family)
{
    for (size_t i = 0; i < family->n_sublayers; i++)
        if (family->sublayers[i].parallel)
            return true;
    return false;
}

/* ---- activation functions ---- */

/* As transformers' ACT2FN calls them; of one function, the first is the name that we write. */
static const struct {
    const char *name;
    enum activation_function activation;
} activations[] = {
    {"gelu_new", ACTIVATION_GELU_NEW},
    {"gelu_pytorch_tanh", ACTIVATION_GELU_NEW},
    {"gelu_python_tanh", ACTIVATION_GELU_NEW},
    {"gelu_fast", ACTIVATION_GELU_NEW},
    {"gelu_accurate", ACTIVATION_GELU_NEW},
    {"gelu", ACTIVATION_GELU},
    {"gelu_python", ACTIVATION_GELU},
    {"silu", ACTIVATION_SILU},
    {"swish", ACTIVATION_SILU},
    {"relu", ACTIVATION_RELU},
};
enum { N_ACTIVATIONS = sizeof activations / sizeof *activations };

const char *activation_names(void)
{
    return "gelu_new, gelu_pytorch_tanh, gelu_fast, gelu, silu and relu";
}

bool activation_by_name(enum activation_function *activation, const char *name)
{
    for (size_t i = 0; i < N_ACTIVATIONS; i++)
        if (strcmp(activations[i].name, name) == 0) {
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

#include "files/peft/peft_refuse.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char merge_it[] = "merge it into its base: in Python, peft's merge_and_unload, then save_pretrained";
static const char no_merge[] = "there is no model that it could be merged into";
static const char convert_it[] = "save it as one of the base as it was: in Python, save_pretrained with "
                                 "path_initial_model_for_weight_conversion";

/* Keys that ask for other arithmetic wherever they are there and not null, false, 0 or empty. */
static const struct {
    const char *key, *what, *remedy;
} variants[] = {
    {"use_dora", "DoRA", merge_it},
    {"lora_bias", "a bias of the adapter's own", merge_it},
    {"use_qalora", "QALoRA", merge_it},
    {"use_bdlora", "block-diagonal LoRA", merge_it},
    {"kasa_config", "KaSA", merge_it},
    {"monteclora_config", "MonteCLoRA", merge_it},
    {"layer_replication", "layers that are there twice", merge_it},
    {"target_parameters", "an adapter of parameters that are no module's", merge_it},
    {"megatron_config", "Megatron's layers", merge_it},
    {"alora_invocation_tokens", "an adapter that begins at some tokens", no_merge},
    {"arrow_config", "routing between adapters", no_merge},
};

/* How A and B began, where that leaves the base as it was. */
static const char *const harmless_inits[] = {"gaussian", "eva", "orthogonal", "mica"};

static bool is_truthy(const json *node)
{
    if (json_is_array(node) || json_is_object(node))
        return json_size(node) > 0;
    if (json_is_string(node))
        return *json_string(node) != '\0';
    return json_is_true(node) || (json_is_number(node) && json_number(node) != 0);
}

static enum sft_status refuse_type(const json *root, struct sft_err *err)
{
    const char *type, *task;
    if (json_get_string(root, "peft_type", NULL, &type, err) || json_get_string(root, "task_type", NULL, &task, err))
        return SFT_EDATA;
    if (!type)
        return sft_fail_in(err, SFT_EDATA, "peft_type", "is missing (LORA is read here)");
    if (strcmp(type, "LORA") != 0)
        return sft_fail_in(err, SFT_EDATA, "peft_type", "'%s' is not read here, LORA is (%s)", type, merge_it);
    if (task && strcmp(task, "CAUSAL_LM") != 0)
        return sft_fail_in(err, SFT_EDATA, "task_type",
                           "'%s': the adapter is of a model for another task (CAUSAL_LM is read here)", task);
    return SFT_OK;
}

static enum sft_status refuse_bias(const json *root, struct sft_err *err)
{
    const char *bias;
    if (json_get_string(root, "bias", "none", &bias, err))
        return SFT_EDATA;
    if (strcmp(bias, "none") == 0)
        return SFT_OK;
    return sft_fail_in(err, SFT_EDATA, "bias", "'%s' is not done here, none is (%s)", bias, merge_it);
}

static enum sft_status refuse_init(const json *root, struct sft_err *err)
{
    const char *init = json_string(json_get(root, "init_lora_weights"));
    if (!init)
        return SFT_OK;
    for (size_t i = 0; i < COUNT(harmless_inits); i++)
        if (strcasecmp(init, harmless_inits[i]) == 0)
            return SFT_OK;
    return sft_fail_in(err, SFT_EDATA, "init_lora_weights", "'%s' has changed the base itself (%s)", init, convert_it);
}

enum sft_status peft_refuse(const json *root, struct sft_err *err)
{
    if (refuse_type(root, err) || refuse_bias(root, err) || refuse_init(root, err))
        return SFT_EDATA;
    for (size_t i = 0; i < COUNT(variants); i++)
        if (is_truthy(json_get(root, variants[i].key)))
            return sft_fail_in(err, SFT_EDATA, variants[i].key, "%s is not done here (%s)", variants[i].what,
                               variants[i].remedy);
    return SFT_OK;
}

#include "files/peft/peft_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void cut_last_part(char *path)
{
    char *dot = strrchr(path, '.');
    if (dot)
        *dot = '\0';
}

void peft_module_path(const struct tensor *tensor, char path[PEFT_PATH_MAX])
{
    snprintf(path, PEFT_PATH_MAX, "%s", tensor->name);
    cut_last_part(path);
}

void peft_head_path(const struct model_config *config, char path[PEFT_PATH_MAX])
{
    char *name = family_tensor_name(config->family, config->family->head);
    snprintf(path, PEFT_PATH_MAX, "%s", name);
    cut_last_part(path);
    free(name);
}

const char *peft_last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

bool peft_is_linear(const struct tensor *tensor)
{
    return tensor->part == PART_MODEL && tensor->is_matrix && !tensor->per_token;
}

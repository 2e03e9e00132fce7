#include "files/peft/peft_paths.h"

#include <stdio.h>
#include <string.h>

static void cut_last_part(char *path)
{
    char *dot = strrchr(path, '.');
    if (dot)
        *dot = '\0';
}

/* A module that transformers calls otherwise than published files its tensor: GPT-NeoX's head, since version 5. */
static void name_as_module(char path[PEFT_PATH_MAX])
{
    if (strcmp(path, "embed_out") == 0)
        snprintf(path, PEFT_PATH_MAX, "%s", PEFT_HEAD);
}

void peft_own_path(const struct tensor *tensor, char path[PEFT_PATH_MAX])
{
    snprintf(path, PEFT_PATH_MAX, "%s", tensor->name);
    cut_last_part(path);
}

void peft_module_path(const struct tensor *tensor, char path[PEFT_PATH_MAX])
{
    peft_own_path(tensor, path);
    name_as_module(path);
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

/* ShareGPT's format, as FastChat, LLaMA-Factory and Axolotl write it:
 * {"conversations": [{"from", "value", "weight"?}, ...], "system"?}; a turn may be {"role", "content"} too. A
 * call of LLaMA-Factory's function_call is a text already, and stays as it is. */
#include "data/reader_internal.h"

#include <string.h>

static const struct {
    const char *name;
    enum role role;
} speakers[] = {
    {"system", ROLE_SYSTEM},
    {"human", ROLE_USER},
    {"user", ROLE_USER},
    {"gpt", ROLE_ASSISTANT},
    {"assistant", ROLE_ASSISTANT},
    {"chatgpt", ROLE_ASSISTANT},
    {"bing", ROLE_ASSISTANT},
    {"bard", ROLE_ASSISTANT},
    {"bot", ROLE_ASSISTANT},
    {"model", ROLE_ASSISTANT},
    {"function_call", ROLE_ASSISTANT},
    {"observation", ROLE_TOOL},
    {"tool", ROLE_TOOL},
    {"function_response", ROLE_TOOL},
    {"function", ROLE_TOOL},
};

static enum sft_status read_speaker(const json *turn, enum role *role, struct sft_err *err)
{
    const char *name;
    if (reader_get_string(turn, "from", true, &name, err))
        return SFT_EDATA;
    for (size_t i = 0; i < sizeof speakers / sizeof *speakers; i++)
        if (strcmp(speakers[i].name, name) == 0) {
            *role = speakers[i].role;
            return SFT_OK;
        }
    return sft_fail(err, SFT_EDATA,
                    "from: unknown speaker '%.80s' (system, human, gpt, function_call or observation)", name);
}

static enum sft_status read_turn(const json *turn, struct arena *arena, struct conversation *conv,
                                 struct sft_err *err)
{
    enum role role = ROLE_USER;
    const char *value;
    float weight;
    if (!json_is_object(turn))
        return reader_fail_type(turn, "an object", err);
    if (json_get(turn, "role") && !json_get(turn, "from"))
        return reader_add_message(turn, 1.0F, arena, conv, err);
    if (read_speaker(turn, &role, err) || reader_get_string(turn, "value", true, &value, err) ||
        reader_get_weight(turn, 1.0F, &weight, err))
        return SFT_EDATA;
    reader_add(conv, arena, role, value, weight);
    return SFT_OK;
}

static const char *list_key(const json *row)
{
    return reader_get(row, "conversations") ? "conversations" : "conversation";
}

static bool matches(const json *row)
{
    return reader_get(row, list_key(row)) != NULL;
}

static enum sft_status read_row(const json *row, struct conversations *out, struct sft_err *err)
{
    const char *key = list_key(row);
    const json *list;
    struct conversation *conv;
    if (reader_get_list(row, key, &list, err) || reader_begin_row(row, out, json_size(list), &conv, err))
        return SFT_EDATA;
    size_t i = 0;
    for (const json *turn = json_first(list); turn; turn = json_next(turn), i++)
        if (read_turn(turn, out->arena, conv, err))
            return reader_at(key, i, json_is_object(turn), err);
    return SFT_OK;
}

const struct reader reader_sharegpt = {.name = "sharegpt",
                                       .keys = "{\"conversations\": [{\"from\", \"value\"}, ...]}",
                                       .matches = matches,
                                       .read = read_row};

#include "data/readers/reader_conversations.h"

#include "data/readers/reader_fields.h"

#include <string.h>

enum sft_status reader_get_role(const json *turn, const char *key, struct conversations *out, enum role *role,
                                bool *is_call, struct sft_err *err)
{
    const char *name, *remedy = out->names ? "; [data] roles = NAME:user maps other names" : "";
    if (reader_get_string(turn, key, true, &name, err))
        return SFT_EDATA;
    if (names_role(out->names, name, role, is_call, &out->roles_used))
        return SFT_OK;
    if (strcmp(key, "from") == 0)
        return sft_fail_in(err, SFT_EDATA, key,
                           "unknown speaker '%.80s' (system, human, gpt, function_call or observation%s)",
                           name, remedy);
    return sft_fail_in(err, SFT_EDATA, key, "unknown role '%.80s' (system, user or assistant%s)", name, remedy);
}

struct conversation *reader_begin(struct conversations *out, size_t max_messages)
{
    if (out->count == out->capacity) { /* the arena keeps the old array until it is reset */
        const struct conversation *old = out->items;
        out->capacity = out->capacity ? 2 * out->capacity : 1;
        out->items = arena_calloc(out->arena, out->capacity, sizeof *out->items);
        if (old)
            memcpy(out->items, old, out->count * sizeof *old);
    }
    struct conversation *conv = &out->items[out->count++];
    *conv = (struct conversation){.messages = arena_calloc(out->arena, max_messages, sizeof *conv->messages)};
    return conv;
}

static bool is_system_key(const char *key)
{
    static const char *const names[] = {
        "system",    "system_prompt", "system_message", "system_instruction", "system_instructions",
        "sys_prompt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names_equal(names[i], key))
            return true;
    return false;
}

/* The row's own system prompt; NULL where there is none, or a blank one. Of two that are there, both must say
 * the same. */
static enum sft_status get_system(const json *row, const char **system, struct sft_err *err)
{
    const char *first_key = NULL;
    *system = NULL;
    for (const json *child = json_first(row); child; child = json_next(child)) {
        const char *text;
        if (!is_system_key(json_key(child)))
            continue;
        if (reader_get_string(row, json_key(child), false, &text, err))
            return SFT_EDATA;
        if (reader_is_blank(text))
            continue;
        if (*system && strcmp(*system, text) != 0)
            return sft_fail_in(err, SFT_EDATA, json_key(child),
                               "another system prompt than that of %s ([data] columns = %s:ignore "
                               "passes one over)",
                               first_key, json_key(child));
        *system = text;
        first_key = json_key(child);
    }
    return SFT_OK;
}

enum sft_status reader_begin_row(const json *row, struct conversations *out, size_t max_messages,
                                 struct conversation **conv, struct sft_err *err)
{
    const char *system;
    *conv = NULL;
    if (get_system(row, &system, err))
        return SFT_EDATA;
    *conv = reader_begin(out, max_messages + 1);
    out->has_row_system = system != NULL;
    if (system)
        reader_add(*conv, out->arena, ROLE_SYSTEM, system, 1.0F);
    return SFT_OK;
}

void reader_add_n(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                  size_t len, float weight)
{
    conv->messages[conv->count++] = (struct message){
        .role = role, .content = arena_strndup(arena, content, len), .len = len, .weight = weight};
}

void reader_add(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                float weight)
{
    reader_add_n(conv, arena, role, content, strlen(content), weight);
}

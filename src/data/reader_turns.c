/* OpenAI's and TRL's format: {"messages": [{"role", "content", "weight"?, "name"?, "tool_calls"?}, ...]}. */
#include "data/reader_internal.h"

#include <string.h>

static const struct {
    const char *name;
    enum role role;
} roles[] = {
    {"user", ROLE_USER},     {"assistant", ROLE_ASSISTANT}, {"system", ROLE_SYSTEM},
    {"tool", ROLE_TOOL},     {"developer", ROLE_SYSTEM}, /* OpenAI's newer name for the system's role */
    {"function", ROLE_TOOL},                             /* and its older one for the tool's */
};

static enum sft_status read_role(const json *message, enum role *role, struct sft_err *err)
{
    const char *name;
    if (reader_get_string(message, "role", true, &name, err))
        return SFT_EDATA;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].name, name) == 0) {
            *role = roles[i].role;
            return SFT_OK;
        }
    return sft_fail(err, SFT_EDATA, "role: unknown role '%.80s' (system, user or assistant)", name);
}

/* One {"type": "text", "text": ...} of a content in parts. */
static enum sft_status add_part(const json *part, struct strbuf *text, struct sft_err *err)
{
    const char *type, *content;
    if (!json_is_object(part))
        return reader_fail_type(part, "an object", err);
    if (reader_get_string(part, "type", true, &type, err))
        return SFT_EDATA;
    if (strcmp(type, "text") != 0)
        return sft_fail(err, SFT_EDATA, "type: expected \"text\", found '%.80s'", type);
    if (reader_get_string(part, "text", true, &content, err))
        return SFT_EDATA;
    strbuf_puts(text, content);
    return SFT_OK;
}

/* A string, parts joined without anything between, or nothing if the message has calls; then the calls. */
static enum sft_status build_content(const json *message, struct strbuf *text, struct sft_err *err)
{
    const json *content = json_get(message, "content");
    const bool has_calls = reader_has_calls(message);
    if (json_is_array(content)) {
        size_t i = 0;
        for (const json *part = json_first(content); part; part = json_next(part), i++)
            if (add_part(part, text, err))
                return reader_at("content", i, json_is_object(part), err);
    } else {
        const char *string;
        if (reader_get_string(message, "content", !has_calls, &string, err))
            return SFT_EDATA;
        strbuf_puts(text, string ? string : "");
    }
    return has_calls ? reader_add_calls(message, text, err) : SFT_OK;
}

static enum sft_status add_content(const json *message, enum role role, float weight, struct arena *arena,
                                   struct conversation *conv, struct sft_err *err)
{
    const char *plain = json_string(json_get(message, "content"));
    struct strbuf text = {0};
    if (reader_has_calls(message) && role != ROLE_ASSISTANT)
        return sft_fail(err, SFT_EDATA, "%s: only a message of the assistant can have calls",
                        reader_get(message, "function_call") ? "function_call" : "tool_calls");
    if (plain && !reader_has_calls(message)) {
        reader_add(conv, arena, role, plain, weight);
        return SFT_OK;
    }
    const enum sft_status status = build_content(message, &text, err);
    if (!status)
        reader_add_n(conv, arena, role, text.len ? text.data : "", text.len, weight);
    strbuf_free(&text);
    return status;
}

enum sft_status reader_add_message(const json *node, float fallback, struct arena *arena,
                                   struct conversation *conv, struct sft_err *err)
{
    enum role role = ROLE_USER;
    const char *name;
    float weight;
    if (!json_is_object(node))
        return reader_fail_type(node, "an object", err);
    if (read_role(node, &role, err) || reader_get_string(node, "name", false, &name, err) ||
        reader_get_weight(node, fallback, &weight, err))
        return SFT_EDATA;
    return add_content(node, role, weight, arena, conv, err);
}

enum sft_status reader_add_messages(const json *row, const char *key, float weight, struct arena *arena,
                                    struct conversation *conv, struct sft_err *err)
{
    const json *list;
    size_t i = 0;
    if (reader_get_list(row, key, &list, err))
        return SFT_EDATA;
    for (const json *node = json_first(list); node; node = json_next(node), i++)
        if (reader_add_message(node, weight, arena, conv, err))
            return reader_at(key, i, json_is_object(node), err);
    return SFT_OK;
}

static bool matches(const json *row)
{
    return reader_get(row, "messages") != NULL;
}

static enum sft_status read_row(const json *row, struct conversations *out, struct sft_err *err)
{
    struct conversation *conv;
    if (reader_begin_row(row, out, json_size(json_get(row, "messages")), &conv, err))
        return SFT_EDATA;
    return reader_add_messages(row, "messages", 1.0F, out->arena, conv, err);
}

const struct reader reader_messages = {.name = "messages",
                                       .keys = "{\"messages\": [{\"role\", \"content\"}, ...]}",
                                       .matches = matches,
                                       .read = read_row};

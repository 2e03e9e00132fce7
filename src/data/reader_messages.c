/* OpenAI's and TRL's format: {"messages": [{"role", "content", "weight"?}, ...]}. */
#include "data/reader_internal.h"

#include <string.h>

static enum sft_status read_role(const json *node, enum role *role, struct sft_err *err)
{
    const char *name = json_string(node);
    if (!name)
        return reader_fail_type(node, "a string", err);
    if (strcmp(name, "developer") == 0) { /* OpenAI's newer name for the system's role */
        *role = ROLE_SYSTEM;
        return SFT_OK;
    }
    for (*role = 0; *role < ROLE_COUNT; ++*role)
        if (strcmp(name, role_name[*role]) == 0)
            return SFT_OK;
    return sft_fail(err, SFT_EDATA, "unknown role '%.80s' (system, user or assistant)", name);
}

/* [{"type": "text", "text": ...}, ...], joined without anything between. */
static enum sft_status join_parts(const json *list, struct arena *arena, const char **text,
                                  struct sft_err *err)
{
    struct strbuf sb = {0};
    enum sft_status status = SFT_OK;
    size_t i = 0;
    for (const json *part = json_first(list); part && !status; part = json_next(part), i++) {
        const char *type = json_string(json_get(part, "type")), *content = NULL;
        if (!json_is_object(part))
            status = reader_fail_type(part, "an object", err);
        else if (!type || strcmp(type, "text") != 0)
            status = sft_fail(err, SFT_EDATA, "type: expected \"text\", found '%.80s'", type ? type : "");
        else
            status = reader_get_string(part, "text", true, &content, err);
        if (status)
            reader_at("content", i, json_is_object(part), err);
        else
            strbuf_puts(&sb, content);
    }
    *text = arena_strndup(arena, sb.len ? sb.data : "", sb.len);
    strbuf_free(&sb);
    return status;
}

static enum sft_status read_content(const json *message, struct arena *arena, const char **text,
                                    struct sft_err *err)
{
    static const char *const calls[] = {"tool_calls", "function_call"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const json *call = json_get(message, calls[i]);
        if (call && !json_is_null(call) && !(json_is_array(call) && json_size(call) == 0))
            return sft_fail(err, SFT_EDATA, "%s: a call is no text (write it into content)", calls[i]);
    }
    const json *content = json_get(message, "content");
    if (json_is_array(content))
        return join_parts(content, arena, text, err);
    return reader_get_string(message, "content", true, text, err);
}

static enum sft_status read_message(const json *node, float fallback, struct arena *arena,
                                    struct conversation *conv, struct sft_err *err)
{
    enum role role = ROLE_USER;
    const char *content;
    float weight;
    if (!json_is_object(node))
        return reader_fail_type(node, "an object", err);
    if (read_role(json_get(node, "role"), &role, err)) {
        sft_context(err, "role");
        return SFT_EDATA;
    }
    if (read_content(node, arena, &content, err) || reader_get_weight(node, fallback, &weight, err))
        return SFT_EDATA;
    reader_add(conv, arena, role, content, weight);
    return SFT_OK;
}

enum sft_status reader_add_messages(const json *list, const char *key, float weight, struct arena *arena,
                                    struct conversation *conv, struct sft_err *err)
{
    size_t i = 0;
    for (const json *node = json_first(list); node; node = json_next(node), i++)
        if (read_message(node, weight, arena, conv, err))
            return reader_at(key, i, json_is_object(node), err);
    return SFT_OK;
}

static bool matches(const json *row)
{
    return json_get(row, "messages") != NULL;
}

static enum sft_status read_row(const json *row, struct arena *arena, struct conversation *conv,
                                struct sft_err *err)
{
    const json *list = json_get(row, "messages");
    if (!json_is_array(list)) {
        reader_fail_type(list, "an array", err);
        sft_context(err, "messages");
        return SFT_EDATA;
    }
    if (json_size(list) == 0)
        return sft_fail(err, SFT_EDATA, "messages: there is none in it");
    reader_begin(conv, arena, json_size(list));
    return reader_add_messages(list, "messages", 1.0F, arena, conv, err);
}

const struct reader reader_messages = {.name = "messages",
                                       .keys = "{\"messages\": [{\"role\", \"content\"}, ...]}",
                                       .matches = matches,
                                       .read = read_row};

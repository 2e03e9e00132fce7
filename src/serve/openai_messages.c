#include "serve/openai_messages.h"

#include "data/readers/reader_tools.h"

#include <string.h>

size_t json_values_bound(const char *text, size_t len)
{
    size_t n = 1;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string)
            n += c == ',' || c == ':' || c == '[' || c == '{';
    }
    return n;
}

static const struct {
    const char *name;
    enum role role;
} roles[] = {
    {"system", ROLE_SYSTEM},       {"developer", ROLE_SYSTEM}, {"user", ROLE_USER},
    {"assistant", ROLE_ASSISTANT}, {"tool", ROLE_TOOL},        {"function", ROLE_TOOL},
};

static enum sft_status read_role(const json *message, enum role *role, struct sft_err *err)
{
    const json *node = field_get(message, "role");
    const char *name = json_string(node);
    if (!name) {
        field_fail_type(node, "a string", err);
        return sft_in_key(err, "role");
    }
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        *role = roles[i].role;
        if (strcmp(name, roles[i].name) == 0)
            return SFT_OK;
    }
    return sft_fail_in(err, SFT_EDATA, "role",
                       "unknown role '%.80s' (system, developer, user, assistant or tool)", name);
}

/* The text of {"type": "text", "text": ...} or {"type": "refusal", "refusal": ...}. */
static enum sft_status add_part(const json *part, struct strbuf *text, struct sft_err *err)
{
    static const char *const texts[] = {"text", "input_text", "output_text"};
    const char *type = "text", *content = NULL;
    if (json_is_string(part)) {
        strbuf_puts(text, json_string(part));
        return SFT_OK;
    }
    if (!json_is_object(part))
        return field_fail_type(part, "an object", err);
    if (field_string(part, "type", &type, err))
        return SFT_EDATA;
    const char *key = strcmp(type, "refusal") == 0 ? "refusal" : "text";
    if (*key == 't' && !str_is_one_of(type, strlen(type), texts, sizeof texts / sizeof *texts))
        return sft_fail_in(err, SFT_EDATA, "type", "a part of type '%.80s' cannot be read here, only text", type);
    if (field_string(part, key, &content, err))
        return SFT_EDATA;
    if (!content)
        return sft_fail_in(err, SFT_EDATA, key, "missing");
    strbuf_puts(text, content);
    return SFT_OK;
}

static enum sft_status add_parts(const json *parts, struct strbuf *text, struct sft_err *err)
{
    size_t i = 0;
    for (const json *part = json_first(parts); part; part = json_next(part), i++)
        if (add_part(part, text, err))
            return sft_in_key(err, "content[%zu]", i);
    return SFT_OK;
}

static enum sft_status add_content(const json *message, enum role role, struct strbuf *text, struct sft_err *err)
{
    const json *content = field_get(message, "content");
    const char *refusal = NULL;
    if (json_is_array(content))
        return add_parts(content, text, err);
    if (json_is_string(content)) {
        strbuf_puts(text, json_string(content));
        return SFT_OK;
    }
    if (content || role != ROLE_ASSISTANT) {
        field_fail_type(content, "a string or a list of parts", err);
        return sft_in_key(err, "content");
    }
    if (field_string(message, "refusal", &refusal, err))
        return SFT_EDATA;
    strbuf_puts(text, refusal ? refusal : "");
    return SFT_OK;
}

/* Arguments are a text of JSON, which is parsed: one that holds too many values is refused before. */
static enum sft_status check_arguments(const json *call, size_t max_values, struct sft_err *err)
{
    const char *text = json_string(json_get(call, "arguments"));
    if (text && json_values_bound(text, strlen(text)) > max_values)
        return sft_fail_in(err, SFT_EDATA, "arguments", "more than %zu values", max_values);
    return SFT_OK;
}

static enum sft_status add_calls(const json *message, size_t max_values, struct strbuf *text, struct sft_err *err)
{
    const json *calls = json_get(message, "tool_calls");
    size_t i = 0;
    for (const json *call = json_is_array(calls) ? json_first(calls) : NULL; call; call = json_next(call), i++) {
        if (check_arguments(call, max_values, err))
            return sft_in_key(err, "tool_calls[%zu]", i);
        if (check_arguments(json_get(call, "function"), max_values, err))
            return sft_in_key(err, "tool_calls[%zu].function", i);
    }
    if (check_arguments(json_get(message, "function_call"), max_values, err))
        return sft_in_key(err, "function_call");
    return reader_add_calls(message, text, err);
}

static enum sft_status add_message(const json *message, size_t max_values, struct strbuf *text,
                                   struct arena *arena, struct conversation *conv, struct sft_err *err)
{
    enum role role = ROLE_USER;
    strbuf_clear(text);
    if (!json_is_object(message))
        return field_fail_type(message, "an object", err);
    if (read_role(message, &role, err) || add_content(message, role, text, err))
        return SFT_EDATA;
    if (role == ROLE_ASSISTANT && reader_has_calls(message) && add_calls(message, max_values, text, err))
        return SFT_EDATA;
    conv->messages[conv->count++] = (struct message){
        .role = role,
        .content = arena_strndup(arena, text->len ? text->data : "", text->len),
        .len = text->len,
        .weight = 1,
    };
    return SFT_OK;
}

enum sft_status messages_read(const json *body, size_t max_messages, size_t max_values, struct arena *arena,
                              struct conversation *conv, struct sft_err *err)
{
    const json *list = field_get(body, "messages");
    const size_t count = json_is_array(list) ? json_size(list) : 0;
    if (!json_is_array(list)) {
        field_fail_type(list, "a list of messages", err);
        return sft_in_key(err, "messages");
    }
    if (count == 0)
        return sft_fail_in(err, SFT_EDATA, "messages", "the list is empty");
    if (count > max_messages)
        return sft_fail_in(err, SFT_EDATA, "messages", "%zu messages (%zu at most)", count, max_messages);
    *conv = (struct conversation){.messages = arena_calloc(arena, count, sizeof *conv->messages)};
    struct strbuf text = {0};
    enum sft_status status = SFT_OK;
    for (const json *message = json_first(list); message && !status; message = json_next(message)) {
        status = add_message(message, max_values, &text, arena, conv, err);
        if (status)
            sft_in_key(err, "messages[%zu]", conv->count);
    }
    strbuf_free(&text);
    return status;
}

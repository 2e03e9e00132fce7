#include "data/readers/reader_turns.h"

#include "data/readers/reader_fields.h"
#include "data/readers/reader_flags.h"
#include "data/readers/reader_tools.h"

#include <string.h>

/* One part of a content: {"type": "text", "text": ...}, with OpenAI's later names of the type or with nothing but the
 * text, or the text itself. */
static enum sft_status add_part(const json *part, struct strbuf *text, struct sft_err *err)
{
    const char *type, *content = json_string(mark_read(part));
    if (!content) {
        if (!json_is_object(part))
            return reader_fail_type(part, "an object", err);
        if (reader_get_string(part, "type", json_size(part) != 1 || !json_get(part, "text"), &type, err))
            return SFT_EDATA;
        if (type && strcmp(type, "text") != 0 && strcmp(type, "input_text") != 0 && strcmp(type, "output_text") != 0)
            return sft_fail_in(err, SFT_EDATA, "type", "expected \"text\", found '%.80s'", type);
        if (reader_get_string(part, "text", true, &content, err))
            return SFT_EDATA;
    }
    strbuf_puts(text, content);
    return SFT_OK;
}

/* Parts joined without anything between. */
static enum sft_status add_parts(const json *parts, const char *key, struct strbuf *text, struct sft_err *err)
{
    size_t i = 0;
    for (const json *part = json_first(parts); part; part = json_next(part), i++)
        if (add_part(part, text, err))
            return sft_in_key(err, "%s[%zu]", key, i);
    return SFT_OK;
}

/* A string, parts, a call, or nothing if the turn has calls; then the calls. */
static enum sft_status build_content(const json *turn, const char *key, bool is_call, struct strbuf *text,
                                     struct sft_err *err)
{
    const json *content = json_get(turn, key);
    const bool has_calls = reader_has_calls(turn);
    const char *string = NULL;
    if (is_call && json_is_object(content)) {
        if (reader_add_bare_call(mark_read(content), text, err))
            return sft_in_key(err, "%s", key);
    } else if (json_is_array(content)) {
        if (add_parts(mark_read(content), key, text, err))
            return SFT_EDATA;
    } else if (reader_get_string(turn, key, !has_calls, &string, err)) {
        return SFT_EDATA;
    }
    strbuf_puts(text, string ? string : "");
    return has_calls ? reader_add_calls(turn, text, err) : SFT_OK;
}

static enum sft_status add_content(const json *turn, const char *key, enum role role, bool is_call,
                                   float weight, struct arena *arena, struct conversation *conv,
                                   struct sft_err *err)
{
    const char *plain = json_string(json_get(turn, key));
    const bool has_calls = reader_has_calls(turn);
    struct strbuf text = {0};
    if (has_calls && role != ROLE_ASSISTANT)
        return sft_fail_in(err, SFT_EDATA, reader_get(turn, "function_call") ? "function_call" : "tool_calls",
                           "only a message of the assistant can have calls");
    if (plain && !has_calls) {
        reader_add(conv, arena, role, json_string(mark_read(json_get(turn, key))), weight);
        return SFT_OK;
    }
    const enum sft_status status = build_content(turn, key, is_call, &text, err);
    if (!status)
        reader_add_n(conv, arena, role, text.len ? text.data : "", text.len, weight);
    strbuf_free(&text);
    return status;
}

/* A name is a text, but not shown. */
static enum sft_status check_name(const json *turn, struct sft_err *err)
{
    const json *name = json_get(turn, "name");
    if (!name || json_is_null(name) || json_is_string(name))
        return SFT_OK;
    reader_fail_type(name, "a string", err);
    return sft_in_key(err, "name");
}

static enum sft_status add_turn(const json *turn, enum turn_style style, float fallback,
                                struct conversations *out, struct conversation *conv, struct sft_err *err)
{
    const bool is_from = style == TURN_FROM_VALUE;
    enum role role = ROLE_USER;
    bool is_call;
    float weight;
    if (!json_is_object(turn))
        return reader_fail_type(turn, "an object", err);
    const char *speaker = is_from ? reader_either(turn, "from", "role") : reader_either(turn, "role", "from");
    const char *text = *speaker == 'f' ? reader_either(turn, "value", "content")
                                       : reader_either(turn, "content", "value");
    if (reader_get_role(turn, speaker, out, &role, &is_call, err) || check_name(turn, err) ||
        reader_get_weight(turn, role, fallback, &weight, err))
        return SFT_EDATA;
    return add_content(turn, text, role, is_call, weight, out->arena, conv, err);
}

/* A row's own system prompt that its turns begin with too is said once. */
static void drop_repeated_system(const struct conversations *out, struct conversation *conv)
{
    const struct message *m = conv->messages;
    if (out->has_row_system && conv->count == 2 && m[1].role == ROLE_SYSTEM && m[0].len == m[1].len &&
        memcmp(m[0].content, m[1].content, m[0].len) == 0)
        conv->count = 1;
}

enum sft_status reader_add_turns(const json *row, const char *key, enum turn_style style, float weight,
                                 struct conversations *out, struct conversation *conv, struct sft_err *err)
{
    const json *list;
    size_t i = 0;
    if (reader_get_list(row, key, &list, err))
        return SFT_EDATA;
    for (const json *turn = json_first(list); turn; turn = json_next(turn), i++) {
        if (add_turn(turn, style, weight, out, conv, err))
            return sft_in_key(err, "%s[%zu]", key, i);
        if (i == 0)
            drop_repeated_system(out, conv);
    }
    return SFT_OK;
}

size_t reader_side_max(const json *row, const char *key)
{
    const json *node = json_get(row, key);
    return json_is_array(node) ? json_size(node) : 1;
}

enum sft_status reader_add_side(const json *row, const char *key, enum role role, float list_weight,
                                struct conversations *out, struct conversation *conv, struct sft_err *err)
{
    const json *node = mark_read(json_get(row, key));
    const char *text = json_string(node);
    if (json_is_array(node))
        return reader_add_turns(row, key, TURN_ROLE_CONTENT, list_weight, out, conv, err);
    if (!text) {
        reader_fail_type(node, "a string or an array", err);
        return sft_in_key(err, "%s", key);
    }
    reader_add(conv, out->arena, role, text, 1.0F);
    return SFT_OK;
}

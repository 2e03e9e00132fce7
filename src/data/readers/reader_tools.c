#include "data/readers/reader_tools.h"

#include "data/readers/reader_fields.h"

#include <string.h>

static const char white_space[] = " \t\r\n";

/* Arguments given as a text: printed as the JSON that they are, else the text without the white space around
 * it. */
static void print_argument_text(const char *given, struct strbuf *text)
{
    json *parsed = NULL;
    given += strspn(given, white_space);
    size_t len = strlen(given);
    while (len > 0 && strchr(white_space, given[len - 1]))
        len--;
    if (len > 0 && json_parse(given, len, &parsed, NULL))
        strbuf_add(text, given, len);
    else if (!parsed || json_is_null(parsed))
        strbuf_puts(text, "{}");
    else
        json_dumps(parsed, text);
    json_free(parsed);
}

static enum sft_status print_arguments(const json *function, struct strbuf *text, struct sft_err *err)
{
    const json *openai = reader_get(function, "arguments");
    const json *arguments = openai ? openai : reader_get(function, "parameters"); /* Llama 3's name */
    const char *given = arguments ? json_string(arguments) : "";
    if (arguments)
        json_set_mark(arguments, MARK_WHOLE);
    if (json_is_object(arguments)) {
        json_dumps(arguments, text);
        return SFT_OK;
    }
    if (!given) {
        reader_fail_type(arguments, "a string or an object", err);
        return sft_in_key(err, "arguments");
    }
    print_argument_text(given, text);
    return SFT_OK;
}

enum sft_status reader_add_bare_call(const json *call, struct strbuf *text, struct sft_err *err)
{
    const char *name;
    if (reader_get_string(call, "name", true, &name, err))
        return SFT_EDATA;
    strbuf_puts(text, "{\"name\": ");
    json_dumps(json_get(call, "name"), text);
    strbuf_puts(text, ", \"arguments\": ");
    if (print_arguments(call, text, err))
        return SFT_EDATA;
    strbuf_putc(text, '}');
    return SFT_OK;
}

static enum sft_status add_call(const json *function, struct strbuf *text, struct sft_err *err)
{
    if (!json_is_object(function))
        return reader_fail_type(function, "an object", err);
    strbuf_puts(text, text->len ? "\n<tool_call>\n" : "<tool_call>\n");
    if (reader_add_bare_call(function, text, err))
        return SFT_EDATA;
    strbuf_puts(text, "\n</tool_call>");
    return SFT_OK;
}

/* An element of "tool_calls". */
static enum sft_status add_tool_call(const json *call, struct strbuf *text, struct sft_err *err)
{
    const json *function = mark_read(json_get(call, "function"));
    const char *type;
    if (!json_is_object(call))
        return reader_fail_type(call, "an object", err);
    if (reader_get_string(call, "type", false, &type, err))
        return SFT_EDATA;
    if (type && strcmp(type, "function") != 0)
        return sft_fail_in(err, SFT_EDATA, "type", "expected \"function\", found '%.80s'", type);
    if (!function && json_get(call, "name"))
        return add_call(call, text, err);
    if (add_call(function, text, err))
        return sft_in_key(err, "function");
    return SFT_OK;
}

bool reader_has_calls(const json *message)
{
    const json *calls = reader_get(message, "tool_calls");
    return (calls && !(json_is_array(calls) && !json_first(calls))) || reader_get(message, "function_call");
}

enum sft_status reader_add_calls(const json *message, struct strbuf *text, struct sft_err *err)
{
    const json *calls = reader_get(message, "tool_calls"), *function = reader_get(message, "function_call");
    size_t i = 0;
    if (calls && !json_is_array(calls)) {
        reader_fail_type(calls, "an array", err);
        return sft_in_key(err, "tool_calls");
    }
    for (const json *call = json_first(calls); call; call = json_next(call), i++)
        if (add_tool_call(call, text, err))
            return sft_in_key(err, "tool_calls[%zu]", i);
    if (function && add_call(function, text, err))
        return sft_in_key(err, "function_call");
    return SFT_OK;
}

bool reader_has_tools(const json *row)
{
    static const char *const keys[] = {"tools", "functions"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json *tools = json_get(row, keys[i]);
        const char *text = json_string(tools);
        if (json_is_array(tools) && json_first(tools))
            return true;
        if (text && text[strspn(text, " \t\r\n[]")]) /* not blank, nor the text of an empty list */
            return true;
    }
    return false;
}

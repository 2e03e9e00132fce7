#include "collect/synth/completion.h"

#include <ctype.h>
#include <string.h>

/* ---- JSON ---- */

static void add_string(struct strbuf *out, const char *before, const char *text)
{
    strbuf_puts(out, before);
    strbuf_json_string(out, text, strlen(text));
}

static void add_messages(struct strbuf *out, const struct completion_request *request)
{
    strbuf_puts(out, "\"messages\":[");
    for (size_t i = 0; i < request->n_messages; i++) {
        const struct chat_message *m = &request->messages[i];
        add_string(out, i ? ",{\"role\":" : "{\"role\":", m->role);
        strbuf_puts(out, ",\"content\":");
        strbuf_json_string(out, m->text, m->len);
        strbuf_putc(out, '}');
    }
    strbuf_putc(out, ']');
}

static void add_schema_format(struct strbuf *out, const struct completion_request *request)
{
    add_string(out, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":", request->schema_name);
    strbuf_printf(out, ",\"strict\":true,\"schema\":%s}}", request->schema);
}

static void add_tool(struct strbuf *out, const struct completion_request *request)
{
    add_string(out, ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":", request->schema_name);
    strbuf_printf(out, ",\"description\":\"Hand in what was asked for.\",\"parameters\":%s}}]", request->schema);
    add_string(out, ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":", request->schema_name);
    strbuf_puts(out, "}}");
}

static void add_schema(struct strbuf *out, const struct completion_request *request, enum schema_form form)
{
    if (form == SCHEMA_FORMAT)
        add_schema_format(out, request);
    else if (form == SCHEMA_TOOL)
        add_tool(out, request);
    else if (form == JSON_FORMAT)
        strbuf_puts(out, ",\"response_format\":{\"type\":\"json_object\"}");
}

static bool sends_top_p(const struct completion_request *request, const struct dialect *dialect)
{
    return request->top_p > 0 && request->top_p < 1 && !dialect->no_top_p;
}

void completion_request_print(const struct completion_request *request, const struct dialect *dialect,
                              struct strbuf *out)
{
    strbuf_putc(out, '{');
    if (request->model) {
        add_string(out, "\"model\":", request->model);
        strbuf_putc(out, ',');
    }
    add_messages(out, request);
    if (request->temperature >= 0 && !dialect->no_temperature) {
        strbuf_puts(out, ",\"temperature\":");
        strbuf_double(out, request->temperature);
    }
    if (sends_top_p(request, dialect)) {
        strbuf_puts(out, ",\"top_p\":");
        strbuf_double(out, request->top_p);
    }
    if (request->max_tokens > 0)
        strbuf_printf(out, ",\"%s\":%zu", dialect->long_name ? "max_completion_tokens" : "max_tokens",
                      request->max_tokens);
    if (!dialect->no_seed)
        strbuf_printf(out, ",\"seed\":%lu", (unsigned long)(request->seed % (UINT64_C(1) << 31)));
    if (request->schema)
        add_schema(out, request, dialect->form);
    strbuf_puts(out, ",\"stream\":false}");
}

/* ---- dialects ---- */

static bool is_of_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether body holds the word, not as a part of another. */
static bool speaks_of(const char *body, size_t len, const char *word)
{
    const size_t n = strlen(word);
    const char *end = body + len;
    for (const char *p = body; (p = memmem(p, (size_t)(end - p), word, n)) != NULL; p++)
        if ((p == body || !is_of_word(p[-1])) && (p + n == end || !is_of_word(p[n])))
            return true;
    return false;
}

static bool speaks_of_schemas(const char *body, size_t len)
{
    static const char *const words[] = {"response_format", "json_schema", "json_object", "schema",
                                        "schemas",         "tools",       "tool",        "tool_choice",
                                        "function",        "functions",   "grammar",     "structured"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (speaks_of(body, len, words[i]))
            return true;
    return false;
}

bool dialect_change(struct dialect *dialect, const struct completion_request *request, const char *body, size_t len,
                    bool may_guess)
{
    if (len == 0)
        body = "";
    if (request->max_tokens > 0 && !dialect->long_name && speaks_of(body, len, "max_completion_tokens"))
        dialect->long_name = true;
    else if (sends_top_p(request, dialect) && speaks_of(body, len, "top_p"))
        dialect->no_top_p = true;
    else if (request->temperature >= 0 && !dialect->no_temperature && speaks_of(body, len, "temperature"))
        dialect->no_temperature = true;
    else if (!dialect->no_seed && speaks_of(body, len, "seed"))
        dialect->no_seed = true;
    else if (request->schema && dialect->form < SCHEMA_IN_WORDS && (may_guess || speaks_of_schemas(body, len)))
        dialect->form++;
    else
        return false;
    return true;
}

struct dialect dialect_join(const struct dialect *a, const struct dialect *b)
{
    return (struct dialect){.form = a->form > b->form ? a->form : b->form,
                            .long_name = a->long_name || b->long_name,
                            .no_top_p = a->no_top_p || b->no_top_p,
                            .no_temperature = a->no_temperature || b->no_temperature,
                            .no_seed = a->no_seed || b->no_seed};
}

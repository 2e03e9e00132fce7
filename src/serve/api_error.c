#include "serve/api_error.h"

#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *type, *code;
} kinds[API_ERROR_KINDS] = {
    [API_INVALID] = {400, "invalid_request_error", NULL},
    [API_TOO_LONG] = {400, "invalid_request_error", "context_length_exceeded"},
    [API_NO_KEY] = {401, "invalid_request_error", "invalid_api_key"},
    [API_FORBIDDEN] = {403, "invalid_request_error", NULL},
    [API_NO_URL] = {404, "invalid_request_error", NULL},
    [API_NO_MODEL] = {404, "invalid_request_error", "model_not_found"},
    [API_METHOD] = {405, "invalid_request_error", NULL},
    [API_TOO_LARGE] = {413, "invalid_request_error", NULL},
    [API_QUEUE_FULL] = {429, "rate_limit_exceeded", "queue_full"},
    [API_FAILED] = {500, "server_error", NULL},
    [API_NO_MEMORY] = {503, "server_error", "no_memory"},
    [API_OVERLOADED] = {503, "server_error", "overloaded"},
    [API_DRAINING] = {503, "server_error", "shutting_down"},
};

static void set_kind(struct api_error *error, enum api_error_kind kind, const char *param)
{
    *error = (struct api_error){.status = kinds[kind].status, .type = kinds[kind].type, .code = kinds[kind].code};
    if (param)
        utf8_copy_printable(param, strlen(param), "", error->param, sizeof error->param);
}

void api_error_set(struct api_error *error, enum api_error_kind kind, const char *param, const char *fmt, ...)
{
    char message[SFT_ERR_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    set_kind(error, kind, param);
    utf8_copy_printable(message, strlen(message), "", error->message, sizeof error->message);
}

void api_error_take(struct api_error *error, enum api_error_kind kind, const struct sft_err *err)
{
    set_kind(error, kind, err->key);
    sft_err_text(err, error->message, sizeof error->message);
}

static void print_or_null(const char *text, struct strbuf *out)
{
    if (text && *text)
        strbuf_json_string(out, text, strlen(text));
    else
        strbuf_puts(out, "null");
}

void api_error_print(const struct api_error *error, struct strbuf *out)
{
    strbuf_puts(out, "{\"error\":{\"message\":");
    strbuf_json_string(out, error->message, strlen(error->message));
    strbuf_printf(out, ",\"type\":\"%s\",\"param\":", error->type);
    print_or_null(error->param, out);
    strbuf_puts(out, ",\"code\":");
    print_or_null(error->code, out);
    strbuf_puts(out, "}}");
}

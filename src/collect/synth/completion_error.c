#include "collect/synth/completion.h"

#include "base/json.h"

#include <string.h>

enum { ERROR_BYTES_MAX = 1 << 16, TEXT_MAX = 300 }; /* an error that is longer is none */

/* Codes and types of errors that asking again does not mend. */
static const char *const final_codes[] = {"insufficient_quota", "billing_hard_limit_reached",
                                          "billing_not_active", "account_deactivated",
                                          "invalid_api_key",    "model_not_found"};

static bool is_final_code(const json *node)
{
    const char *code = json_string(node);
    return code && str_is_one_of(code, strlen(code), final_codes, sizeof final_codes / sizeof *final_codes);
}

static void set_text(struct endpoint_error *error, const char *text, size_t len)
{
    while (len > 0 && memchr(" \t\r\n", text[len - 1], 4))
        len--;
    strbuf_clear(&error->text);
    strbuf_add_excerpt(&error->text, text, len, TEXT_MAX, false);
}

/* A message: a string, or what FastAPI makes of fields that are wrong, a list. */
static void read_message(struct endpoint_error *error, const json *message)
{
    struct strbuf line = {0};
    if (json_is_string(message)) {
        set_text(error, json_string(message), strlen(json_string(message)));
    } else {
        json_print_line(message, &line);
        set_text(error, line.data, line.len);
    }
    strbuf_free(&line);
    error->is_there = true;
}

static void read_code(struct endpoint_error *error, const json *code)
{
    const double number = json_number(code);
    if (number >= 400 && number <= 599)
        error->status = (unsigned)number;
    error->is_final = error->is_final || is_final_code(code);
}

/* {"error": {"message", "code", "type"}}, {"error": "..."}, {"detail": ...}, {"message": ...}. */
static void read_object(struct endpoint_error *error, const json *root)
{
    static const char *const keys[] = {"message", "detail"};
    const json *inner = json_get(root, "error");
    if (inner && !json_is_null(inner) && !json_is_object(inner))
        read_message(error, inner);
    const json *object = json_is_object(inner) ? inner : root;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !error->is_there; i++)
        if (json_get(object, keys[i]))
            read_message(error, json_get(object, keys[i]));
    if (json_is_object(inner) && !error->is_there)
        read_message(error, inner);
    if (error->is_there) {
        read_code(error, json_get(object, "code"));
        read_code(error, json_get(object, "type"));
    }
}

void endpoint_error_read(struct endpoint_error *error, const char *body, size_t len)
{
    json *root;
    *error = (struct endpoint_error){0};
    set_text(error, len ? body : "", len < ERROR_BYTES_MAX ? len : ERROR_BYTES_MAX);
    if (len == 0 || len > ERROR_BYTES_MAX || json_parse(body, len, &root, NULL))
        return;
    read_object(error, json_is_array(root) ? json_first(root) : root); /* Google's is a list of one */
    json_free(root);
}

void endpoint_error_free(struct endpoint_error *error)
{
    strbuf_free(&error->text);
}

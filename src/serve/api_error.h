/* What a client is told is wrong, in OpenAI's shape:
 *     {"error":{"message":"messages[1].role: ...","type":"invalid_request_error",
 *               "param":"messages[1].role","code":null}}
 * with the HTTP status that goes with it. Clients decide by status and code: openai-python makes a class of each
 * status, and asks again after 408, 409, 429 and all above 499, which wrong input therefore never gets. */
#ifndef SFT_SERVE_API_ERROR_H
#define SFT_SERVE_API_ERROR_H

#include "base/err.h"
#include "base/strbuf.h"

enum api_error_kind {
    API_INVALID,        /* 400: the request's words are wrong */
    API_TOO_LONG,       /* 400, context_length_exceeded: the model does not see so many positions */
    API_NO_KEY,         /* 401, invalid_api_key: without a bearer token, or with a wrong one */
    API_FORBIDDEN,      /* 403: a Host or an Origin that is not ours */
    API_NO_URL,         /* 404 */
    API_NO_MODEL,       /* 404, model_not_found */
    API_METHOD,         /* 405 */
    API_TOO_LARGE,      /* 413 */
    API_QUEUE_FULL,     /* 429, queue_full */
    API_FAILED,         /* 500: ours */
    API_NO_MEMORY,      /* 503, no_memory: not for so many positions */
    API_OVERLOADED,     /* 503, overloaded: not for so many requests */
    API_DRAINING,       /* 503, shutting_down */
    API_ERROR_KINDS
};

struct api_error {
    int status;              /* of HTTP; 0: no error */
    const char *type, *code; /* code: NULL is null */
    char param[SFT_ERR_KEY_MAX]; /* the JSON path of what is wrong; "": null */
    char message[SFT_ERR_MAX];
};

/* Fill *error; param may be NULL. */
void api_error_set(struct api_error *error, enum api_error_kind kind, const char *param, const char *fmt, ...)
    SFT_PRINTF(4, 5);

/* The same of what a function of ours said: its key is the param, the line of sft_err_text the message. */
void api_error_take(struct api_error *error, enum api_error_kind kind, const struct sft_err *err);

/* {"error":{...}}, without a line break. */
void api_error_print(const struct api_error *error, struct strbuf *out);

#endif

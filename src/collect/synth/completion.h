/* A chat completion of OpenAI's API as the one who asks sees it, without a network: a request as JSON, and an answer's
 * bytes as a text. Endpoints differ in what they take; that is their dialect, learned from what they refuse. */
#ifndef SFT_COLLECT_SYNTH_COMPLETION_H
#define SFT_COLLECT_SYNTH_COMPLETION_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what is asked ---- */

struct chat_message {
    const char *role; /* "system", "user", "assistant" */
    const char *text; /* (len) UTF-8; other bytes become U+FFFD */
    size_t len;
};

struct completion_request {
    const char *model; /* NULL: none is named, the endpoint has its own */
    const struct chat_message *messages;
    size_t n_messages;
    double temperature; /* below 0: not sent */
    double top_p;       /* 0 or 1: not sent */
    size_t max_tokens;  /* 0: not sent */
    uint64_t seed;      /* sent modulo 2^31, which all endpoints take; it is a wish: few promise equal answers */
    /* NULL: an answer is plain text. Else a JSON schema (an object's; every property required and additionalProperties
     * false, or OpenAI refuses it) that the answer is wanted in. An endpoint may know no schemas, so the messages must
     * say in words, too, what JSON is wanted, and the answer must be read tolerantly. */
    const char *schema;
    const char *schema_name; /* letters, digits, _ and -: "conversation" */
};

/* How a schema is put, the best first; who refuses one form is asked in the next. */
enum schema_form {
    SCHEMA_FORMAT,   /* response_format: json_schema */
    SCHEMA_TOOL,     /* a tool that must be called, whose arguments the schema describes */
    JSON_FORMAT,     /* response_format: json_object */
    SCHEMA_IN_WORDS, /* only the messages say it */
};

/* What an endpoint takes. Zeroed: everything. Each member only ever grows. */
struct dialect {
    enum schema_form form;
    bool long_name;      /* max_completion_tokens: OpenAI's models that reason know no max_tokens */
    bool no_top_p;       /* some take it only without a temperature */
    bool no_temperature; /* they have their own */
    bool no_seed;
};

/* The request's JSON, appended to out. */
void completion_request_print(const struct completion_request *request, const struct dialect *dialect,
                              struct strbuf *out);

/* An endpoint has refused (400, 404, 422, 501) a request in this dialect, saying body[0..len). Whether another dialect
 * may do: then *dialect is that, one member further. A field that is named in the body is left out or renamed; a
 * schema's form goes to the next where the body speaks of it, or where may_guess (no schema has been answered yet:
 * perhaps that was the reason). */
bool dialect_change(struct dialect *dialect, const struct completion_request *request, const char *body, size_t len,
                    bool may_guess);

/* What of the two takes least. */
struct dialect dialect_join(const struct dialect *a, const struct dialect *b);

/* ---- what is answered ---- */

struct completion {
    char *text; /* (len) and a NUL; UTF-8, without white space around it and without the thoughts in front of it */
    size_t len;
    bool is_cut;    /* finish_reason "length", or the endpoint's filter ended it */
    char *model;    /* as the endpoint says; NULL: it does not, or not in at most 200 printable characters */
    bool has_usage; /* both counts were there, whole, from 0 to 2^53: which does not make them true */
    uint64_t prompt_tokens, completion_tokens;
    bool is_withheld; /* after an error: the endpoint's filter gave no text, so that another attempt is of little use */
};

/* The text of body[0..len): one completion, or the events of a stream, for which nobody asked but which some send. It
 * is message.content, a string or parts; or, where there is none, the arguments of the first tool call; or the refusal.
 * <think>...</think> in front is taken off (a thought that never ends leaves nothing, and is_cut), and what endpoints
 * give beside the content (reasoning_content) is not read. SFT_EDATA: what came is no completion (not JSON, no choices,
 * an error although the status was 200, a stream without an end, ...). The message quotes what an endpoint says of an
 * error. The caller frees with completion_free. */
enum sft_status completion_read(struct completion *completion, const char *body, size_t len, struct sft_err *err);
void completion_free(struct completion *completion); /* accepts a zeroed one */

/* ---- an error of an endpoint ---- */

struct endpoint_error {
    unsigned status;    /* an HTTP status within the body (OpenRouter's); 0: none */
    bool is_final;      /* its code says that asking again is of no use: no credit (insufficient_quota), ... */
    bool is_there;      /* the body is JSON that speaks of an error */
    struct strbuf text; /* its message, or else the body's beginning, in one line of 300 bytes at most; "(nothing)" */
};

/* Never fails: any bytes have a text. The caller frees with endpoint_error_free. */
void endpoint_error_read(struct endpoint_error *error, const char *body, size_t len);
void endpoint_error_free(struct endpoint_error *error);

#endif

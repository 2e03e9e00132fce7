/* What a client gets: one JSON object, or a stream of events (server-sent events, `data: {...}` and an empty line), of
 * answers that grow side by side. Pure: tokens in, bytes out.
 *
 *     response_init(&p, &request, &about, tokenizer);
 *     ... each token of answer i:  if (!response_token(&p, i, token)) it has said enough (a stop string)
 *     ... answer i has ended:      response_ended(&p, i, reason, n_cached)
 *     ... now and then:            response_write(&p, &out)             // events that are ready, or a body at the end
 *     response_is_done(&p), all of it written; response_free(&p)
 *
 * Text is held back while it may yet become a stop string, or is a part of a character; a token's logprobs come with
 * the text that it completes. Tokens of a stop string are not listed, and nor are end tokens, so that the tokens' bytes
 * are the text's; usage counts them. Where best_of is above n, the answers with the best mean logprob are given. */
#ifndef SFT_SERVE_OPENAI_RESPONSE_H
#define SFT_SERVE_OPENAI_RESPONSE_H

#include "infer/decode.h"
#include "serve/openai_request.h"
#include "text/tokenizer/tokenizer.h"

struct response_about {
    const char *model;       /* the name that is served */
    const char *fingerprint; /* of weights and program: equal ones give equal answers to a seed */
    int64_t created;         /* seconds since 1970 */
    uint8_t random[12];      /* makes the id */
};

struct response {
    const struct request *request; /* borrowed, as what `about` points to */
    struct response_about about;
    struct answer *answers; /* (n_answers) */
    size_t n_answers, n_ended;
    const struct tokenizer *tokenizer; /* borrowed */
    bool is_written;
};

void response_init(struct response *p, const struct request *request, const struct response_about *about,
                   const struct tokenizer *tokenizer);
void response_free(struct response *p); /* accepts a zeroed struct */

/* One more token of an answer. False: a stop string is complete; whatever follows would not be shown. */
bool response_token(struct response *p, size_t answer, const struct new_token *token);

/* No more of it comes. n_cached: positions of its prompt that were not computed again. */
void response_ended(struct response *p, size_t answer, enum finish_reason reason, size_t n_cached);

/* Append what is ready: in a stream, events of all answers, behind the last one usage if it was asked for and
 * [DONE]; else nothing before the last answer has ended, and then the body. */
void response_write(struct response *p, struct strbuf *out);
bool response_is_done(const struct response *p);

/* Where nothing but an error can follow: an event of it and the end of the stream. */
void response_write_error(struct response *p, const struct api_error *error, struct strbuf *out);

/* What an answer failed of, or status 0: logits that are not finite, no memory for one token, a server that ends. Ask
 * before response_write: it goes out as an HTTP status where nothing was sent yet, else by response_write_error. */
void response_error(const struct response *p, struct api_error *error);

/* GET /v1/models, and one of them. */
struct served_model {
    const char *id;
    int64_t created;
    size_t n_positions; /* as max_model_len, vLLM's name */
};
void models_print(const struct served_model *models, size_t n, struct strbuf *out);
void model_print(const struct served_model *model, struct strbuf *out);

#endif

/* A request of OpenAI's API, as a program may take it: what is missing has its default, what is wrong is refused with
 * its place, what we do not know is passed over. Pure: bytes in, a struct out; no connection, no engine.
 *
 *     request_read(&r, ENDPOINT_CHAT, body, len, &limits, &error)       // its words
 *     request_encode(&r, &prompts, &error)                              // openai_prompt.h: its tokens
 *     request_answers(&r) streams, number i by request_ask(&r, i)       // openai_response.h: what is said of them
 *     request_free(&r)
 *
 * null is absent, for every field. Beside OpenAI's fields those of vLLM and llama.cpp: top_k, min_p, repetition_penalty
 * (repeat_penalty), ignore_eos. Refused, as nobody here could do it: tool_choice that forces a call, a
 * response_format other than text, modalities other than text, suffix, echo with logprobs, best_of above n in a
 * stream; parts of a message that are an image, sound or a file. `tools` are taken and not shown. */
#ifndef SFT_SERVE_OPENAI_REQUEST_H
#define SFT_SERVE_OPENAI_REQUEST_H

#include "base/mem.h"
#include "infer/sampling.h"
#include "serve/api_error.h"
#include "text/conversation.h"

enum endpoint { ENDPOINT_CHAT, ENDPOINT_COMPLETIONS };

/* One of several models, of which a request names one. */
struct request_model {
    const char *id;
    size_t vocab_size;        /* as in the limits */
    struct sampling sampling;
};

struct request_limits {
    size_t max_values;    /* JSON values of a body, so that its tree stays small whatever it holds */
    size_t max_messages;
    size_t max_samples;   /* n and best_of */
    size_t max_answers;   /* of one request: prompts times best_of */
    size_t max_stops, max_stop_bytes;
    size_t max_top_logprobs, max_biases;
    size_t vocab_size;    /* ids of prompt and logit_bias are below it */
    struct sampling sampling; /* what a request without a word of it gets: the model's own */
    const struct request_model *models; /* (n_models) who names none gets the first; 0: one, whatever it is called */
    size_t n_models;
};
#define REQUEST_LIMITS_DEFAULT                                                                                         \
    {.max_values = 200000, .max_messages = 4096, .max_samples = 16, .max_answers = 128, .max_stops = 16,               \
     .max_stop_bytes = 256, .max_top_logprobs = 20, .max_biases = 1024,                                                \
     .sampling = {.temperature = 1, .top_p = 1, .repetition_penalty = 1}}

struct request_prompt {
    const char *text; /* (len) of /v1/completions; NULL: ids came, or it is a conversation's */
    size_t len;
    const int32_t *ids; /* (n_ids) as they came, or from request_encode */
    size_t n_ids;
};

struct request {
    enum endpoint endpoint;
    const char *model;                /* as asked; NULL: none was */
    size_t model_number;              /* of the limits' models */
    struct conversation conversation; /* of a chat */
    struct request_prompt *prompts;   /* (n_prompts) one in a chat */
    size_t n_prompts;
    bool is_list;                     /* of prompts, though it may be one */
    size_t n, best_of;                /* choices of each prompt, and answers that are made for them: best_of >= n */
    size_t max_tokens;                /* SIZE_MAX: as many as there are positions; 0 only of /v1/completions */
    struct sampling sampling;
    bool has_seed;                    /* false: whoever runs it puts a random one into sampling.seed */
    const struct logit_bias *biases;  /* (n_biases) */
    size_t n_biases;
    struct string_list stops;         /* none of them empty */
    bool ignore_ends;                 /* ignore_eos: end tokens are tokens like others */
    bool logprobs;                    /* of the tokens of an answer */
    size_t n_top;                     /* and of so many likeliest at each */
    bool stream, include_usage, echo;
    struct arena arena;               /* where all of it lives: the body may go */
};

/* Read body[0..len). SFT_EDATA and *error; *r is then empty. Free with request_free, which accepts a zeroed struct. */
enum sft_status request_read(struct request *r, enum endpoint endpoint, const char *body, size_t len,
                             const struct request_limits *limits, struct api_error *error);
void request_free(struct request *r);

/* How many answers are made: number i is sample i % best_of of prompt i / best_of. */
size_t request_answers(const struct request *r);

/* What the engine is asked for answer i (infer/decode.h), but for on_token and its context. It borrows from *r. */
struct ask;
void request_ask(const struct request *r, size_t answer, struct ask *ask);

#endif

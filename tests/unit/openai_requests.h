/* What tests of OpenAI's requests share: a request is read, written with ' for ". */
#ifndef SFT_TESTS_OPENAI_REQUESTS_H
#define SFT_TESTS_OPENAI_REQUESTS_H

#include "base/mem.h"
#include "infer/decode.h"
#include "serve/openai_prompt.h"
#include "support/run_suite.h"

#include "byte_tokenizer.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static inline const struct request_limits *limits(void)
{
    static struct request_limits own = REQUEST_LIMITS_DEFAULT;
    own.vocab_size = BYTE_TOKENIZER_SIZE;
    return &own;
}

/* Written with ' for ". */
static inline enum sft_status read_request(struct request *r, enum endpoint endpoint, const char *text,
                                           struct api_error *error)
{
    char *body = mem_strdup(text);
    for (char *c = body; (c = strchr(c, '\''));)
        *c = '"';
    *error = (struct api_error){0};
    const enum sft_status status = request_read(r, endpoint, body, strlen(body), limits(), error);
    free(body); /* nothing of it is borrowed */
    return status;
}

static inline void read_good(struct request *r, enum endpoint endpoint, const char *text)
{
    struct api_error error;
    ck_assert_msg(read_request(r, endpoint, text, &error) == SFT_OK, "%s: %s", text, error.message);
}
#define USER "'messages': [{'role': 'user', 'content': 'x'}]"
#define CHAT(fields) ENDPOINT_CHAT, "{" USER ", " fields "}"
#define TURNS(list) ENDPOINT_CHAT, "{'messages': [" list "]}"
#define COMPLETION(fields) ENDPOINT_COMPLETIONS, "{" fields "}"

/* COUNT times one thing, between a beginning and an end. */
static inline char *repeat(const char *begin, const char *item, size_t count, const char *end)
{
    struct strbuf sb = {0};
    strbuf_puts(&sb, begin);
    for (size_t i = 0; i < count; i++)
        strbuf_printf(&sb, "%s%s", i ? "," : "", item);
    strbuf_puts(&sb, end);
    return sb.data;
}

#endif

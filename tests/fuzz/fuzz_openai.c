/* Any bytes as a request of OpenAI's API, to either endpoint: no crash; it is refused with a message and a place, or
 * becomes a request within its limits, whose tokens can be made. Its answers, of tokens that follow a NUL in the input,
 * are then the same text in a stream as in one object, and all that is written is JSON. */
#include "base/mem.h"
#include "serve/openai_prompt.h"
#include "serve/openai_response.h"
#include "text/bpe_train/bpe_train.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* The bytes and <|endoftext|>, and a template over them: made once. */
static struct bundle *byte_bundle(void)
{
    static struct bundle bundle;
    static const char *const special[] = {"<|endoftext|>"};
    static const struct template_options template = {.choice = TEMPLATE_IM_SEP};
    const struct bpe_train_options options = {.vocab_size = 257, .special = special, .n_special = 1};
    struct bpe_trainer *trainer;
    if (bundle.files.tokenizer)
        return &bundle;
    require(bpe_trainer_new(&trainer, &options, NULL) == SFT_OK &&
            bpe_trainer_train(trainer, &bundle.files.tokenizer, NULL) == SFT_OK);
    bpe_trainer_free(trainer);
    require(template_init(&bundle.template, &template, bundle.files.tokenizer, NULL) == SFT_OK);
    return &bundle;
}

static void check_error(const struct api_error *error)
{
    struct strbuf out = {0};
    json *root;
    api_error_print(error, &out);
    require(error->status == 400 && error->message[0] && !strchr(error->message, '\n'));
    require(json_parse(out.data, out.len, &root, NULL) == SFT_OK);
    json_free(root);
    strbuf_free(&out);
}

static void check_request(const struct request *r, const struct request_limits *limits)
{
    const struct sampling *s = &r->sampling;
    require(r->n >= 1 && r->best_of >= r->n && r->best_of <= limits->max_samples);
    require(r->n_prompts >= 1 && request_answers(r) <= limits->max_answers);
    require(r->max_tokens >= 1 || r->endpoint == ENDPOINT_COMPLETIONS);
    require(r->stops.count <= limits->max_stops && r->n_top <= limits->max_top_logprobs);
    require(s->temperature >= 0 && s->temperature <= 2 && s->top_p > 0 && s->top_p <= 1);
    require(s->min_p >= 0 && s->min_p <= 1);
    require(s->repetition_penalty > 0 && fabs(s->presence_penalty) <= 2 && fabs(s->frequency_penalty) <= 2);
    for (size_t i = 0; i < r->stops.count; i++)
        require(r->stops.items[i][0] && strlen(r->stops.items[i]) <= limits->max_stop_bytes);
    for (size_t i = 0; i < r->n_biases; i++)
        require(r->biases[i].id >= 0 && (size_t)r->biases[i].id < limits->vocab_size && isfinite(r->biases[i].bias));
    for (size_t i = 0; i < r->conversation.count; i++)
        require(r->conversation.messages[i].role < ROLE_COUNT &&
                strlen(r->conversation.messages[i].content) == r->conversation.messages[i].len);
}

/* ---- answers ---- */

/* Any token but that of byte 0, which comes after the special token and 188 other bytes: an answer may hold it, as
 * \u0000, but our own reader of JSON, by which answers are looked at here, takes none. */
static int32_t token_id(unsigned byte)
{
    enum { NUL_ID = 1 + 188 };
    return byte % 256 == NUL_ID ? 0 : (int32_t)(byte % 256);
}

/* Tokens of the input, dealt to the answers; written after each. */
static void speak(struct response *p, const uint8_t *said, size_t n, struct strbuf *out)
{
    bool *enough = mem_calloc(p->n_answers, sizeof *enough);
    for (size_t i = 0; i < n; i++) {
        const size_t a = i % p->n_answers;
        const struct scored_token top[] = {{token_id(said[i]), -0.125F}, {token_id(said[i] + 1U), -INFINITY}};
        const struct new_token token = {
            .id = top[0].id, .logprob = -0.125F, .top = top, .n_top = p->request->n_top < 2 ? p->request->n_top : 2};
        if (!enough[a])
            enough[a] = !response_token(p, a, &token);
        response_write(p, out);
    }
    for (size_t a = 0; a < p->n_answers; a++) {
        response_ended(p, a, enough[a] ? FINISH_STOP : FINISH_LENGTH, 0);
        response_write(p, out);
    }
    require(response_is_done(p));
    free(enough);
}

/* The texts of a document's choices, and how many tokens have log probabilities, added to those of its index. */
static void collect(const json *root, struct strbuf *texts, size_t *n_tokens, size_t n)
{
    for (const json *choice = json_first(json_get(root, "choices")); choice; choice = json_next(choice)) {
        const size_t index = (size_t)json_number(json_get(choice, "index"));
        const json *message = json_get(choice, "message"), *delta = json_get(choice, "delta");
        const json *text = json_get(choice, "text"), *logprobs = json_get(choice, "logprobs");
        text = message ? json_get(message, "content") : delta ? json_get(delta, "content") : text;
        require(index < n && logprobs);
        if (text)
            strbuf_puts(&texts[index], json_string(text));
        n_tokens[index] += json_size(json_get(logprobs, json_get(logprobs, "content") ? "content" : "tokens"));
    }
}

static void collect_text(const char *text, size_t len, struct strbuf *texts, size_t *n_tokens, size_t n)
{
    json *root;
    require(json_parse(text, len, &root, NULL) == SFT_OK);
    collect(root, texts, n_tokens, n);
    json_free(root);
}

/* Every event is "data: ", one document without a line break, and an empty line; the last is [DONE]. */
static void collect_events(const struct strbuf *out, struct strbuf *texts, size_t *n_tokens, size_t n)
{
    const char *p = out->data, *end = out->data + out->len;
    for (;;) {
        const char *stop = strstr(p, "\n\n");
        require(stop && strncmp(p, "data: ", 6) == 0);
        if (strncmp(p + 6, "[DONE]", 6) == 0) {
            require(stop + 2 == end);
            return;
        }
        require(!memchr(p, '\n', (size_t)(stop - p)));
        collect_text(p + 6, (size_t)(stop - p - 6), texts, n_tokens, n);
        p = stop + 2;
    }
}

static void check_answers(struct request *r, const struct tokenizer *tok, const uint8_t *said, size_t n_said)
{
    const struct response_about about = {.model = "m\"\n", .fingerprint = "f"};
    const size_t n = request_answers(r);
    struct strbuf texts[2][128] = {0};
    size_t n_tokens[2][128] = {0};
    require(n <= 128);
    for (int streams = 0; streams < 2; streams++) {
        struct response p;
        struct strbuf out = {0};
        r->stream = streams;
        response_init(&p, r, &about, tok);
        speak(&p, said, n_said, &out);
        if (streams)
            collect_events(&out, texts[1], n_tokens[1], n);
        else
            collect_text(out.data, out.len, texts[0], n_tokens[0], n);
        response_free(&p);
        strbuf_free(&out);
    }
    for (size_t i = 0; i < n; i++) {
        require(r->best_of > r->n || (texts[0][i].len == texts[1][i].len && n_tokens[0][i] == n_tokens[1][i]));
        require(r->best_of > r->n || texts[0][i].len == 0 ||
                memcmp(texts[0][i].data, texts[1][i].data, texts[0][i].len) == 0);
        strbuf_free(&texts[0][i]);
        strbuf_free(&texts[1][i]);
    }
}

static void check(enum endpoint endpoint, const char *body, size_t len, const uint8_t *said, size_t n_said)
{
    struct bundle *bundle = byte_bundle();
    struct request_limits limits = REQUEST_LIMITS_DEFAULT;
    struct prompt_maker maker = {.bundle = bundle, .n_positions = 4096, .longest_token = 13};
    struct request r;
    struct api_error error;
    limits.vocab_size = tokenizer_vocab_size(bundle->files.tokenizer);
    if (request_read(&r, endpoint, body, len, &limits, &error)) {
        check_error(&error);
        return;
    }
    check_request(&r, &limits);
    maker.encoder = encoder_new(bundle->files.tokenizer);
    if (request_encode(&r, &maker, &error))
        check_error(&error);
    else
        check_answers(&r, bundle->files.tokenizer, said, n_said);
    encoder_free(maker.encoder);
    rendered_free(&maker.rendered);
    request_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *nul = size ? memchr(bytes, 0, size) : NULL;
    const size_t len = nul ? (size_t)(nul - bytes) : size;
    const uint8_t *said = nul ? nul + 1 : bytes; /* without one the body itself is said */
    const size_t n_said = nul ? size - len - 1 : size < 64 ? size : 64;
    char *body = mem_alloc(len ? len : 1); /* a copy of its exact size, so that reading past it is caught */
    memcpy(body, bytes, len);
    check(ENDPOINT_CHAT, body, len, said, n_said);
    check(ENDPOINT_COMPLETIONS, body, len, said, n_said);
    free(body);
    return 0;
}

#include "serve/openai_request.h"

#include "infer/decode.h"
#include "serve/openai_messages.h"
#include "serve/request_fields.h"

#include <float.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLETION_TOKENS = 16 }; /* OpenAI's default of max_tokens in /v1/completions */

/* One request while it is read. */
struct reading {
    const json *body;
    struct request *r;
    const struct request_limits *limits;
};

/* ---- numbers ---- */

static const struct {
    const char *key;
    double low, high;
    size_t offset; /* in struct sampling */
} sampling_fields[] = {
    {"temperature", 0, 2, offsetof(struct sampling, temperature)},
    {"top_p", 0, 1, offsetof(struct sampling, top_p)},
    {"min_p", 0, 1, offsetof(struct sampling, min_p)},
    {"presence_penalty", -2, 2, offsetof(struct sampling, presence_penalty)},
    {"frequency_penalty", -2, 2, offsetof(struct sampling, frequency_penalty)},
    {"repeat_penalty", 0.01, 100, offsetof(struct sampling, repetition_penalty)},
    {"repetition_penalty", 0.01, 100, offsetof(struct sampling, repetition_penalty)},
};

static enum sft_status read_sampling(const struct reading *g, struct sft_err *err)
{
    struct sampling *s = &g->r->sampling;
    int64_t seed = -1;
    *s = g->limits->sampling;
    for (size_t i = 0; i < sizeof sampling_fields / sizeof *sampling_fields; i++) {
        double *out = (double *)(void *)((char *)s + sampling_fields[i].offset);
        if (field_number(g->body, sampling_fields[i].key, sampling_fields[i].low, sampling_fields[i].high, out, err))
            return SFT_EDATA;
    }
    if (s->top_p <= 0) /* the likeliest alone */
        s->top_p = DBL_MIN;
    int64_t top_k = (int64_t)s->top_k;
    if (field_whole(g->body, "top_k", -1, INT32_MAX, &top_k, err) ||
        field_whole(g->body, "seed", INT64_MIN, INT64_MAX, &seed, err))
        return SFT_EDATA;
    s->top_k = top_k < 0 ? 0 : (size_t)top_k;
    g->r->has_seed = seed != -1; /* which is vLLM's and llama.cpp's word for a random one */
    s->seed = g->r->has_seed ? (uint64_t)seed : 0;
    return SFT_OK;
}

static enum sft_status read_size(const json *body, const char *key, size_t low, size_t high, size_t *out,
                                 struct sft_err *err)
{
    int64_t x = (int64_t)*out;
    if (field_whole(body, key, (int64_t)low, (int64_t)high, &x, err))
        return SFT_EDATA;
    *out = (size_t)x;
    return SFT_OK;
}

/* max_completion_tokens is the newer name of max_tokens, and goes before it; -1 is llama.cpp's and LangChain's word for
 * as many as there are positions. 0 is for the prompt's echo and its usage, and so not for a chat. */
static enum sft_status read_max_tokens(const struct reading *g, struct sft_err *err)
{
    static const char *const keys[] = {"max_tokens", "max_completion_tokens"};
    const int64_t least = g->r->endpoint == ENDPOINT_CHAT ? 1 : 0;
    int64_t most = g->r->endpoint == ENDPOINT_CHAT ? -1 : COMPLETION_TOKENS;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (field_whole_or_all(g->body, keys[i], least, INT32_MAX, &most, err))
            return SFT_EDATA;
    g->r->max_tokens = most < 0 ? SIZE_MAX : (size_t)most;
    return SFT_OK;
}

static enum sft_status read_samples(const struct reading *g, struct sft_err *err)
{
    struct request *r = g->r;
    r->n = r->best_of = 1;
    if (read_size(g->body, "n", 1, g->limits->max_samples, &r->n, err))
        return SFT_EDATA;
    r->best_of = r->n;
    if (r->endpoint == ENDPOINT_CHAT)
        return SFT_OK;
    if (read_size(g->body, "best_of", 1, g->limits->max_samples, &r->best_of, err))
        return SFT_EDATA;
    if (r->best_of < r->n)
        return sft_fail_in(err, SFT_EDATA, "best_of", "expected n (%zu) or more, found %zu", r->n, r->best_of);
    if (r->best_of > r->n && r->stream)
        return sft_fail_in(err, SFT_EDATA, "best_of",
                           "which answers are the best is known at the end only: not in a stream");
    return SFT_OK;
}

/* A number of the likeliest in /v1/completions, a flag and a number in a chat. */
static enum sft_status read_logprobs(const struct reading *g, struct sft_err *err)
{
    struct request *r = g->r;
    const bool is_chat = r->endpoint == ENDPOINT_CHAT;
    if (is_chat && field_bool(g->body, "logprobs", &r->logprobs, err))
        return SFT_EDATA;
    if (read_size(g->body, is_chat ? "top_logprobs" : "logprobs", 0, g->limits->max_top_logprobs, &r->n_top, err))
        return SFT_EDATA;
    if (is_chat && r->n_top > 0 && !r->logprobs)
        return sft_fail_in(err, SFT_EDATA, "top_logprobs", "only with \"logprobs\": true");
    if (!is_chat)
        r->logprobs = field_get(g->body, "logprobs") != NULL;
    return SFT_OK;
}

/* ---- lists ---- */

static enum sft_status add_stop(const struct reading *g, const json *node, struct sft_err *err)
{
    const char *stop = json_string(node);
    struct string_list *stops = &g->r->stops;
    if (!stop)
        return field_fail_type(node, "a string", err);
    const size_t len = strlen(stop);
    if (len > g->limits->max_stop_bytes)
        return sft_fail(err, SFT_EDATA, "%zu bytes (%zu at most)", len, g->limits->max_stop_bytes);
    if (len > 0) /* an empty one stops nothing */
        stops->items[stops->count++] = arena_strndup(&g->r->arena, stop, len);
    return SFT_OK;
}

static enum sft_status read_stops(const struct reading *g, struct sft_err *err)
{
    const json *stop = field_get(g->body, "stop");
    const size_t count = json_is_array(stop) ? json_size(stop) : 1;
    size_t i = 0;
    if (!stop)
        return SFT_OK;
    if (count > g->limits->max_stops)
        return sft_fail_in(err, SFT_EDATA, "stop", "%zu stop strings (%zu at most)", count, g->limits->max_stops);
    g->r->stops.items = arena_calloc(&g->r->arena, count + 1, sizeof *g->r->stops.items);
    if (json_is_string(stop) && add_stop(g, stop, err))
        return sft_in_key(err, "stop");
    if (!json_is_string(stop) && !json_is_array(stop)) {
        field_fail_type(stop, "a string or a list of strings", err);
        return sft_in_key(err, "stop");
    }
    for (const json *node = json_is_array(stop) ? json_first(stop) : NULL; node; node = json_next(node), i++)
        if (add_stop(g, node, err))
            return sft_in_key(err, "stop[%zu]", i);
    return SFT_OK;
}

static enum sft_status read_bias(const struct reading *g, const json *node, struct logit_bias *out, struct sft_err *err)
{
    const char *key = json_key(node);
    char *end;
    const long long id = strtoll(key, &end, 10);
    if (end == key || *end || id < 0 || (size_t)id >= g->limits->vocab_size)
        return sft_fail(err, SFT_EDATA, "'%.80s' is no token's id (0 to %zu)", key, g->limits->vocab_size - 1);
    const double bias = json_number(node);
    if (!json_is_number(node) || bias < -100 || bias > 100) {
        if (json_is_number(node))
            sft_fail(err, SFT_EDATA, "expected a number from -100 to 100, found %g", bias);
        else
            field_fail_type(node, "a number", err);
        return sft_in_key(err, "%.80s", key);
    }
    *out = (struct logit_bias){.id = (int32_t)id, .bias = (float)bias};
    return SFT_OK;
}

static enum sft_status read_biases(const struct reading *g, struct sft_err *err)
{
    const json *map = field_get(g->body, "logit_bias");
    const size_t count = json_size(map);
    if (!map)
        return SFT_OK;
    if (!json_is_object(map)) {
        field_fail_type(map, "an object", err);
        return sft_in_key(err, "logit_bias");
    }
    if (count > g->limits->max_biases)
        return sft_fail_in(err, SFT_EDATA, "logit_bias", "%zu tokens (%zu at most)", count, g->limits->max_biases);
    struct logit_bias *biases = arena_calloc(&g->r->arena, count + 1, sizeof *biases);
    g->r->biases = biases;
    for (const json *node = json_first(map); node; node = json_next(node))
        if (read_bias(g, node, &biases[g->r->n_biases++], err))
            return sft_in_key(err, "logit_bias");
    return SFT_OK;
}

/* ---- the prompts of /v1/completions: a text, texts, ids, or lists of ids ---- */

static enum sft_status take_ids(const struct reading *g, const json *list, struct request_prompt *out,
                                struct sft_err *err)
{
    int32_t *ids = arena_calloc(&g->r->arena, json_size(list) + 1, sizeof *ids);
    size_t n = 0;
    int64_t id;
    for (const json *node = json_first(list); node; node = json_next(node)) {
        if (whole_number(node, 0, (int64_t)g->limits->vocab_size - 1, &id, err))
            return sft_in_key(err, "[%zu]", n);
        ids[n++] = (int32_t)id;
    }
    *out = (struct request_prompt){.ids = ids, .n_ids = n};
    return SFT_OK;
}

static enum sft_status take_prompt(const struct reading *g, const json *node, struct request_prompt *out,
                                   struct sft_err *err)
{
    const char *text = json_string(node);
    if (json_is_array(node))
        return take_ids(g, node, out, err);
    if (!text)
        return field_fail_type(node, "a string or a list of token ids", err);
    const size_t len = strlen(text);
    *out = (struct request_prompt){.text = arena_strndup(&g->r->arena, text, len), .len = len};
    return SFT_OK;
}

static enum sft_status read_prompt_list(const struct reading *g, const json *list, struct sft_err *err)
{
    struct request *r = g->r;
    const size_t count = json_size(list);
    if (count == 0)
        return sft_fail(err, SFT_EDATA, "the list is empty");
    if (count * r->best_of > g->limits->max_answers)
        return sft_fail(err, SFT_EDATA, "%zu prompts, %zu answers each (%zu answers at most)", count, r->best_of,
                        g->limits->max_answers);
    r->prompts = arena_calloc(&r->arena, count, sizeof *r->prompts);
    for (const json *node = json_first(list); node; node = json_next(node), r->n_prompts++)
        if (take_prompt(g, node, &r->prompts[r->n_prompts], err))
            return sft_in_key(err, "[%zu]", r->n_prompts);
    return SFT_OK;
}

static enum sft_status read_prompts(const struct reading *g, struct sft_err *err)
{
    struct request *r = g->r;
    const json *prompt = field_get(g->body, "prompt");
    const bool is_list = json_is_array(prompt) && !json_is_number(json_first(prompt));
    enum sft_status status;
    if (is_list) {
        r->is_list = true;
        status = read_prompt_list(g, prompt, err);
    } else {
        r->prompts = arena_calloc(&r->arena, 1, sizeof *r->prompts);
        r->n_prompts = 1;
        status = take_prompt(g, prompt, r->prompts, err);
    }
    return status ? sft_in_key(err, "prompt") : SFT_OK;
}

/* ---- what nobody here can do ---- */

static bool is_word(const json *node, const char *word)
{
    return json_is_string(node) && strcmp(json_string(node), word) == 0;
}

static enum sft_status refuse(struct sft_err *err, const char *key, const char *why)
{
    return sft_fail_in(err, SFT_EDATA, key, "%s", why);
}

static enum sft_status check_chat_is_text(const json *body, struct sft_err *err)
{
    static const char *const choices[] = {"tool_choice", "function_call"};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        const json *choice = field_get(body, choices[i]);
        if (choice && !is_word(choice, "auto") && !is_word(choice, "none"))
            return refuse(err, choices[i], "an answer cannot be made to call a tool here (auto or none)");
    }
    const json *format = field_get(body, "response_format"), *modalities = field_get(body, "modalities");
    if (format && !is_word(json_get(format, "type"), "text"))
        return refuse(err, "response_format", "answers are text here, of no other format ({\"type\": \"text\"})");
    if (modalities && !json_is_array(modalities))
        return refuse(err, "modalities", "expected a list");
    for (const json *m = json_first(modalities); m; m = json_next(m))
        if (!is_word(m, "text"))
            return refuse(err, "modalities", "answers are text here ([\"text\"])");
    return SFT_OK;
}

static enum sft_status check_completion(const struct reading *g, struct sft_err *err)
{
    const char *suffix = NULL;
    if (field_string(g->body, "suffix", &suffix, err) || field_bool(g->body, "echo", &g->r->echo, err))
        return SFT_EDATA;
    if (suffix && *suffix)
        return refuse(err, "suffix", "text cannot be filled in before a suffix here");
    if (g->r->echo && g->r->logprobs)
        return refuse(err, "echo", "log probabilities of the prompt are not made here: echo and logprobs exclude "
                                   "each other");
    return SFT_OK;
}

/* ---- all of it ---- */

static enum sft_status read_stream(const struct reading *g, struct sft_err *err)
{
    struct request *r = g->r;
    const json *options = field_get(g->body, "stream_options");
    if (field_bool(g->body, "stream", &r->stream, err))
        return SFT_EDATA;
    if (options && !json_is_object(options)) {
        field_fail_type(options, "an object", err);
        return sft_in_key(err, "stream_options");
    }
    if (field_bool(options, "include_usage", &r->include_usage, err))
        return sft_in_key(err, "stream_options");
    return SFT_OK;
}

static enum sft_status read_common(const struct reading *g, struct sft_err *err)
{
    struct request *r = g->r;
    if (field_string(g->body, "model", &r->model, err) || read_stream(g, err) || read_samples(g, err) ||
        read_max_tokens(g, err) || read_sampling(g, err) || read_stops(g, err) || read_biases(g, err) ||
        read_logprobs(g, err) || field_bool(g->body, "ignore_eos", &r->ignore_ends, err))
        return SFT_EDATA;
    if (r->model)
        r->model = arena_strndup(&r->arena, r->model, strlen(r->model));
    return SFT_OK;
}

static enum sft_status read_body(const struct reading *g, struct sft_err *err)
{
    struct request *r = g->r;
    if (!json_is_object(g->body))
        return sft_fail(err, SFT_EDATA, "the body: expected an object, found %s", json_type_name(g->body));
    if (read_common(g, err))
        return SFT_EDATA;
    if (r->endpoint == ENDPOINT_COMPLETIONS)
        return read_prompts(g, err) ? SFT_EDATA : check_completion(g, err);
    r->prompts = arena_calloc(&r->arena, 1, sizeof *r->prompts);
    r->n_prompts = 1;
    if (messages_read(g->body, g->limits->max_messages, g->limits->max_values, &r->arena, &r->conversation, err))
        return SFT_EDATA;
    return check_chat_is_text(g->body, err);
}

/* What a model has of its own, in *limits. SFT_EDATA and *error: there is none of that name. */
static enum sft_status choose_model(struct request *r, const json *body, struct request_limits *limits,
                                    struct api_error *error)
{
    const char *name = json_string(json_get(body, "model")); /* of another type: read_common says so */
    size_t i = 0;
    while (name && i < limits->n_models && strcmp(limits->models[i].id, name) != 0)
        i++;
    if (limits->n_models == 0)
        return SFT_OK;
    if (i == limits->n_models) {
        api_error_set(error, API_NO_MODEL, "model",
                      "there is no model '%.200s' here (GET /v1/models lists those that "
                      "there are)",
                      name);
        return SFT_EDATA;
    }
    r->model_number = i;
    limits->vocab_size = limits->models[i].vocab_size;
    limits->sampling = limits->models[i].sampling;
    return SFT_OK;
}

enum sft_status request_read(struct request *r, enum endpoint endpoint, const char *body, size_t len,
                             const struct request_limits *limits, struct api_error *error)
{
    struct sft_err err = {0};
    struct request_limits own = *limits;
    json *root = NULL;
    *r = (struct request){.endpoint = endpoint};
    enum sft_status status = SFT_OK;
    if (json_values_bound(body, len) > limits->max_values)
        status = sft_fail(&err, SFT_EDATA, "the body holds more than %zu values", limits->max_values);
    else if (json_parse(body, len, &root, &err))
        status = sft_context(&err, "the body");
    if (!status && choose_model(r, root, &own, error)) {
        json_free(root);
        return SFT_EDATA;
    }
    if (!status)
        status = read_body(&(struct reading){.body = root, .r = r, .limits = &own}, &err);
    json_free(root);
    if (status) {
        request_free(r);
        api_error_take(error, API_INVALID, &err);
    }
    return status;
}

void request_free(struct request *r)
{
    arena_free(&r->arena);
    *r = (struct request){0};
}

size_t request_answers(const struct request *r)
{
    return r->n_prompts * r->best_of;
}

void request_ask(const struct request *r, size_t answer, struct ask *ask)
{
    const struct request_prompt *prompt = &r->prompts[answer / r->best_of];
    *ask = (struct ask){
        .model = r->model_number,
        .prompt = prompt->ids,
        .n_prompt = prompt->n_ids,
        .max_new_tokens = r->max_tokens,
        .sampling = r->sampling,
        .random_stream = answer % r->best_of, /* so that a prompt in a list is answered as it is alone */
        .bias = r->biases,
        .n_bias = r->n_biases,
        .ignore_ends = r->ignore_ends,
        .wants_logprob = r->logprobs || r->best_of > r->n,
        .n_top = r->n_top,
    };
}

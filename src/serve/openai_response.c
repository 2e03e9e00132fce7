#include "serve/openai_response.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "serve/openai_answer.h"
#include "serve/openai_logprobs.h"

#include <stdlib.h>
#include <string.h>

static bool is_chat(const struct response *p)
{
    return p->request->endpoint == ENDPOINT_CHAT;
}

/* ---- the prompt of an answer, as text: echoed, or counted ---- */

static void add_prompt(const struct response *p, size_t answer, struct strbuf *out)
{
    const struct request_prompt *prompt = &p->request->prompts[answer / p->request->best_of];
    struct strbuf bytes = {0};
    if (prompt->text) {
        strbuf_add(out, prompt->text, prompt->len);
        return;
    }
    tokenizer_decode_part(p->tokenizer, prompt->ids, prompt->n_ids, true, &bytes);
    strbuf_add_utf8_lossy(out, bytes.data ? bytes.data : "", bytes.len);
    strbuf_free(&bytes);
}

/* Offsets of tokens count from the prompt's first character. */
static size_t count_prompt(const struct response *p, size_t answer)
{
    struct strbuf text = {0};
    size_t n = 0;
    add_prompt(p, answer, &text);
    for (size_t i = 0; i < text.len; n++)
        i += utf8_decode(text.data + i, text.len - i, NULL, NULL);
    strbuf_free(&text);
    return n;
}

/* ---- life ---- */

void response_init(struct response *p, const struct request *request, const struct response_about *about,
                   const struct tokenizer *tokenizer)
{
    const size_t n = request_answers(request);
    *p = (struct response){.request = request,
                           .about = *about,
                           .tokenizer = tokenizer,
                           .answers = mem_calloc(n, sizeof *p->answers),
                           .n_answers = n};
    for (size_t i = 0; i < n; i++) {
        answer_init(&p->answers[i], tokenizer, !is_chat(p), &request->stops, request->logprobs);
        if (request->logprobs && !is_chat(p))
            p->answers[i].n_chars = count_prompt(p, i);
    }
}

void response_free(struct response *p)
{
    for (size_t i = 0; i < p->n_answers; i++)
        answer_free(&p->answers[i]);
    free(p->answers);
    *p = (struct response){0};
}

bool response_token(struct response *p, size_t answer, const struct new_token *token)
{
    return answer_add(&p->answers[answer], token);
}

void response_ended(struct response *p, size_t answer, enum finish_reason reason, size_t n_cached)
{
    answer_end(&p->answers[answer], reason);
    p->answers[answer].n_cached = n_cached;
    p->n_ended++;
}

bool response_is_done(const struct response *p)
{
    return p->is_written;
}

void response_error(const struct response *p, struct api_error *error)
{
    *error = (struct api_error){0};
    for (size_t i = 0; i < p->n_answers && !error->status; i++) {
        const struct answer *a = &p->answers[i];
        if (a->reason == FINISH_NOT_FINITE)
            api_error_set(error, API_FAILED, NULL, "the model's output is not finite: its weights have diverged, or "
                                                   "its config.json is not theirs");
        else if (a->reason == FINISH_CANCELLED)
            api_error_set(error, API_DRAINING, NULL, "the server is shutting down");
        else if (a->reason == FINISH_NO_MEMORY && a->n_tokens == 0)
            api_error_set(error, API_NO_MEMORY, NULL,
                          "there is no memory for the keys and values of so many positions");
    }
}

/* ---- the parts of an object ---- */

static const char *finish_word(enum finish_reason reason)
{
    return reason == FINISH_NONE ? "null" : reason == FINISH_STOP ? "\"stop\"" : "\"length\"";
}

static void open_object(const struct response *p, const char *object, struct strbuf *out)
{
    const struct response_about *about = &p->about;
    strbuf_puts(out, is_chat(p) ? "{\"id\":\"chatcmpl-" : "{\"id\":\"cmpl-");
    for (size_t i = 0; i < sizeof about->random; i++)
        strbuf_printf(out, "%02x", about->random[i]);
    strbuf_printf(out, "\",\"object\":\"%s\",\"created\":%lld,\"model\":", object, (long long)about->created);
    strbuf_json_string(out, about->model, strlen(about->model));
    strbuf_puts(out, ",\"system_fingerprint\":");
    strbuf_json_string(out, about->fingerprint, strlen(about->fingerprint));
    strbuf_puts(out, ",\"choices\":[");
}

static void add_usage(const struct response *p, struct strbuf *out)
{
    const struct request *r = p->request;
    size_t prompt = 0, completion = 0, cached = 0;
    for (size_t i = 0; i < r->n_prompts; i++) {
        prompt += r->prompts[i].n_ids;
        cached += p->answers[i * r->best_of].n_cached; /* its other samples find all of it */
    }
    for (size_t i = 0; i < p->n_answers; i++)
        completion += p->answers[i].n_tokens;
    strbuf_printf(out,
                  "\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
                  "\"prompt_tokens_details\":{\"cached_tokens\":%zu}}",
                  prompt, completion, prompt + completion, cached);
}

/* The log probabilities of what is ready and not written. */
static void add_logprobs(const struct response *p, struct answer *a, struct strbuf *out)
{
    const size_t from = a->said_written, to = answer_said_ready(a);
    strbuf_puts(out, ",\"logprobs\":");
    if (!a->keeps_tokens || (p->request->stream && from == to))
        strbuf_puts(out, "null");
    else if (is_chat(p))
        logprobs_print_chat(a, from, to, p->tokenizer, out);
    else
        logprobs_print_completion(a, from, to, p->tokenizer, out);
    a->said_written = to;
    if (p->request->stream)
        answer_forget_written(a);
}

/* ---- a stream ---- */

/* An event with one choice: its delta {"role": ..., "content": ...}, or its text; `words` are members of the delta that
 * stand before the text; NULL text: none. */
static void add_event(const struct response *p, size_t i, const char *words, const char *text, size_t len,
                      enum finish_reason reason, struct strbuf *out)
{
    struct answer *a = &p->answers[i];
    strbuf_puts(out, "data: ");
    open_object(p, is_chat(p) ? "chat.completion.chunk" : "text_completion", out);
    strbuf_printf(out, is_chat(p) ? "{\"index\":%zu,\"delta\":{%s" : "{\"index\":%zu,%s", i, words);
    if (text) {
        strbuf_puts(out, is_chat(p) ? "\"content\":" : "\"text\":");
        strbuf_json_string(out, text, len);
    }
    strbuf_puts(out, is_chat(p) ? "}" : "");
    if (*words)
        strbuf_puts(out, ",\"logprobs\":null"); /* they come with their text */
    else
        add_logprobs(p, a, out);
    strbuf_printf(out, ",\"finish_reason\":%s}]%s}\n\n", finish_word(reason),
                  p->request->include_usage ? ",\"usage\":null" : "");
}

/* The first event of a choice: the role, or the prompt that is echoed. */
static void begin_choice(struct response *p, size_t i, struct strbuf *out)
{
    struct strbuf prompt = {0};
    p->answers[i].has_begun = true;
    if (is_chat(p)) {
        add_event(p, i, "\"role\":\"assistant\",", "", 0, FINISH_NONE, out);
    } else if (p->request->echo) {
        add_prompt(p, i, &prompt);
        if (prompt.len > 0)
            add_event(p, i, "", prompt.data, prompt.len, FINISH_NONE, out);
    }
    strbuf_free(&prompt);
}

static void write_choice(struct response *p, size_t i, struct strbuf *out)
{
    struct answer *a = &p->answers[i];
    if (a->has_finished || (a->n_tokens == 0 && a->reason == FINISH_NONE))
        return;
    if (!a->has_begun)
        begin_choice(p, i, out);
    const size_t from = a->text_written;
    if (a->text.ready > from) {
        a->text_written = a->text.ready;
        add_event(p, i, "", a->text.text.data + from, a->text.ready - from, FINISH_NONE, out);
    }
    if (a->reason == FINISH_NONE)
        return;
    a->has_finished = true;
    add_event(p, i, "", is_chat(p) ? NULL : "", 0, a->reason, out);
}

static void write_events(struct response *p, struct strbuf *out)
{
    for (size_t i = 0; i < p->n_answers; i++)
        write_choice(p, i, out);
    if (p->n_ended < p->n_answers)
        return;
    if (p->request->include_usage) {
        strbuf_puts(out, "data: ");
        open_object(p, is_chat(p) ? "chat.completion.chunk" : "text_completion", out);
        strbuf_puts(out, "],");
        add_usage(p, out);
        strbuf_puts(out, "}\n\n");
    }
    strbuf_puts(out, "data: [DONE]\n\n");
    p->is_written = true;
}

void response_write_error(struct response *p, const struct api_error *error, struct strbuf *out)
{
    strbuf_puts(out, "data: ");
    api_error_print(error, out);
    strbuf_puts(out, "\n\n");
    p->is_written = true;
}

/* ---- one object ---- */

static void add_choice(struct response *p, size_t i, size_t index, struct strbuf *out)
{
    struct answer *a = &p->answers[i];
    struct strbuf text = {0};
    if (p->request->echo)
        add_prompt(p, i, &text);
    strbuf_add(&text, a->text.text.data ? a->text.text.data : "", a->text.text.len);
    strbuf_printf(out,
                  is_chat(p) ? "{\"index\":%zu,\"message\":{\"role\":\"assistant\",\"content\":"
                             : "{\"index\":%zu,\"text\":",
                  index);
    strbuf_json_string(out, text.data, text.len);
    strbuf_puts(out, is_chat(p) ? ",\"refusal\":null}" : "");
    add_logprobs(p, a, out);
    strbuf_printf(out, ",\"finish_reason\":%s}", finish_word(a->reason));
    strbuf_free(&text);
}

/* The best that is not written, of the answers to one prompt; of equals the first. */
static size_t find_best(const struct response *p, size_t first)
{
    size_t best = SIZE_MAX;
    for (size_t i = first; i < first + p->request->best_of; i++)
        if (!p->answers[i].has_finished &&
            (best == SIZE_MAX || answer_mean_logprob(&p->answers[i]) > answer_mean_logprob(&p->answers[best])))
            best = i;
    return best;
}

static void write_body(struct response *p, struct strbuf *out)
{
    const struct request *r = p->request;
    open_object(p, is_chat(p) ? "chat.completion" : "text_completion", out);
    for (size_t index = 0; index < r->n_prompts * r->n; index++) {
        const size_t first = index / r->n * r->best_of;
        const size_t i = r->best_of > r->n ? find_best(p, first) : index;
        strbuf_puts(out, index ? "," : "");
        add_choice(p, i, index, out);
        p->answers[i].has_finished = true;
    }
    strbuf_puts(out, "],");
    add_usage(p, out);
    strbuf_puts(out, "}");
    p->is_written = true;
}

void response_write(struct response *p, struct strbuf *out)
{
    if (p->is_written)
        return;
    if (p->request->stream)
        write_events(p, out);
    else if (p->n_ended == p->n_answers)
        write_body(p, out);
}

/* ---- models ---- */

void model_print(const struct served_model *model, struct strbuf *out)
{
    strbuf_puts(out, "{\"id\":");
    strbuf_json_string(out, model->id, strlen(model->id));
    strbuf_printf(out, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"sft\",\"max_model_len\":%zu}",
                  (long long)model->created, model->n_positions);
}

void models_print(const struct served_model *models, size_t n, struct strbuf *out)
{
    strbuf_puts(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < n; i++) {
        strbuf_puts(out, i ? "," : "");
        model_print(&models[i], out);
    }
    strbuf_puts(out, "]}");
}

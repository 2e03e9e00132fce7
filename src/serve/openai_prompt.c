#include "serve/openai_prompt.h"

#include <stdio.h>
#include <string.h>

size_t prompt_longest_token(const struct tokenizer *tokenizer)
{
    size_t longest = 1;
    for (size_t id = 0; id < tokenizer_vocab_size(tokenizer); id++) {
        size_t len;
        tokenizer_token_bytes(tokenizer, (int32_t)id, &len);
        longest = len > longest ? len : longest;
    }
    return longest;
}

/* Where a prompt stands in the request: "messages", "prompt", "prompt[3]". */
struct place {
    char param[32];
};

static struct place place_of(const struct request *r, const struct request_prompt *prompt)
{
    struct place place;
    if (r->is_list)
        snprintf(place.param, sizeof place.param, "prompt[%zu]", (size_t)(prompt - r->prompts));
    else
        snprintf(place.param, sizeof place.param, "%s", r->endpoint == ENDPOINT_CHAT ? "messages" : "prompt");
    return place;
}

/* So many bytes are more tokens than the model sees, whatever they are: nobody waits for them to be encoded. */
static enum sft_status check_bytes(const struct place *at, const struct prompt_maker *maker, size_t bytes,
                                   struct api_error *error)
{
    if (bytes / maker->longest_token < maker->n_positions)
        return SFT_OK;
    api_error_set(error, API_TOO_LONG, at->param, "%s: %zu bytes are more than the %zu positions that this model sees",
                  at->param, bytes, maker->n_positions);
    return SFT_EDATA;
}

static enum sft_status check_count(const struct place *at, const struct prompt_maker *maker, size_t n_ids,
                                   struct api_error *error)
{
    if (n_ids > 0 && n_ids < maker->n_positions)
        return SFT_OK;
    if (n_ids == 0)
        api_error_set(error, API_INVALID, at->param, "%s: the prompt is empty", at->param);
    else
        api_error_set(error, API_TOO_LONG, at->param,
                      "%s: %zu tokens, of %zu positions that this model sees: nothing is left for an answer",
                      at->param, n_ids, maker->n_positions);
    return SFT_EDATA;
}

static enum sft_status fail(const struct place *at, struct sft_err *err, struct api_error *error)
{
    if (!sft_err_is_in(err, at->param))
        sft_in_key(err, "%s", at->param);
    api_error_take(error, API_INVALID, err);
    return SFT_EDATA;
}

static void take_rendered(struct request *r, struct request_prompt *prompt, const struct token_buf *tokens)
{
    int32_t *ids = arena_calloc(&r->arena, tokens->count + 1, sizeof *ids);
    if (tokens->count > 0)
        memcpy(ids, tokens->ids, tokens->count * sizeof *ids);
    prompt->ids = ids;
    prompt->n_ids = tokens->count;
}

/* Another answer behind one: whether the template has a place for it shows where it stands there. */
static enum sft_status check_answer_behind(const struct request *r, const struct prompt_maker *maker,
                                           struct sft_err *err)
{
    const struct conversation *conv = &r->conversation;
    struct arena arena = {0};
    struct conversation longer = {.messages = arena_calloc(&arena, conv->count + 1, sizeof *conv->messages),
                                  .count = conv->count + 1};
    memcpy(longer.messages, conv->messages, conv->count * sizeof *conv->messages);
    longer.messages[conv->count] = (struct message){.role = ROLE_ASSISTANT, .content = "", .weight = 1};
    enum sft_status status = template_check(&maker->bundle->template, &longer, NULL);
    arena_free(&arena);
    if (status)
        sft_fail_in(err, SFT_EDATA, "messages",
                    "the conversation ends with an answer already, and this model's template has no place for another "
                    "one behind it");
    return status;
}

static enum sft_status encode_conversation(struct request *r, struct prompt_maker *maker, struct api_error *error)
{
    const struct conversation *conv = &r->conversation;
    const struct place at = place_of(r, r->prompts);
    struct sft_err err = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < conv->count; i++)
        bytes += conv->messages[i].len;
    if (check_bytes(&at, maker, bytes, error))
        return SFT_EDATA;
    if (conv->messages[conv->count - 1].role == ROLE_ASSISTANT && check_answer_behind(r, maker, &err))
        return fail(&at, &err, error);
    if (prompt_of_conversation(&maker->rendered, &maker->bundle->template, maker->encoder, conv, &err))
        return fail(&at, &err, error);
    take_rendered(r, r->prompts, &maker->rendered.tokens);
    return check_count(&at, maker, r->prompts->n_ids, error);
}

static enum sft_status encode_prompt(struct request *r, struct request_prompt *prompt, struct prompt_maker *maker,
                                     struct api_error *error)
{
    const struct place at = place_of(r, prompt);
    struct sft_err err = {0};
    if (prompt->text) {
        if (check_bytes(&at, maker, prompt->len, error))
            return SFT_EDATA;
        if (prompt_of_text(&maker->rendered, maker->bundle->files.tokenizer, maker->encoder, prompt->text, prompt->len,
                           &err))
            return fail(&at, &err, error);
        take_rendered(r, prompt, &maker->rendered.tokens);
    }
    return check_count(&at, maker, prompt->n_ids, error);
}

/* All log probabilities are kept until the last answer has ended where none is sent before: no request may be for more
 * than a server has memory for. */
static enum sft_status check_logprobs(const struct request *r, struct api_error *error)
{
    enum { MOST = 1 << 20 }; /* some 100 bytes each */
    const size_t answers = request_answers(r);
    if (r->stream || !r->logprobs || r->max_tokens <= MOST / (answers * (1 + r->n_top)))
        return SFT_OK;
    api_error_set(error, API_INVALID, "max_tokens",
                  "max_tokens: log probabilities of %zu answers, up to %zu tokens each, %zu of every token, are more "
                  "than %d (a smaller max_tokens, n, or number of logprobs; or \"stream\": true)",
                  answers, r->max_tokens, 1 + r->n_top, MOST);
    return SFT_EDATA;
}

enum sft_status request_encode(struct request *r, struct prompt_maker *maker, struct api_error *error)
{
    if (r->max_tokens > maker->n_positions)
        r->max_tokens = maker->n_positions;
    if (check_logprobs(r, error))
        return SFT_EDATA;
    if (r->endpoint == ENDPOINT_CHAT)
        return encode_conversation(r, maker, error);
    for (size_t i = 0; i < r->n_prompts; i++)
        if (encode_prompt(r, &r->prompts[i], maker, error))
            return SFT_EDATA;
    return SFT_OK;
}

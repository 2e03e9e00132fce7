#include "serve/openai_prompt.h"

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

static const char *param_of(const struct request *r)
{
    return r->endpoint == ENDPOINT_CHAT ? "messages" : "prompt";
}

/* So many bytes are more tokens than the model sees, whatever they are: nobody waits for them to be encoded. */
static enum sft_status check_bytes(const struct request *r, const struct prompt_maker *maker, size_t bytes,
                                   struct api_error *error)
{
    if (bytes / maker->longest_token < maker->n_positions)
        return SFT_OK;
    api_error_set(error, API_TOO_LONG, param_of(r),
                  "%s: %zu bytes are more than the %zu positions that this model sees",
                  param_of(r), bytes, maker->n_positions);
    return SFT_EDATA;
}

static enum sft_status check_count(const struct request *r, const struct prompt_maker *maker, size_t n_ids,
                                   struct api_error *error)
{
    if (n_ids > 0 && n_ids < maker->n_positions)
        return SFT_OK;
    if (n_ids == 0)
        api_error_set(error, API_INVALID, param_of(r), "%s: the prompt is empty", param_of(r));
    else
        api_error_set(error, API_TOO_LONG, param_of(r),
                      "%s: %zu tokens, of %zu positions that this model sees: nothing is left for an answer",
                      param_of(r), n_ids, maker->n_positions);
    return SFT_EDATA;
}

static enum sft_status fail(const struct request *r, struct sft_err *err, struct api_error *error)
{
    if (!sft_err_is_in(err, param_of(r)))
        sft_in_key(err, "%s", param_of(r));
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
    struct sft_err err = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < conv->count; i++)
        bytes += conv->messages[i].len;
    if (check_bytes(r, maker, bytes, error))
        return SFT_EDATA;
    if (conv->messages[conv->count - 1].role == ROLE_ASSISTANT && check_answer_behind(r, maker, &err))
        return fail(r, &err, error);
    if (prompt_of_conversation(&maker->rendered, &maker->bundle->template, maker->encoder, conv, &err))
        return fail(r, &err, error);
    take_rendered(r, r->prompts, &maker->rendered.tokens);
    return check_count(r, maker, r->prompts->n_ids, error);
}

static enum sft_status encode_prompt(struct request *r, struct request_prompt *prompt, struct prompt_maker *maker,
                                     struct api_error *error)
{
    struct sft_err err = {0};
    if (prompt->text) {
        if (check_bytes(r, maker, prompt->len, error))
            return SFT_EDATA;
        if (prompt_of_text(&maker->rendered, maker->bundle->files.tokenizer, maker->encoder, prompt->text, prompt->len,
                           &err))
            return fail(r, &err, error);
        take_rendered(r, prompt, &maker->rendered.tokens);
    }
    return check_count(r, maker, prompt->n_ids, error);
}

enum sft_status request_encode(struct request *r, struct prompt_maker *maker, struct api_error *error)
{
    if (r->max_tokens > maker->n_positions)
        r->max_tokens = maker->n_positions;
    if (r->endpoint == ENDPOINT_CHAT)
        return encode_conversation(r, maker, error);
    for (size_t i = 0; i < r->n_prompts; i++)
        if (encode_prompt(r, &r->prompts[i], maker, error))
            return SFT_EDATA;
    return SFT_OK;
}

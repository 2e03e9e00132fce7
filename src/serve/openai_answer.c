#include "serve/openai_answer.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void answer_init(struct answer *a, const struct tokenizer *tokenizer, bool is_part, const struct string_list *stops,
                 bool keeps_tokens)
{
    *a = (struct answer){.keeps_tokens = keeps_tokens};
    text_stream_init(&a->text, tokenizer, is_part, stops);
}

void answer_free(struct answer *a)
{
    text_stream_free(&a->text);
    free(a->said);
    free(a->tops);
    *a = (struct answer){0};
}

static void keep_token(struct answer *a, const struct new_token *token)
{
    a->said = mem_grow(a->said, &a->said_capacity, a->n_said + 1, sizeof *a->said);
    a->said[a->n_said++] = (struct said_token){.id = token->id,
                                               .logprob = token->logprob,
                                               .begin = a->text.text.len,
                                               .first_top = a->n_tops,
                                               .n_top = token->n_top};
    if (token->n_top == 0)
        return;
    a->tops = mem_grow(a->tops, &a->tops_capacity, a->n_tops + token->n_top, sizeof *a->tops);
    memcpy(a->tops + a->n_tops, token->top, token->n_top * sizeof *token->top);
    a->n_tops += token->n_top;
}

/* All tokens so far end where the text does: one that made no text yet, part of a character, ends with the next. */
static void end_tokens(struct answer *a)
{
    for (; a->n_whole < a->n_said; a->n_whole++)
        a->said[a->n_whole].end = a->text.text.len;
}

bool answer_add(struct answer *a, const struct new_token *token)
{
    const size_t before = a->text.text.len;
    a->n_tokens++;
    a->sum_logprob += (double)token->logprob;
    if (token->ends)
        return true;
    if (a->keeps_tokens)
        keep_token(a, token);
    const bool goes_on = text_stream_add(&a->text, token);
    if (a->text.text.len > before)
        end_tokens(a);
    return goes_on;
}

void answer_end(struct answer *a, enum finish_reason reason)
{
    text_stream_end(&a->text);
    end_tokens(a);
    a->reason = reason;
    while (a->text.stopped && a->n_said > 0 && a->said[a->n_said - 1].begin >= a->text.text.len)
        a->n_whole = --a->n_said;
}

size_t answer_said_ready(const struct answer *a)
{
    size_t n = a->said_written;
    if (a->reason != FINISH_NONE)
        return a->n_said;
    while (n < a->n_whole && a->said[n].end <= a->text.ready)
        n++;
    return n;
}

void answer_forget_written(struct answer *a)
{
    if (a->said_written == a->n_said)
        a->n_said = a->n_whole = a->n_tops = a->said_written = 0;
}

size_t answer_count_chars(struct answer *a, size_t byte)
{
    const struct strbuf *text = &a->text.text;
    for (byte = byte < text->len ? byte : text->len; a->counted < byte; a->n_chars++)
        a->counted += utf8_decode(text->data + a->counted, text->len - a->counted, NULL, NULL);
    return a->n_chars;
}

double answer_mean_logprob(const struct answer *a)
{
    return a->n_tokens ? a->sum_logprob / (double)a->n_tokens : -INFINITY;
}

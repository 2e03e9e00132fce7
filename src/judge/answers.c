#include "judge/answers.h"

#include "base/bounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "infer/prompt.h"

#include <stdlib.h>

/* ---- what is asked ---- */

static enum sft_status encode(const struct answer_form *form, struct encoder *encoder, const struct prompt_row *prompt,
                              struct rendered *rendered, struct sft_err *err)
{
    return form->template->name ? prompt_of_conversation(rendered, form->template, encoder, &prompt->conv, err)
                                : prompt_of_text(rendered, form->tokenizer, encoder, prompt->text, prompt->len, err);
}

static enum sft_status check_length(size_t n_tokens, size_t n_positions, struct sft_err *err)
{
    if (n_tokens == 0)
        return sft_fail(err, SFT_EDATA, "has no token that the model knows");
    if (n_tokens >= n_positions)
        return sft_fail(err, SFT_EDATA, "has %zu tokens, and the model sees %zu: there is no room for an answer "
                                        "(shorten it, or leave it out)", n_tokens, n_positions);
    return SFT_OK;
}

static enum sft_status encode_all(struct answerer *a, size_t n_positions, struct sft_err *err)
{
    struct encoder *encoder = encoder_new(a->form.tokenizer);
    struct rendered rendered = {0};
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < a->prompts->count && !status; i++) {
        const struct prompt_row *prompt = &a->prompts->items[i];
        status = encode(&a->form, encoder, prompt, &rendered, err);
        if (!status && (status = check_length(rendered.tokens.count, n_positions, err)))
            sft_in_key(err, prompt->conv.count > 1 ? "messages" : "prompt");
        for (size_t k = 0; k < rendered.tokens.count && !status; k++)
            token_buf_push(&a->questions[i], rendered.tokens.ids[k]);
        if (status)
            sft_in_file(err, prompt->file, prompt->line);
    }
    rendered_free(&rendered);
    encoder_free(encoder);
    return status;
}

/* ---- memory ---- */

/* Pages of the longest question with the longest answer, for all that run at once. */
static size_t most_kv_bytes(const struct answerer *a, const struct model_config *config, const struct kernels *kernels)
{
    size_t longest = 0;
    for (size_t i = 0; i < a->prompts->count; i++)
        longest = at_least(longest, a->questions[i].count);
    const size_t positions = at_most(longest + a->max_new_tokens, config->n_positions);
    return a->options.max_streams * kv_pages_of(positions) * kv_page_bytes(config, kernels);
}

enum sft_status answerer_init(struct answerer *a, const struct prompts *prompts, const struct answer_form *form,
                              const struct model_config *config, const struct kernels *kernels, size_t max_new_tokens,
                              const struct decode_options *options, struct sft_err *err)
{
    *a = (struct answerer){.prompts = prompts, .form = *form, .options = *options, .max_new_tokens = max_new_tokens};
    a->questions = mem_calloc(prompts->count, sizeof *a->questions);
    if (encode_all(a, config->n_positions, err))
        return err->status;
    a->options.max_streams = at_most(a->options.max_streams, prompts->count);
    if (a->options.kv_bytes == 0)
        a->options.kv_bytes = most_kv_bytes(a, config, kernels);
    return SFT_OK;
}

size_t answerer_bytes(const struct answerer *a, const struct model_config *config, const struct kernels *kernels)
{
    return decode_bytes(config, kernels, &a->options);
}

enum sft_status answerer_open(struct answerer *a, const struct decode_model *model, struct sft_err *err)
{
    return decode_init(&a->decode, model, &a->options, err);
}

void answerer_close(struct answerer *a)
{
    decode_free(&a->decode);
    for (size_t i = 0; a->questions && i < a->prompts->count; i++)
        token_buf_free(&a->questions[i]);
    free(a->questions);
    *a = (struct answerer){0};
}

/* ---- the answers ---- */

/* One that is being made. */
struct making {
    struct stream *stream;
    struct text_stream text;
};

static bool on_token(void *context, const struct new_token *token)
{
    struct making *m = context;
    return text_stream_add(&m->text, token);
}

static enum sft_status submit(struct answerer *a, const struct token_buf *question, struct making *m,
                              struct sft_err *err)
{
    const struct ask ask = {.prompt = question->ids,
                            .n_prompt = question->count,
                            .max_new_tokens = a->max_new_tokens,
                            .sampling = SAMPLING_GREEDY,
                            .on_token = on_token,
                            .context = m};
    text_stream_init(&m->text, a->form.tokenizer, !a->form.template->name, NULL);
    m->stream = decode_submit(&a->decode, &ask, err);
    return m->stream ? SFT_OK : err->status;
}

static enum sft_status take(const struct answerer *a, size_t i, struct making *m, struct answers *answers,
                            struct sft_err *err)
{
    const struct prompt_row *prompt = &a->prompts->items[i];
    struct answer *answer = &answers->items[i];
    if (stream_check(m->stream, err))
        return sft_in_file(err, prompt->file, prompt->line);
    text_stream_end(&m->text);
    answer->len = m->text.ready;
    answer->text = mem_strndup(m->text.text.data ? m->text.text.data : "", answer->len);
    answer->is_cut = m->stream->reason == FINISH_LENGTH;
    answers->labels[i] = refusal_judge(prompt->text, prompt->len, answer->text, answer->len);
    answers->n_answered++;
    return SFT_OK;
}

static bool has_ended(const struct stream *stream)
{
    return stream->reason == FINISH_STOP || stream->reason == FINISH_LENGTH;
}

/* For the live line; `seconds` have gone. One that is being answered counts half: at any moment some have just begun,
 * and some are nearly done. */
static void show_progress(const struct answerer *a, double seconds)
{
    enum { SECONDS_TO_JUDGE_BY = 3 };
    const size_t n = a->prompts->count, running = a->decode.counts.running;
    const size_t done = n - at_most(running + a->decode.counts.waiting, n);
    const double share = ((double)done + (double)running / 2) / (double)n;
    char left[32] = "";
    if (done > 0 && done < n && seconds >= SECONDS_TO_JUDGE_BY)
        log_duration(left, seconds / share * (1 - share));
    log_progress("answering prompts: %zu of %zu%s%s%s", done, n, *left ? "  " : "", left, *left ? " left" : "");
}

static void step_all(struct answerer *a)
{
    const double began = clock_seconds();
    do
        show_progress(a, clock_seconds() - began);
    while (decode_step(&a->decode));
    log_progress("%s", "");
}

enum sft_status answerer_run(struct answerer *a, struct answers *answers, struct sft_err *err)
{
    const size_t n = a->prompts->count;
    struct making *making = mem_calloc(n, sizeof *making);
    enum sft_status status = SFT_OK;
    *answers = (struct answers){.count = n};
    answers->items = mem_calloc(n, sizeof *answers->items);
    answers->labels = mem_calloc(n, sizeof *answers->labels);
    decode_forget(&a->decode);
    for (size_t i = 0; i < n && !status; i++)
        status = submit(a, &a->questions[i], &making[i], err);
    if (!status)
        step_all(a);
    const bool is_stopped = a->options.stop && *a->options.stop;
    for (size_t i = 0; i < n; i++) {
        if (!status && (!is_stopped || has_ended(making[i].stream)))
            status = take(a, i, &making[i], answers, err);
        if (making[i].stream)
            decode_close(&a->decode, making[i].stream);
        text_stream_free(&making[i].text);
    }
    free(making);
    return !status && is_stopped ? sft_fail(err, SFT_EINTERRUPTED, "stopped while prompts were answered") : status;
}

void answers_free(struct answers *answers)
{
    for (size_t i = 0; answers->items && i < answers->count; i++)
        free(answers->items[i].text);
    free(answers->items);
    free(answers->labels);
    *answers = (struct answers){0};
}

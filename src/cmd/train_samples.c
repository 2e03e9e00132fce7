#include "cmd/train_samples.h"

#include "base/log.h"
#include "config/settings.h"
#include "data/readers/file_format.h"
#include "data/source/source.h"
#include "infer/decode.h"
#include "infer/prompt.h"
#include "infer/text_stream.h"

#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 3,  /* prompts that are answered, */
    LONGEST = 64, /* with so many tokens at most, */
    SHOWN = 160,  /* of which, and of the prompt, so many bytes are shown */
};

struct sample {
    char *prompt;
    struct token_buf tokens;
    struct stream *stream;
    struct text_stream text;
};

struct train_samples {
    const struct run *run;
    struct sample samples[SAMPLES];
    size_t n;
    struct token_rules rules;
    struct decode_options options;
    struct decode decode; /* of the learner's model */
};

/* ---- the prompts ---- */

/* As a user's message where the model knows turns, else as the beginning of a text. */
static enum sft_status encode(const struct train_samples *t, const char *prompt, struct token_buf *tokens,
                              struct sft_err *err)
{
    const struct base_model *base = &t->run->base;
    struct message message = {ROLE_USER, prompt, strlen(prompt), 1};
    const struct conversation conv = {.messages = &message, .count = 1};
    struct encoder *encoder = encoder_new(base->tokenizer);
    struct rendered rendered = {0};
    const enum sft_status status =
        base->template.name ? prompt_of_conversation(&rendered, &base->template, encoder, &conv, err)
                            : prompt_of_text(&rendered, base->tokenizer, encoder, prompt, message.len, err);
    for (size_t i = 0; i < rendered.tokens.count; i++)
        token_buf_push(tokens, rendered.tokens.ids[i]);
    rendered_free(&rendered);
    encoder_free(encoder);
    return status;
}

/* One that the model cannot see whole is told, and left out. */
static enum sft_status add_prompt(struct train_samples *t, const json *row, struct sft_err *err)
{
    const json *prompt = json_get(row, "prompt");
    const size_t sees = t->run->base.config.n_positions;
    struct sample *s = &t->samples[t->n];
    if (!json_string(prompt))
        return sft_fail_in(err, SFT_EDATA, "prompt", "expected a string, found %s", json_type_name(prompt));
    if (encode(t, json_string(prompt), &s->tokens, err))
        return err->status;
    if (s->tokens.count == 0 || s->tokens.count >= sees) {
        log_warning("[eval] prompts: one has %zu tokens, and the model sees %zu at most: it is not answered",
                    s->tokens.count, sees);
        s->tokens.count = 0;
        return SFT_OK;
    }
    s->prompt = mem_strdup(json_string(prompt));
    t->n++;
    return SFT_OK;
}

static enum sft_status read_rows(struct train_samples *t, struct rows *rows, const char *path, struct sft_err *err)
{
    struct json_element row;
    bool found = true;
    while (t->n < SAMPLES) {
        json *root;
        enum sft_status status = rows_next(rows, &row, &found, err);
        if (status || !found)
            return status ? sft_in_file(err, path, 0) : SFT_OK;
        status = rows_parse(rows, &row, &root, err);
        if (!status)
            status = add_prompt(t, root, err);
        json_free(root);
        if (status)
            return sft_in_file(err, path, row.line);
    }
    return SFT_OK;
}

static enum sft_status read_file(struct train_samples *t, const char *path, struct sft_err *err)
{
    const struct file_format format = file_format_of(path, NULL);
    struct source source = {0};
    struct rows rows = {0};
    enum sft_status status = source_open_until(&source, path, t->options.stop, err);
    if (!status)
        status = source_bytes(&source, err);
    if (!status && rows_init(&rows, format.rows, source.bytes.data, source.bytes.size, err))
        status = sft_in_file(err, path, 0);
    if (!status)
        status = read_rows(t, &rows, path, err);
    rows_free(&rows);
    source_close(&source);
    return status;
}

/* Just so many keys and values as all of them may need. */
static void choose_options(struct train_samples *t)
{
    size_t n_pages = 0;
    for (size_t i = 0; i < t->n; i++)
        n_pages += kv_pages_of(t->samples[i].tokens.count + LONGEST);
    t->options.max_streams = SAMPLES;
    t->options.prompt_positions = 2 * KV_PAGE;
    t->options.kv_bytes = n_pages * kv_page_bytes(&t->run->base.config, t->run->plan.kernels);
}

enum sft_status train_samples_read(struct train_samples **samples, const struct run *run, const volatile int *stop,
                                   struct sft_err *err)
{
    const struct string_list *files = &run->settings->eval.prompts;
    enum sft_status status = SFT_OK;
    *samples = NULL;
    if (files->count == 0)
        return SFT_OK;
    struct train_samples *t = *samples = mem_calloc(1, sizeof **samples);
    t->run = run;
    t->options.stop = stop;
    for (size_t i = 0; i < files->count && !status && t->n < SAMPLES; i++)
        status = read_file(t, files->items[i], err);
    if (status)
        return status;
    if (t->n == 0)
        log_warning("[eval] prompts: there is none to be answered");
    const struct base_model *base = &run->base;
    const int32_t end = base->template.name ? base->template.end_of_turn : tokenizer_eos_id(base->tokenizer);
    token_rules_init(&t->rules, base->tokenizer, &base->files.generation, end, base->config.vocab_size,
                     base->config.vocab_size);
    choose_options(t);
    return SFT_OK;
}

size_t train_samples_bytes(const struct train_samples *t)
{
    return t && t->n ? decode_bytes(&t->run->base.config, t->run->plan.kernels, &t->options) : 0;
}

void train_samples_free(struct train_samples *t)
{
    if (!t)
        return;
    decode_free(&t->decode);
    for (size_t i = 0; i < SAMPLES; i++) {
        free(t->samples[i].prompt);
        token_buf_free(&t->samples[i].tokens);
    }
    token_rules_free(&t->rules);
    free(t);
}

/* ---- the answers ---- */

/* is_whole: nothing was left out before. */
static void add_shown(struct strbuf *out, const char *text, size_t len, bool is_whole)
{
    const size_t shown = len < SHOWN ? len : SHOWN - utf8_incomplete_tail(text, SHOWN);
    strbuf_add_visible(out, text, shown);
    strbuf_puts(out, shown < len || !is_whole ? " [...]" : "");
}

static void log_sample(struct sample *s)
{
    struct strbuf line = {0};
    text_stream_end(&s->text);
    add_shown(&line, s->prompt, strlen(s->prompt), true);
    strbuf_puts(&line, " => ");
    add_shown(&line, s->text.text.data, s->text.ready, s->stream->reason == FINISH_STOP);
    log_info("  %s", line.data);
    strbuf_free(&line);
}

static bool on_token(void *context, const struct new_token *token)
{
    return text_stream_add(context, token);
}

/* Before the first step: memory is a thread's, and later fewer of them may compute. */
static enum sft_status begin(void *context, const struct transformer *model, struct sft_err *err)
{
    struct train_samples *t = context;
    const struct decode_model what = decode_model_of(model, &t->rules);
    return decode_init(&t->decode, &what, &t->options, err);
}

static void submit(struct train_samples *t, struct sample *s)
{
    struct sft_err err;
    const struct ask ask = {.prompt = s->tokens.ids,
                            .n_prompt = s->tokens.count,
                            .max_new_tokens = LONGEST,
                            .sampling = SAMPLING_GREEDY,
                            .on_token = on_token,
                            .context = &s->text};
    text_stream_init(&s->text, t->run->base.tokenizer, !t->run->base.template.name, NULL);
    s->stream = decode_submit(&t->decode, &ask, &err);
    if (!s->stream)
        log_warning("a sample: %s", SFT_ERR_TEXT(&err));
}

static void show_samples(void *context, const struct transformer *model)
{
    struct train_samples *t = context;
    (void)model; /* the one that it began with */
    decode_forget(&t->decode);
    log_progress("answering %zu prompt%s", t->n, t->n == 1 ? "" : "s");
    for (size_t i = 0; i < t->n; i++)
        submit(t, &t->samples[i]);
    while (decode_step(&t->decode))
        ;
    log_progress("%s", "");
    for (size_t i = 0; i < t->n; i++) {
        struct sample *s = &t->samples[i];
        if (s->stream && s->stream->reason != FINISH_CANCELLED)
            log_sample(s);
        if (s->stream)
            decode_close(&t->decode, s->stream);
        text_stream_free(&s->text);
    }
}

struct train_watch train_samples_watch(struct train_samples *samples)
{
    return samples && samples->n ? (struct train_watch){begin, show_samples, samples} : (struct train_watch){0};
}

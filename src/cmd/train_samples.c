#include "cmd/train_samples.h"

#include "base/log.h"
#include "config/settings.h"
#include "data/file_spec.h"
#include "data/readers/reader_fields.h"
#include "data/rows/rows_json.h"
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

/* As the model's template has it where it knows turns, else its last message as the beginning of a text. */
static enum sft_status encode(const struct train_samples *t, const struct conversation *conv, struct token_buf *tokens,
                              struct sft_err *err)
{
    const struct base_model *base = &t->run->base;
    const struct message *last = &conv->messages[conv->count - 1];
    struct encoder *encoder = encoder_new(base->tokenizer);
    struct rendered rendered = {0};
    const enum sft_status status =
        base->template.name ? prompt_of_conversation(&rendered, &base->template, encoder, conv, err)
                            : prompt_of_text(&rendered, base->tokenizer, encoder, last->content, last->len, err);
    for (size_t i = 0; i < rendered.tokens.count; i++)
        token_buf_push(tokens, rendered.tokens.ids[i]);
    rendered_free(&rendered);
    encoder_free(encoder);
    return status;
}

/* One that the model cannot see whole is told, and left out. */
static enum sft_status add_prompt(struct train_samples *t, const struct conversation *conv, struct sft_err *err)
{
    const struct message *last = &conv->messages[conv->count - 1];
    const size_t sees = t->run->base.config.n_positions;
    struct sample *s = &t->samples[t->n];
    if (encode(t, conv, &s->tokens, err))
        return err->status;
    if (s->tokens.count == 0 || s->tokens.count >= sees) {
        log_warning("[eval] prompts: one has %zu tokens, and the model sees %zu at most: it is not answered",
                    s->tokens.count, sees);
        s->tokens.count = 0;
        return SFT_OK;
    }
    s->prompt = mem_strndup(last->content, last->len);
    t->n++;
    return SFT_OK;
}

static enum sft_status add_text(struct train_samples *t, const char *text, size_t len, struct sft_err *err)
{
    struct message message = {ROLE_USER, text, len, 1};
    return add_prompt(t, &(struct conversation){.messages = &message, .count = 1}, err);
}

/* Up to the last message of the user. */
static enum sft_status add_conversation(struct train_samples *t, const json *row, struct sft_err *err)
{
    struct arena arena = {0};
    struct conversation conv;
    enum sft_status status = reader_read_any(row, &arena, &conv, err);
    while (!status && conv.count && conv.messages[conv.count - 1].role != ROLE_USER)
        conv.count--;
    if (!status)
        status = conv.count ? add_prompt(t, &conv, err)
                            : sft_fail_in(err, SFT_EDATA, "messages", "there is none of the user to be answered");
    arena_free(&arena);
    return status;
}

static enum sft_status add_row(struct train_samples *t, const json *row, struct sft_err *err)
{
    const json *prompt = json_get(row, "prompt");
    const char *text = json_string(prompt);
    if (text)
        return add_text(t, text, strlen(text), err);
    if (!prompt && json_get(row, "messages"))
        return add_conversation(t, row, err);
    reader_fail_type(prompt, "a string", err);
    return sft_in_key(err, "prompt");
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
            status = add_row(t, root, err);
        json_free(root);
        if (status)
            return sft_in_file(err, path, row.line);
    }
    return SFT_OK;
}

/* Plain text: a line is a prompt. */
static enum sft_status read_lines(struct train_samples *t, const char *text, size_t len, const char *path,
                                  struct sft_err *err)
{
    const size_t mark = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    const char *p = text + mark, *end = text + len;
    for (size_t line = 1; p < end && t->n < SAMPLES; line++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p)), *stop = newline ? newline : end;
        const char *next = newline ? newline + 1 : end;
        while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
            stop--;
        if (stop > p && add_text(t, p, (size_t)(stop - p), err))
            return sft_in_file(err, path, line);
        p = next;
    }
    return SFT_OK;
}

static enum sft_status read_source(struct train_samples *t, const struct source *source, struct file_format format,
                                   struct sft_err *err)
{
    const char *text = source->bytes.data;
    const size_t len = source->bytes.size;
    struct rows rows = {0};
    enum sft_status status;
    if (format.is_text && !rows_json_is_it(text, len))
        return read_lines(t, text, len, source->path, err);
    if (rows_init(&rows, format.rows, text, len, err)) {
        sft_remark(err, "; of [eval] prompts a row is {\"prompt\": \"...\"} or {\"messages\": [...]}, and in FILE:txt "
                        "each line is a prompt");
        status = sft_in_file(err, source->path, 0);
    } else {
        status = read_rows(t, &rows, source->path, err);
    }
    rows_free(&rows);
    return status;
}

static enum sft_status read_file(struct train_samples *t, const char *text, struct sft_err *err)
{
    struct file_spec spec = {0};
    struct source source = {0};
    enum sft_status status = file_spec_parse(&spec, text, err);
    if (!status)
        status = source_open_until(&source, spec.path, t->options.stop, err);
    if (!status)
        status = source_bytes(&source, err);
    if (!status)
        status = read_source(t, &source, spec.format, err);
    source_close(&source);
    file_spec_free(&spec);
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

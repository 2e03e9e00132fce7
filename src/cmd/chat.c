#include "base/log.h"
#include "cmd/cmd.h"
#include "infer/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What has been said: messages whose text the arena holds. */
struct dialogue {
    struct arena arena;
    struct message *messages;
    size_t count, capacity;
};

static void say(struct dialogue *d, enum role role, const char *text, size_t len)
{
    d->messages = mem_grow(d->messages, &d->capacity, d->count + 1, sizeof *d->messages);
    d->messages[d->count++] = (struct message){role, arena_strndup(&d->arena, text, len), len, 1};
}

static void forget(struct dialogue *d, const char *system)
{
    d->count = 0;
    arena_reset(&d->arena);
    if (system)
        say(d, ROLE_SYSTEM, system, strlen(system));
}

/* ---- the answer, printed as it comes ---- */

struct stream {
    const struct tokenizer *tok;
    struct strbuf text;
    size_t printed;
};

static void print_until(struct stream *stream, size_t end)
{
    struct strbuf clean = {0};
    strbuf_add_utf8_lossy(&clean, stream->text.data + stream->printed, end - stream->printed);
    fwrite(clean.data, 1, clean.len, stdout);
    fflush(stdout);
    strbuf_free(&clean);
    stream->printed = end;
}

/* A character whose bytes are not all there yet waits for the next token. */
static bool on_token(void *context, int32_t id)
{
    struct stream *stream = context;
    tokenizer_decode(stream->tok, &id, 1, true, &stream->text);
    const size_t end = stream->text.len - utf8_incomplete_tail(stream->text.data, stream->text.len);
    if (end > stream->printed)
        print_until(stream, end);
    return !ferror(stdout);
}

static enum sft_status reply(struct session *session, struct dialogue *d, struct generation *options,
                             struct sft_err *err)
{
    struct stream stream = {.tok = session->tokenizer};
    struct token_buf tokens = {0};
    enum finish_reason reason;
    const struct conversation conv = {.messages = d->messages, .count = d->count};
    options->on_token = on_token;
    options->context = &stream;
    const enum sft_status status = session_generate(session, &conv, options, &tokens, &reason, err);
    if (!status) {
        if (stream.text.len > stream.printed)
            print_until(&stream, stream.text.len);
        printf("%s\n", reason == FINISH_LENGTH ? " [...]" : "");
        say(d, ROLE_ASSISTANT, stream.text.data ? stream.text.data : "", stream.text.len);
    }
    strbuf_free(&stream.text);
    token_buf_free(&tokens);
    return status;
}

/* Read, answer, until the end of input or /quit. */
static void talk(struct session *session, const char *system, struct generation *options)
{
    const bool terminal = isatty(STDIN_FILENO), colour = log_is_terminal(STDOUT_FILENO);
    struct dialogue d = {0};
    struct sft_err err;
    char *line = NULL;
    size_t capacity = 0;
    forget(&d, system);
    if (terminal)
        fputs("/reset forgets the conversation, /quit or Ctrl-D ends\n", stderr);
    for (;;) {
        if (terminal)
            fputs(colour ? "\033[1m> \033[0m" : "> ", stderr);
        ssize_t len = getline(&line, &capacity, stdin);
        if (len <= 0)
            break;
        while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            line[--len] = '\0';
        if (strcmp(line, "/quit") == 0)
            break;
        if (strcmp(line, "/reset") == 0) {
            forget(&d, system);
        } else if (len) {
            say(&d, ROLE_USER, line, (size_t)len);
            if (reply(session, &d, options, &err)) {
                fprintf(stderr, "error: %s (/reset to start again)\n", err.message);
                d.count--;
            }
        }
    }
    if (terminal)
        fputc('\n', stderr);
    free(line);
    free(d.messages);
    arena_free(&d.arena);
}

int cmd_chat(int argc, char **argv)
{
    const char *model = NULL, *system = NULL, *precision = "auto";
    uint64_t max_new_tokens = 512, top_k = 0;
    struct sampling sampling = {.temperature = 0.7, .top_p = 0.95, .seed = 42};
    struct string_list words, overrides = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", "the model: a checkpoint or another Hugging Face directory"},
        {"system", OPTION_STRING, &system, "TEXT", "system message before the conversation"},
        {"max-new-tokens", OPTION_SIZE, &max_new_tokens, "N", "longest answer, in tokens (512)"},
        {"temperature", OPTION_DOUBLE, &sampling.temperature, "T", "0.7; 0: always the most likely token"},
        {"top-k", OPTION_SIZE, &top_k, "K", "sample from the K most likely tokens (0: all)"},
        {"top-p", OPTION_DOUBLE, &sampling.top_p, "P",
         "sample from the likeliest tokens that together have probability P (0.95)"},
        {"seed", OPTION_SIZE, &sampling.seed, "N", "random seed (42)"},
        {"precision", OPTION_STRING, &precision, "P", "auto (default), fp32 or bf16"},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.template; may be repeated"},
    };
    const struct usage usage = {
        "sft chat --model DIR [options]",
        "Talks on the terminal: each line is a message, and the answer is printed as it is generated.", table,
        sizeof table / sizeof *table};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct settings settings;
    struct session session = {0};
    struct sampler sampler = {0};
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    settings_init(&settings);
    sampling.top_k = (size_t)top_k;
    if (!model || words.count)
        status = sft_fail(&err, SFT_EUSAGE, "expected --model and no other words (usage: %s)",
                          usage.synopsis);
    if (!status && (sampling.temperature < 0 || sampling.top_p <= 0 || sampling.top_p > 1))
        status = sft_fail(&err, SFT_EUSAGE, "--temperature must be 0 or more, --top-p above 0 and at most 1");
    if (!status)
        status = apply_overrides(&settings, &overrides, &err);
    if (!status)
        status = session_open(&session, model, precision, &settings, &err);
    if (status) {
        code = report_error(&err);
    } else {
        struct generation options = {.max_new_tokens = (size_t)max_new_tokens, .sampler = &sampler};
        sampler_init(&sampler, &sampling, session.model.config.vocab_size, 0);
        talk(&session, system, &options);
        code = finish_output();
    }
    sampler_free(&sampler);
    session_close(&session);
    settings_free(&settings);
    words_free(&words);
    words_free(&overrides);
    return code;
}

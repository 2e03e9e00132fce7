#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "cmd/answer_printer.h"
#include "cmd/cmd.h"
#include "cmd/dialogue.h"
#include "cmd/line_editor.h"
#include "cmd/model_argument.h"
#include "cmd/sampling_options.h"
#include "cmd/terminal.h"
#include "infer/bundle.h"
#include "infer/prompt.h"
#include "infer/text_stream.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* How fast an answer came. */
struct speed {
    size_t n_prompt, n_cached, n_made;       /* tokens */
    double first_seconds, further_seconds; /* until the first token; for those after it */
};

struct chat {
    struct bundle bundle;
    struct decode decode;
    struct encoder *encoder;
    struct rendered prompt;
    struct sampling sampling;
    uint64_t max_new_tokens;
    uint64_t n_answers; /* so far: each has random numbers of its own */
    struct dialogue said;
    struct line_editor editor;
    struct speed speed; /* of the last answer */
    double stopped_at;  /* the last answer that was, by Ctrl-C */
    bool has_failed;    /* a message that was to be answered was not */
    char *saved_as;     /* where this chat was written to; NULL: nowhere yet */
};

/* ---- an answer ---- */

static enum sft_status render(struct chat *chat, const struct conversation *conv, struct sft_err *err)
{
    return prompt_of_conversation(&chat->prompt, &chat->bundle.template, chat->encoder, conv, err);
}

/* The prompt fills what the model sees: with a system prompt that leaves no message any room, or with the message. */
static enum sft_status refuse_prompt(struct chat *chat, struct sft_err *err)
{
    const size_t sees = chat->decode.max_positions, whole = chat->prompt.tokens.count;
    const char *remedy = "shorten the message";
    if (chat->said.system.len) {
        struct message least[] = {dialogue_shown(&chat->said).messages[0], {ROLE_USER, "?", 1, 1}};
        if (render(chat, &(struct conversation){.messages = least, .count = 2}, err))
            return err->status;
        remedy = chat->prompt.tokens.count >= sees ? "the system prompt alone is too long (/system gives another)"
                                                   : "shorten the message, or the system prompt (/system)";
    }
    return sft_fail(err, SFT_EDATA, "the prompt has %zu tokens, and the model sees %zu at most: %s", whole, sees,
                    remedy);
}

/* Render what is to be answered. The prompt leaves room for an answer: a quarter of what the model sees, or less
 * where less is wanted; the oldest turns go until it does. None goes for a message that is too long by itself: it is
 * refused, and the conversation goes on as it was. */
static enum sft_status make_prompt(struct chat *chat, struct sft_err *err)
{
    const size_t sees = chat->decode.max_positions, quarter = sees / 4;
    const size_t room = chat->max_new_tokens < quarter ? (size_t)chat->max_new_tokens : quarter;
    const size_t had_forgotten = chat->said.n_forgotten;
    for (;;) {
        const struct conversation conv = dialogue_shown(&chat->said);
        if (render(chat, &conv, err))
            return err->status;
        if (chat->prompt.tokens.count + room <= sees || !dialogue_forget_oldest(&chat->said))
            break;
    }
    if (chat->prompt.tokens.count >= sees) {
        chat->said.n_forgotten = had_forgotten;
        return refuse_prompt(chat, err);
    }
    if (chat->said.n_forgotten && !had_forgotten)
        log_notice(0, "the model sees %zu tokens and no more: the oldest turns are forgotten", sees);
    return SFT_OK;
}

struct answer {
    struct text_stream text;
    struct answer_printer printer;
    size_t n_printed;
};

static void print_ready(struct answer *answer)
{
    const struct text_stream *t = &answer->text;
    if (t->ready > answer->n_printed)
        answer_printer_add(&answer->printer, t->text.data + answer->n_printed, t->ready - answer->n_printed);
    answer->n_printed = t->ready;
}

static bool on_token(void *context, const struct new_token *token)
{
    struct answer *answer = context;
    text_stream_add(&answer->text, token);
    print_ready(answer);
    return !ferror(stdout);
}

static struct speed speed_of(const struct stream *s)
{
    return (struct speed){.n_prompt = s->n_prompt,
                          .n_cached = s->n_cached,
                          .n_made = s->n_made,
                          .first_seconds = s->first_token - s->submitted,
                          .further_seconds = s->ended - s->first_token};
}

/* Why an answer ends where it does not end by itself. */
static void tell_cut(const struct chat *chat, const struct stream *s)
{
    if (s->reason == FINISH_CANCELLED)
        log_notice(0, "stopped");
    else if (s->reason == FINISH_LENGTH && s->n_made >= chat->max_new_tokens)
        log_notice(0, "cut at --max-new-tokens %zu", (size_t)chat->max_new_tokens);
    else if (s->reason == FINISH_LENGTH)
        log_notice(0, "cut: the model sees %zu tokens and no more", chat->decode.max_positions);
}

/* Have the last message answered, and print it as it comes. *is_said: there is an answer, part of the dialogue now. One
 * that was cut is not to be trained on: a model would learn to end there. */
static enum sft_status give_answer(struct chat *chat, bool *is_said, struct sft_err *err)
{
    struct answer answer = {0};
    *is_said = false;
    if (make_prompt(chat, err))
        return err->status;
    const struct ask ask = {.prompt = chat->prompt.tokens.ids,
                            .n_prompt = chat->prompt.tokens.count,
                            .max_new_tokens = (size_t)chat->max_new_tokens,
                            .sampling = chat->sampling,
                            .random_stream = chat->n_answers++,
                            .on_token = on_token,
                            .context = &answer};
    struct stream *stream = decode_submit(&chat->decode, &ask, err);
    if (!stream)
        return err->status;
    text_stream_init(&answer.text, chat->bundle.files.tokenizer, false, NULL);
    answer_printer_begin(&answer.printer);
    while (decode_step(&chat->decode))
        ;
    text_stream_end(&answer.text);
    print_ready(&answer);
    const enum sft_status status = stream_check(stream, err);
    if (!status || answer.n_printed)
        answer_printer_end(&answer.printer, stream->reason != FINISH_STOP);
    if (!status)
        tell_cut(chat, stream);
    *is_said = !status && (stream->n_made || stream->reason != FINISH_CANCELLED);
    if (*is_said) {
        const struct strbuf *text = &answer.text.text;
        chat->speed = speed_of(stream);
        dialogue_say(&chat->said, &(struct message){.role = ROLE_ASSISTANT,
                                                    .content = text->data ? text->data : "",
                                                    .len = text->len,
                                                    .weight = stream->reason == FINISH_STOP});
    }
    text_stream_free(&answer.text);
    decode_close(&chat->decode, stream);
    return status;
}

/* The same, saying what went wrong. */
static bool answer_last(struct chat *chat)
{
    struct sft_err err = {0};
    bool is_said;
    if (give_answer(chat, &is_said, &err)) {
        chat->has_failed = true;
        log_notice(0, "error: %s%s", SFT_ERR_TEXT(&err), err.status == SFT_ENOMEM ? " (/reset to start again)" : "");
    }
    return is_said;
}

static void send_message(struct chat *chat, const char *line, size_t len)
{
    dialogue_say(&chat->said, &(struct message){ROLE_USER, line, len, 1});
    if (!answer_last(chat))
        dialogue_take_back(&chat->said);
}

/* ---- commands ---- */

struct command {
    const char *name, *other; /* another name for it, or NULL */
    const char *argument;     /* what stands behind it; NULL: nothing */
    const char *help;
    void (*run)(struct chat *chat, const char *argument); /* NULL: ends the chat */
};

static void print_help(struct chat *chat, const char *argument);

/* Where somebody types, nothing that was done goes unsaid. */
static void tell_new_beginning(const struct chat *chat)
{
    const bool has_system = chat->said.system.len > 0;
    if (chat->editor.is_typed)
        log_notice(0, "a new conversation%s", has_system ? ", with the system prompt" : "");
}

static void set_system(struct chat *chat, const char *text)
{
    dialogue_set_system(&chat->said, text, strlen(text));
    tell_new_beginning(chat);
}

static void reset(struct chat *chat, const char *argument)
{
    (void)argument;
    dialogue_reset(&chat->said);
    tell_new_beginning(chat);
}

static void retry(struct chat *chat, const char *argument)
{
    struct dialogue *said = &chat->said;
    (void)argument;
    if (dialogue_last_role(said) != ROLE_ASSISTANT) {
        log_notice(0, "there is no answer yet that could be another");
        return;
    }
    const struct message old = said->messages[said->count - 1];
    if (sampling_is_greedy(&chat->sampling))
        log_notice(0, "with temperature 0 the answer stays the same");
    dialogue_take_back(said);
    if (!answer_last(chat))
        dialogue_say(said, &old);
}

static void save(struct chat *chat, const char *argument)
{
    struct sft_err err;
    size_t len = strlen(argument);
    while (len && strchr(BLANKS, argument[len - 1]))
        len--;
    if (!len) {
        log_notice(0, "/save FILE: the file's name is missing");
        return;
    }
    if (chat->said.count == 0) {
        log_notice(0, "nothing to save yet");
        return;
    }
    char *file = mem_strndup(argument, len), *path = NULL;
    enum sft_status status = path_expand_home(file, &path, &err);
    const bool is_ours = !status && chat->saved_as && strcmp(path, chat->saved_as) == 0;
    if (!status)
        status = dialogue_save(&chat->said, path, is_ours, &err);
    if (status) {
        log_notice(0, "not saved: %s", SFT_ERR_TEXT(&err));
    } else {
        log_info("saved %s", path);
        free(chat->saved_as);
        chat->saved_as = mem_strdup(path);
    }
    free(file);
    free(path);
}

static void print_speed(struct chat *chat, const char *argument)
{
    const struct speed *s = &chat->speed;
    (void)argument;
    if (s->n_made == 0) {
        log_notice(0, "there is no answer yet");
        return;
    }
    struct strbuf rate = {0};
    if (s->n_made > 1 && s->further_seconds > 0)
        strbuf_printf(&rate, ", %.1f tokens/s", (double)(s->n_made - 1) / s->further_seconds);
    log_notice(0, "%zu tokens%s; the first after %.2f s; prompt of %zu tokens, %zu known", s->n_made,
               rate.data ? rate.data : "", s->first_seconds, s->n_prompt, s->n_cached);
    strbuf_free(&rate);
}

static const struct command chat_commands[] = {
    {"/system", NULL, "TEXT", "begin again with this system prompt (/system alone: with none)", set_system},
    {"/reset", "/clear", NULL, "forget the conversation", reset},
    {"/retry", NULL, NULL, "have the last message answered once more", retry},
    {"/save", NULL, "FILE", "write the conversation to a file, as a line that sft train reads", save},
    {"/speed", NULL, NULL, "how fast the last answer came", print_speed},
    {"/help", "/?", NULL, "this list", print_help},
    {"/quit", "/exit", NULL, "end (Ctrl-D, too)", NULL},
};
enum { N_COMMANDS = sizeof chat_commands / sizeof *chat_commands };

static void print_help(struct chat *chat, const char *argument)
{
    enum { HELP_COLUMN = 14 };
    (void)argument;
    struct strbuf call = {0};
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = &chat_commands[i];
        strbuf_clear(&call);
        strbuf_printf(&call, "%s %s", c->name, c->argument ? c->argument : "");
        log_notice(HELP_COLUMN, "%-*s%s", HELP_COLUMN, call.data, c->help);
    }
    strbuf_free(&call);
    log_notice(0, "Ctrl-C stops an answer. A message that begins with / is sent with // in front.");
    if (chat->editor.is_typed)
        log_notice(0, "Alt-Enter begins a new line; what is pasted is one message, whatever its lines.");
}

static const struct command *find_command(const char *word, size_t len)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = &chat_commands[i];
        if ((strlen(c->name) == len && memcmp(c->name, word, len) == 0) ||
            (c->other && strlen(c->other) == len && memcmp(c->other, word, len) == 0))
            return c;
    }
    return NULL;
}

/* A line that begins with a slash; false ends the chat. */
static bool obey(struct chat *chat, const char *line)
{
    const size_t word = strcspn(line, BLANKS);
    const char *argument = line + word + strspn(line + word, BLANKS);
    const struct command *command = find_command(line, word);
    if (!command) {
        log_notice(0, "unknown command %.*s: not sent (/help lists them; // in front sends it)", (int)word, line);
        return true;
    }
    if (*argument && !command->argument) {
        log_notice(0, "%s takes nothing behind it: not done", command->name);
        return true;
    }
    if (command->run)
        command->run(chat, argument);
    return command->run != NULL;
}

/* ---- the loop ---- */

/* Whether a Ctrl-C that dropped nothing still meant the answer: whoever stops one may press the key more than once. */
static bool meant_the_answer(struct chat *chat)
{
    static const double in_a_row = 1;
    const double now = clock_seconds();
    if (now - chat->stopped_at > in_a_row)
        return false;
    chat->stopped_at = now;
    return true;
}

/* Ctrl-C at the prompt drops the line; a second one, where there was nothing to drop, ends the chat. */
static bool goes_on(struct chat *chat, bool *was_told, size_t dropped)
{
    if (!dropped && meant_the_answer(chat))
        return true;
    const bool ends = !dropped && *was_told;
    *was_told = !dropped;
    if (!dropped && !ends)
        log_notice(0, "(/quit, Ctrl-D or Ctrl-C again ends)");
    return !ends;
}

/* Whether the line is text; what is not would be sent as something else than it is. */
static bool is_utf8(struct chat *chat, const char *line, size_t len)
{
    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_decode(line + i, len - i, NULL, NULL);
        if (n == 0) {
            log_notice(0, "error: not UTF-8 (byte 0x%02X): not sent", (unsigned char)line[i]);
            chat->has_failed = true;
            return false;
        }
    }
    return true;
}

/* Do what a line says, whatever blanks stand before a slash; nothing where it is blank. False ends the chat. */
static bool take_line(struct chat *chat, const char *line, size_t len)
{
    while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    const size_t blanks = strspn(line, BLANKS);
    if (blanks >= len || !is_utf8(chat, line, len))
        return true;
    if (line[blanks] != '/')
        send_message(chat, line, len);
    else if (line[blanks + 1] != '/')
        return obey(chat, line + blanks);
    else if (len > blanks + 1)
        send_message(chat, line + blanks + 1, len - blanks - 1);
    return true;
}

/* Read, answer, until the end of input or /quit. Ctrl-C stops an answer; where nobody types, it ends. */
static void talk(struct chat *chat)
{
    const char *line;
    size_t len;
    bool was_told = false;
    if (chat->editor.is_typed)
        log_notice(0, "/help lists the commands; Ctrl-C stops an answer, Ctrl-D ends");
    for (;;) {
        const enum line_status status = line_editor_read(&chat->editor, &line, &len);
        if (status == LINE_END || (status == LINE_INTERRUPTED && !goes_on(chat, &was_told, len)))
            return;
        if (status == LINE_INTERRUPTED)
            continue;
        was_told = false;
        if (!take_line(chat, line, len))
            return;
        if (*terminal_stop())
            chat->stopped_at = clock_seconds();
        if (ferror(stdout) || terminal_is_over() || (*terminal_stop() && !chat->editor.is_typed))
            return;
    }
}

static int exit_code(struct chat *chat)
{
    const int code = finish_output(), failed = line_editor_failed(&chat->editor);
    if (failed)
        log_notice(0, "error: standard input: %s", strerror(failed));
    if (code || failed)
        return 1;
    if (terminal_is_over() || (*terminal_stop() && !chat->editor.is_typed))
        return 130;
    return chat->has_failed && !chat->editor.is_typed; /* a script learns of it so */
}

static void describe_sampling(const struct chat *chat)
{
    const struct sampling *s = &chat->sampling;
    const bool models_own = chat->bundle.files.generation.do_sample;
    if (!chat->editor.is_typed)
        return;
    struct strbuf line = {0};
    strbuf_printf(&line, "sampling with temperature %g", s->temperature);
    if (s->top_k)
        strbuf_printf(&line, ", top-k %zu", s->top_k);
    strbuf_printf(&line, ", top-p %g", s->top_p);
    if (s->min_p > 0)
        strbuf_printf(&line, ", min-p %g", s->min_p);
    if (s->repetition_penalty != 1)
        strbuf_printf(&line, ", repetition penalty %g", s->repetition_penalty);
    log_notice(0, "%s%s", line.data, models_own ? " (from the model's generation_config.json where not given)" : "");
    strbuf_free(&line);
}

/* Characters are UTF-8 here, whatever the user's language: of the locale only their classes and widths are used. */
static void speak_utf8(void)
{
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static enum sft_status chat_open(struct chat *chat, struct sft_err *err)
{
    const struct decode_model model = bundle_decode_model(&chat->bundle);
    const struct decode_options options = {.max_streams = 1, .stop = terminal_stop(), .adapts_threads = true};
    chat->encoder = encoder_new(chat->bundle.files.tokenizer);
    return decode_init(&chat->decode, &model, &options, err);
}

static void chat_free(struct chat *chat)
{
    line_editor_close(&chat->editor);
    dialogue_free(&chat->said);
    free(chat->saved_as);
    rendered_free(&chat->prompt);
    encoder_free(chat->encoder);
    decode_free(&chat->decode);
    bundle_close(&chat->bundle);
}

int cmd_chat(int argc, char **argv)
{
    static const struct sampling fallback = {.temperature = 0.7, .top_p = 0.95, .repetition_penalty = 1};
    struct chat chat = {.max_new_tokens = 512, .stopped_at = -INFINITY};
    struct bundle_options options = {.precision = "auto", .for_generation = true};
    const char *model = NULL, *system = NULL;
    struct model_argument argument = {0};
    struct sampling_options sampling = SAMPLING_OPTIONS_NONE;
    struct string_list words, overrides = {0}, adapters = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
        ADAPTER_OPTION(adapters),
        {"system", OPTION_STRING, &system, "TEXT", "system message before the conversation"},
        {"max-new-tokens", OPTION_SIZE, &chat.max_new_tokens, "N", "longest answer, in tokens (512)"},
        {"temperature", OPTION_DOUBLE, &sampling.temperature, "T", "0.7; 0: always the most likely token"},
        {"top-k", OPTION_SIZE, &sampling.top_k, "K", TOP_K_HELP},
        {"top-p", OPTION_DOUBLE, &sampling.top_p, "P", TOP_P_HELP " (0.95)"},
        {"min-p", OPTION_DOUBLE, &sampling.min_p, "P", MIN_P_HELP},
        {"repetition-penalty", OPTION_DOUBLE, &sampling.repetition_penalty, "R", REPETITION_PENALTY_HELP},
        {"seed", OPTION_SIZE, &sampling.seed, "N", "random seed (42)"},
        {"precision", OPTION_STRING, &options.precision, "P", "auto (default), fp32 or bf16"},
        {"weights", OPTION_STRING, &options.weights, "W", WEIGHTS_OPTION_HELP},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.template; may be repeated"},
    };
    const struct usage usage = {
        "sft chat DIR [options]",
        "Talks on the terminal: each line is a message, and the answer is printed as it is generated; /help "
        "lists the commands. Where the model's generation_config.json says do_sample, its temperature, top_k, "
        "top_p, min_p and repetition_penalty take the place of the defaults below.",
        table, sizeof table / sizeof *table, TEMPLATE_SETTINGS};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    enum sft_status status = sampling_options_check(&sampling, &err);
    if (!status)
        status = model_argument(&argument, model, &adapters, &words, usage.synopsis, &err);
    if (!status && words.count)
        status = sft_fail(&err, SFT_EUSAGE, "no place for '%s' (usage: %s)", words.items[0], usage.synopsis);
    if (!status)
        status = model_argument_open(&argument, &options, &overrides, NULL, true, &chat.bundle, &err);
    if (!status)
        status = chat_open(&chat, &err);
    if (status) {
        code = report_error(&err);
    } else {
        model_argument_tell_bundle(&argument, &chat.bundle);
        chat.sampling = sampling_resolve(&sampling, &chat.bundle.files.generation, &fallback);
        dialogue_set_system(&chat.said, system ? system : "", system ? strlen(system) : 0);
        speak_utf8();
        line_editor_open(&chat.editor);
        describe_sampling(&chat);
        talk(&chat);
        code = exit_code(&chat);
    }
    chat_free(&chat);
    model_argument_free(&argument);
    words_free(&words);
    words_free(&overrides);
    words_free(&adapters);
    return code;
}

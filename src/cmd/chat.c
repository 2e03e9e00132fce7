#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/model_argument.h"
#include "cmd/model_text.h"
#include "cmd/sampling_options.h"
#include "infer/session.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What has been said: messages whose text the arena holds; the first is the system prompt where there is one. */
struct dialogue {
    struct arena arena;
    struct message *messages;
    size_t count, capacity;
};

struct chat {
    struct session session;
    struct generation options;
    struct dialogue said;
    struct strbuf system; /* empty: none */
    bool terminal, colour;
    bool forgets; /* the conversation is longer than the model sees, and that has been told */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* Ctrl-C ends the wait for a line, but not a write in the middle. */
static void catch_interrupt(bool while_waiting)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = while_waiting ? 0 : SA_RESTART};
    sigaction(SIGINT, &action, NULL);
}

/* ---- what was said ---- */

static void say(struct dialogue *d, enum role role, const char *text, size_t len)
{
    d->messages = mem_grow(d->messages, &d->capacity, d->count + 1, sizeof *d->messages);
    d->messages[d->count++] = (struct message){role, arena_strndup(&d->arena, text, len), len, 1};
}

static void begin_again(struct chat *chat)
{
    chat->said.count = 0;
    chat->forgets = false;
    arena_reset(&chat->said.arena);
    if (chat->system.len)
        say(&chat->said, ROLE_SYSTEM, chat->system.data, chat->system.len);
}

/* Forget the oldest question and its answer; false where only one question is left. */
static bool forget_oldest(struct dialogue *d)
{
    const size_t first = d->count && d->messages[0].role == ROLE_SYSTEM;
    size_t next = first + 1;
    while (next < d->count && d->messages[next].role != ROLE_USER)
        next++;
    if (next >= d->count)
        return false;
    memmove(d->messages + first, d->messages + next, (d->count - next) * sizeof *d->messages);
    d->count -= next - first;
    return true;
}

/* Let the prompt leave room for an answer: a quarter of what the model sees, or less where less is wanted. */
static void make_room(struct chat *chat)
{
    const size_t sees = session_positions(&chat->session), most = chat->options.max_new_tokens;
    const size_t room = most < sees / 4 ? most : sees / 4;
    bool forgot = false;
    for (;;) {
        const struct conversation conv = {.messages = chat->said.messages, .count = chat->said.count};
        if (session_prompt_tokens(&chat->session, &conv) + room <= sees || !forget_oldest(&chat->said))
            break;
        forgot = true;
    }
    if (forgot && !chat->forgets)
        fprintf(stderr,
                "the conversation is longer than the %zu tokens that the model sees: its oldest turns are "
                "forgotten\n",
                sees);
    chat->forgets |= forgot;
}

/* ---- the answer, printed as it comes ---- */

struct printer {
    const struct tokenizer *tok;
    struct decoding decoding;
    struct strbuf text;
    size_t printed;
};

static void print_until(struct printer *printer, size_t end)
{
    print_model_text(printer->text.data + printer->printed, end - printer->printed);
    fflush(stdout);
    printer->printed = end;
}

/* A character whose bytes are not all there yet waits for the next token. */
static bool on_token(void *context, const struct new_token *token)
{
    struct printer *printer = context;
    if (!token->ends)
        tokenizer_decode_next(printer->tok, &printer->decoding, token->id, &printer->text);
    const size_t end = printer->text.len - utf8_incomplete_tail(printer->text.data, printer->text.len);
    if (end > printer->printed)
        print_until(printer, end);
    return !ferror(stdout);
}

static enum sft_status reply(struct chat *chat, struct sft_err *err)
{
    struct printer printer = {.tok = chat->session.bundle.files.tokenizer, .decoding = {.skip_special = true}};
    struct token_buf tokens = {0};
    enum finish_reason reason;
    make_room(chat);
    const struct conversation conv = {.messages = chat->said.messages, .count = chat->said.count};
    chat->options.context = &printer;
    const enum sft_status status = session_generate(&chat->session, &conv, &chat->options, &tokens, &reason, err);
    chat->options.random_stream++;
    if (!status) {
        if (printer.text.len > printer.printed)
            print_until(&printer, printer.text.len);
        printf("%s\n", reason == FINISH_STOP ? "" : " [...]");
        say(&chat->said, ROLE_ASSISTANT, printer.text.data ? printer.text.data : "", printer.text.len);
    }
    strbuf_free(&printer.text);
    token_buf_free(&tokens);
    return status;
}

/* ---- commands ---- */

static const char help_text[] = "/reset         forget the conversation\n"
                                "/system TEXT   begin again with this system prompt (/system: none)\n"
                                "/help          this list\n"
                                "/quit, Ctrl-D  end\n"
                                "Ctrl-C stops an answer. A message that begins with / is sent with // in front.\n";

/* A line that begins with a slash; false ends the chat. */
static bool obey(struct chat *chat, const char *line)
{
    if (strcmp(line, "/quit") == 0 || strcmp(line, "/exit") == 0 || strcmp(line, "/bye") == 0)
        return false;
    if (strcmp(line, "/help") == 0 || strcmp(line, "/?") == 0) {
        fputs(help_text, stderr);
    } else if (strcmp(line, "/reset") == 0 || strcmp(line, "/clear") == 0) {
        begin_again(chat);
    } else if (strcmp(line, "/system") == 0 || strncmp(line, "/system ", 8) == 0) {
        strbuf_clear(&chat->system);
        strbuf_puts(&chat->system, line[7] ? line + 8 : "");
        begin_again(chat);
    } else {
        struct strbuf shown = {0};
        strbuf_add_visible(&shown, line, strcspn(line, " \t"));
        fprintf(stderr, "unknown command %s (/help lists them; // in front sends the line as a message)\n", shown.data);
        strbuf_free(&shown);
    }
    return true;
}

static void send_message(struct chat *chat, const char *line, size_t len)
{
    struct sft_err err;
    say(&chat->said, ROLE_USER, line, len);
    if (reply(chat, &err)) {
        fprintf(stderr, "error: %s (/reset to start again)\n", SFT_ERR_TEXT(&err));
        chat->said.count--;
    }
}

/* ---- the loop ---- */

/* A terminal's driver keeps this many bytes of a line and drops what follows, without a sign (termios(3)): half a
 * message would be answered as if it were the whole. */
enum { TERMINAL_LINE = 4095 };
static const char too_long_for_a_terminal[] =
    "a terminal passes on 4095 bytes of a line and drops the rest: not sent (use shorter lines, or sft generate DIR "
    "<FILE)\n";

/* The next line without its end; false at the end of input, or after a second Ctrl-C in a row. */
static bool read_line(const struct chat *chat, char **line, size_t *capacity, size_t *len)
{
    for (bool again = false;; again = true) {
        interrupted = 0;
        if (chat->terminal)
            fputs(chat->colour ? "\033[1m> \033[0m" : "> ", stderr);
        catch_interrupt(true);
        const ssize_t n = getline(line, capacity, stdin);
        catch_interrupt(false);
        if (n > 0) {
            *len = (size_t)n;
            while (*len && ((*line)[*len - 1] == '\n' || (*line)[*len - 1] == '\r'))
                (*line)[--*len] = '\0';
            return true;
        }
        if (!interrupted || !chat->terminal || again)
            return false;
        clearerr(stdin);
        fputs("\n(/quit, Ctrl-D or Ctrl-C again ends)\n", stderr);
    }
}

/* Read, answer, until the end of input or /quit. Ctrl-C stops an answer; where nobody types, it ends. */
static void talk(struct chat *chat)
{
    char *line = NULL;
    size_t capacity = 0, len = 0;
    begin_again(chat);
    if (chat->terminal)
        fputs("/help lists the commands; Ctrl-C stops an answer, Ctrl-D ends\n", stderr);
    while (read_line(chat, &line, &capacity, &len)) {
        const bool is_command = line[0] == '/' && line[1] != '/';
        const size_t skip = line[0] == '/' && line[1] == '/';
        if (chat->terminal && len >= TERMINAL_LINE) {
            fputs(too_long_for_a_terminal, stderr);
            continue;
        }
        if (is_command && !obey(chat, line))
            break;
        if (!is_command && len > skip)
            send_message(chat, line + skip, len - skip);
        if (interrupted && !chat->terminal)
            break;
    }
    if (chat->terminal)
        fputc('\n', stderr);
    free(line);
}

static void describe_sampling(const struct chat *chat)
{
    const struct sampling *s = &chat->options.sampling;
    const bool models_own = chat->session.bundle.files.generation.do_sample;
    if (!chat->terminal)
        return;
    fprintf(stderr, "sampling with temperature %g", s->temperature);
    if (s->top_k)
        fprintf(stderr, ", top-k %zu", s->top_k);
    fprintf(stderr, ", top-p %g", s->top_p);
    if (s->repetition_penalty != 1)
        fprintf(stderr, ", repetition penalty %g", s->repetition_penalty);
    fprintf(stderr, "%s\n", models_own ? " (from the model's generation_config.json where not given)" : "");
}

static void chat_free(struct chat *chat)
{
    session_close(&chat->session);
    strbuf_free(&chat->system);
    free(chat->said.messages);
    arena_free(&chat->said.arena);
}

int cmd_chat(int argc, char **argv)
{
    static const struct sampling fallback = {.temperature = 0.7, .top_p = 0.95, .repetition_penalty = 1};
    const char *model = NULL, *system = NULL, *precision = "auto";
    struct model_argument argument = {0};
    uint64_t max_new_tokens = 512;
    struct sampling_options sampling = SAMPLING_OPTIONS_NONE;
    struct string_list words, overrides = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
        {"system", OPTION_STRING, &system, "TEXT", "system message before the conversation"},
        {"max-new-tokens", OPTION_SIZE, &max_new_tokens, "N", "longest answer, in tokens (512)"},
        {"temperature", OPTION_DOUBLE, &sampling.temperature, "T", "0.7; 0: always the most likely token"},
        {"top-k", OPTION_SIZE, &sampling.top_k, "K", "sample from the K most likely tokens (0: all)"},
        {"top-p", OPTION_DOUBLE, &sampling.top_p, "P",
         "sample from the likeliest tokens that together have probability P (0.95)"},
        {"repetition-penalty", OPTION_DOUBLE, &sampling.repetition_penalty, "R",
         "above 1: what was said becomes less likely (1: off)"},
        {"seed", OPTION_SIZE, &sampling.seed, "N", "random seed (42)"},
        {"precision", OPTION_STRING, &precision, "P", "auto (default), fp32 or bf16"},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.template; may be repeated"},
    };
    const struct usage usage = {
        "sft chat DIR [options]",
        "Talks on the terminal: each line is a message, and the answer is printed as it is generated; /help "
        "lists the commands. Where the model's generation_config.json says do_sample, its temperature, top_k, "
        "top_p and repetition_penalty take the place of the defaults below.",
        table, sizeof table / sizeof *table};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct chat chat = {.terminal = isatty(STDIN_FILENO), .colour = log_is_terminal(STDERR_FILENO)};
    struct sft_err err = {0};
    enum sft_status status = sampling_options_check(&sampling, &err);
    if (!status)
        status = model_argument(&argument, model, &words, usage.synopsis, &err);
    if (!status && words.count)
        status = sft_fail(&err, SFT_EUSAGE, "no place for '%s' (usage: %s)", words.items[0], usage.synopsis);
    if (!status)
        status = model_argument_open(&argument, precision, &overrides, true, &chat.session, &err);
    if (status) {
        code = report_error(&err);
    } else {
        model_argument_tell_bundle(&argument, &chat.session.bundle);
        const struct generation_config *own = &chat.session.bundle.files.generation;
        chat.options = (struct generation){.max_new_tokens = (size_t)max_new_tokens,
                                           .sampling = sampling_resolve(&sampling, own, &fallback),
                                           .on_token = on_token,
                                           .stop = &interrupted};
        strbuf_puts(&chat.system, system ? system : "");
        describe_sampling(&chat);
        talk(&chat);
        code = finish_output();
        if (!code && interrupted && !chat.terminal)
            code = 130;
    }
    chat_free(&chat);
    model_argument_free(&argument);
    words_free(&words);
    words_free(&overrides);
    return code;
}

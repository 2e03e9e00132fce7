#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/model_argument.h"
#include "cmd/model_text.h"
#include "cmd/sampling_options.h"
#include "data/readers/reader.h"
#include "infer/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct generate {
    const char *precision, *system;
    bool json, raw;
    uint64_t max_new_tokens;
    struct session session;
    struct generation options;
};

/* What a line or the command line asks for: a conversation to answer or, with --raw, text to continue. */
struct prompt {
    struct conversation conv;
    const char *text;
    size_t len;
};

struct answer {
    struct token_buf tokens; /* the end token included */
    struct strbuf text;      /* without it */
    enum finish_reason reason;
};

static void answer_free(struct answer *answer)
{
    token_buf_free(&answer->tokens);
    strbuf_free(&answer->text);
}

static enum sft_status generate(struct generate *g, const struct prompt *prompt, struct answer *answer,
                                struct sft_err *err)
{
    const struct generation *options = &g->options;
    struct session *s = &g->session;
    *answer = (struct answer){0};
    if (g->raw ? session_continue(s, prompt->text, prompt->len, options, &answer->tokens, &answer->reason, err)
               : session_generate(s, &prompt->conv, options, &answer->tokens, &answer->reason, err))
        return err->status;
    const bool ended = answer->reason == FINISH_STOP;
    (g->raw ? tokenizer_decode_part : tokenizer_decode)(s->bundle.files.tokenizer, answer->tokens.ids,
                                                        answer->tokens.count - ended, true, &answer->text);
    return SFT_OK;
}

/* ---- conversations as JSON lines ---- */

/* The messages as they came, whatever else they hold; those of other formats as what they became. */
static void print_messages(struct strbuf *out, const json *row, const struct conversation *conv)
{
    const json *messages = json_get(row, "messages");
    for (const json *m = json_first(messages); m; m = json_next(m)) {
        json_print_line(m, out);
        strbuf_putc(out, ',');
    }
    for (size_t i = 0; !messages && i < conv->count; i++) {
        strbuf_printf(out, "{\"role\":\"%s\",\"content\":", role_name[conv->messages[i].role]);
        strbuf_json_string(out, conv->messages[i].content, conv->messages[i].len);
        strbuf_puts(out, "},");
    }
}

/* The row's other keys, an id for instance, come back with it: `before` stands before the first, "," before others. */
static void print_other_keys(struct strbuf *out, const json *row, const char *const *ours, const char *before)
{
    for (const json *member = json_first(row); member; member = json_next(member)) {
        bool is_ours = false;
        for (size_t i = 0; ours[i]; i++)
            is_ours |= strcmp(json_key(member), ours[i]) == 0;
        if (is_ours)
            continue;
        strbuf_puts(out, before);
        strbuf_json_string(out, json_key(member), strlen(json_key(member)));
        strbuf_putc(out, ':');
        json_print_line(member, out);
        before = ",";
    }
}

static void print_tokens(struct strbuf *out, const struct answer *answer)
{
    strbuf_puts(out, "\"tokens\":[");
    for (size_t i = 0; i < answer->tokens.count; i++)
        strbuf_printf(out, "%s%d", i ? "," : "", answer->tokens.ids[i]);
    strbuf_printf(out, "],\"finish_reason\":\"%s\"", answer->reason == FINISH_STOP ? "stop" : "length");
}

static void print_answer(struct strbuf *out, const json *row, const struct conversation *conv,
                         const struct answer *answer)
{
    static const char *const ours[] = {"messages", "tokens", "finish_reason", "error", NULL};
    strbuf_puts(out, "{\"messages\":[");
    print_messages(out, row, conv);
    strbuf_puts(out, "{\"role\":\"assistant\",\"content\":");
    strbuf_json_string(out, answer->text.data, answer->text.len);
    strbuf_puts(out, "}],");
    print_tokens(out, answer);
    print_other_keys(out, json_get(row, "messages") ? row : NULL, ours, ",");
    strbuf_putc(out, '}');
}

static void print_completion(struct strbuf *out, const json *row, const struct answer *answer)
{
    static const char *const ours[] = {"completion", "tokens", "finish_reason", "error", NULL};
    strbuf_putc(out, '{');
    print_other_keys(out, row, ours, "");
    strbuf_puts(out, ",\"completion\":");
    strbuf_json_string(out, answer->text.data, answer->text.len);
    strbuf_putc(out, ',');
    print_tokens(out, answer);
    strbuf_putc(out, '}');
}

/* {"prompt": "..."} with --raw, otherwise a conversation whose last word is not the assistant's. */
static enum sft_status read_prompt(const struct generate *g, const json *row, struct arena *arena,
                                   struct prompt *prompt, struct sft_err *err)
{
    if (g->raw) {
        const json *text = json_get(row, "prompt");
        prompt->text = json_string(text);
        prompt->len = prompt->text ? strlen(prompt->text) : 0;
        return prompt->text ? SFT_OK
                            : sft_fail(err, SFT_EDATA, "prompt: expected a string, found %s", json_type_name(text));
    }
    if (reader_read_any(row, arena, &prompt->conv, err))
        return SFT_EDATA;
    const struct conversation *conv = &prompt->conv;
    if (!conv->is_document && conv->count && conv->messages[conv->count - 1].role == ROLE_ASSISTANT)
        return sft_fail(err, SFT_EDATA,
                        "messages[%zu]: the conversation ends with the assistant's answer already (take that "
                        "message out to have another)",
                        conv->count - 1);
    return SFT_OK;
}

/* One line in, one line out; false for a bad row. `row` counts from 0. */
static bool answer_line(struct generate *g, const char *line, size_t len, size_t row, struct strbuf *out)
{
    struct arena arena = {0};
    struct prompt prompt = {0};
    struct answer answer = {0};
    json *parsed = NULL;
    struct sft_err err = {0};
    g->options.random_stream = row;
    enum sft_status status = json_parse(line, len, &parsed, &err);
    if (!status)
        status = read_prompt(g, parsed, &arena, &prompt, &err);
    if (!status)
        status = generate(g, &prompt, &answer, &err);
    if (status) {
        strbuf_puts(out, "{\"error\":");
        const char *why = SFT_ERR_TEXT(&err);
        strbuf_json_string(out, why, strlen(why));
        strbuf_puts(out, "}");
    } else if (g->raw) {
        print_completion(out, parsed, &answer);
    } else {
        print_answer(out, parsed, &prompt.conv, &answer);
    }
    strbuf_putc(out, '\n');
    json_free(parsed);
    answer_free(&answer);
    arena_free(&arena);
    return status == SFT_OK;
}

static int answer_json_lines(struct generate *g)
{
    struct strbuf out = {0};
    char *line = NULL;
    size_t capacity = 0, row = 0;
    bool all_good = true;
    ssize_t len;
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        if (strspn(line, " \t\r\n") == (size_t)len)
            continue;
        strbuf_clear(&out);
        all_good &= answer_line(g, line, (size_t)len, row++, &out);
        fwrite(out.data, 1, out.len, stdout);
        fflush(stdout); /* a program on the other end of a pipe waits for each line */
    }
    free(line);
    strbuf_free(&out);
    const int code = finish_output();
    return all_good ? code : 1;
}

/* ---- one prompt as text ---- */

static int answer_text(struct generate *g, const char *text, size_t len)
{
    struct message messages[2];
    struct prompt prompt = {.conv = {.messages = messages}, .text = text, .len = len};
    struct answer answer = {0};
    struct sft_err err = {0};
    int code;
    if (g->system)
        messages[prompt.conv.count++] = (struct message){ROLE_SYSTEM, g->system, strlen(g->system), 1};
    messages[prompt.conv.count++] = (struct message){ROLE_USER, text, len, 1};
    if (generate(g, &prompt, &answer, &err)) {
        code = report_error(&err);
    } else {
        print_model_text(answer.text.data, answer.text.len);
        putchar('\n');
        code = finish_output();
    }
    answer_free(&answer);
    return code;
}

static int answer_words(struct generate *g, const struct string_list *words)
{
    struct strbuf prompt = {0};
    struct sft_err err = {0};
    int code;
    for (size_t i = 0; i < words->count; i++)
        strbuf_printf(&prompt, "%s%s", i ? " " : "", words->items[i]);
    if (words->count == 0 && isatty(STDIN_FILENO))
        log_info("type the prompt; Ctrl-D on a line of its own ends it");
    if (words->count == 0 && io_read("/dev/stdin", &prompt, &err)) {
        code = report_error(&err);
    } else {
        while (prompt.len && words->count == 0 && prompt.data[prompt.len - 1] == '\n')
            prompt.len--;
        code = answer_text(g, prompt.data ? prompt.data : "", prompt.len);
    }
    strbuf_free(&prompt);
    return code;
}

static enum sft_status check_usage(const struct generate *g, const struct string_list *words, const char *synopsis,
                                   struct sft_err *err)
{
    if (g->json && words->count)
        return sft_fail(err, SFT_EUSAGE, "with --json the %s come on stdin, found '%s' (usage: %s)",
                        g->raw ? "prompts" : "conversations", words->items[0], synopsis);
    if (g->raw && g->system)
        return sft_fail(err, SFT_EUSAGE, "--system has no place in text that is continued as it stands (--raw)");
    return SFT_OK;
}

int cmd_generate(int argc, char **argv)
{
    struct generate g = {.precision = "fp32", .max_new_tokens = 256};
    struct sampling_options sampling = SAMPLING_OPTIONS_NONE;
    const char *model = NULL;
    struct model_argument argument = {0};
    struct string_list words, overrides = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
        {"json", OPTION_FLAG, &g.json, NULL, "conversations as JSON lines on stdin, answers on stdout"},
        {"raw", OPTION_FLAG, &g.raw, NULL,
         "continue the text as it stands, without a chat template; with --json, {\"prompt\": ...} lines"},
        {"system", OPTION_STRING, &g.system, "TEXT", "system message before the prompt"},
        {"max-new-tokens", OPTION_SIZE, &g.max_new_tokens, "N", "longest answer, in tokens (256)"},
        {"temperature", OPTION_DOUBLE, &sampling.temperature, "T", "0 (default): always the most likely token"},
        {"top-k", OPTION_SIZE, &sampling.top_k, "K", "sample from the K most likely tokens (0: all)"},
        {"top-p", OPTION_DOUBLE, &sampling.top_p, "P",
         "sample from the likeliest tokens that together have probability P (1: all)"},
        {"repetition-penalty", OPTION_DOUBLE, &sampling.repetition_penalty, "R",
         "above 1: what was said becomes less likely (1: off)"},
        {"seed", OPTION_SIZE, &sampling.seed, "N", "random seed (42)"},
        {"precision", OPTION_STRING, &g.precision, "P", "fp32 (default), bf16 or auto"},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.template; may be repeated"},
    };
    const struct usage usage = {
        "sft generate DIR [options] [PROMPT...]",
        "Answers one prompt, from the command line or stdin; with --json, one conversation per line. An answer "
        "ends at the template's end of turn and at any eos_token_id of the model's generation_config.json; the "
        "sampling settings there are chat's defaults, not generate's.",
        table, sizeof table / sizeof *table};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    enum sft_status status = sampling_options_check(&sampling, &err);
    if (!status)
        status = model_argument(&argument, model, &words, usage.synopsis, &err);
    if (!status)
        status = check_usage(&g, &words, usage.synopsis, &err);
    if (!status)
        status = model_argument_open(&argument, g.precision, &overrides, !g.raw, &g.session, &err);
    if (status) {
        code = report_error(&err);
    } else {
        model_argument_tell_bundle(&argument, &g.session.bundle);
        g.options = (struct generation){.max_new_tokens = (size_t)g.max_new_tokens,
                                        .sampling = sampling_resolve(&sampling, NULL, &SAMPLING_GREEDY)};
        code = g.json ? answer_json_lines(&g) : answer_words(&g, &words);
    }
    session_close(&g.session);
    model_argument_free(&argument);
    words_free(&words);
    words_free(&overrides);
    return code;
}

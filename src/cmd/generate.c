#include "cmd/cmd.h"
#include "base/io.h"
#include "base/json.h"
#include "data/reader.h"
#include "infer/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct generate {
    const char *model, *precision, *system;
    bool json;
    uint64_t max_new_tokens;
    struct sampling sampling;
    struct session session;
    struct sampler sampler;
};

static enum sft_status answer(struct generate *g, const struct conversation *conv, struct token_buf *tokens,
                              enum finish_reason *reason, struct sft_err *err)
{
    const struct generation options = {.max_new_tokens = (size_t)g->max_new_tokens, .sampler = &g->sampler};
    tokens->count = 0;
    return session_generate(&g->session, conv, &options, tokens, reason, err);
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

/* The row's other keys, an id for instance, come back with it. */
static void print_other_keys(struct strbuf *out, const json *row)
{
    static const char *const ours[] = {"messages", "tokens", "finish_reason", "error"};
    for (const json *member = json_first(json_get(row, "messages") ? row : NULL); member;
         member = json_next(member)) {
        bool is_ours = false;
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            is_ours |= strcmp(json_key(member), ours[i]) == 0;
        if (is_ours)
            continue;
        strbuf_putc(out, ',');
        strbuf_json_string(out, json_key(member), strlen(json_key(member)));
        strbuf_putc(out, ':');
        json_print_line(member, out);
    }
}

static void print_answer(struct strbuf *out, const struct generate *g, const json *row,
                         const struct conversation *conv, const struct token_buf *tokens,
                         enum finish_reason reason)
{
    struct strbuf reply = {0};
    tokenizer_decode(g->session.tokenizer, tokens->ids, tokens->count, true, &reply);
    strbuf_puts(out, "{\"messages\":[");
    print_messages(out, row, conv);
    strbuf_puts(out, "{\"role\":\"assistant\",\"content\":");
    strbuf_json_string(out, reply.data ? reply.data : "", reply.len);
    strbuf_puts(out, "}],\"tokens\":[");
    for (size_t i = 0; i < tokens->count; i++)
        strbuf_printf(out, "%s%d", i ? "," : "", tokens->ids[i]);
    strbuf_printf(out, "],\"finish_reason\":\"%s\"", reason == FINISH_STOP ? "stop" : "length");
    print_other_keys(out, row);
    strbuf_putc(out, '}');
    strbuf_free(&reply);
}

/* One line in, one line out; false for a bad row. `row` counts from 0. */
static bool answer_line(struct generate *g, const char *line, size_t len, size_t row, struct strbuf *out)
{
    struct arena arena = {0};
    struct conversation conv;
    json *parsed = NULL;
    struct token_buf tokens = {0};
    enum finish_reason reason;
    struct sft_err err = {0};
    sampler_restart(&g->sampler, row);
    enum sft_status status = json_parse(line, len, &parsed, &err);
    if (!status)
        status = conversation_read(parsed, &arena, &conv, &err);
    if (!status)
        status = answer(g, &conv, &tokens, &reason, &err);
    if (status) {
        strbuf_puts(out, "{\"error\":");
        strbuf_json_string(out, err.message, strlen(err.message));
        strbuf_puts(out, "}");
    } else {
        print_answer(out, g, parsed, &conv, &tokens, reason);
    }
    strbuf_putc(out, '\n');
    json_free(parsed);
    token_buf_free(&tokens);
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
    struct conversation conv = {.messages = messages};
    if (g->system)
        messages[conv.count++] = (struct message){ROLE_SYSTEM, g->system, strlen(g->system), 1};
    messages[conv.count++] = (struct message){ROLE_USER, text, len, 1};
    struct token_buf tokens = {0};
    struct strbuf reply = {0}, clean = {0};
    enum finish_reason reason;
    struct sft_err err = {0};
    int code;
    if (answer(g, &conv, &tokens, &reason, &err)) {
        code = report_error(&err);
    } else {
        tokenizer_decode(g->session.tokenizer, tokens.ids, tokens.count, true, &reply);
        strbuf_add_utf8_lossy(&clean, reply.data ? reply.data : "", reply.len);
        printf("%s\n", clean.data);
        code = finish_output();
    }
    strbuf_free(&clean);
    strbuf_free(&reply);
    token_buf_free(&tokens);
    return code;
}

static int answer_words(struct generate *g, const struct string_list *words)
{
    struct strbuf prompt = {0};
    struct sft_err err = {0};
    int code;
    for (size_t i = 0; i < words->count; i++)
        strbuf_printf(&prompt, "%s%s", i ? " " : "", words->items[i]);
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

int cmd_generate(int argc, char **argv)
{
    struct generate g = {.precision = "fp32", .max_new_tokens = 256, .sampling = {.top_p = 1, .seed = 42}};
    uint64_t top_k = 0;
    struct string_list words, overrides = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &g.model, "DIR",
         "the model: a checkpoint or another Hugging Face directory"},
        {"json", OPTION_FLAG, &g.json, NULL, "conversations as JSON lines on stdin, answers on stdout"},
        {"system", OPTION_STRING, &g.system, "TEXT", "system message before the prompt"},
        {"max-new-tokens", OPTION_SIZE, &g.max_new_tokens, "N", "longest answer, in tokens (256)"},
        {"temperature", OPTION_DOUBLE, &g.sampling.temperature, "T",
         "0 (default): always the most likely token"},
        {"top-k", OPTION_SIZE, &top_k, "K", "sample from the K most likely tokens (0: all)"},
        {"top-p", OPTION_DOUBLE, &g.sampling.top_p, "P",
         "sample from the likeliest tokens that together have probability P (1: all)"},
        {"seed", OPTION_SIZE, &g.sampling.seed, "N", "random seed (42)"},
        {"precision", OPTION_STRING, &g.precision, "P", "fp32 (default), bf16 or auto"},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.template; may be repeated"},
    };
    const struct usage usage = {
        "sft generate --model DIR [options] [PROMPT...]",
        "Answers one prompt, from the command line or stdin; with --json, one conversation per line.", table,
        sizeof table / sizeof *table};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct settings settings;
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    settings_init(&settings);
    g.sampling.top_k = (size_t)top_k;
    if (!g.model || (g.json && words.count))
        status = sft_fail(&err, SFT_EUSAGE, "expected --model%s (usage: %s)",
                          g.json ? ", and with --json no prompt: conversations come on stdin" : "",
                          usage.synopsis);
    if (!status && (g.sampling.temperature < 0 || g.sampling.top_p <= 0 || g.sampling.top_p > 1))
        status = sft_fail(&err, SFT_EUSAGE, "--temperature must be 0 or more, --top-p above 0 and at most 1");
    if (!status)
        status = apply_overrides(&settings, &overrides, &err);
    if (!status)
        status = session_open(&g.session, g.model, g.precision, &settings, &err);
    if (status) {
        code = report_error(&err);
    } else {
        sampler_init(&g.sampler, &g.sampling, g.session.model.config.vocab_size, 0);
        code = g.json ? answer_json_lines(&g) : answer_words(&g, &words);
    }
    sampler_free(&g.sampler);
    session_close(&g.session);
    settings_free(&settings);
    words_free(&words);
    words_free(&overrides);
    return code;
}

#include "collect/synth/row_line.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static void add_text(struct strbuf *out, const char *key, const char *text)
{
    strbuf_printf(out, "\"%s\":", key);
    strbuf_json_string(out, text, strlen(text));
}

static void add_message(struct strbuf *out, enum role role, const char *text, size_t len)
{
    strbuf_printf(out, "{\"role\":\"%s\",\"content\":", role_name[role]);
    strbuf_json_string(out, text, len);
    strbuf_putc(out, '}');
}

static void add_messages(struct strbuf *out, const char *key, const struct message *messages, size_t n)
{
    strbuf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < n; i++) {
        strbuf_puts(out, i ? "," : "");
        add_message(out, messages[i].role, messages[i].content, messages[i].len);
    }
    strbuf_putc(out, ']');
}

static void add_conversation(struct strbuf *out, const struct prompt_next *row)
{
    const struct conversation *conv = &row->conv;
    if (!row->rejected) {
        add_messages(out, "messages", conv->messages, conv->count);
        return;
    }
    add_messages(out, "prompt", conv->messages, conv->count - 1);
    strbuf_putc(out, ',');
    add_messages(out, "chosen", conv->messages + conv->count - 1, 1);
    strbuf_puts(out, ",\"rejected\":[");
    add_message(out, ROLE_ASSISTANT, row->rejected, row->rejected_len);
    strbuf_putc(out, ']');
}

static void add_time(struct strbuf *out)
{
    char text[32];
    struct tm parts;
    const time_t now = time(NULL);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    add_text(out, "time", text);
}

static void add_meta(struct strbuf *out, const struct row_meta *meta)
{
    const struct plan_row *row = meta->row;
    strbuf_puts(out, ",\"meta\":{");
    if (meta->model) {
        add_text(out, "model", meta->model);
        strbuf_putc(out, ',');
    }
    add_text(out, "recipe", meta->recipe);
    strbuf_putc(out, ',');
    add_text(out, "persona", row->persona->name);
    strbuf_putc(out, ',');
    add_text(out, "topic", row->topic);
    strbuf_putc(out, ',');
    add_text(out, "kind", row_kind_name[row->kind]);
    /* as it is sent with the first step; data frames have no unsigned numbers of 64 bits */
    strbuf_printf(out, ",\"row\":%" PRIu64 ",\"seed\":%" PRIu64, row->row, row->seed & INT32_MAX);
    if (row->kind == KIND_LOOK_ALIKE)
        strbuf_printf(out, ",\"shares\":%" PRIu64, row->refusal);
    strbuf_puts(out, meta->is_revised ? ",\"revised\":true," : ",");
    add_time(out);
    strbuf_puts(out, "}}\n");
}

void row_line_kept(struct strbuf *out, const struct prompt_next *row, const struct row_meta *meta)
{
    strbuf_putc(out, '{');
    add_conversation(out, row);
    add_meta(out, meta);
}

static void add_answers(struct strbuf *out, const struct prompt_answer *answers, size_t n)
{
    strbuf_puts(out, "\"answers\":[");
    for (size_t i = 0; i < n; i++) {
        strbuf_puts(out, i ? "," : "");
        strbuf_json_string(out, answers[i].text, answers[i].len);
    }
    strbuf_putc(out, ']');
}

void row_line_rejected(struct strbuf *out, const struct prompt_next *row, const struct prompt_answer *answers, size_t n,
                       const struct row_meta *meta, const char *reason, const char *detail)
{
    strbuf_putc(out, '{');
    add_text(out, "reason", reason);
    strbuf_putc(out, ',');
    if (*detail) {
        add_text(out, "detail", detail);
        strbuf_putc(out, ',');
    }
    if (row->how == NEXT_COMPLETE)
        add_conversation(out, row);
    else
        add_answers(out, answers, n);
    add_meta(out, meta);
}

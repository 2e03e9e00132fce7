#include "cmd/generate_rows.h"

#include "base/json.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/line_reader.h"
#include "data/readers/reader.h"
#include "data/readers/reader_fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rows that are answered and wait for an earlier one, and those that are being answered. */
enum { ROWS_MAX = 1024 };

struct row {
    struct row *next;
    uint64_t number; /* from 0 */
    bool is_bad;     /* one of its lines is an error */
    json *parsed;
    struct arena arena; /* of prompt */
    struct prompt prompt;
    struct sample *samples; /* (n_samples) */
    size_t n_running;       /* of them; 0: `lines` is what is printed */
    struct strbuf lines;
};

/* The rows that are not printed yet, in their order. */
struct queue {
    struct generator *g;
    struct row *first, **end;
    size_t n_rows, n_running; /* answers */
    uint64_t n_read, n_bad;
};

/* ---- what is printed ---- */

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
static void print_other_keys(struct strbuf *out, const json *row, const char *const *ours, size_t n_ours,
                             const char *before)
{
    for (const json *member = json_first(row); member; member = json_next(member)) {
        const char *key = json_key(member);
        if (str_is_one_of(key, strlen(key), ours, n_ours))
            continue;
        strbuf_puts(out, before);
        strbuf_json_string(out, key, strlen(key));
        strbuf_putc(out, ':');
        json_print_line(member, out);
        before = ",";
    }
}

static void print_tokens(struct strbuf *out, const struct stream *stream)
{
    strbuf_puts(out, "\"tokens\":[");
    for (size_t i = 0; i < stream->n_made; i++)
        strbuf_printf(out, "%s%d", i ? "," : "", stream_answer(stream)[i]);
    strbuf_printf(out, "],\"finish_reason\":\"%s\"", stream->reason == FINISH_STOP ? "stop" : "length");
}

/* Which of several answers it is. */
static void print_number(struct strbuf *out, const struct generator *g, size_t k)
{
    if (g->n_samples > 1)
        strbuf_printf(out, ",\"sample\":%zu", k);
}

static void print_answer(struct strbuf *out, const struct generator *g, const struct row *row, size_t k)
{
    static const char *const ours[] = {"messages", "tokens", "finish_reason", "error", "sample"};
    const struct sample *sample = &row->samples[k];
    strbuf_puts(out, "{\"messages\":[");
    print_messages(out, row->parsed, &row->prompt.conv);
    strbuf_puts(out, "{\"role\":\"assistant\",\"content\":");
    strbuf_json_string(out, sample->text.text.data, sample->text.ready);
    strbuf_puts(out, "}],");
    print_tokens(out, sample->stream);
    print_number(out, g, k);
    print_other_keys(out, json_get(row->parsed, "messages") ? row->parsed : NULL, ours, g->n_samples > 1 ? 5 : 4, ",");
    strbuf_puts(out, "}\n");
}

static void print_completion(struct strbuf *out, const struct generator *g, const struct row *row, size_t k)
{
    static const char *const ours[] = {"completion", "tokens", "finish_reason", "error", "sample"};
    const struct sample *sample = &row->samples[k];
    strbuf_putc(out, '{');
    print_other_keys(out, row->parsed, ours, g->n_samples > 1 ? 5 : 4, "");
    strbuf_puts(out, ",\"completion\":");
    strbuf_json_string(out, sample->text.text.data, sample->text.ready);
    strbuf_putc(out, ',');
    print_tokens(out, sample->stream);
    print_number(out, g, k);
    strbuf_puts(out, "}\n");
}

/* Which row it is: by its number, unless it has one of its own, and by what comes back of it. */
static void print_error(const struct generator *g, struct row *row, const struct sft_err *err)
{
    static const char *const ours[] = {"messages", "completion", "tokens", "finish_reason", "error", "sample"};
    struct strbuf *out = &row->lines;
    const char *why = SFT_ERR_TEXT(err);
    strbuf_puts(out, "{\"error\":");
    strbuf_json_string(out, why, strlen(why));
    if (!json_get(row->parsed, "row"))
        strbuf_printf(out, ",\"row\":%" PRIu64, row->number + 1);
    if (json_is_object(row->parsed))
        print_other_keys(out, row->parsed, ours, g->n_samples > 1 ? 6 : 5, ",");
    strbuf_puts(out, "}\n");
    row->is_bad = true;
}

/* ---- one row ---- */

/* Nobody is asked anything. */
static bool has_prompt_alone(const json *row)
{
    return json_string(json_get(row, "prompt")) && !json_get(row, "completion") && !json_get(row, "messages");
}

/* {"prompt": "..."} where it is raw, otherwise a conversation whose last word is not the assistant's. */
static enum sft_status read_prompt(bool raw, struct row *row, struct sft_err *err)
{
    struct prompt *prompt = &row->prompt;
    const struct conversation *conv = &prompt->conv;
    if (raw) {
        const json *text = json_get(row->parsed, "prompt");
        prompt->text = json_string(text);
        prompt->len = prompt->text ? strlen(prompt->text) : 0;
        return prompt->text ? SFT_OK : (reader_fail_type(text, "a string", err), sft_in_key(err, "prompt"));
    }
    if (reader_read_any(row->parsed, &row->arena, &prompt->conv, err))
        return !has_prompt_alone(row->parsed)
                   ? SFT_EDATA
                   : sft_fail(err, SFT_EDATA, "prompt: alone it is text to be continued, with --raw (a conversation "
                                              "that is to be answered is {\"messages\": [...]})");
    if (!conv->is_document && conv->count && conv->messages[conv->count - 1].role == ROLE_ASSISTANT)
        return sft_fail(err, SFT_EDATA,
                        "messages[%zu]: the conversation ends with the assistant's answer already (take that "
                        "message out to have another)",
                        conv->count - 1);
    return SFT_OK;
}

/* What it was made of is not needed any more: its lines are. */
static void forget(struct queue *q, struct row *row)
{
    for (size_t k = 0; row->samples && k < q->g->n_samples; k++)
        sample_free(q->g, &row->samples[k]);
    free(row->samples);
    row->samples = NULL;
    json_free(row->parsed);
    row->parsed = NULL;
    arena_free(&row->arena);
}

static void add_row(struct queue *q, const char *line, size_t len)
{
    struct sft_err err = {0};
    struct row *row = mem_calloc(1, sizeof *row);
    row->number = q->n_read++;
    *q->end = row;
    q->end = &row->next;
    q->n_rows++;
    row->samples = mem_calloc((size_t)q->g->n_samples, sizeof *row->samples);
    if (json_parse(line, len, &row->parsed, &err) || read_prompt(q->g->raw, row, &err) ||
        generator_begin(q->g, &row->prompt, row->number, row->samples, &err)) {
        print_error(q->g, row, &err);
        forget(q, row);
        return;
    }
    row->n_running = (size_t)q->g->n_samples;
    q->n_running += row->n_running;
}

/* Its answers are complete: they become its lines. */
static void finish_row(struct queue *q, struct row *row)
{
    for (size_t k = 0; k < q->g->n_samples; k++) {
        struct sft_err err;
        if (stream_check(row->samples[k].stream, &err))
            print_error(q->g, row, &err);
        else if (q->g->raw)
            print_completion(&row->lines, q->g, row, k);
        else
            print_answer(&row->lines, q->g, row, k);
    }
    forget(q, row);
}

static void look_at_row(struct queue *q, struct row *row)
{
    size_t n_running = 0;
    for (size_t k = 0; row->n_running && k < q->g->n_samples; k++)
        n_running += !sample_is_done(&row->samples[k]);
    if (n_running == row->n_running)
        return;
    q->n_running -= row->n_running - n_running;
    row->n_running = n_running;
    if (n_running == 0)
        finish_row(q, row);
}

/* ---- all of them ---- */

/* A program on the other end of a pipe waits for each line. */
static void print_first_rows(struct queue *q)
{
    while (q->first && q->first->n_running == 0) {
        struct row *row = q->first;
        fwrite(row->lines.data, 1, row->lines.len, stdout);
        fflush(stdout);
        q->first = row->next;
        q->n_rows--;
        q->n_bad += row->is_bad;
        strbuf_free(&row->lines);
        free(row);
    }
    if (!q->first)
        q->end = &q->first;
}

/* Take in rows while there is a place for them. Waits for one where nothing else is to be done; false at the end. */
static bool read_rows(struct queue *q, struct line_reader *in)
{
    while (q->n_running < q->g->parallel && q->n_rows < ROWS_MAX) {
        const char *line;
        size_t len;
        const enum line_status status = line_reader_next(in, q->n_running == 0, &line, &len);
        if (status != LINE_READ)
            return status != LINE_END;
        if (strspn(line, " \t\r\n") < len) {
            add_row(q, line, len);
            print_first_rows(q);
        }
    }
    return true;
}

int generate_rows(struct generator *g)
{
    struct queue q = {.g = g, .end = &q.first};
    struct line_reader in;
    line_reader_init(&in, STDIN_FILENO, -1);
    while ((read_rows(&q, &in) || q.n_running) && !ferror(stdout)) {
        generator_step(g);
        for (struct row *row = q.first; row; row = row->next)
            look_at_row(&q, row);
        print_first_rows(&q);
    }
    for (struct row *row = q.first, *next; row; row = next) { /* nobody reads them */
        next = row->next;
        forget(&q, row);
        strbuf_free(&row->lines);
        free(row);
    }
    const int code = finish_output(), failed = in.failed;
    line_reader_free(&in);
    if (failed)
        fprintf(stderr, "error: standard input: %s\n", strerror(failed));
    if (q.n_bad)
        log_info("%" PRIu64 " of %" PRIu64 " rows had errors", q.n_bad, q.n_read);
    return code || failed || q.n_bad;
}

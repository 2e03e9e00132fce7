#include "collect/synth/chat_file.h"

#include "base/utf8.h"
#include "data/rows/rows_json.h"

#include <string.h>

enum sft_status chat_file_open(struct chat_file *f, const char *name, const volatile int *stop, struct sft_err *err)
{
    *f = (struct chat_file){0};
    if (file_spec_parse(&f->spec, name, err))
        return err->status;
    if (f->spec.repeat < 1 || f->spec.repeat > 1) {
        sft_fail(err, SFT_EUSAGE, "each row is read once: '*' has no meaning here");
        return sft_in_file(err, name, 0);
    }
    if (source_open_until(&f->source, f->spec.path, stop, err) || source_bytes(&f->source, err))
        return err->status;
    const char *text = f->source.bytes.data;
    const size_t len = f->source.bytes.size;
    if (f->spec.format.is_text && !rows_json_is_it(text, len)) {
        f->is_text = true;
        f->at = text;
        return SFT_OK;
    }
    return rows_init(&f->rows, f->spec.format.rows, text, len, err) ? sft_in_file(err, name, 0) : SFT_OK;
}

void chat_file_close(struct chat_file *f)
{
    rows_free(&f->rows);
    source_close(&f->source);
    file_spec_free(&f->spec);
    json_free(f->root);
    arena_free(&f->arena);
    *f = (struct chat_file){0};
}

static void set_question(struct chat_file *f, struct chat_row *row, const char *text, size_t len)
{
    struct message *message = arena_calloc(&f->arena, 1, sizeof *message);
    *message = (struct message){ROLE_USER, arena_strndup(&f->arena, text, len), len, 1};
    row->conv = (struct conversation){.messages = message, .count = 1};
}

static enum sft_status next_line(struct chat_file *f, struct chat_row *row)
{
    const char *end = f->source.bytes.data + f->source.bytes.size;
    while (f->at < end) {
        const char *p = f->at, *newline = memchr(p, '\n', (size_t)(end - p)), *stop = newline ? newline : end;
        f->at = newline ? newline + 1 : end;
        f->n_lines++;
        if (utf8_is_blank(p, (size_t)(stop - p)))
            continue;
        row->number = ++f->n_rows;
        row->line = f->n_lines;
        set_question(f, row, p, (size_t)(stop - p));
        break;
    }
    return SFT_OK;
}

static const char *question_of(const json *row)
{
    static const char *const keys[] = {"prompt", "question", "instruction"};
    const char *text = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !text; i++)
        text = json_string(json_get(row, keys[i]));
    return text;
}

static enum sft_status read_row(struct chat_file *f, struct chat_row *row, struct sft_err *err)
{
    const struct reader *forced = f->spec.format.reader;
    struct conversations list;
    const enum sft_status status = forced ? reader_read(forced, f->root, NULL, &f->arena, &list, err)
                                          : reader_read_any(f->root, &f->arena, &row->conv, err);
    const char *question = status && !forced ? question_of(f->root) : NULL;
    if (!status && forced)
        row->conv = list.items[0];
    if (!question)
        return status;
    set_question(f, row, question, strlen(question));
    return SFT_OK;
}

static enum sft_status next_row(struct chat_file *f, struct chat_row *row, struct sft_err *err)
{
    bool found = f->rest.len > 0;
    if (!found && rows_next(&f->rows, &f->rest, &found, err))
        return err->status;
    if (!found)
        return SFT_OK;
    row->number = ++f->n_rows;
    row->line = f->rest.line;
    if (rows_parse(&f->rows, &f->rest, &f->root, err)) {
        f->rest.len = 0; /* what is left of a bad line cannot be told */
        return err->status;
    }
    row->root = f->root;
    return read_row(f, row, err);
}

enum sft_status chat_file_next(struct chat_file *f, struct chat_row *row, struct sft_err *err)
{
    json_free(f->root);
    f->root = NULL;
    arena_reset(&f->arena);
    *row = (struct chat_row){0};
    if (source_check_stop(&f->source, err))
        return err->status;
    if (f->is_text ? next_line(f, row) : next_row(f, row, err))
        return sft_in_file(err, f->spec.text, row->line);
    return SFT_OK;
}

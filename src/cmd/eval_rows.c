#include "cmd/eval_rows.h"

#include <stdlib.h>

enum sft_status eval_rows_open(struct eval_rows *rows, const char *path, const struct dataset *ds, struct sft_err *err)
{
    *rows = (struct eval_rows){.ds = ds, .out = io_writer_open(path, err)};
    rows->losses = mem_calloc(ds->n_examples, sizeof *rows->losses);
    return rows->out ? SFT_OK : SFT_EIO;
}

/* Which row of its file a record is of. */
static size_t row_of(struct eval_rows *r, size_t file, size_t record)
{
    const struct record *records = r->ds->files[file].store.records;
    if (r->row == 0 || file != r->file || record < r->record) {
        r->record = 0;
        r->row = 1;
    }
    for (; r->record < record; r->record++)
        r->row += !(records[r->record + 1].flags & RECORD_SAME_ROW);
    r->file = file;
    return r->row;
}

void eval_rows_note(void *rows, size_t example, double loss)
{
    struct eval_rows *r = rows;
    r->losses[example] = loss;
}

static void write_line(struct eval_rows *r, size_t example)
{
    struct strbuf line = {0}, source = {0};
    size_t file;
    const struct record *record = dataset_record(r->ds, example, &file);
    const struct dataset_file *of = &r->ds->files[file];
    strbuf_printf(&source, "%s:%zu", of->path, (size_t)record->line);
    strbuf_printf(&line, "{\"row\":%zu,\"source\":", row_of(r, file, (size_t)(record - of->store.records)));
    strbuf_json_string(&line, source.data, source.len);
    strbuf_puts(&line, ",\"loss\":");
    strbuf_json_number(&line, r->losses[example]);
    strbuf_printf(&line, ",\"num_target_tokens\":%zu}\n", (size_t)record->n_targets);
    io_write(r->out, line.data, line.len);
    strbuf_free(&line);
    strbuf_free(&source);
}

enum sft_status eval_rows_close(struct eval_rows *rows, enum sft_status status, struct sft_err *err)
{
    for (size_t i = 0; rows->out && !status && i < rows->ds->n_examples; i++)
        write_line(rows, i);
    free(rows->losses);
    if (!rows->out)
        return status;
    if (!status)
        return io_writer_commit(rows->out, err);
    io_writer_abort(rows->out);
    return status;
}

/* What a dataset tells about its rows: those that cannot be read, those that are left out, and those that
 * training and evaluation share. */
#include "base/hash_set.h"
#include "data/dataset_checks.h"
#include "data/source/encoding.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- rows that must not be left out ---- */

enum { ROWS_SHOWN = 10, LINES_SHOWN = 3 };

static bool is_failure(const struct record *r, const struct dataset_options *options)
{
    if (r->flags & RECORD_REJECTED) /* its pair's first is one */
        return false;
    return (r->why == DROP_BAD_ROW && options->on_bad_row == ON_BAD_ROW_ERROR) ||
           (r->why == DROP_OVERLONG && options->render.overlong == OVERLONG_ERROR);
}

/* Failures of one kind in one file. */
struct failures {
    const struct dataset_file *file;
    const struct record *first;
    size_t count, lines[LINES_SHOWN]; /* of those after the first */
    bool is_single_byte;              /* all of them are: data/source/encoding.h */
};

struct failure_list {
    struct failures items[ROWS_SHOWN];
    size_t n, n_more; /* rows of further kinds */
};

static void add_failure(struct failure_list *list, const struct dataset_file *file, const struct record *r)
{
    size_t i = 0;
    while (i < list->n && (list->items[i].file != file || list->items[i].first->kind != r->kind))
        i++;
    if (i == ROWS_SHOWN) {
        list->n_more++;
        return;
    }
    struct failures *f = &list->items[i];
    if (i == list->n) {
        list->n++;
        *f = (struct failures){.file = file, .first = r, .is_single_byte = true};
    } else if (f->count <= LINES_SHOWN) {
        f->lines[f->count - 1] = r->line;
    }
    f->count++;
    f->is_single_byte = f->is_single_byte && encoding_is_single_byte(record_row(&file->store, r), r->row_len, NULL);
}

static void list_failures(struct failure_list *list, const struct dataset_file *file,
                          const struct dataset_options *options)
{
    const struct token_store *store = &file->store;
    if (store->counts.dropped[DROP_BAD_ROW] + store->counts.dropped[DROP_OVERLONG] == 0)
        return;
    for (size_t i = 0; i < store->n_records; i++)
        if (is_failure(&store->records[i], options))
            add_failure(list, file, &store->records[i]);
}

/* "FILE:LINE: what (the same in lines 7, 9, 12 and 24 more)", shortened so that ten of them find room. */
static void describe_failures(struct strbuf *text, const struct failures *f)
{
    enum { MOST = SFT_ERR_MAX / (ROWS_SHOWN + 1) - 16 };
    const size_t first = text->len, n_others = f->count - 1;
    struct sft_err why;
    sft_fail(&why, SFT_EDATA, "%.*s", (int)f->first->message_len, record_message(&f->file->store, f->first));
    sft_in_file(&why, f->file->path, f->first->line);
    strbuf_printf(text, "%s%s", first ? "\n" : "", SFT_ERR_TEXT(&why));
    if (text->len - first > MOST && first > 0) {
        text->len = first + MOST - 4;
        strbuf_puts(text, "...");
    }
    for (size_t i = 0; i < n_others && i < LINES_SHOWN; i++)
        strbuf_printf(text, "%s %zu", i > 0 ? "," : n_others > 1 ? " (the same in lines" : " (the same in line",
                      f->lines[i]);
    if (n_others > LINES_SHOWN)
        strbuf_printf(text, " and %zu more", n_others - LINES_SHOWN);
    strbuf_puts(text, n_others > 0 ? ")" : "");
    if (f->is_single_byte)
        strbuf_puts(text, "; " ENCODING_REMEDY);
}

enum sft_status dataset_check_rows(const struct dataset *ds, const struct dataset_options *options,
                                   struct sft_err *err)
{
    struct failure_list list = {0};
    struct strbuf text = {0};
    for (size_t f = 0; f < ds->n_files; f++)
        list_failures(&list, &ds->files[f], options);
    for (size_t i = 0; i < list.n; i++)
        describe_failures(&text, &list.items[i]);
    if (list.n_more > 0)
        strbuf_printf(&text, "\nand %zu more", list.n_more);
    if (list.n > 0)
        sft_fail_lines(err, SFT_EDATA, text.data);
    strbuf_free(&text);
    return list.n > 0 ? SFT_EDATA : SFT_OK;
}

/* ---- what is no pair ---- */

static const unsigned of_pairs = RECORD_PAIR | RECORD_REJECTED;

enum sft_status dataset_check_pairs(const struct dataset *ds, const struct dataset_options *options,
                                    struct sft_err *err)
{
    const struct dataset_file *file = NULL;
    const struct record *first = NULL;
    uint64_t n = 0, n_pairs = 0;
    for (size_t f = 0; f < ds->n_files && options->pairs_only; f++) {
        const struct token_store *store = &ds->files[f].store;
        n_pairs += store->counts.pairs;
        n += store->counts.conversations - store->counts.pairs;
        for (size_t i = 0; i < store->n_records && n > 0 && !first; i++)
            if (store->records[i].why == DROP_NO && !(store->records[i].flags & of_pairs)) {
                first = &store->records[i];
                file = &ds->files[f];
            }
    }
    if (!first)
        return SFT_OK;
    if (n_pairs == 0)
        return sft_fail(err, SFT_EDATA, "%s: no row has a chosen and a rejected answer, which objective = dpo compares "
                                        "([data] columns = KEY:chosen KEY:rejected says which keys they are)", file->path);
    sft_fail(err, SFT_EDATA, "there is no rejected answer");
    if (n > 1)
        sft_remark(err, " (nor in %llu more)", (unsigned long long)(n - 1));
    sft_remark(err, "; objective = dpo learns from such rows where dpo.sft_weight is above 0");
    return sft_in_file(err, file->path, first->line);
}

/* ---- what is left out ---- */

bool dataset_list_left_out(const struct dataset *ds, struct strbuf *out)
{
    uint64_t dropped[DROP_COUNT] = {0};
    bool is_first = true;
    for (size_t i = 0; i < ds->n_files; i++)
        for (size_t why = 0; why < DROP_COUNT; why++)
            dropped[why] += ds->files[i].store.counts.dropped[why];
    for (size_t why = DROP_NO + 1; why < DROP_COUNT; why++) {
        if (!dropped[why])
            continue;
        strbuf_printf(out, "%s%llu (%s)", is_first ? "; left out: " : ", ", (unsigned long long)dropped[why],
                      drop_reason[why]);
        is_first = false;
    }
    return dropped[DROP_NOTHING_LEFT] > 0;
}

/* ---- rows in file order ---- */

void dataset_walk(const struct dataset *ds, dataset_record_fn *each, void *context)
{
    const uint32_t *id = ds->ids;
    for (size_t f = 0; f < ds->n_files; f++) {
        struct dataset_file *file = &ds->files[f];
        const uint32_t *end = id + file->n_examples;
        const char *of_pair = NULL; /* of a rejected answer's other one */
        for (size_t i = 0; i < file->store.n_records; i++) {
            const struct record *r = &file->store.records[i];
            const char *dropped = NULL;
            if (r->why != DROP_NO)
                dropped = drop_reason[r->why];
            else if (r->flags & RECORD_REJECTED)
                dropped = of_pair;
            else if (id < end && *id == file->first_record + i)
                id++;
            else
                dropped = ds->drops_duplicates && dataset_is_duplicate(file, i) ? "duplicate"
                                                                               : "not in the sample";
            of_pair = dropped;
            if (!each(context, file, r, dropped))
                return;
        }
        for (; id < end; id++) {
            const struct record *r = &file->store.records[*id - file->first_record];
            if (!each(context, file, r, NULL) || (r->flags & RECORD_PAIR && !each(context, file, r + 1, NULL)))
                return;
        }
    }
}

/* ---- rejected.jsonl ---- */

static size_t count_bad(const struct dataset *ds)
{
    size_t n = 0;
    for (size_t f = 0; ds && !ds->borrows && f < ds->n_files; f++)
        n += ds->files[f].store.counts.dropped[DROP_BAD_ROW];
    return n;
}

static void write_rejected(const struct dataset_file *file, const struct record *r, struct io_writer *w)
{
    struct strbuf line = {0}, source = {0};
    strbuf_printf(&source, "%s:%zu", file->path, (size_t)r->line);
    strbuf_puts(&line, "{\"source\":");
    strbuf_json_string(&line, source.data, source.len);
    strbuf_puts(&line, ",\"reason\":");
    strbuf_json_string(&line, record_message(&file->store, r), r->message_len);
    strbuf_puts(&line, ",\"row\":");
    strbuf_json_string(&line, record_row(&file->store, r), r->row_len);
    strbuf_puts(&line, "}\n");
    io_write(w, line.data, line.len);
    strbuf_free(&line);
    strbuf_free(&source);
}

static void write_bad_rows(const struct dataset *ds, struct io_writer *w)
{
    for (size_t f = 0; count_bad(ds) > 0 && f < ds->n_files; f++)
        for (size_t i = 0; i < ds->files[f].store.n_records; i++)
            if (ds->files[f].store.records[i].why == DROP_BAD_ROW)
                write_rejected(&ds->files[f], &ds->files[f].store.records[i], w);
}

enum sft_status dataset_write_rejected(const struct dataset *train, const struct dataset *eval,
                                       const char *path, struct sft_err *err)
{
    if (count_bad(train) + count_bad(eval) == 0) {
        unlink(path);
        return SFT_OK;
    }
    struct io_writer *w = io_writer_open(path, err);
    if (!w)
        return err->status;
    write_bad_rows(train, w);
    write_bad_rows(eval, w);
    return io_writer_commit(w, err);
}

/* ---- what training and evaluation share ---- */

struct dataset_overlap dataset_overlap(const struct dataset *train, const struct dataset *eval)
{
    struct hash_set contents = {0}, prompts = {0};
    struct dataset_overlap result = {0};
    size_t file;
    for (size_t i = 0; i < train->n_examples && eval->n_examples > 0; i++) {
        const struct record *r = dataset_record(train, i, &file);
        hash_set_add(&contents, record_item_hash(r));
        if (r->prompt_hash)
            hash_set_add(&prompts, r->prompt_hash);
    }
    for (size_t i = 0; i < eval->n_examples; i++) {
        const struct record *r = dataset_record(eval, i, &file);
        if (hash_set_has(&contents, record_item_hash(r))) {
            if (result.same++ == 0)
                result.first_same = dataset_example(eval, i);
        } else if (r->prompt_hash && hash_set_has(&prompts, r->prompt_hash)) {
            if (result.same_prompt++ == 0)
                result.first_same_prompt = dataset_example(eval, i);
        }
    }
    hash_set_free(&contents);
    hash_set_free(&prompts);
    return result;
}

#include "data/dataset.h"

#include "base/io.h"
#include "data/reader.h"
#include "data/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARD_ROWS = 128 };

const char *const drop_reason[DROP_COUNT] = {
    [DROP_NO] = "",
    [DROP_NO_ASSISTANT] = "no assistant turn",
    [DROP_NOTHING_LEFT] = "nothing left to train",
    [DROP_OVERLONG] = "longer than max_length",
    [DROP_BAD_ROW] = "bad row",
};
const char *const dataset_text_format = "txt";

/* A file while it is read. */
struct source {
    struct dataset_file *file;
    struct io_map map;
    const struct reader *reader; /* NULL: none is forced, and none knows a row of it */
    bool is_text;
    size_t first_shard, n_shards; /* in the dataset */
    struct json_element *rows;
    size_t n_rows, rows_capacity;
    struct sft_err scan_error; /* where the array is broken; status SFT_OK if it is not */
    size_t scan_error_line;
};

/* ---- finding the rows ---- */

static bool ends_with(const char *s, const char *end)
{
    const size_t len = strlen(s), end_len = strlen(end);
    return len >= end_len && strcmp(s + len - end_len, end) == 0;
}

/* The name is looked up and the file mapped, so that a missing one is told before anything is read. */
static enum sft_status source_open(struct source *source, struct dataset_file *file, const char *spec,
                                   struct sft_err *err)
{
    const char *format;
    const enum sft_status status = dataset_parse_spec(spec, file, &format, err);
    if (status)
        return status;
    source->file = file;
    source->is_text = format ? format == dataset_text_format : ends_with(file->path, ".txt");
    source->reader = format && !source->is_text ? reader_by_name(format) : NULL;
    return io_map(&source->map, file->path, err);
}

static void source_close(struct source *source)
{
    io_unmap(&source->map);
    free(source->rows);
    source->rows = NULL;
}

static void scan_rows(struct source *source)
{
    struct json_scanner scanner;
    struct json_element row;
    bool found = false;
    json_scanner_init(&scanner, source->map.data, source->map.size);
    while (!(source->scan_error.status = json_scanner_next(&scanner, &row, &found, &source->scan_error)) &&
           found) {
        source->rows = mem_grow(source->rows, &source->rows_capacity, source->n_rows + 1,
                                sizeof *source->rows);
        source->rows[source->n_rows++] = row;
    }
    source->scan_error_line = scanner.line;
}

/* The reader of the first row that any reader knows. */
static const struct reader *detect_reader(const struct source *source)
{
    const struct reader *reader = NULL;
    for (size_t i = 0; !reader && i < source->n_rows; i++) {
        json *root;
        if (json_parse(source->rows[i].text, source->rows[i].len, &root, NULL))
            continue;
        reader = reader_detect(root, NULL);
        json_free(root);
    }
    return reader;
}

/* ---- rendering them ---- */

static struct dataset_shard *add_shards(struct dataset *ds, struct source *source, size_t n)
{
    source->first_shard = ds->n_shards;
    source->n_shards = n;
    ds->shards = mem_realloc(ds->shards, ds->n_shards + n, sizeof *ds->shards);
    memset(ds->shards + ds->n_shards, 0, n * sizeof *ds->shards);
    ds->n_shards += n;
    return ds->shards + source->first_shard;
}

struct rendering {
    const struct chat_template *tpl;
    const struct tokenizer *tok;
    const struct dataset_options *options;
};

static void render_shard(struct dataset_shard *shard, struct row_renderer *r, const struct source *source,
                         size_t first_row)
{
    const size_t left = source->n_rows - first_row, n = left < SHARD_ROWS ? left : SHARD_ROWS;
    for (size_t i = 0; i < n; i++)
        shard_add_json(shard, r, source->reader, &source->rows[first_row + i]);
    shard_trim(shard);
}

static enum sft_status render_rows(struct dataset *ds, struct source *source, const struct rendering *how,
                                   struct sft_err *err)
{
    scan_rows(source);
    const bool is_broken = source->scan_error.status != SFT_OK;
    if (source->n_rows == 0 && !is_broken)
        return sft_fail(err, SFT_EDATA, "%s: there is no row in it", source->file->path);
    if (!source->reader)
        source->reader = detect_reader(source);
    source->file->format = source->reader ? source->reader->name : "unknown";

    const size_t n = (source->n_rows + SHARD_ROWS - 1) / SHARD_ROWS;
    struct dataset_shard *shards = add_shards(ds, source, n + (is_broken ? 1 : 0));
#pragma omp parallel
    {
        struct row_renderer r;
        row_renderer_init(&r, how->tpl, how->tok, how->options);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < n; i++)
            render_shard(&shards[i], &r, source, i * SHARD_ROWS);
        row_renderer_free(&r);
    }
    if (is_broken) { /* its message begins with the line, which the dataset says for every row */
        const char *what = strstr(source->scan_error.message, ": ");
        shard_add_bad(&shards[n], source->scan_error_line, what ? what + 2 : source->scan_error.message);
    }
    return SFT_OK;
}

static enum sft_status render_text(struct dataset *ds, struct source *source, const struct rendering *how,
                                   struct sft_err *err)
{
    const bool has_mark = source->map.size >= 3 && memcmp(source->map.data, "\xEF\xBB\xBF", 3) == 0;
    const char *text = source->map.data + (has_mark ? 3 : 0);
    const size_t len = source->map.size - (has_mark ? 3 : 0);
    if (len == 0)
        return sft_fail(err, SFT_EDATA, "%s: there is no text in it", source->file->path);
    source->file->format = dataset_text_format;
    source->n_rows = 1;
    struct dataset_shard *shard = add_shards(ds, source, 1);
    struct row_renderer r;
    row_renderer_init(&r, how->tpl, how->tok, how->options);
    shard_add_text(shard, &r, text, len);
    row_renderer_free(&r);
    shard_trim(shard);
    return SFT_OK;
}

static enum sft_status source_render(struct dataset *ds, struct source *source, const struct rendering *how,
                                     struct sft_err *err)
{
    source->file->hash = xxh64(source->map.data, source->map.size, 0);
    const enum sft_status status = source->is_text ? render_text(ds, source, how, err)
                                                   : render_rows(ds, source, how, err);
    source->file->rows = source->n_rows + (source->scan_error.status ? 1 : 0);
    return status;
}

/* ---- collecting what they became ---- */

static bool is_failure(enum drop why, const struct dataset_options *options)
{
    return (why == DROP_BAD_ROW && options->on_bad_row == ON_BAD_ROW_ERROR) ||
           (why == DROP_OVERLONG && options->overlong == OVERLONG_ERROR);
}

/* The first row that must not be left out silently, and how many more there are. */
static enum sft_status check_failures(const struct dataset *ds, const struct source *sources,
                                      const struct dataset_options *options, struct sft_err *err)
{
    const struct shard_row *first = NULL;
    const char *path = NULL;
    size_t count = 0;
    for (size_t f = 0; f < ds->n_files; f++)
        for (size_t s = 0; s < sources[f].n_shards; s++) {
            const struct dataset_shard *shard = &ds->shards[sources[f].first_shard + s];
            for (size_t i = 0; i < shard->n_rows; i++) {
                if (!is_failure(shard->rows[i].why, options))
                    continue;
                if (count++ == 0) {
                    first = &shard->rows[i];
                    path = ds->files[f].path;
                }
            }
        }
    if (count == 0)
        return SFT_OK;
    char more[64] = "";
    if (count > 1)
        snprintf(more, sizeof more, "; %zu more bad row%s", count - 1, count == 2 ? "" : "s");
    return sft_fail(err, SFT_EDATA, "%s:%zu: %.*s%s", path, first->line, SFT_ERR_MAX / 2, first->message,
                    more);
}

static void add_dropped(struct dataset *ds, size_t *capacity, uint32_t file, struct shard_row *row,
                        const struct dataset_shard *shard)
{
    ds->dropped = mem_grow(ds->dropped, capacity, ds->n_dropped + 1, sizeof *ds->dropped);
    const bool is_bad = row->why == DROP_BAD_ROW;
    ds->dropped[ds->n_dropped++] = (struct dropped_row){
        .file = file,
        .line = row->line,
        .why = row->why,
        .message = is_bad ? row->message : NULL,
        .position = ds->n_examples,
        .tokens = is_bad ? NULL : shard->tokens + row->offset,
        .weights = is_bad ? NULL : shard->weights + row->offset,
        .n_tokens = row->n_tokens,
        .truncated = row->truncated,
    };
    if (is_bad)
        row->message = NULL; /* the dropped row's now */
}

static void add_example(struct dataset *ds, size_t *capacity, uint32_t file, const struct shard_row *row,
                        const struct dataset_shard *shard)
{
    ds->examples = mem_grow(ds->examples, capacity, ds->n_examples + 1, sizeof *ds->examples);
    ds->examples[ds->n_examples++] = (struct example){
        .tokens = shard->tokens + row->offset,
        .weights = shard->weights + row->offset,
        .n_tokens = row->n_tokens,
        .file = file,
        .line = row->line,
        .truncated = row->truncated,
        .content_hash = row->content_hash,
        .target_weight = row->target_weight,
        .n_targets = row->n_targets,
    };
}

static void count_row(struct dataset_file *file, const struct shard_row *row)
{
    if (row->uncut > file->longest)
        file->longest = row->uncut;
    if (row->why != DROP_NO) {
        file->dropped[row->why]++;
        return;
    }
    file->conversations++;
    file->tokens += row->n_tokens;
    file->targets += row->n_targets;
    file->truncated += row->truncated;
    file->empty_content += row->has_empty_content;
}

static void collect_file(struct dataset *ds, const struct source *source, size_t *examples_capacity,
                         size_t *dropped_capacity)
{
    struct dataset_file *file = source->file;
    const uint32_t file_index = (uint32_t)(file - ds->files);
    const size_t first = ds->n_examples;
    for (size_t s = 0; s < source->n_shards; s++) {
        struct dataset_shard *shard = &ds->shards[source->first_shard + s];
        for (size_t i = 0; i < shard->n_rows; i++) {
            count_row(file, &shard->rows[i]);
            if (shard->rows[i].why == DROP_NO)
                add_example(ds, examples_capacity, file_index, &shard->rows[i], shard);
            else
                add_dropped(ds, dropped_capacity, file_index, &shard->rows[i], shard);
        }
    }
    const size_t n = ds->n_examples - first;
    ds->examples = mem_grow(ds->examples, examples_capacity, first + n * file->repeat, sizeof *ds->examples);
    for (size_t r = 1; r < file->repeat && n > 0; r++)
        memcpy(&ds->examples[first + r * n], &ds->examples[first], n * sizeof *ds->examples);
    ds->n_examples = first + n * file->repeat;
    ds->n_tokens += file->tokens * file->repeat;
    ds->n_targets += file->targets * file->repeat;
}

static enum sft_status collect(struct dataset *ds, const struct source *sources,
                               const struct dataset_options *options, struct sft_err *err)
{
    if (check_failures(ds, sources, options, err))
        return SFT_EDATA;
    size_t examples_capacity = 0, dropped_capacity = 0;
    for (size_t f = 0; f < ds->n_files; f++)
        collect_file(ds, &sources[f], &examples_capacity, &dropped_capacity);
    if (ds->n_examples > UINT32_MAX)
        return sft_fail(err, SFT_EDATA, "%zu conversations, more than %u", ds->n_examples, UINT32_MAX);
    for (size_t s = 0; s < ds->n_shards; s++) { /* the examples say it all now */
        for (size_t i = 0; i < ds->shards[s].n_rows; i++)
            free(ds->shards[s].rows[i].message);
        free(ds->shards[s].rows);
        ds->shards[s].rows = NULL;
        ds->shards[s].n_rows = 0;
    }
    return SFT_OK;
}

/* ---- the dataset ---- */

enum sft_status dataset_load(struct dataset *ds, char *const *specs, size_t n_specs,
                             const struct chat_template *tpl, const struct tokenizer *tok,
                             const struct dataset_options *options, struct sft_err *err)
{
    const struct rendering how = {.tpl = tpl, .tok = tok, .options = options};
    enum sft_status status = SFT_OK;
    *ds = (struct dataset){.files = mem_calloc(n_specs, sizeof *ds->files), .n_files = n_specs};
    struct source *sources = mem_calloc(n_specs, sizeof *sources);
    for (size_t f = 0; !status && f < n_specs; f++)
        status = source_open(&sources[f], &ds->files[f], specs[f], err);
    for (size_t f = 0; !status && f < n_specs; f++)
        status = source_render(ds, &sources[f], &how, err);
    if (!status)
        status = collect(ds, sources, options, err);
    for (size_t f = 0; f < n_specs; f++)
        source_close(&sources[f]);
    free(sources);
    if (status)
        dataset_free(ds);
    return status;
}

void dataset_free(struct dataset *ds)
{
    for (size_t i = 0; !ds->borrows && i < ds->n_files; i++)
        dataset_file_free(&ds->files[i]);
    if (!ds->borrows)
        free(ds->files);
    for (size_t i = 0; i < ds->n_dropped; i++)
        free(ds->dropped[i].message);
    for (size_t i = 0; i < ds->n_shards; i++)
        shard_free(&ds->shards[i]);
    free(ds->shards);
    free(ds->dropped);
    free(ds->examples);
    *ds = (struct dataset){0};
}

bool dataset_is_documents(const struct dataset *ds)
{
    for (size_t f = 0; f < ds->n_files; f++)
        if (strcmp(ds->files[f].format, "text") != 0 && ds->files[f].format != dataset_text_format)
            return false;
    return true;
}

void dataset_split(struct dataset *from, struct dataset *to, double fraction)
{
    size_t kept = 0;
    *to = (struct dataset){.files = from->files, .n_files = from->n_files, .borrows = true};
    to->examples = mem_alloc(from->n_examples * sizeof *to->examples);
    for (size_t i = 0; i < from->n_examples; i++) {
        const struct example example = from->examples[i];
        if ((double)example.content_hash < fraction * 0x1p64) {
            to->examples[to->n_examples++] = example;
            to->n_tokens += example.n_tokens;
            to->n_targets += example.n_targets;
        } else {
            from->examples[kept++] = example;
        }
    }
    from->n_examples = kept;
    from->n_tokens -= to->n_tokens;
    from->n_targets -= to->n_targets;
}

enum sft_status conversation_read(const json *row, struct arena *arena, struct conversation *conv,
                                  struct sft_err *err)
{
    const struct reader *reader = reader_detect(row, err);
    return reader ? reader_read(reader, row, arena, conv, err) : SFT_EDATA;
}

#include "data/store/tokenize.h"

#include "base/log.h"
#include "data/rows/rows_json.h"
#include "data/source/encoding.h"
#include "data/store/text_document.h"
#include "data/store/token_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CACHED_BYTES = 1 << 20, /* a file from this size on is kept */
    BLOCK_ROWS = 4096,      /* rows that are in memory at a time: this many, or this many bytes */
    BLOCK_BYTES = 8 << 20,
    SHARD_ROWS = 32, /* rows that a thread takes at a time */
    BLOCK_SHARDS = (BLOCK_ROWS + SHARD_ROWS - 1) / SHARD_ROWS,
    KEY_VERSION = 5, /* to be raised where the same key would make another store: a reader reads other things, say */
};

/* ---- a file while it is read ---- */

struct reading {
    const struct source *source;
    const struct tokenize_options *options;
    const struct reader *forced,
        *reader;   /* by the user; what rows are read with, NULL: none knows one so far */
    bool is_known; /* a row that the reader knows has come */
    struct rows rows;
    struct json_element block[BLOCK_ROWS];
    size_t n_block, n_rows; /* rows in the block; in the file so far */
    bool is_done, is_stopped;
    struct sft_err broken;  /* where the file's structure is broken; status SFT_OK if it is not */
    struct sft_err unknown; /* why the first row that is not known is not, in */
    size_t unknown_line;    /* that line; 0: there was none yet */
    struct key_counts keys;
    struct shard shards[BLOCK_SHARDS];
    struct token_store_writer *store;
};

/* The next rows, as many as a block takes. */
static void scan_block(struct reading *in)
{
    size_t bytes = 0;
    in->n_block = 0;
    in->broken.status = SFT_OK;
    in->is_stopped = in->options->stop && *in->options->stop;
    in->is_done = in->is_done || in->is_stopped;
    const size_t max_rows = in->options->max_rows ? in->options->max_rows : SIZE_MAX,
                 left = max_rows - in->n_rows;
    const size_t most = left < BLOCK_ROWS ? left : BLOCK_ROWS;
    while (in->n_block < most && bytes < BLOCK_BYTES && !in->is_done) {
        struct json_element *row = &in->block[in->n_block];
        bool found = false;
        in->broken.status = rows_next(&in->rows, row, &found, &in->broken);
        in->is_done = in->broken.status ? rows_are_done(&in->rows) : !found;
        if (in->broken.status)
            break; /* told in its place, after this block */
        if (found) {
            bytes += row->len;
            in->n_block++;
        }
    }
    in->n_rows += in->n_block;
    in->is_done = in->is_done || in->n_rows >= max_rows;
}

/* A row whose structure nobody knows; what the columns were to find in it, and did not, is said too. */
static void note_unknown(struct reading *in, size_t line, uint64_t columns, const struct sft_err *why)
{
    const struct names *names = in->options->names;
    size_t absent = 0;
    while (absent < names->n_columns && columns >> absent & 1)
        absent++;
    in->unknown_line = line;
    in->unknown = *why;
    if (absent < names->n_columns)
        sft_remark(&in->unknown, " (it has no '%.80s', which is to be %s)", names->columns[absent].from,
                   names->columns[absent].to);
}

/* The reader of a row; NULL where it is not of the forced format, or of none that is known. */
static const struct reader *reader_of(const struct reading *in, const json *root, struct arena *arena,
                                      struct sft_err *err)
{
    struct conversations list;
    if (!in->forced && in->options->render.pairs && reader_is_pair(root))
        return &reader_hh; /* whatever else the row has */
    if (!in->forced)
        return reader_detect(root, err);
    if (json_is_object(root) && in->forced->matches(root))
        return in->forced;
    reader_read(in->forced, root, in->options->names, arena, &list, err); /* says what it expects */
    return NULL;
}

/* Look for the block's first row that its reader knows. */
static void find_known_row(struct reading *in)
{
    struct arena arena = {0};
    for (size_t i = 0; !in->is_known && i < in->n_block; i++) {
        json *root;
        struct sft_err err;
        const struct renamed *renamed;
        uint64_t columns;
        struct json_element row = in->block[i];
        if (rows_parse(&in->rows, &row, &root, NULL))
            continue;
        if (names_apply(in->options->names, root, &arena, &renamed, &columns, NULL) == SFT_OK) {
            const struct reader *reader = reader_of(in, root, &arena, &err);
            in->is_known = reader != NULL;
            in->reader = reader ? reader : in->reader;
            if (!reader && json_is_object(root) && !in->unknown_line)
                note_unknown(in, in->block[i].line, columns, &err);
        }
        json_free(root);
        arena_reset(&arena);
    }
    arena_free(&arena);
}

static void render_shard(struct renderer *r, const struct reading *in, size_t s, struct shard *shard)
{
    const size_t end = (s + 1) * SHARD_ROWS;
    shard_clear(shard);
    for (size_t i = s * SHARD_ROWS; i < end && i < in->n_block; i++)
        render_row(r, &in->rows, in->reader, &in->block[i], shard);
}

/* What the scanner said becomes a bad row, whose text is all that could not be read after it. */
static void add_broken(struct reading *in)
{
    const struct io_map *bytes = &in->source->bytes;
    const size_t from = rows_are_done(&in->rows) ? rows_position(&in->rows) : bytes->size;
    struct sft_err why = in->broken;
    const struct json_element rest = {.text = bytes->data + from, .len = bytes->size - from, .line = why.line};
    sft_at(&why, 0, 0); /* it is the row's line, which is told of every row */
    if (rest.len > 0)
        sft_remark(&why, "; the rest of the file, %zu bytes, is not read", rest.len);
    shard_clear(&in->shards[0]);
    render_bad(&rest, &why, &in->shards[0]);
    if (rest.len > 0)
        in->shards[0].records[0].record.flags |= RECORD_UNREAD;
    shard_append_to(&in->shards[0], in->store);
    in->n_rows++;
}

/* One thread scans and appends, all render; the renderers live as long as the file, for their encoders'
 * caches. */
static void render_rows(struct reading *in)
{
#pragma omp parallel
    {
        struct renderer r;
        bool is_last;
        renderer_init(&r, in->options->tpl, in->options->tok, in->options->names, &in->options->render);
        r.is_forced = in->forced != NULL;
        do {
#pragma omp single
            {
                scan_block(in);
                find_known_row(in);
            }
#pragma omp for schedule(dynamic, 1)
            for (size_t s = 0; s < BLOCK_SHARDS; s++)
                render_shard(&r, in, s, &in->shards[s]);
            is_last = in->is_done; /* asked before the next scan can change it */
#pragma omp single
            {
                for (size_t s = 0; s < BLOCK_SHARDS; s++) {
                    shard_append_to(&in->shards[s], in->store);
                    key_counts_add(&in->keys, &in->shards[s].keys);
                }
                if (in->broken.status)
                    add_broken(in);
                source_forget(in->source, rows_position(&in->rows));
                log_progress("reading %s: %.0f%%", in->source->path,
                             100.0 * (double)rows_position(&in->rows) / (double)in->source->bytes.size);
            }
        } while (!is_last);
        renderer_free(&r);
    }
    log_progress("%s", "");
}

/* There are rows, and none of them is known. */
static bool is_unknown(const struct reading *in)
{
    return !in->is_known && in->unknown_line;
}

static enum sft_status read_rows(struct reading *in, enum rows_kind kind, struct sft_err *err)
{
    const struct io_map *bytes = &in->source->bytes;
    if (rows_init(&in->rows, kind, bytes->data, bytes->size, err))
        return err->status;
    render_rows(in);
    if (in->is_stopped)
        return sft_fail(err, SFT_EINTERRUPTED, "stopped while it was read");
    if (in->n_rows == 0)
        return sft_fail(err, SFT_EDATA, "there is no row in it");
    if (is_unknown(in)) /* one sentence, not one a row */
        *err = in->unknown;
    return is_unknown(in) ? SFT_EDATA : SFT_OK;
}

static enum sft_status read_text(struct reading *in, struct sft_err *err)
{
    const struct tokenize_options *o = in->options;
    const struct io_map *bytes = &in->source->bytes;
    size_t line;
    if (encoding_is_single_byte(bytes->data, bytes->size, &line))
        log_warning("%s:%zu: not UTF-8, its bytes are learned as they are (" ENCODING_REMEDY ")",
                    in->source->path, line);
    in->n_rows = 1;
    return text_document_read(in->source, o->tpl, o->tok, &o->render, in->store, err);
}

/* Rows called .txt would be learned as they are written, braces and all. */
static enum sft_status refuse_rows(const struct reading *in, struct sft_err *err)
{
    if (!rows_json_is_it(in->source->bytes.data, in->source->bytes.size))
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "holds JSON, not text (FILE:messages, or another format, reads its rows; FILE:txt "
                                    "takes it as it is)");
}

static enum sft_status read_source(struct reading *in, const struct file_format *format, struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    if (!format->is_text)
        status = read_rows(in, format->rows, err);
    else if (format->is_forced || !(status = refuse_rows(in, err)))
        status = read_text(in, err);
    if (status == SFT_EDATA && is_unknown(in))
        return sft_in_file(err, in->source->path, in->unknown_line);
    return status ? sft_in_file(err, in->source->path, 0) : SFT_OK;
}

/* Where a file's store belongs. */
struct place {
    char *cache, *path; /* the cache's directory, the store's file in it; NULL: a temporary file */
    bool has_failed;    /* it could not be written there */
    uint64_t hash;      /* of the source's bytes */
    struct strbuf key;
};

static enum sft_status cannot_store(struct place *place, struct sft_err *err)
{
    place->has_failed = true;
    return sft_context(err, "the token cache (SFT_CACHE_DIR, or TMPDIR for small files, moves it)");
}

/* Make the store in its place. */
static enum sft_status make_store_there(struct source *source, const struct file_format *format,
                                        const struct tokenize_options *options, struct place *place,
                                        struct token_store *store, struct sft_err *err)
{
    if (source_bytes(source, err))
        return err->status;
    struct token_store_writer *w = token_store_create(place->path, err);
    if (!w)
        return cannot_store(place, err);
    struct reading *in = mem_calloc(1, sizeof *in);
    *in = (struct reading){
        .source = source, .options = options, .forced = format->reader, .reader = format->reader, .store = w};
    enum sft_status status = read_source(in, format, err);
    if (!status)
        status = source_check_unchanged(source, place->hash, place->cache, err);
    if (status) {
        token_store_abort(w);
    } else {
        const char *name = format->is_text ? "txt" : in->reader ? in->reader->name : "unknown";
        struct strbuf notes = {0};
        key_counts_pack(&in->keys, &notes);
        token_store_note(w, notes.data, notes.len);
        strbuf_free(&notes);
        status = token_store_commit(w, place->key.data, name, in->n_rows, store, err);
        if (status)
            cannot_store(place, err);
    }
    for (size_t s = 0; s < BLOCK_SHARDS; s++)
        shard_free(&in->shards[s]);
    key_counts_free(&in->keys);
    rows_free(&in->rows);
    free(in);
    return status;
}

/* Or, where there is no room for it, in a temporary file: what is read goes on. */
static enum sft_status make_store(struct source *source, const struct file_format *format,
                                  const struct tokenize_options *options, struct place *place,
                                  struct token_store *store, struct sft_err *err)
{
    const enum sft_status status = make_store_there(source, format, options, place, store, err);
    if (!place->has_failed || !place->path)
        return status;
    log_warning("%s; what is tokenized is not kept", SFT_ERR_TEXT(err));
    free(place->path);
    place->path = NULL;
    return make_store_there(source, format, options, place, store, err);
}

/* ---- the key ---- */

static void add_text(struct strbuf *key, const char *name, const char *text)
{
    strbuf_printf(key, "%s ", name);
    strbuf_json_string(key, text ? text : "", text ? strlen(text) : 0);
    strbuf_putc(key, '\n');
}

/* Who reads the rows: the one reader, or any of these, of which a new one may know rows better than those before. */
static void describe_readers(const struct file_format *format, struct strbuf *key)
{
    strbuf_printf(key, "rows %d\nreader", format->rows);
    for (size_t i = 0; i < readers_count; i++)
        if (!format->reader || format->reader == readers[i])
            strbuf_printf(key, " %s", readers[i]->name);
    strbuf_putc(key, '\n');
}

/* All that the store depends on, as text. */
static void describe(uint64_t hash, const struct file_format *format, const struct tokenize_options *o,
                     struct strbuf *key)
{
    strbuf_printf(key, "version %d\ncontent %016llx\ntokenizer %016llx\ntemplate %016llx\n", KEY_VERSION,
                  (unsigned long long)hash, (unsigned long long)tokenizer_fingerprint(o->tok),
                  (unsigned long long)template_fingerprint(o->tpl));
    if (format->is_text)
        strbuf_puts(key, format->is_forced ? "text forced\n" : "text\n"); /* else rows are refused */
    else
        describe_readers(format, key);
    strbuf_printf(key, "max_length %zu\noverlong %d\ntrain_on %d\nsystem_policy %d\npairs %d\n", o->render.max_length,
                  o->render.overlong, o->render.train_on, o->render.system_policy, o->render.pairs);
    add_text(key, "system", o->render.system);
    names_describe(o->names, key);
}

/* Takes over `cache`. */
static struct place place_of(uint64_t hash, char *cache, const struct file_format *format,
                             const struct tokenize_options *options)
{
    struct place place = {.cache = cache, .hash = hash};
    describe(hash, format, options, &place.key);
    if (cache)
        place.path = token_cache_path(cache, place.key.data);
    return place;
}

static void place_free(struct place *place)
{
    free(place->cache);
    free(place->path);
    strbuf_free(&place->key);
}

static enum sft_status find_or_make(struct source *source, const struct file_format *format,
                                    const struct tokenize_options *options, struct place *place,
                                    struct token_store *store, struct sft_err *err)
{
    if (place->path && token_store_open(store, place->path, place->key.data)) {
        token_cache_touch(place->path);
        token_cache_sweep(place->cache);
        return SFT_OK;
    }
    if (options->max_rows) { /* a part is not kept */
        free(place->path);
        place->path = NULL;
    }
    if (place->path)
        token_cache_prune(place->cache);
    return make_store(source, format, options, place, store, err);
}

enum sft_status tokenize_file(struct source *source, const struct file_format *format,
                              const struct tokenize_options *options, struct token_store *store,
                              uint64_t *hash, struct sft_err *err)
{
    char *cache = source->packed.size < CACHED_BYTES ? NULL : token_cache_dir();
    *hash = source_hash(source, cache);
    struct place place = place_of(*hash, cache, format, options);
    enum sft_status status = source_check_stop(source, err);
    if (!status)
        status = find_or_make(source, format, options, &place, store, err);
    place_free(&place);
    return status;
}

/* ---- again ---- */

enum sft_status tokenize_again(const char *path, const struct file_format *format,
                               const struct tokenize_options *options, uint64_t hash,
                               struct token_store *store, struct sft_err *err)
{
    struct tokenize_options whole = *options;
    struct place place = place_of(hash, token_cache_dir(), format, options);
    struct source source = {.path = path};
    struct stat st;
    enum sft_status status;
    whole.max_rows = 0;
    if (place.path)
        unlink(place.path);
    if (stat(path, &st) != 0)
        status = sft_fail_errno(err, "%s", path);
    else if (!S_ISREG(st.st_mode)) /* not to be waited for */
        status = sft_fail(err, SFT_EIO, "%s: cannot be read a second time (run again)", path);
    else if (!(status = source_open_until(&source, path, options->stop, err)) &&
             source_hash(&source, NULL) != hash)
        status = sft_fail(err, SFT_EIO, "%s: is not what it was when this began (run again)", path);
    if (!status)
        status = make_store(&source, format, &whole, &place, store, err);
    source_close(&source);
    place_free(&place);
    return status;
}

#include "data/store/token_store.h"

#include "base/map.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const char *const drop_reason[DROP_COUNT] = {
    [DROP_NO] = "",
    [DROP_NO_ASSISTANT] = "no assistant turn",
    [DROP_NOTHING_LEFT] = "nothing left to train",
    [DROP_OVERLONG] = "longer than max_length",
    [DROP_BAD_ROW] = "bad row",
    [DROP_SAME_ANSWERS] = "chosen and rejected are the same",
};

static const char magic[8] = "sfttok\n";
enum { STORE_VERSION = 5, DATA_ALIGN = 8 };

/* The file's end. Before it lie the key's bytes, before them the notes, before them the records. */
struct trailer {
    char magic[sizeof magic];
    uint32_t version, record_size;
    uint64_t file_size, records_offset, n_records, notes_len, key_len;
    struct store_counts counts;
    char format[24];
    uint64_t hash; /* of the records, the key and the trailer up to here */
};

/* ---- writing ---- */

struct token_store_writer {
    struct io_writer *data, *records; /* records: spilled beside, appended at the end */
    struct store_counts counts;
    struct strbuf notes;
    uint64_t n_records;
    unsigned last_flags; /* of the record that was added last */
};

struct token_store_writer *token_store_create(const char *path, struct sft_err *err)
{
    struct token_store_writer *w = mem_calloc(1, sizeof *w);
    w->data = path ? io_writer_open_shared(path, err) : io_writer_open_temporary(err);
    w->records = w->data ? io_writer_open_temporary(err) : NULL;
    if (w->records)
        return w;
    token_store_abort(w);
    return NULL;
}

void token_store_abort(struct token_store_writer *w)
{
    if (!w)
        return;
    io_writer_abort(w->data);
    io_writer_abort(w->records);
    strbuf_free(&w->notes);
    free(w);
}

void token_store_note(struct token_store_writer *w, const char *bytes, size_t len)
{
    strbuf_add(&w->notes, bytes, len);
}

static void align_data(struct io_writer *w)
{
    static const char zeros[DATA_ALIGN];
    io_write(w, zeros, (DATA_ALIGN - io_writer_size(w) % DATA_ALIGN) % DATA_ALIGN);
}

static size_t histogram_bin(size_t n)
{
    size_t bin = 0;
    while (bin < HISTOGRAM_BINS - 1 && n > (size_t)1 << bin)
        bin++;
    return bin;
}

/* before_flags: of the record before, which for a rejected answer is its pair's first: the two are counted as one. */
static void count(struct store_counts *c, const struct record *r, unsigned before_flags)
{
    const bool is_second = r->flags & RECORD_REJECTED;
    const unsigned flags = r->flags & ~(is_second ? before_flags : 0U);
    if (r->why != DROP_BAD_ROW) {
        c->longest = r->uncut > c->longest ? r->uncut : c->longest;
        c->histogram[histogram_bin(r->flags & RECORD_DOCUMENT ? r->n_tokens : r->uncut)]++;
    }
    if (r->why != DROP_NO) {
        c->dropped[r->why] += !is_second;
        return;
    }
    c->conversations += !is_second;
    c->pairs += is_second;
    c->turns += r->n_turns;
    c->tokens += r->n_tokens;
    c->targets += r->n_targets;
    for (size_t bit = 0; bit < RECORD_FLAGS; bit++)
        c->flags[bit] += flags >> bit & 1;
}

/* What follows from the weights alone. */
static void sum_weights(struct record *r, const float *weights)
{
    r->n_targets = r->n_positions = 0;
    r->target_weight = 0;
    for (uint32_t i = 0; i < r->n_tokens; i++) {
        if (weights[i] <= 0.0F)
            continue;
        r->n_targets++;
        r->n_positions = i; /* token i is the label of the position before it */
        r->target_weight += (double)weights[i];
    }
}

void token_store_add(struct token_store_writer *w, const struct record *record, const int32_t *tokens,
                     const float *weights, const char *message, const char *row)
{
    struct record r = *record;
    struct xxh64 hash;
    r.offset = io_writer_size(w->data);
    xxh64_init(&hash, 0);
    xxh64_update(&hash, tokens, r.n_tokens * sizeof *tokens);
    xxh64_update(&hash, weights, r.n_tokens * sizeof *weights);
    r.content_hash = xxh64_digest(&hash);
    sum_weights(&r, weights);
    if (r.why == DROP_NO && r.n_targets == 0)
        r.why = DROP_NOTHING_LEFT;
    count(&w->counts, &r, w->last_flags);
    w->last_flags = r.flags;
    io_write(w->data, tokens, r.n_tokens * sizeof *tokens);
    io_write(w->data, weights, r.n_tokens * sizeof *weights);
    io_write(w->data, message, r.message_len);
    io_write(w->data, row, r.row_len);
    align_data(w->data);
    io_write(w->records, &r, sizeof r);
    w->n_records++;
}

static uint64_t trailer_hash(const struct trailer *t, const void *records, const char *notes, const char *key)
{
    struct xxh64 h;
    xxh64_init(&h, 0);
    xxh64_update(&h, records, t->n_records * sizeof(struct record));
    xxh64_update(&h, notes, t->notes_len);
    xxh64_update(&h, key, t->key_len);
    xxh64_update(&h, t, offsetof(struct trailer, hash));
    return xxh64_digest(&h);
}

static void view_records(struct token_store *store, const struct trailer *t)
{
    store->records = (const struct record *)(const void *)(store->map.data + t->records_offset);
    store->n_records = t->n_records;
    store->notes = (const char *)(store->records + t->n_records);
    store->notes_len = t->notes_len;
    store->counts = t->counts;
    memcpy(store->format, t->format, sizeof store->format);
    madvise((void *)(uintptr_t)store->map.data, t->records_offset, MADV_RANDOM); /* shuffled: no read-ahead */
}

enum sft_status token_store_commit(struct token_store_writer *w, const char *key, const char *format,
                                   uint64_t rows, struct token_store *store, struct sft_err *err)
{
    struct io_map records;
    *store = (struct token_store){0};
    w->counts.rows = rows;
    struct trailer t = {.version = STORE_VERSION,
                        .record_size = sizeof(struct record),
                        .records_offset = io_writer_size(w->data),
                        .n_records = w->n_records,
                        .notes_len = w->notes.len,
                        .key_len = strlen(key),
                        .counts = w->counts};
    memcpy(t.magic, magic, sizeof magic);
    strncpy(t.format, format, sizeof t.format - 1);
    t.file_size = t.records_offset + t.n_records * sizeof(struct record) + t.notes_len + t.key_len + sizeof t;
    enum sft_status status = io_writer_commit_map(w->records, &records, err);
    w->records = NULL;
    if (!status) {
        const char *notes = w->notes.data ? w->notes.data : "";
        t.hash = trailer_hash(&t, records.data, notes, key);
        io_write(w->data, records.data, records.size);
        io_write(w->data, notes, t.notes_len);
        io_write(w->data, key, t.key_len);
        io_write(w->data, &t, sizeof t);
        status = io_writer_commit_map(w->data, &store->map, err);
        w->data = NULL;
        io_unmap(&records);
    }
    if (!status)
        view_records(store, &t);
    token_store_abort(w);
    return status;
}

/* ---- reading ---- */

/* The trailer, if the file is one of ours, whole and of this key. */
static bool read_trailer(const struct io_map *map, const char *key, struct trailer *t)
{
    if (map->size < sizeof *t)
        return false;
    memcpy(t, map->data + map->size - sizeof *t, sizeof *t);
    if (memcmp(t->magic, magic, sizeof magic) != 0 || t->version != STORE_VERSION ||
        t->record_size != sizeof(struct record) || t->file_size != map->size || t->key_len != strlen(key))
        return false;
    const size_t body = map->size -
                        sizeof *t; /* no product below overflows: each is bounded by the file first */
    if (t->key_len > body || t->notes_len > body || t->records_offset > body ||
        t->records_offset % DATA_ALIGN || t->n_records > body / sizeof(struct record) ||
        t->records_offset + t->n_records * sizeof(struct record) + t->notes_len + t->key_len != body)
        return false;
    const char *stored_key = map->data + body - t->key_len, *notes = stored_key - t->notes_len;
    return memcmp(stored_key, key, t->key_len) == 0 &&
           trailer_hash(t, map->data + t->records_offset, notes, stored_key) == t->hash;
}

/* Whether a record is one that token_store_add could have written before `data_end`. */
static bool is_possible(const struct record *r, uint64_t data_end)
{
    /* of 32-bit counts: no overflow */
    const uint64_t bytes = r->n_tokens * (uint64_t)(sizeof(int32_t) + sizeof(float)) + r->message_len;
    return r->offset % DATA_ALIGN == 0 && r->offset <= data_end && bytes <= data_end - r->offset &&
           r->row_len <= data_end - r->offset - bytes && r->why < DROP_COUNT &&
           r->flags < RECORD_FLAGS_END && r->n_targets <= r->n_tokens &&
           r->n_positions < (r->n_tokens > 0 ? r->n_tokens : 1) && isfinite(r->target_weight) &&
           r->target_weight >= 0 && (r->why != DROP_NO || r->target_weight > 0) &&
           (r->why != DROP_BAD_ROW || r->n_tokens == 0);
}

/* Whether a pair's two records stand one behind the other, of one mind. */
static bool may_follow(const struct record *r, const struct record *before)
{
    const bool is_second = r->flags & RECORD_REJECTED;
    if (is_second && r->flags & RECORD_PAIR)
        return false;
    return is_second == (before && before->flags & RECORD_PAIR) && !(is_second && r->why != before->why);
}

/* Whether all records are possible, and the counts are theirs. */
static bool records_are_sound(const struct token_store *store, uint64_t data_end)
{
    struct store_counts sums = {.rows = store->counts.rows};
    const struct record *before = NULL;
    for (size_t i = 0; i < store->n_records; i++) {
        const struct record *r = &store->records[i];
        if (!is_possible(r, data_end) || !may_follow(r, before))
            return false;
        count(&sums, r, before ? before->flags : 0U);
        before = r;
    }
    return !(before && before->flags & RECORD_PAIR) && memcmp(&sums, &store->counts, sizeof sums) == 0;
}

struct opening {
    struct token_store *store;
    const char *key;
};

static bool read_index(void *context)
{
    const struct opening *o = context;
    struct trailer t;
    if (!read_trailer(&o->store->map, o->key, &t) || memchr(t.format, '\0', sizeof t.format) == NULL)
        return false;
    view_records(o->store, &t);
    return records_are_sound(o->store, t.records_offset);
}

bool token_store_open(struct token_store *store, const char *path, const char *key)
{
    struct sft_err none;
    *store = (struct token_store){0};
    if (io_map_own(&store->map, path, &none) == SFT_OK &&
        map_read_guarded(read_index, &(struct opening){store, key}))
        return true;
    token_store_close(store);
    return false;
}

void token_store_close(struct token_store *store)
{
    io_unmap(&store->map);
    *store = (struct token_store){0};
}

const int32_t *record_tokens(const struct token_store *store, const struct record *record)
{
    return (const int32_t *)(const void *)(store->map.data + record->offset);
}

const float *record_weights(const struct token_store *store, const struct record *record)
{
    return (const float *)(const void *)(record_tokens(store, record) + record->n_tokens);
}

const char *record_message(const struct token_store *store, const struct record *record)
{
    return (const char *)(record_weights(store, record) + record->n_tokens);
}

const char *record_row(const struct token_store *store, const struct record *record)
{
    return record_message(store, record) + record->message_len;
}

uint64_t record_item_hash(const struct record *record)
{
    if (!(record->flags & RECORD_PAIR))
        return record->content_hash;
    const uint64_t both[] = {record[0].content_hash, record[1].content_hash};
    return xxh64(both, sizeof both, 0);
}

struct check {
    const struct token_store *store;
    const struct record *record;
    size_t vocab_size;
};

static bool check_data(void *context)
{
    const struct check *c = context;
    const struct record r = *c->record;
    const int32_t *tokens = record_tokens(c->store, &r);
    const float *weights = record_weights(c->store, &r);
    struct record sums = r;
    bool is_sound = xxh64(tokens, r.n_tokens * (sizeof *tokens + sizeof *weights), 0) == r.content_hash;
    for (uint32_t i = 0; i < r.n_tokens && is_sound; i++)
        is_sound = tokens[i] >= 0 && (size_t)tokens[i] < c->vocab_size && isfinite(weights[i]) &&
                   weights[i] >= 0 && (i > 0 || !(weights[i] > 0));
    sum_weights(&sums, weights);
    return is_sound && sums.n_targets == r.n_targets && sums.n_positions == r.n_positions &&
           !(sums.target_weight < r.target_weight) && !(sums.target_weight > r.target_weight);
}

bool token_store_check(const struct token_store *store, const struct record *record, size_t vocab_size)
{
    return map_read_guarded(check_data, &(struct check){store, record, vocab_size});
}

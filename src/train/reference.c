#include "train/reference.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "data/store/token_cache.h"
#include "train/objective_dpo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct answer_logps unknown = {NAN, NAN};

static bool is_known(const struct answer_logps *logps)
{
    return !isnan(logps->chosen) && !isnan(logps->rejected);
}

/* ---- where an example's are kept ---- */

/* Of a file's records the example's own: that of its chosen answer. */
static struct answer_logps *kept_of(const struct reference *r, size_t example)
{
    size_t file;
    dataset_record(r->ds, example, &file);
    return &r->files[file].of[r->ds->ids[example] - r->ds->files[file].first_record];
}

struct hashing {
    const struct token_store *store;
    uint64_t hash;
};

/* Which tokens stand where in a store: all that depends on data, tokenizer, template and settings. */
static bool hash_guarded(void *context)
{
    struct hashing *h = context;
    struct xxh64 hash;
    xxh64_init(&hash, 0);
    for (size_t i = 0; i < h->store->n_records; i++) {
        const struct record *record = &h->store->records[i];
        const uint64_t pair = record->flags & (RECORD_PAIR | RECORD_REJECTED);
        xxh64_update(&hash, &record->content_hash, sizeof record->content_hash);
        xxh64_update(&hash, &pair, sizeof pair);
    }
    h->hash = xxh64_digest(&hash);
    return true;
}

static void open_file(struct reference_file *file, const struct token_store *store, const char *model,
                      const char *cache)
{
    struct hashing hashing = {.store = store};
    file->n_records = store->n_records;
    file->of = mem_alloc((file->n_records + 1) * sizeof *file->of);
    for (size_t i = 0; i < file->n_records; i++)
        file->of[i] = unknown;
    if (!cache || store->counts.pairs == 0 || !map_read_guarded(hash_guarded, &hashing))
        return;
    file->key = mem_printf("%srecords %016llx\n", model, (unsigned long long)hashing.hash);
    file->path = token_cache_logps_path(cache, file->key);
    struct answer_logps *stored = mem_alloc(file->n_records * sizeof *stored);
    if (reference_store_read(file->path, file->key, stored, file->n_records)) {
        memcpy(file->of, stored, file->n_records * sizeof *stored);
        token_cache_touch(file->path);
    }
    free(stored);
}

/* Pairs whose numbers are not known, or with `all` all pairs: examples in their order, of those that repeat a record
 * the first. Into ids, if not NULL; how many. */
static size_t list_pairs(const struct reference *r, bool all, uint32_t *ids)
{
    const struct dataset *ds = r->ds;
    size_t n_records = 0, n = 0;
    for (size_t i = 0; i < ds->n_files; i++)
        n_records += ds->files[i].store.n_records;
    bool *is_listed = mem_calloc(n_records + 1, sizeof *is_listed);
    for (size_t i = 0; i < ds->n_examples; i++) {
        if (is_listed[ds->ids[i]] || !dataset_example(ds, i).is_pair || (!all && is_known(kept_of(r, i))))
            continue;
        is_listed[ds->ids[i]] = true;
        if (ids)
            ids[n] = (uint32_t)i;
        n++;
    }
    free(is_listed);
    return n;
}

static void take_kept(struct reference *r)
{
    for (size_t i = 0; i < r->ds->n_examples; i++)
        r->of[i] = *kept_of(r, i);
}

void reference_find(struct reference *r, const struct dataset *ds, const char *model)
{
    char *cache = token_cache_dir();
    *r = (struct reference){.ds = ds};
    r->of = mem_alloc((ds->n_examples + 1) * sizeof *r->of);
    r->files = mem_calloc(ds->n_files + 1, sizeof *r->files);
    for (size_t i = 0; i < ds->n_files; i++)
        open_file(&r->files[i], &ds->files[i].store, model, cache);
    take_kept(r);
    r->n_pairs = list_pairs(r, true, NULL);
    r->n_missing = list_pairs(r, false, NULL);
    free(cache);
}

void reference_free(struct reference *r)
{
    for (size_t i = 0; r->files && i < r->ds->n_files; i++) {
        free(r->files[i].key);
        free(r->files[i].path);
        free(r->files[i].of);
    }
    free(r->files);
    free(r->of);
    *r = (struct reference){0};
}

size_t reference_bytes(const struct dataset *ds)
{
    size_t n = ds->n_examples;
    for (size_t i = 0; i < ds->n_files; i++)
        n += ds->files[i].store.n_records;
    return n * sizeof(struct answer_logps);
}

/* ---- keeping them ---- */

/* With what others have found meanwhile: the part that eval_fraction set aside is of the same files. */
static enum sft_status keep_file(struct reference_file *file, struct sft_err *err)
{
    struct answer_logps *stored = mem_alloc(file->n_records * sizeof *stored);
    if (reference_store_read(file->path, file->key, stored, file->n_records))
        for (size_t i = 0; i < file->n_records; i++)
            if (!is_known(&file->of[i]))
                file->of[i] = stored[i];
    free(stored);
    return reference_store_write(file->path, file->key, file->of, file->n_records, err);
}

/* That it cannot be is told once, and no reason to stop: it is not tried again. */
static void keep(struct reference *r)
{
    struct sft_err why;
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < r->ds->n_files && !status; i++)
        if (r->files[i].path)
            status = keep_file(&r->files[i], &why);
    if (!status)
        return;
    log_warning("the token cache (SFT_CACHE_DIR): %s; what the reference says is not kept", SFT_ERR_TEXT(&why));
    for (size_t i = 0; i < r->ds->n_files; i++) {
        free(r->files[i].path);
        r->files[i].path = NULL;
    }
}

/* ---- computing them ---- */

static enum sft_status fail_not_finite(const struct dataset *ds, size_t example, struct sft_err *err)
{
    const struct example e = dataset_example(ds, example);
    return sft_fail(err, SFT_ENONFINITE,
                    "the reference's log-probability of the pair %s:%zu is not finite (look at this row, and at the "
                    "model's weights)",
                    ds->files[e.file].path, e.line);
}

/* Of the micro-batch, whose costs are known. */
static enum sft_status take(struct reference *r, const struct objective_batch *b, struct sft_err *err)
{
    const struct batch_items *items = &b->buffer->items;
    for (size_t i = 0; i < items->n; i++) {
        const struct answer_logps logps = {.chosen = conversation_logps(b, items->chosen[i]),
                                           .rejected = conversation_logps(b, items->rejected[i])};
        if (!isfinite(logps.chosen) || !isfinite(logps.rejected))
            return fail_not_finite(r->ds, items->id[i], err);
        *kept_of(r, items->id[i]) = logps;
        r->n_missing--;
    }
    return SFT_OK;
}

static enum sft_status run_turn(struct reference *r, const struct reference_pass *by, const uint32_t *ids, size_t n,
                                struct sft_err *err)
{
    const struct objective_batch batch = {by->model, by->acts, by->buffer};
    const struct batch_turn *turn = &by->buffer->turn;
    const struct targets *targets = &by->buffer->targets;
    if (batch_begin(by->buffer, r->ds, ids, n, NULL, err))
        return err->status;
    while (turn->done < turn->n) {
        log_progress("the reference's answers: %zu pairs left", r->n_missing);
        if (batch_next(by->buffer, err))
            return err->status;
        transformer_forward(by->model, by->acts, &by->buffer->batch, targets->rows, targets->M);
        transformer_costs(by->model, by->acts, targets);
        if (take(r, &batch, err))
            return err->status;
        if (by->stop && *by->stop)
            return SFT_EINTERRUPTED;
    }
    return SFT_OK;
}

static bool is_kept(const struct reference *r)
{
    for (size_t i = 0; i < r->ds->n_files; i++)
        if (r->files[i].path)
            return true;
    return false;
}

enum sft_status reference_compute(struct reference *r, const struct reference_pass *by, struct sft_err *err)
{
    static const double keep_seconds = 60;
    uint32_t *ids = mem_alloc((r->ds->n_examples + 1) * sizeof *ids);
    const size_t n = list_pairs(r, false, ids);
    double kept_at = clock_seconds();
    enum sft_status status = SFT_OK;
    for (size_t done = 0; done < n && !status; done += BATCH_WINDOW) {
        status = run_turn(r, by, ids + done, n - done < BATCH_WINDOW ? n - done : BATCH_WINDOW, err);
        if (!status && clock_seconds() - kept_at > keep_seconds) { /* a power cut costs no more than that */
            keep(r);
            kept_at = clock_seconds();
        }
    }
    log_progress("%s", "");
    if (n > 0)
        keep(r);
    if (status == SFT_EINTERRUPTED && is_kept(r))
        log_info("pairs  what the reference said of %zu is kept: a later start asks for %zu more", n - r->n_missing,
                 r->n_missing);
    take_kept(r);
    free(ids);
    return status;
}

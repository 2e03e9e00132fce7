#include "data/dataset.h"

#include "base/log.h"
#include "data/dataset_internal.h"
#include "data/hash_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Keeps the samples' random numbers apart from every other use of the run's seed. */
static const uint64_t sample_stream = 0x73616D706C650000; /* "sample" */

/* ---- which records are trained on ---- */

bool record_is_duplicate(const struct dataset_file *file, size_t i)
{
    return file->duplicate[i / 8] >> (i % 8) & 1;
}

/* Kept records that an earlier one equals, of all files in order. */
static void find_duplicates(struct dataset *ds)
{
    struct hash_set seen = {0};
    for (size_t f = 0; f < ds->n_files; f++) {
        struct dataset_file *file = &ds->files[f];
        file->duplicate = mem_calloc(file->store.n_records / 8 + 1, 1);
        for (size_t i = 0; i < file->store.n_records; i++) {
            const struct record *r = &file->store.records[i];
            if (r->why != DROP_NO || hash_set_add(&seen, r->content_hash))
                continue;
            file->duplicate[i / 8] |= (unsigned char)(1U << (i % 8));
            file->duplicates++;
        }
    }
    hash_set_free(&seen);
}

static bool is_used(const struct dataset *ds, const struct dataset_file *file, size_t i)
{
    return file->store.records[i].why == DROP_NO && !(ds->drops_duplicates && record_is_duplicate(file, i));
}

static void add_id(struct dataset *ds, size_t *capacity, struct dataset_file *file, size_t i)
{
    const struct record *r = &file->store.records[i];
    ds->ids = mem_grow(ds->ids, capacity, ds->n_examples + 1, sizeof *ds->ids);
    ds->ids[ds->n_examples++] = (uint32_t)(file->first_record + i);
    file->n_examples++;
    ds->n_tokens += r->n_tokens;
    ds->n_targets += r->n_targets;
}

/* A sample of exactly `share` of the n usable records, in their order (Knuth's algorithm S). */
static void add_sample(struct dataset *ds, size_t *capacity, struct dataset_file *file, size_t n,
                       double share, uint64_t seed)
{
    struct rng rng;
    size_t wanted = (size_t)llround(share * (double)n);
    rng_seed(&rng, seed, sample_stream ^ file->hash); /* wherever the file stands in the list */
    for (size_t i = 0; i < file->store.n_records && wanted > 0; i++) {
        if (!is_used(ds, file, i))
            continue;
        if (rng_below(&rng, n--) < wanted) {
            add_id(ds, capacity, file, i);
            wanted--;
        }
    }
}

static enum sft_status list_examples(struct dataset *ds, uint64_t seed, struct sft_err *err)
{
    size_t capacity = 0, first_record = 0;
    for (size_t f = 0; f < ds->n_files; f++) {
        struct dataset_file *file = &ds->files[f];
        const size_t used = file->store.counts.conversations - (ds->drops_duplicates ? file->duplicates : 0);
        const double passes = floor(file->repeat);
        file->first_record = first_record;
        first_record += file->store.n_records;
        if (first_record > UINT32_MAX ||
            (double)ds->n_examples + file->repeat * (double)used > (double)UINT32_MAX)
            return sft_fail(err, SFT_EDATA, "%s: more than %u conversations in all", file->spec, UINT32_MAX);
        for (double pass = 0; pass < passes; pass++)
            for (size_t i = 0; i < file->store.n_records; i++)
                if (is_used(ds, file, i))
                    add_id(ds, &capacity, file, i);
        add_sample(ds, &capacity, file, used, file->repeat - passes, seed);
    }
    return SFT_OK;
}

/* ---- loading ---- */

static enum sft_status load_files(struct dataset *ds, struct source *sources, struct sft_err *err)
{
    const struct tokenize_options *options = ds->how;
    for (size_t f = 0; f < ds->n_files; f++) { /* so that a missing one is told before anything is read */
        if (source_open_until(&sources[f], ds->files[f].path, options->stop, err))
            return err->status;
    }
    for (size_t f = 0; f < ds->n_files; f++) {
        struct dataset_file *file = &ds->files[f];
        const struct file_format format = file_format_of(file->path, file->forced);
        if (tokenize_file(&sources[f], &format, options, &file->store, &file->hash, err))
            return err->status;
        if (!key_counts_unpack(&file->keys, file->store.notes, file->store.notes_len))
            return sft_fail(err, SFT_EDATA, "%s: the token cache is damaged (remove it)", file->path);
        file->how = options;
        source_close(&sources[f]);
    }
    return SFT_OK;
}

enum sft_status dataset_load(struct dataset *ds, char *const *specs, size_t n_specs,
                             const struct chat_template *tpl, const struct tokenizer *tok,
                             const struct dataset_options *options, struct sft_err *err)
{
    struct names *names = mem_calloc(1, sizeof *names);
    struct tokenize_options *how = mem_alloc(sizeof *how);
    *how = (struct tokenize_options){.tpl = tpl,
                                     .tok = tok,
                                     .names = names,
                                     .render = options->render,
                                     .stop = options->stop,
                                     .max_rows = options->max_rows};
    struct source *sources = mem_calloc(n_specs, sizeof *sources);
    enum sft_status status = names_init(names, &options->names, err);
    bool is_mixed = false;
    *ds = (struct dataset){.files = mem_calloc(n_specs, sizeof *ds->files),
                           .n_files = n_specs,
                           .how = how,
                           .names = names,
                           .drops_duplicates = options->dedupe == DEDUPE_EXACT};
    for (size_t f = 0; f < n_specs && !status; f++) {
        status = dataset_parse_spec(specs[f], &ds->files[f], err);
        is_mixed = is_mixed || ds->files[f].repeat < 1 || ds->files[f].repeat > 1;
    }
    if (is_mixed) /* a sample is of the whole, and a repeat comes after it */
        how->max_rows = 0;
    if (!status)
        status = load_files(ds, sources, err);
    for (size_t f = 0; f < n_specs; f++)
        source_close(&sources[f]);
    free(sources);
    if (!status && !(status = dataset_check_rows(ds, options, err)))
        status = dataset_check_keys(ds, options, err);
    if (!status) {
        find_duplicates(ds);
        status = list_examples(ds, options->seed, err);
    }
    if (status)
        dataset_free(ds);
    return status;
}

void dataset_file_free(struct dataset_file *file)
{
    free(file->spec);
    free(file->path);
    free(file->duplicate);
    token_store_close(&file->store);
    key_counts_free(&file->keys);
    *file = (struct dataset_file){0};
}

void dataset_free(struct dataset *ds)
{
    for (size_t i = 0; !ds->borrows && i < ds->n_files; i++)
        dataset_file_free(&ds->files[i]);
    if (!ds->borrows) {
        free(ds->files);
        free(ds->how);
        if (ds->names)
            names_free(ds->names);
        free(ds->names);
    }
    free(ds->ids);
    *ds = (struct dataset){0};
}

/* ---- looking at it ---- */

const struct record *dataset_record(const struct dataset *ds, size_t i, size_t *file)
{
    const size_t id = ds->ids[i];
    size_t low = 0, high = ds->n_files; /* the last file that begins at id or before, and is not empty */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (ds->files[middle].first_record <= id)
            low = middle;
        else
            high = middle;
    }
    *file = low;
    return &ds->files[low].store.records[id - ds->files[low].first_record];
}

struct example dataset_example(const struct dataset *ds, size_t i)
{
    size_t file;
    const struct record *r = dataset_record(ds, i, &file);
    const struct token_store *store = &ds->files[file].store;
    return (struct example){.tokens = record_tokens(store, r),
                            .weights = record_weights(store, r),
                            .n_tokens = r->n_tokens,
                            .n_targets = r->n_targets,
                            .n_positions = r->n_positions,
                            .target_weight = r->target_weight,
                            .file = file,
                            .line = r->line,
                            .content_hash = r->content_hash,
                            .truncated = r->flags & RECORD_TRUNCATED};
}

/* ---- damage ---- */

static bool is_sound(const struct dataset_file *file, const struct record *record)
{
    return token_store_check(&file->store, record,
                             file->how ? tokenizer_vocab_size(file->how->tok) : INT32_MAX);
}

/* The store of a file, made again. */
static enum sft_status mend(struct dataset_file *file, struct sft_err *err)
{
    const struct file_format format = file_format_of(file->path, file->forced);
    struct token_store store;
    if (!file->how) /* of no file */
        return sft_fail(err, SFT_EIO, "the tokens of a dataset are damaged");
    log_warning("%s: its tokens in the cache are damaged; they are made again", file->path);
    if (tokenize_again(file->path, &format, file->how, file->hash, &store, err))
        return err->status;
    if (store.n_records != file->store.n_records) {
        token_store_close(&store);
        return sft_fail(err, SFT_EIO, "%s: its tokens, made again, are others than before (run again)",
                        file->path);
    }
    token_store_close(&file->store);
    file->store = store;
    return SFT_OK;
}

enum sft_status dataset_check_record(struct dataset_file *file, const struct record **record,
                                     struct sft_err *err)
{
    const size_t i = (size_t)(*record - file->store.records);
    if (is_sound(file, *record))
        return SFT_OK;
    if (mend(file, err))
        return err->status;
    *record = &file->store.records[i];
    return is_sound(file, *record)
               ? SFT_OK
               : sft_fail(err, SFT_EIO,
                          "%s:%zu: its tokens are damaged as soon as they are made (is the disk "
                          "in order, and the memory?)",
                          file->path, (size_t)(*record)->line);
}

enum sft_status dataset_check(const struct dataset *ds, const uint32_t *examples, size_t n,
                              struct sft_err *err)
{
    for (size_t i = 0; i < n; i++) {
        size_t file;
        const struct record *r = dataset_record(ds, examples[i], &file);
        if (dataset_check_record(&ds->files[file], &r, err))
            return err->status;
    }
    return SFT_OK;
}

void dataset_borrow(struct dataset *ds, const struct chat_template *tpl, const struct tokenizer *tok)
{
    if (!ds->how || ds->borrows)
        return;
    ds->how->tpl = tpl;
    ds->how->tok = tok;
}

/* ---- parts of it ---- */

bool dataset_is_documents(const struct dataset *ds)
{
    for (size_t f = 0; f < ds->n_files; f++)
        if (strcmp(ds->files[f].store.format, "text") != 0 && strcmp(ds->files[f].store.format, "txt") != 0)
            return false;
    return true;
}

void dataset_split(struct dataset *from, struct dataset *to, double fraction)
{
    size_t kept = 0;
    *to = (struct dataset){.files = from->files, .n_files = from->n_files, .borrows = true};
    to->ids = mem_alloc(from->n_examples * sizeof *to->ids);
    for (size_t i = 0; i < from->n_examples; i++) {
        size_t file;
        const struct record *r = dataset_record(from, i, &file);
        if ((double)r->content_hash >= fraction * 0x1p64) {
            from->ids[kept++] = from->ids[i];
            continue;
        }
        to->ids[to->n_examples++] = from->ids[i];
        to->n_tokens += r->n_tokens;
        to->n_targets += r->n_targets;
    }
    from->n_examples = kept;
    from->n_tokens -= to->n_tokens;
    from->n_targets -= to->n_targets;
}

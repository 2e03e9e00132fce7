/* Loading a dataset: the files' token stores, and which of their records are trained on. */
#include "base/hash_set.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "data/dataset_checks.h"

#include <math.h>
#include <stdlib.h>

/* Keeps the samples' random numbers apart from every other use of the run's seed. */
static const uint64_t sample_stream = 0x73616D706C650000; /* "sample" */

/* ---- which records are trained on ---- */

/* Kept records that an earlier one equals, of all files in order; of a pair that another equals in both answers, the
 * first. */
static void find_duplicates(struct dataset *ds)
{
    struct hash_set seen = {0};
    for (size_t f = 0; f < ds->n_files; f++) {
        struct dataset_file *file = &ds->files[f];
        file->duplicate = mem_calloc(file->store.n_records / 8 + 1, 1);
        for (size_t i = 0; i < file->store.n_records; i++) {
            const struct record *r = &file->store.records[i];
            if (r->why != DROP_NO || r->flags & RECORD_REJECTED || hash_set_add(&seen, record_item_hash(r)))
                continue;
            file->duplicate[i / 8] |= (unsigned char)(1U << (i % 8));
            file->duplicates++;
        }
    }
    hash_set_free(&seen);
}

/* As an example: of a pair the first. */
static bool is_used(const struct dataset *ds, const struct dataset_file *file, size_t i)
{
    const struct record *r = &file->store.records[i];
    return r->why == DROP_NO && !(r->flags & RECORD_REJECTED) &&
           !(ds->drops_duplicates && dataset_is_duplicate(file, i));
}

static void add_id(struct dataset *ds, size_t *capacity, struct dataset_file *file, size_t i)
{
    const struct record *r = &file->store.records[i];
    ds->ids = mem_grow(ds->ids, capacity, ds->n_examples + 1, sizeof *ds->ids);
    ds->ids[ds->n_examples++] = (uint32_t)(file->first_record + i);
    file->n_examples++;
    dataset_count(ds, r);
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
        const double passes = floor(file->spec.repeat);
        file->first_record = first_record;
        first_record += file->store.n_records;
        if (first_record > UINT32_MAX ||
            (double)ds->n_examples + file->spec.repeat * (double)used > (double)UINT32_MAX)
            return sft_fail(err, SFT_EDATA, "%s: more than %u conversations in all", file->spec.text, UINT32_MAX);
        for (uint64_t pass = 0; pass < (uint64_t)passes; pass++)
            for (size_t i = 0; i < file->store.n_records; i++)
                if (is_used(ds, file, i))
                    add_id(ds, &capacity, file, i);
        add_sample(ds, &capacity, file, used, file->spec.repeat - passes, seed);
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
        if (tokenize_file(&sources[f], &file->spec.format, options, &file->store, &file->hash, err))
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
        struct file_spec *spec = &ds->files[f].spec;
        status = file_spec_parse(spec, specs[f], err);
        ds->files[f].path = spec->path;
        is_mixed = is_mixed || spec->repeat < 1 || spec->repeat > 1;
    }
    if (is_mixed) /* a sample is of the whole, and a repeat comes after it */
        how->max_rows = 0;
    if (!status)
        status = load_files(ds, sources, err);
    for (size_t f = 0; f < n_specs; f++)
        source_close(&sources[f]);
    free(sources);
    if (!status && !(status = dataset_check_rows(ds, options, err)) &&
        !(status = dataset_check_pairs(ds, options, err)))
        status = dataset_check_keys(ds, options, err);
    if (!status) {
        find_duplicates(ds);
        status = list_examples(ds, options->seed, err);
    }
    if (status)
        dataset_free(ds);
    return status;
}

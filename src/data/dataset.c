#include "data/dataset.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static void file_free(struct dataset_file *file)
{
    file_spec_free(&file->spec);
    free(file->duplicate);
    token_store_close(&file->store);
    key_counts_free(&file->keys);
    *file = (struct dataset_file){0};
}

void dataset_free(struct dataset *ds)
{
    for (size_t i = 0; !ds->borrows && i < ds->n_files; i++)
        file_free(&ds->files[i]);
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

bool dataset_is_duplicate(const struct dataset_file *file, size_t i)
{
    if (file->store.records[i].flags & RECORD_REJECTED)
        i--;
    return file->duplicate[i / 8] >> (i % 8) & 1;
}

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

static struct example view(const struct dataset *ds, const struct record *r, size_t file)
{
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

struct example dataset_example(const struct dataset *ds, size_t i)
{
    size_t file;
    const struct record *r = dataset_record(ds, i, &file);
    struct example example = view(ds, r, file);
    example.is_pair = r->flags & RECORD_PAIR;
    example.content_hash = record_item_hash(r);
    return example;
}

bool dataset_rejected(const struct dataset *ds, size_t i, struct example *rejected)
{
    size_t file;
    const struct record *r = dataset_record(ds, i, &file);
    if (!(r->flags & RECORD_PAIR))
        return false;
    *rejected = view(ds, r + 1, file);
    return true;
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
    struct token_store store;
    if (!file->how) /* of no file */
        return sft_fail(err, SFT_EIO, "the tokens of a dataset are damaged");
    log_warning("%s: its tokens in the cache are damaged; they are made again", file->path);
    if (tokenize_again(file->path, &file->spec.format, file->how, file->hash, &store, err))
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
        const struct record *rejected = r + 1; /* if it is a pair, which only now can be asked */
        if (r->flags & RECORD_PAIR && dataset_check_record(&ds->files[file], &rejected, err))
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
        if (ds->files[f].store.counts.pairs > 0 ||
            (strcmp(ds->files[f].store.format, "text") != 0 && strcmp(ds->files[f].store.format, "txt") != 0))
            return false;
    return true;
}

void dataset_count(struct dataset *ds, const struct record *r)
{
    const bool is_pair = r->flags & RECORD_PAIR;
    ds->n_pairs += is_pair;
    ds->n_tokens += r[0].n_tokens + (is_pair ? r[1].n_tokens : 0U);
    ds->n_targets += r[0].n_targets + (is_pair ? r[1].n_targets : 0U);
}

void dataset_split(struct dataset *from, struct dataset *to, double fraction)
{
    size_t kept = 0;
    *to = (struct dataset){.files = from->files, .n_files = from->n_files, .borrows = true};
    to->ids = mem_alloc(from->n_examples * sizeof *to->ids);
    for (size_t i = 0; i < from->n_examples; i++) {
        size_t file;
        const struct record *r = dataset_record(from, i, &file);
        if ((double)record_item_hash(r) >= fraction * 0x1p64) {
            from->ids[kept++] = from->ids[i];
            continue;
        }
        to->ids[to->n_examples++] = from->ids[i];
        dataset_count(to, r);
    }
    from->n_examples = kept;
    from->n_pairs -= to->n_pairs;
    from->n_tokens -= to->n_tokens;
    from->n_targets -= to->n_targets;
}

/* ---- what it came to ---- */

void dataset_count_files(const struct dataset *ds, struct file_counts *counts)
{
    size_t next = 0, document_file = 0; /* records below `next` were counted: a file's ascend, then come its repeats */
    uint64_t document = 0;              /* the line of the one that the last record was a piece of; 0: of none */
    memset(counts, 0, ds->n_files * sizeof *counts);
    for (size_t i = 0; i < ds->n_examples; i++) {
        size_t file;
        const struct record *r = dataset_record(ds, i, &file);
        if (ds->ids[i] < next)
            continue;
        const bool is_document = r->flags & RECORD_DOCUMENT;
        const bool is_pair = r->flags & RECORD_PAIR;
        counts[file].conversations += !(is_document && r->line == document && file == document_file);
        counts[file].pairs += is_pair;
        counts[file].tokens += r[0].n_tokens + (is_pair ? r[1].n_tokens : 0U);
        counts[file].targets += r[0].n_targets + (is_pair ? r[1].n_targets : 0U);
        next = ds->ids[i] + (size_t)1;
        document = is_document ? r->line : 0;
        document_file = file;
    }
}

#include "data/batching.h"

#include "base/map.h"

/* Keeps the shuffles' random numbers apart from every other use of the run's seed. */
static const uint64_t order_stream = 0x6F72646572000000; /* "order" */

void batch_epoch_order(uint32_t *order, size_t n, uint64_t seed, uint64_t epoch, bool shuffle)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    if (!shuffle)
        return;
    struct rng rng;
    rng_seed(&rng, seed, order_stream + epoch);
    rng_shuffle(&rng, order, n);
}

size_t batch_capacity(const struct dataset *ds, size_t micro_batch_tokens)
{
    size_t total = 0, longest = 0;
    for (size_t i = 0; i < ds->n_examples; i++) {
        const size_t n = dataset_example(ds, i).n_positions;
        total += n;
        longest = n > longest ? n : longest;
    }
    const size_t full = total < micro_batch_tokens ? total : micro_batch_tokens;
    return longest > full ? longest : full;
}

/* ---- storage ---- */

enum { ALIGN = 64 };

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* The arrays behind a batch and its targets, to be written. */
struct batch_arrays {
    size_t *seq_start, *rows;
    int32_t *tokens, *position, *labels;
    float *weights;
};

/* Bytes of an array of four-byte numbers, one for each position, and of one of sizes. */
static size_t column_bytes(const struct batch_buffer *buf)
{
    return aligned(buf->max_positions * sizeof(int32_t));
}

static size_t rows_bytes(const struct batch_buffer *buf)
{
    return aligned(buf->max_positions * sizeof(size_t));
}

static struct batch_arrays arrays_of(const struct batch_buffer *buf)
{
    unsigned char *p = buf->memory.data;
    const size_t column = column_bytes(buf);
    return (struct batch_arrays){.tokens = (int32_t *)p,
                                 .position = (int32_t *)(p + column),
                                 .labels = (int32_t *)(p + 2 * column),
                                 .weights = (float *)(p + 3 * column),
                                 .rows = (size_t *)(p + 4 * column),
                                 .seq_start = (size_t *)(p + 4 * column + rows_bytes(buf))};
}

enum sft_status batch_buffer_init(struct batch_buffer *buf, size_t max_positions, size_t max_sequences,
                                  struct sft_err *err)
{
    *buf = (struct batch_buffer){.max_positions = max_positions, .max_sequences = max_sequences};
    if (max_positions > SIZE_MAX / 64 || max_sequences >= SIZE_MAX / 64)
        return sft_fail(err, SFT_ENOMEM, "a micro-batch of %zu positions and %zu conversations is too large",
                        max_positions, max_sequences);
    const size_t bytes = 4 * column_bytes(buf) + rows_bytes(buf) + (max_sequences + 1) * sizeof(size_t);
    const enum sft_status status = block_alloc(&buf->memory, bytes, "a micro-batch", err);
    if (status)
        return status;
    const struct batch_arrays to = arrays_of(buf);
    buf->batch = (struct batch){.tokens = to.tokens, .position = to.position, .seq_start = to.seq_start};
    buf->targets = (struct targets){.rows = to.rows, .labels = to.labels, .weights = to.weights};
    return SFT_OK;
}

void batch_buffer_free(struct batch_buffer *buf)
{
    block_free(&buf->memory);
    *buf = (struct batch_buffer){0};
}

/* ---- filling ---- */

/* Append the first n positions of an example. */
static void add_sequence(struct batch_buffer *buf, const struct batch_arrays *to, const struct example *example,
                         size_t n)
{
    for (size_t t = 0; t < n; t++) {
        const size_t i = buf->batch.N + t;
        to->tokens[i] = example->tokens[t];
        to->position[i] = (int32_t)t;
        if (example->weights[t + 1] > 0.0F) {
            const size_t m = buf->targets.M++;
            to->rows[m] = i;
            to->labels[m] = example->tokens[t + 1];
            to->weights[m] = example->weights[t + 1];
        }
    }
    buf->batch.N += n;
    to->seq_start[++buf->batch.S] = buf->batch.N;
}

size_t batch_fill(struct batch_buffer *buf, const struct dataset *ds, const uint32_t *ids, size_t n,
                  size_t micro_batch_tokens)
{
    const struct batch_arrays to = arrays_of(buf);
    struct batch *batch = &buf->batch;
    batch->N = batch->S = buf->targets.M = 0;
    to.seq_start[0] = 0;
    size_t taken = 0;
    for (; taken < n && taken < buf->max_sequences; taken++) {
        const struct example example = dataset_example(ds, ids[taken]);
        const size_t positions = example.n_positions;
        if (taken > 0 && batch->N + positions > micro_batch_tokens)
            break;
        if (batch->N + positions > buf->max_positions)
            SFT_BUG("a micro-batch exceeds its buffer");
        add_sequence(buf, &to, &example, positions);
    }
    return taken;
}

/* ---- from stores that may be cut short at any moment ---- */

/* How many examples batch_fill will take. */
static size_t count_taken(const struct batch_buffer *buf, const struct dataset *ds, const uint32_t *ids,
                          size_t n, size_t micro_batch_tokens)
{
    size_t taken = 0, positions = 0;
    for (; taken < n && taken < buf->max_sequences; taken++) {
        positions += dataset_example(ds, ids[taken]).n_positions;
        if (taken > 0 && positions > micro_batch_tokens)
            break;
    }
    return taken;
}

struct reading {
    struct batch_buffer *buf;
    const struct dataset *ds;
    const uint32_t *ids;
    size_t n, micro_batch_tokens, taken;
    struct batch_sums sums;
};

static bool count_guarded(void *context)
{
    struct reading *r = context;
    r->taken = count_taken(r->buf, r->ds, r->ids, r->n, r->micro_batch_tokens);
    return true;
}

static bool fill_guarded(void *context)
{
    struct reading *r = context;
    r->taken = batch_fill(r->buf, r->ds, r->ids, r->n, r->micro_batch_tokens);
    return true;
}

static bool sum_guarded(void *context)
{
    struct reading *r = context;
    r->sums = (struct batch_sums){0};
    for (size_t i = 0; i < r->n; i++) {
        const struct example e = dataset_example(r->ds, r->ids[i]);
        r->sums.target_weight += e.target_weight;
        r->sums.n_tokens += e.n_tokens;
        r->sums.n_targets += e.n_targets;
    }
    return true;
}

enum sft_status batch_read(struct batch_buffer *buf, const struct dataset *ds, const uint32_t *ids, size_t n,
                           size_t micro_batch_tokens, size_t *taken, struct sft_err *err)
{
    struct reading r = {.buf = buf, .ds = ds, .ids = ids, .n = n, .micro_batch_tokens = micro_batch_tokens};
    bool is_read = false;
    while (!is_read) { /* once, but where a store is damaged in between */
        const size_t n_checked = map_read_guarded(count_guarded, &r) ? r.taken : n;
        if (dataset_check(ds, ids, n_checked, err))
            return err->status;
        is_read = map_read_guarded(fill_guarded, &r);
    }
    *taken = r.taken;
    return SFT_OK;
}

enum sft_status batch_sum(const struct dataset *ds, const uint32_t *ids, size_t n, struct batch_sums *sums,
                          struct sft_err *err)
{
    struct reading r = {.ds = ds, .ids = ids, .n = n};
    do {
        if (dataset_check(ds, ids, n, err))
            return err->status;
    } while (!map_read_guarded(sum_guarded, &r));
    *sums = r.sums;
    return SFT_OK;
}

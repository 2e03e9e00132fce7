#include "data/batching.h"

#include "base/map.h"

#include <string.h>

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

/* ---- storage ---- */

enum {
    USES_A_ROW = 4 /* of a target by conversations, on average at most: one item alone has at most two */
};

/* Tokens are not looked at: of a pair both answers count whole. */
size_t batch_capacity(const struct dataset *ds, const struct batch_options *options)
{
    size_t total = 0, longest = 0;
    for (size_t i = 0; i < ds->n_examples; i++) {
        struct example rejected;
        size_t n = dataset_example(ds, i).n_positions;
        if (options->pairs && dataset_rejected(ds, i, &rejected))
            n += rejected.n_positions;
        total += n;
        longest = n > longest ? n : longest;
    }
    const size_t full = total < options->micro_batch_tokens ? total : options->micro_batch_tokens;
    return longest > full ? longest : full;
}

/* A block that arrays are taken from, one behind another; without a base only counted. */
struct carving {
    unsigned char *base;
    size_t used;
};

static void *carve(struct carving *c, size_t count, size_t size)
{
    enum { ALIGN = 64 };
    void *p = c->base ? c->base + c->used : NULL;
    c->used += (count * size + ALIGN - 1) / ALIGN * ALIGN;
    return p;
}

#define CARVE(array, count) ((array) = carve(c, (count), sizeof *(array)))

static struct batch_arrays *carve_arrays(struct carving *c, size_t N, size_t n_conversations, size_t n_items)
{
    struct batch_arrays to, *out;
    CARVE(out, 1);
    CARVE(to.tokens, N);
    CARVE(to.position, N);
    CARVE(to.seq_start, N + 1);
    CARVE(to.parent, N);
    CARVE(to.reach, N);
    CARVE(to.rows, N);
    CARVE(to.labels, N);
    CARVE(to.weights, N);
    CARVE(to.use_start, n_conversations + 1);
    CARVE(to.use_target, USES_A_ROW * N);
    CARVE(to.use_weight, USES_A_ROW * N);
    CARVE(to.id, n_conversations);
    CARVE(to.chosen, n_conversations);
    CARVE(to.rejected, n_conversations);
    CARVE(to.path, N);
    CARVE(to.segment, N);
    CARVE(to.goes_on, N);
    CARVE(to.list, n_conversations);
    CARVE(to.order, n_items);
    if (out)
        *out = to;
    return out;
}

/* As many as there are positions, for each that shares nothing has one, and an item of two. */
static size_t max_conversations(const struct batch_buffer *buf)
{
    return buf->max_positions + 2;
}

enum sft_status batch_buffer_init(struct batch_buffer *buf, const struct batch_options *options, size_t max_positions,
                                  size_t turn_items, struct sft_err *err)
{
    enum { MOST_BYTES = 256 }; /* of a position, an item */
    const size_t max_items = !options->shared_prefix ? 0 : turn_items > BATCH_WINDOW ? turn_items : BATCH_WINDOW;
    *buf = (struct batch_buffer){.options = *options, .max_positions = max_positions, .max_items = max_items};
    if (max_positions > UINT32_MAX / USES_A_ROW || max_positions + max_items > SIZE_MAX / MOST_BYTES)
        return sft_fail(err, SFT_ENOMEM, "a micro-batch of %zu positions of %zu conversations is too large",
                        max_positions, turn_items);
    struct carving c = {0};
    carve_arrays(&c, max_positions, max_conversations(buf), max_items);
    if (block_alloc(&buf->memory, c.used, "a micro-batch", err))
        return err->status;
    c = (struct carving){.base = buf->memory.data};
    buf->arrays = carve_arrays(&c, max_positions, max_conversations(buf), max_items);
    return SFT_OK;
}

void batch_buffer_free(struct batch_buffer *buf)
{
    block_free(&buf->memory);
    *buf = (struct batch_buffer){0};
}

/* ---- a micro-batch ---- */

static struct batch_conversation conversation_of(const struct example *example, uint32_t item, bool is_rejected)
{
    return (struct batch_conversation){.tokens = example->tokens,
                                       .weights = example->weights,
                                       .n = example->n_positions,
                                       .item = item,
                                       .is_rejected = is_rejected};
}

/* A micro-batch that is being put together. */
struct filling {
    struct batch_buffer *buf;
    struct batch_list list;
    size_t n_uses;
};

/* Add the turn's next item, the i-th of the micro-batch; false, and it stays as it was, where it does not fit. */
static bool add_item(struct filling *f, uint32_t i)
{
    const struct batch_buffer *buf = f->buf;
    const struct batch_turn *turn = &buf->turn;
    const uint32_t id = turn->ids[turn->done + i];
    struct example rejected = {0};
    const struct example example = dataset_example(turn->ds, id);
    const bool is_pair = buf->options.pairs && dataset_rejected(turn->ds, id, &rejected);
    const size_t n_uses = f->n_uses + example.n_targets + rejected.n_targets;
    if (i > 0 && (f->list.n + 2 > max_conversations(buf) || n_uses > USES_A_ROW * buf->max_positions))
        return false;
    const struct batch_conversation chosen = conversation_of(&example, i, false),
                                    other = conversation_of(&rejected, i, true);
    const size_t place = batch_list_add(&f->list, &chosen),
                 place_of_other = is_pair ? batch_list_add(&f->list, &other) : 0;
    if (i > 0 && f->list.rows > buf->options.micro_batch_tokens) {
        if (is_pair)
            batch_list_remove(&f->list, place_of_other);
        batch_list_remove(&f->list, place);
        return false;
    }
    f->n_uses = n_uses;
    buf->arrays->id[i] = id;
    buf->arrays->rejected[i] = BATCH_NO_REJECTED;
    return true;
}

/* The items that the next micro-batch takes. */
static struct filling choose(struct batch_buffer *buf)
{
    struct filling f = {.buf = buf, .list = {.conversations = buf->arrays->list, .shares = buf->turn.shares}};
    const size_t left = buf->turn.n - buf->turn.done;
    size_t n = 0;
    while (n < left && add_item(&f, (uint32_t)n))
        n++;
    buf->items = (struct batch_items){
        .n = n, .id = buf->arrays->id, .chosen = buf->arrays->chosen, .rejected = buf->arrays->rejected};
    return f;
}

static bool choose_guarded(void *context)
{
    struct batch_buffer *buf = context;
    buf->batch.N = choose(buf).list.rows;
    return true;
}

static bool fill_guarded(void *context)
{
    struct batch_buffer *buf = context;
    const struct filling f = choose(buf);
    if (f.list.rows > buf->max_positions)
        SFT_BUG("a micro-batch exceeds its buffer");
    batch_list_lay(&f.list, buf->arrays, &buf->batch, &buf->targets, &buf->uses);
    return true;
}

/* `read`: choose_guarded or fill_guarded. */
static enum sft_status take(struct batch_buffer *buf, bool (*read)(void *context), struct sft_err *err)
{
    const struct batch_turn *turn = &buf->turn;
    const size_t left = turn->n - turn->done;
    bool is_read = false;
    while (!is_read) { /* once, but where a store is damaged in between */
        const size_t n_checked = map_read_guarded(choose_guarded, buf) ? buf->items.n : left;
        if (dataset_check(turn->ds, turn->ids + turn->done, n_checked, err))
            return err->status;
        is_read = map_read_guarded(read, buf) && buf->items.n <= n_checked;
    }
    buf->turn.done += buf->items.n;
    return SFT_OK;
}

enum sft_status batch_next(struct batch_buffer *buf, struct sft_err *err)
{
    return take(buf, fill_guarded, err);
}

enum sft_status batch_pass(struct batch_buffer *buf, struct sft_err *err)
{
    return take(buf, choose_guarded, err);
}

/* ---- a turn ---- */

static bool sum_guarded(void *context)
{
    struct batch_buffer *buf = context;
    const struct batch_turn *turn = &buf->turn;
    struct batch_sums sums = {0};
    for (size_t i = 0; i < turn->n; i++) {
        struct example rejected = {0};
        const struct example e = dataset_example(turn->ds, turn->ids[i]);
        sums.n_pairs += buf->options.pairs && dataset_rejected(turn->ds, turn->ids[i], &rejected);
        sums.target_weight += e.target_weight;
        sums.n_tokens += e.n_tokens + rejected.n_tokens;
        sums.n_targets += e.n_targets + rejected.n_targets;
        sums.n_positions += e.n_positions + rejected.n_positions;
    }
    buf->turn.sums = sums;
    return true;
}

/* The conversation that an item is arranged by. */
static struct batch_conversation leader(const struct batch_turn *turn, uint32_t id)
{
    const struct example example = dataset_example(turn->ds, id);
    return conversation_of(&example, 0, false);
}

/* Where the item belongs among order[0..n), which are in the order of their tokens. */
static size_t place_in_order(const struct batch_turn *turn, const uint32_t *order, size_t n, uint32_t id)
{
    const struct batch_conversation own = leader(turn, id);
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct batch_conversation other = leader(turn, order[middle]);
        if (batch_is_before(&own, &other))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Whether the item begins as the one before it in the order does, or its two answers have a prompt that is worth it. */
static bool begins_alike(const struct batch_buffer *buf, const uint32_t *order, size_t i)
{
    struct example example;
    const struct batch_conversation own = leader(&buf->turn, order[i]);
    if (buf->options.pairs && dataset_rejected(buf->turn.ds, order[i], &example)) {
        const struct batch_conversation rejected = conversation_of(&example, 0, true);
        if (batch_shared_rows(&own, &rejected))
            return true;
    }
    const struct batch_conversation before = i ? leader(&buf->turn, order[i - 1]) : own;
    return i > 0 && batch_shared_rows(&before, &own);
}

/* Items that begin alike, side by side. */
static bool arrange_guarded(void *context)
{
    struct batch_buffer *buf = context;
    struct batch_turn *turn = &buf->turn;
    uint32_t *order = buf->arrays->order;
    bool shares = false;
    for (size_t i = 0; i < turn->n; i++) {
        const size_t place = place_in_order(turn, order, i, turn->ids[i]);
        memmove(order + place + 1, order + place, (i - place) * sizeof *order);
        order[place] = turn->ids[i];
    }
    for (size_t i = 0; i < turn->n && !shares; i++)
        shares = begins_alike(buf, order, i);
    turn->shares = shares;
    return true;
}

enum sft_status batch_begin(struct batch_buffer *buf, const struct dataset *ds, const uint32_t *ids, size_t n,
                            struct batch_sums *sums, struct sft_err *err)
{
    const bool arranges = buf->options.shared_prefix;
    buf->turn = (struct batch_turn){.ds = ds, .ids = ids, .n = n};
    if (arranges && n > buf->max_items)
        SFT_BUG("a turn exceeds its buffer");
    do {
        if (dataset_check(ds, ids, n, err))
            return err->status;
    } while (!map_read_guarded(sum_guarded, buf) || (arranges && !map_read_guarded(arrange_guarded, buf)));
    if (buf->turn.shares)
        buf->turn.ids = buf->arrays->order;
    if (sums)
        *sums = buf->turn.sums;
    return SFT_OK;
}

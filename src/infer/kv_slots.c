#include "infer/kv_slots.h"

#include <stdlib.h>

enum sft_status kv_slots_init(struct kv_slots *slots, const struct transformer *model, size_t n, size_t positions,
                              struct sft_err *err)
{
    const size_t row_bytes = model->config.n_embd * model->kernels->act_size;
    const size_t bytes = model->config.n_layer * n * positions * row_bytes;
    *slots = (struct kv_slots){.n = n, .positions = positions};
    if (block_alloc(&slots->k, bytes, "the keys' cache", err) ||
        block_alloc(&slots->v, bytes, "the values' cache", err)) {
        kv_slots_free(slots);
        return err->status;
    }
    slots->len = mem_calloc(n, sizeof *slots->len);
    slots->taken = mem_calloc(n, sizeof *slots->taken);
    return SFT_OK;
}

void kv_slots_free(struct kv_slots *slots)
{
    block_free(&slots->k);
    block_free(&slots->v);
    free(slots->len);
    free(slots->taken);
    *slots = (struct kv_slots){0};
}

int kv_slots_take(struct kv_slots *slots)
{
    for (size_t slot = 0; slot < slots->n; slot++)
        if (!slots->taken[slot]) {
            slots->taken[slot] = true;
            slots->len[slot] = 0;
            return (int)slot;
        }
    return KV_SLOT_NONE;
}

void kv_slots_give_back(struct kv_slots *slots, int slot)
{
    if (!slots->taken[slot])
        SFT_BUG("a slot that nobody has");
    slots->taken[slot] = false;
}

size_t kv_slots_begin(const struct kv_slots *slots, int slot)
{
    return (size_t)slot * slots->positions;
}

struct kv_view kv_slots_view(const struct kv_slots *slots, const size_t *begin, const size_t *len)
{
    return (struct kv_view){slots->k.data, slots->v.data, slots->n * slots->positions, begin, len};
}

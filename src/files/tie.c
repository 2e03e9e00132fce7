#include "files/tie.h"

#include <stdbool.h>
#include <string.h>

enum { CHUNK = 1 << 12 };

void tie_take_head(struct placement *p)
{
    const struct tensor *embedding = p->table->token_embedding;
    const struct stored_tensor **from = &p->from[embedding - p->table->tensors];
    if (p->head && !*from) {
        *from = p->head;
        p->head = NULL;
    }
}

static bool equals(const struct stored_tensor *t, const float *values)
{
    size_t n_different = 0;
#pragma omp parallel for schedule(static) reduction(+ : n_different)
    for (size_t first = 0; first < t->count; first += CHUNK) {
        const size_t left = t->count - first, n = left < CHUNK ? left : CHUNK;
        float part[CHUNK];
        stored_read_part(t, first, n, part);
        n_different += memcmp(part, values + first, n * sizeof *part) != 0;
    }
    return n_different == 0;
}

enum sft_status tie_check_head(const struct placement *p, const float *params, struct sft_err *err)
{
    const struct tensor *embedding = p->table->token_embedding;
    if (!p->head || equals(p->head, params + embedding->offset))
        return SFT_OK;
    return sft_fail(err, SFT_EDATA,
                    "%s: '%s' differs from '%s' although %s's %s is true (set it to false to keep them apart)",
                    p->head->path, p->head->name, embedding->name, p->config_name,
                    family_key(p->config->family, offsetof(struct model_config, tied)));
}

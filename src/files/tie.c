#include "files/tie.h"

#include <stdbool.h>
#include <string.h>

enum { CHUNK = 1 << 12 };

void tie_take_head(struct placement *p)
{
    const struct tensor *embedding = p->table->token_embedding;
    const struct stored_tensor **from = &p->from[embedding - p->table->tensors];
    const struct stored_tensor **head = &p->from[p->table->head - p->table->tensors];
    if (p->config->head_from_embedding) {
        *from = *from ? *from : *head;
        *head = *head ? *head : *from;
    }
    if (p->head && !*from) {
        *from = p->head;
        p->head = NULL;
    }
}

/* Of as many elements. */
static bool equal(const struct stored_tensor *a, const struct stored_tensor *b)
{
    size_t n_different = 0;
#pragma omp parallel for schedule(static) reduction(+ : n_different)
    for (size_t first = 0; first < a->count; first += CHUNK) {
        const size_t left = a->count - first, n = left < CHUNK ? left : CHUNK;
        float part_a[CHUNK], part_b[CHUNK];
        stored_read_part(a, first, n, part_a);
        stored_read_part(b, first, n, part_b);
        n_different += memcmp(part_a, part_b, n * sizeof *part_a) != 0;
    }
    stored_release(a);
    stored_release(b);
    return n_different == 0;
}

enum sft_status tie_check_head(const struct placement *p, struct sft_err *err)
{
    const struct tensor *embedding = p->table->token_embedding;
    if (!p->head || equal(p->head, p->from[embedding - p->table->tensors]))
        return SFT_OK;
    return sft_fail(err, SFT_EDATA,
                    "%s: '%s' differs from '%s' although %s's %s is true (set it to false to keep them apart)",
                    p->head->path, p->head->name, embedding->name, p->naming->config,
                    family_key(p->config->family, offsetof(struct model_config, tied)));
}

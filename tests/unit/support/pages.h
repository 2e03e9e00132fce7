/* Keys and values of some sequences in pages that lie in no order, for tests of what writes and reads them. */
#ifndef SFT_TESTS_PAGES_H
#define SFT_TESTS_PAGES_H

#include "base/mem.h"
#include "model/config.h"
#include "model/kv_view.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { UNTOUCHED = 0xFF }; /* a byte of what nobody wrote to: no number */

struct pages {
    struct kv_view view; /* of all sequences */
    size_t S, per_sequence;
    size_t heads, row_bytes; /* of a position: rows, keys and values of all layers; bytes of each */
    uint32_t *numbers;
    size_t *start, *len;
};

/* Room for `positions` of each of S sequences, none of which has any. */
static inline void pages_init(struct pages *p, const struct model_config *config, const struct kernels *kernels,
                              size_t S, size_t positions, size_t page_rows)
{
    const size_t heads = config->n_layer * 2 * config->n_kv_head;
    *p = (struct pages){.S = S,
                        .per_sequence = (positions + page_rows - 1) / page_rows,
                        .heads = heads,
                        .row_bytes = config->head_dim * kernels->act_size};
    const size_t n = S * p->per_sequence, page_size = heads * page_rows * config->head_dim;
    p->numbers = mem_calloc(n, sizeof *p->numbers);
    p->start = mem_calloc(S, sizeof *p->start);
    p->len = mem_calloc(S, sizeof *p->len);
    for (size_t i = 0; i < n; i++) /* the last first, sequences between one another */
        p->numbers[i] = (uint32_t)(n - 1 - (i % p->per_sequence * S + i / p->per_sequence));
    for (size_t s = 0; s < S; s++)
        p->start[s] = s * p->per_sequence;
    p->view = (struct kv_view){.memory = mem_alloc(n * page_size * kernels->act_size),
                               .page_rows = page_rows,
                               .page_size = page_size,
                               .pages = p->numbers,
                               .page_start = p->start,
                               .len = p->len};
    memset(p->view.memory, UNTOUCHED, n * page_size * kernels->act_size);
}

static inline void pages_free(struct pages *p)
{
    free(p->view.memory);
    free(p->numbers);
    free(p->start);
    free(p->len);
    *p = (struct pages){0};
}

/* Of the sequences from `first` on. */
static inline struct kv_view pages_from(const struct pages *p, size_t first, bool decoding)
{
    struct kv_view view = p->view;
    view.page_start += first;
    view.len += first;
    view.decoding = decoding;
    return view;
}

/* Positions that no sequence has are as they were, and all others are written. */
static inline void pages_check(const struct pages *p)
{
    const size_t rows = p->view.page_rows, page_bytes = p->heads * rows * p->row_bytes;
    for (size_t i = 0; i < p->S * p->per_sequence; i++) {
        const unsigned char *page = (const unsigned char *)p->view.memory + p->numbers[i] * page_bytes;
        const size_t s = i / p->per_sequence, before = i % p->per_sequence * rows;
        for (size_t row = 0; row < p->heads * rows; row++) {
            const bool is_there = before + row % rows < p->len[s];
            size_t n_untouched = 0;
            for (size_t b = 0; b < p->row_bytes; b++)
                n_untouched += page[row * p->row_bytes + b] == UNTOUCHED;
            ck_assert_msg(is_there == (n_untouched < p->row_bytes), "sequence %zu, page %zu, row %zu", s, i, row);
        }
    }
}

#endif

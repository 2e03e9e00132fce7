#include "files/gguf/gguf_tensors_out.h"

#include "base/mem.h"
#include "files/gguf/gguf_names.h"
#include "files/gguf/gguf_rope.h"
#include "files/gguf/gguf_tensors.h"
#include "files/gguf/gguf_types.h"

#include <stdlib.h>
#include <string.h>

/* ---- which, and of which type ---- */

static const struct dtype *dtype_for(const char *name, size_t n_dims, size_t cols, const struct dtype *wanted)
{
    const bool is_vocabulary = strcmp(name, gguf_embedding_name) == 0 || strcmp(name, gguf_head_name) == 0;
    if (n_dims == 1 || strcmp(name, gguf_positions_name) == 0)
        return &dtype_f32;
    if (cols % wanted->block != 0)
        return &dtype_f16;
    return is_vocabulary && wanted->block > 1 ? gguf_q8_0 : wanted;
}

static void put(struct gguf_out *out, const char *name, const struct tensor *t, enum gguf_change change,
                const struct dtype *wanted)
{
    const bool is_turned = change == GGUF_TRANSPOSED;
    const size_t rows = is_turned ? t->cols : t->rows, cols = is_turned ? t->rows : t->cols;
    gguf_put_tensor(out, name, dtype_for(name, t->n_dims, cols, wanted), t->n_dims, rows, cols);
}

/* Whether llama.cpp looks for a head where ours is the embedding. */
static bool needs_head(const struct model_out *m)
{
    return m->config->tied && m->config->family->gguf.head == GGUF_HEAD_REQUIRED;
}

static const struct gguf_name *name_of(const struct gguf_names *names, const struct tensor *t)
{
    const struct gguf_name *name = gguf_names_of(names, t->pattern);
    if (!name)
        SFT_BUG("a tensor without a name in GGUF");
    return name;
}

void gguf_tensors_put(struct gguf_out *out, const struct model_out *m)
{
    struct gguf_names names;
    float *factors;
    const size_t n_factors = gguf_rope_freqs(&factors, m->config);
    gguf_names_init(&names, m->config->family);
    if (n_factors)
        gguf_put_tensor(out, gguf_rope_freqs_name, &dtype_f32, 1, n_factors, 1);
    if (needs_head(m))
        put(out, gguf_head_name, m->table->token_embedding, GGUF_AS_IS, m->meta->dtype);
    for (const struct tensor *t = m->table->tensors; t < m->table->tensors + m->table->n_tensors; t++) {
        const struct gguf_name *name = name_of(&names, t);
        char *theirs = gguf_name_of_layer(name, t->layer);
        put(out, theirs, t, name->change, m->meta->dtype);
        free(theirs);
    }
    gguf_names_free(&names);
    free(factors);
}

/* ---- their numbers, in the order that files have ---- */

/* Rows wait until all are there whose order is another among themselves: a head's, or the tensor's. */
struct passing {
    struct gguf_writer *w;
    enum gguf_change change;
    size_t rows, cols, head_rows; /* of the tensor as it comes; cols 1 of a vector */
    float *waiting, *ordered;     /* (rows_together, cols); NULL: they go as they come */
    size_t rows_together, n_waiting;
};

static void put_in_order(const struct passing *p)
{
    for (size_t row = 0; row < p->rows_together; row++) {
        const float *from = p->waiting + row * p->cols;
        if (p->change == GGUF_TRANSPOSED)
            for (size_t col = 0; col < p->cols; col++)
                p->ordered[col * p->rows + row] = from[col];
        else
            memcpy(p->ordered + gguf_row(p->change, row, p->rows_together, p->head_rows) * p->cols, from,
                   p->cols * sizeof *from);
    }
}

static void take_in_order(struct passing *p, const float *values, size_t n)
{
    const size_t together = p->rows_together * p->cols;
    for (size_t part; n; values += part, n -= part) {
        part = n < together - p->n_waiting ? n : together - p->n_waiting;
        memcpy(p->waiting + p->n_waiting, values, part * sizeof *values);
        p->n_waiting += part;
        if (p->n_waiting < together)
            return;
        put_in_order(p);
        gguf_write(p->w, p->ordered, together);
        p->n_waiting = 0;
    }
}

static void take_plus_one(struct passing *p, const float *values, size_t n)
{
    enum { PART = 1024 };
    float more[PART];
    for (size_t first = 0, part; first < n; first += part) {
        part = n - first < PART ? n - first : PART;
        for (size_t i = 0; i < part; i++)
            more[i] = values[first + i] + 1.0F;
        gguf_write(p->w, more, part);
    }
}

static void take(void *context, const float *values, size_t n)
{
    struct passing *p = context;
    if (p->change == GGUF_PLUS_ONE)
        take_plus_one(p, values, n);
    else if (p->waiting)
        take_in_order(p, values, n);
    else
        gguf_write(p->w, values, n);
}

static enum sft_status write_tensor(struct gguf_writer *w, const struct model_out *m, const struct tensor *t,
                                    enum gguf_change change, struct sft_err *err)
{
    struct passing p = {.w = w, .change = change, .rows = t->rows, .cols = t->cols};
    if (change != GGUF_AS_IS && change != GGUF_PLUS_ONE) {
        const bool is_whole = change == GGUF_TRANSPOSED || change == GGUF_BY_HEAD;
        p.head_rows = change == GGUF_TRANSPOSED ? 0 : gguf_head_rows(change, t->rows, m->config);
        p.rows_together = is_whole ? t->rows : p.head_rows;
        p.waiting = mem_calloc(p.rows_together * t->cols, 2 * sizeof *p.waiting);
        p.ordered = p.waiting + p.rows_together * t->cols;
    }
    const enum sft_status status = m->values.pass(m->values.from, t, take, &p, err);
    free(p.waiting);
    return status;
}

enum sft_status gguf_tensors_write(struct gguf_writer *w, const struct model_out *m, struct sft_err *err)
{
    struct gguf_names names;
    float *factors;
    enum sft_status status = SFT_OK;
    const size_t n_factors = gguf_rope_freqs(&factors, m->config);
    gguf_names_init(&names, m->config->family);
    gguf_write(w, factors, n_factors);
    if (needs_head(m))
        status = write_tensor(w, m, m->table->token_embedding, GGUF_AS_IS, err);
    for (const struct tensor *t = m->table->tensors; t < m->table->tensors + m->table->n_tensors && !status; t++)
        status = write_tensor(w, m, t, name_of(&names, t)->change, err);
    gguf_names_free(&names);
    free(factors);
    return status;
}

#include "files/gguf/gguf_tensors.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "files/gguf/gguf_names.h"
#include "files/gguf/gguf_rope.h"
#include "files/name_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char gguf_embedding_name[] = "token_embd.weight", gguf_head_name[] = "output.weight",
           gguf_positions_name[] = "position_embd.weight";

/* ---- which family ---- */

/* Of the families that share one: the one whose models a file's are. */
static bool is_first_of_architecture(const struct family *family)
{
    const struct family *f = NULL;
    for (size_t i = 0; family->gguf.architecture && (f = family_at(i)); i++)
        if (f->gguf.architecture && strcmp(f->gguf.architecture, family->gguf.architecture) == 0)
            break;
    return f == family;
}

static enum sft_status fail_architecture(const char *name, struct sft_err *err)
{
    struct strbuf list = {0};
    const struct family *f;
    for (size_t i = 0; (f = family_at(i)); i++)
        if (is_first_of_architecture(f))
            strbuf_printf(&list, "%s%s", list.len ? ", " : "", f->gguf.architecture);
    sft_fail_in(err, SFT_EDATA, "general.architecture", "'%s' is not supported (%s are)", name, list.data);
    strbuf_free(&list);
    return SFT_EDATA;
}

enum sft_status gguf_family(const struct gguf *g, const struct family **family, struct sft_err *err)
{
    static const char key[] = "general.architecture";
    struct gguf_text text;
    if (gguf_require(g, key, err) || gguf_get_string(g, key, &text, err))
        return SFT_EDATA;
    for (size_t i = 0; (*family = family_at(i)); i++) {
        const char *name = (*family)->gguf.architecture;
        if (name && gguf_text_is(text, name))
            return SFT_OK;
    }
    char *name = mem_strndup(text.text, text.len);
    fail_architecture(name, err);
    free(name);
    return SFT_EDATA;
}

/* ---- the numbers as Hugging Face has them: stored_tensor's `read` ---- */

enum { BLOCK_MAX = 256 }; /* of all types; each block's size divides it */

static const unsigned char *bytes_at(const struct stored_tensor *t, size_t element)
{
    return t->data + element / t->dtype->block * t->dtype->block_bytes;
}

static void read_less_one(const struct stored_tensor *t, size_t first, size_t n, float *values)
{
    t->dtype->to_f32(values, bytes_at(t, first), n);
    for (size_t i = 0; i < n; i++)
        values[i] -= 1.0F;
}

/* Rows in another order. */
static void read_rows(const struct stored_tensor *t, enum gguf_change change, size_t first, size_t n, float *values)
{
    const size_t cols = t->shape[1];
    for (size_t done = 0, part; done < n; done += part) {
        const size_t at = first + done, col = at % cols, row = gguf_row(change, at / cols, t->shape[0], t->head_rows);
        part = n - done < cols - col ? n - done : cols - col;
        t->dtype->to_f32(values + done, bytes_at(t, row * cols + col), part);
    }
}

/* Of a vector a row is one number, and a block holds numbers of several rows. */
static void read_elements(const struct stored_tensor *t, enum gguf_change change, size_t first, size_t n,
                          float *values)
{
    const size_t block = t->dtype->block;
    for (size_t i = 0; i < n; i++) {
        float numbers[BLOCK_MAX];
        const size_t row = gguf_row(change, first + i, t->shape[0], t->head_rows);
        t->dtype->to_f32(numbers, bytes_at(t, row), block);
        values[i] = numbers[row % block];
    }
}

static void read_permuted(const struct stored_tensor *t, size_t first, size_t n, float *values)
{
    (t->n_dims == 1 ? read_elements : read_rows)(t, GGUF_PERMUTED_Q, first, n, values); /* K's are within a head too */
}

static void read_by_head(const struct stored_tensor *t, size_t first, size_t n, float *values)
{
    (t->n_dims == 1 ? read_elements : read_rows)(t, GGUF_BY_HEAD, first, n, values);
}

/* Rows row ... row + n_rows, blocks of what the file has as columns (cols, rows), at most STRIP; those of their
 * elements that are among first ... first + n into values. */
enum { STRIP = BLOCK_MAX };
static void read_strip(const struct stored_tensor *t, size_t row, size_t n_rows, size_t first, size_t n, float *values)
{
    const size_t rows = t->shape[0], cols = t->shape[1];
    for (size_t col = 0; col < cols; col++) {
        float column[STRIP];
        t->dtype->to_f32(column, bytes_at(t, col * rows + row), n_rows);
        for (size_t i = 0; i < n_rows; i++) {
            const size_t at = (row + i) * cols + col;
            if (at >= first && at - first < n)
                values[at - first] = column[i];
        }
    }
}

static void read_transposed(const struct stored_tensor *t, size_t first, size_t n, float *values)
{
    if (n == 0)
        return;
    const size_t cols = t->shape[1], block = t->dtype->block;
    const size_t end = ((first + n - 1) / cols / block + 1) * block; /* rows make whole blocks */
    for (size_t row = first / cols / block * block; row < end; row += STRIP)
        read_strip(t, row, end - row < STRIP ? end - row : STRIP, first, n, values);
}

/* ---- a head that is the embedding ---- */

/* How far numbers may be from what they were rounded to this dtype from, in root mean square of them all. */
static double rounding(const struct dtype *dtype)
{
    const double bits = 8.0 * (double)dtype->block_bytes / (double)dtype->block;
    return exp2(2 - bits) + 0x1p-8; /* the latter for BF16, whose bits are the exponent's */
}

/* |a - b| / |a| of some rows, in root mean square. */
static double distance(const struct stored_tensor *a, const struct stored_tensor *b)
{
    enum { ROWS = 256 };
    const size_t rows = a->shape[0], cols = a->shape[1], step = rows / ROWS + 1;
    float *x = mem_calloc(cols, 2 * sizeof *x), *y = x + cols;
    double difference = 0, all = 0;
    for (size_t row = 0; row < rows; row += step) {
        stored_read_part(a, row * cols, cols, x);
        stored_read_part(b, row * cols, cols, y);
        for (size_t i = 0; i < cols; i++) {
            difference += (double)(x[i] - y[i]) * (double)(x[i] - y[i]);
            all += (double)x[i] * (double)x[i];
        }
    }
    free(x);
    return all > 0 ? sqrt(difference / all) : 0;
}

static bool holds_the_same(const struct stored_tensor *a, const struct stored_tensor *b)
{
    const bool same = memcmp(a->data, b->data, a->bytes) == 0;
    if (a->is_mapped && b->is_mapped) {
        io_map_release(a->data, a->bytes);
        io_map_release(b->data, b->bytes);
    }
    return same;
}

bool gguf_is_tied(const struct gguf *g)
{
    const struct stored_tensor *a = gguf_tensor(g, gguf_embedding_name), *b = gguf_tensor(g, gguf_head_name);
    if (!b)
        return true;
    if (!a || a->n_dims != 2 || b->n_dims != 2 || a->shape[0] != b->shape[0] || a->shape[1] != b->shape[1])
        return false;
    if (a->count == 0) /* either size may be anything then */
        return false;
    if (a->dtype == b->dtype)
        return holds_the_same(a, b);
    return a->dtype->to_f32 && b->dtype->to_f32 && distance(a, b) <= rounding(a->dtype) + rounding(b->dtype);
}

/* ---- the list ---- */

/* What is behind it. */
struct renamed {
    struct stored_tensor *tensors;
    size_t n;
};

/* Sizes that do not allow it are told of where shapes are checked. */
static void read_as(struct stored_tensor *t, enum gguf_change change, const struct model_config *config)
{
    switch (change) {
    case GGUF_AS_IS:
        return;
    case GGUF_PLUS_ONE:
        t->read = read_less_one;
        return;
    case GGUF_TRANSPOSED:
        if (t->n_dims != 2)
            return;
        t->read = read_transposed;
        const size_t rows = t->shape[1];
        t->shape[1] = t->shape[0];
        t->shape[0] = rows;
        return;
    case GGUF_PERMUTED_Q:
    case GGUF_PERMUTED_K:
    case GGUF_BY_HEAD:
        if (t->n_dims == 0 || t->n_dims > 2 || !gguf_head_rows(change, t->shape[0], config))
            return;
        t->read = change == GGUF_BY_HEAD ? read_by_head : read_permuted;
        t->head_rows = gguf_head_rows(change, t->shape[0], config);
        return;
    }
}

static char *our_name(const struct family *family, const struct gguf_name *name, size_t layer)
{
    const char *hole = strstr(name->ours, "%zu");
    char *bare = hole ? mem_printf("%.*s%zu%s", (int)(hole - name->ours), name->ours, layer, hole + 3)
                      : mem_strdup(name->ours);
    char *full = family_tensor_name(family, bare);
    free(bare);
    return full;
}

static enum sft_status fail_unknown(const struct family *family, const struct name_groups *unknown,
                                    struct sft_err *err)
{
    struct strbuf list = {0};
    name_groups_print(unknown, &list);
    sft_fail(err, SFT_EDATA, "tensors of an unknown place: %s (no %s has them)", list.data, family->architecture);
    strbuf_free(&list);
    return SFT_EDATA;
}

/* Rotary factors are told of in the config. */
static bool is_passed_over(const char *theirs, const struct model_config *config)
{
    return strcmp(theirs, gguf_rope_freqs_name) == 0 || (config->tied && strcmp(theirs, gguf_head_name) == 0);
}

/* What would be missed where no model of the family has it: parts of layers, other rotary factors, and what sees. (A
 * file of ollama's that has pictures lacks, without a word, the scaling of positions that its text model has.) */
static bool is_part(const char *theirs)
{
    static const char *const parts[] = {"blk.", "rope_", "v.", "mm."};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strncmp(theirs, parts[i], strlen(parts[i])) == 0)
            return true;
    return false;
}

static void add_all(struct renamed *renamed, struct name_groups *unknown, const struct gguf *g,
                    const struct gguf_names *names, const struct model_config *config)
{
    for (size_t i = 0; i < g->n_tensors; i++) {
        size_t layer;
        const struct stored_tensor *theirs = &g->tensors[i];
        const struct gguf_name *name = gguf_names_find(names, theirs->name, &layer);
        if (is_passed_over(theirs->name, config))
            continue;
        if (!name && is_part(theirs->name)) {
            name_groups_add(unknown, theirs->name);
            continue;
        }
        struct stored_tensor *t = &renamed->tensors[renamed->n++];
        *t = *theirs;
        t->own_name = theirs->name;
        t->name = name ? our_name(config->family, name, layer) : mem_strdup(theirs->name);
        if (name)
            read_as(t, name->change, config);
    }
}

enum sft_status gguf_tensors_open(struct stored_tensors *list, const struct gguf *g, const struct model_config *config,
                                  struct sft_err *err)
{
    struct renamed *renamed = mem_calloc(1, sizeof *renamed);
    struct gguf_names names;
    struct name_groups unknown = {0};
    *list = (struct stored_tensors){.files = renamed};
    renamed->tensors = mem_calloc(g->n_tensors + 1, sizeof *renamed->tensors);
    gguf_names_init(&names, config->family);
    add_all(renamed, &unknown, g, &names, config);
    for (size_t i = 0; i < renamed->n; i++)
        stored_tensors_add(list, &renamed->tensors[i]);
    const enum sft_status status = unknown.n_names ? fail_unknown(config->family, &unknown, err) : SFT_OK;
    name_groups_free(&unknown);
    gguf_names_free(&names);
    return status;
}

void gguf_tensors_close(struct stored_tensors *list)
{
    struct renamed *renamed = list->files;
    for (size_t i = 0; renamed && i < renamed->n; i++)
        free(renamed->tensors[i].name);
    if (renamed)
        free(renamed->tensors);
    free(renamed);
    free(list->items);
    *list = (struct stored_tensors){0};
}

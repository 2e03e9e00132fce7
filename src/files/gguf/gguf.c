#include "files/gguf/gguf.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "files/gguf/gguf_types.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are little-endian and copied as they are");

/* KEY_MAX and TENSOR_DIMS_MAX are ggml's; ALIGNMENT is where no key says another. The least that a key with its value,
 * and a tensor's description, can take are bounds of their counts. */
enum {
    VERSION_MIN = 2,
    VERSION_MAX = 3,
    ALIGNMENT = 32,
    NAME_BYTES_MAX = 255,
    KEY_BYTES_MAX = 65535,
    TENSOR_DIMS_MAX = 4,
    VALUE_BYTES_MIN = 8 + 1 + 4 + 1,
    TENSOR_BYTES_MIN = 8 + 1 + 4 + 4 + 8
};

static const char magic[] = "GGUF";

bool gguf_is_magic(const void *bytes, size_t len)
{
    return len >= 4 && memcmp(bytes, magic, 4) == 0;
}

/* ---- bytes ---- */

struct cursor {
    const unsigned char *bytes;
    size_t size, at; /* at <= size */
};

static size_t left(const struct cursor *c)
{
    return c->size - c->at;
}

static enum sft_status take(struct cursor *c, void *out, size_t n, struct sft_err *err)
{
    if (n > left(c)) {
        sft_fail(err, SFT_EDATA, "the file ends within its header, at byte %zu (is it cut short?)", c->size);
        return SFT_EDATA;
    }
    memcpy(out, c->bytes + c->at, n);
    c->at += n;
    return SFT_OK;
}

static enum sft_status take_u32(struct cursor *c, uint32_t *out, struct sft_err *err)
{
    return take(c, out, sizeof *out, err);
}

static enum sft_status take_u64(struct cursor *c, uint64_t *out, struct sft_err *err)
{
    return take(c, out, sizeof *out, err);
}

/* One whose bytes are there; they are passed over. */
static enum sft_status take_string(struct cursor *c, struct gguf_text *out, struct sft_err *err)
{
    uint64_t len;
    *out = (struct gguf_text){0};
    if (take_u64(c, &len, err))
        return SFT_EDATA;
    if (len > left(c))
        return sft_fail(err, SFT_EDATA, "a text of %llu bytes at byte %zu of a file of %zu (is it cut short?)",
                        (unsigned long long)len, c->at, c->size);
    *out = (struct gguf_text){(const char *)c->bytes + c->at, (size_t)len};
    c->at += (size_t)len;
    return SFT_OK;
}

/* A key or a tensor's name, of 1 to `most` bytes; *name is malloc'd. */
static enum sft_status take_name(struct cursor *c, const char *what, size_t most, char **name, struct sft_err *err)
{
    struct gguf_text text;
    const size_t at = c->at;
    if (take_string(c, &text, err))
        return SFT_EDATA;
    if (text.len == 0 || text.len > most)
        return sft_fail(err, SFT_EDATA, "%s of %zu bytes at byte %zu (1 to %zu are expected)", what, text.len, at,
                        most);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.text[i] < 0x20 || text.text[i] == 0x7F)
            return sft_fail(err, SFT_EDATA, "%s with a control character in it at byte %zu", what, at);
    *name = mem_strndup(text.text, text.len);
    return SFT_OK;
}

static enum sft_status fail_count(const char *what, uint64_t count, const struct cursor *c, struct sft_err *err)
{
    return sft_fail(err, SFT_EDATA, "%llu %s in a file of %zu bytes (is it cut short?)", (unsigned long long)count,
                    what, c->size);
}

/* ---- metadata ---- */

static size_t element_size(uint32_t type) /* 0: of none that has one size */
{
    static const unsigned char sizes[] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
        [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
    };
    return type < sizeof sizes ? sizes[type] : 0;
}

static enum sft_status skip_strings(struct cursor *c, size_t count, struct sft_err *err)
{
    struct gguf_text text;
    for (size_t i = 0; i < count; i++)
        if (take_string(c, &text, err))
            return SFT_EDATA;
    return SFT_OK;
}

/* Of v->type and v->count, which is not believed yet. */
static enum sft_status skip_elements(struct cursor *c, struct gguf_value *v, uint64_t count, struct sft_err *err)
{
    const size_t size = v->type == GGUF_STRING ? sizeof(uint64_t) : element_size(v->type);
    if (size == 0)
        return sft_fail(err, SFT_EDATA, "has type %u, which is none that is read here", (unsigned)v->type);
    if (count > left(c) / size)
        return fail_count("elements", count, c, err);
    v->count = (size_t)count;
    v->data = c->bytes + c->at;
    if (v->type == GGUF_STRING)
        return skip_strings(c, v->count, err);
    c->at += v->count * size;
    return SFT_OK;
}

static enum sft_status read_value(struct cursor *c, struct gguf_value *v, struct sft_err *err)
{
    uint32_t type;
    uint64_t count = 1;
    if (take_u32(c, &type, err))
        return SFT_EDATA;
    v->is_array = type == GGUF_ARRAY;
    if (v->is_array && (take_u32(c, &type, err) || take_u64(c, &count, err)))
        return SFT_EDATA;
    if (type == GGUF_ARRAY)
        return sft_fail(err, SFT_EDATA, "is an array of arrays, which is not read here");
    v->type = (enum gguf_type)type;
    return skip_elements(c, v, count, err);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct gguf_value *)a)->key, ((const struct gguf_value *)b)->key);
}

static enum sft_status read_values(struct gguf *g, struct cursor *c, uint64_t count, struct sft_err *err)
{
    size_t capacity = 0;
    if (count > left(c) / VALUE_BYTES_MIN)
        return fail_count("keys", count, c, err);
    for (uint64_t i = 0; i < count; i++) {
        g->values = mem_grow(g->values, &capacity, g->n_values + 1, sizeof *g->values);
        struct gguf_value *v = &g->values[g->n_values];
        *v = (struct gguf_value){0};
        if (take_name(c, "a key", KEY_BYTES_MAX, &v->key, err))
            return SFT_EDATA;
        g->n_values++;
        if (read_value(c, v, err))
            return sft_in_key(err, "%s", v->key);
    }
    if (g->n_values)
        qsort(g->values, g->n_values, sizeof *g->values, by_key);
    for (size_t i = 1; i < g->n_values; i++)
        if (strcmp(g->values[i - 1].key, g->values[i].key) == 0)
            return sft_fail_in(err, SFT_EDATA, g->values[i].key, "is there twice");
    return SFT_OK;
}

static enum sft_status read_alignment(const struct gguf *g, size_t *alignment, struct sft_err *err)
{
    static const char key[] = "general.alignment";
    if (gguf_get_size(g, key, ALIGNMENT, alignment, err))
        return SFT_EDATA;
    if (*alignment == 0 || (*alignment & (*alignment - 1)))
        return sft_fail_in(err, SFT_EDATA, key, "%zu is no power of two", *alignment);
    return SFT_OK;
}

/* ---- tensors ---- */

/* Sizes stand in files the fastest first. */
static enum sft_status read_shape(struct cursor *c, struct stored_tensor *t, struct sft_err *err)
{
    uint32_t n_dims;
    t->count = 1;
    if (take_u32(c, &n_dims, err))
        return SFT_EDATA;
    if (n_dims > TENSOR_DIMS_MAX)
        return sft_fail(err, SFT_EDATA, "tensor '%s' has %u dimensions (%d at most)", t->name, n_dims, TENSOR_DIMS_MAX);
    t->n_dims = n_dims;
    for (size_t d = t->n_dims; d-- > 0;) {
        uint64_t size;
        if (take_u64(c, &size, err))
            return SFT_EDATA;
        t->shape[d] = (size_t)size;
        if (!mem_mul(t->count, t->shape[d], &t->count))
            return sft_fail(err, SFT_EDATA, "tensor '%s' has more elements than memory has bytes", t->name);
    }
    return SFT_OK;
}

static enum sft_status read_type(struct cursor *c, struct stored_tensor *t, struct sft_err *err)
{
    uint32_t type;
    if (take_u32(c, &type, err))
        return SFT_EDATA;
    t->dtype = gguf_dtype(type);
    if (!t->dtype)
        return sft_fail(err, SFT_EDATA, "tensor '%s' is of type %u, which is not known here", t->name, type);
    const size_t row = t->n_dims ? t->shape[t->n_dims - 1] : 1;
    if (row % t->dtype->block)
        return sft_fail(err, SFT_EDATA, "tensor '%s' has rows of %zu, which make no blocks of %zu as %s has", t->name,
                        row, t->dtype->block, t->dtype->name);
    if (!dtype_bytes(t->dtype, t->count, &t->bytes))
        return sft_fail(err, SFT_EDATA, "tensor '%s' has more bytes than memory", t->name);
    return SFT_OK;
}

/* A tensor with its place, from where the first one begins. */
struct placed {
    struct stored_tensor tensor;
    uint64_t offset;
};

static enum sft_status read_tensor(struct cursor *c, struct placed *p, struct sft_err *err)
{
    if (read_shape(c, &p->tensor, err) || read_type(c, &p->tensor, err) || take_u64(c, &p->offset, err))
        return SFT_EDATA;
    return SFT_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->tensor.bytes < y->tensor.bytes ? -1 : x->tensor.bytes > y->tensor.bytes; /* those of no bytes first */
}

/* Point the tensors, which are sorted by this, at their data[0..size). */
static enum sft_status place_tensors(struct placed *placed, size_t n, size_t alignment, const unsigned char *data,
                                     size_t size, struct sft_err *err)
{
    qsort(placed, n, sizeof *placed, by_offset);
    for (size_t i = 0; i < n; i++) {
        struct stored_tensor *t = &placed[i].tensor;
        const uint64_t offset = placed[i].offset;
        if (offset % alignment)
            return sft_fail(err, SFT_EDATA, "tensor '%s' begins at %llu, which is no multiple of the alignment, %zu",
                            t->name, (unsigned long long)offset, alignment);
        if (offset > size || t->bytes > size - offset)
            return sft_fail(err, SFT_EDATA, "tensor '%s' ends past the end of the file (is it cut short?)", t->name);
        if (i > 0 && offset - placed[i - 1].offset < placed[i - 1].tensor.bytes)
            return sft_fail(err, SFT_EDATA, "tensors '%s' and '%s' overlap", placed[i - 1].tensor.name, t->name);
        t->data = data + offset;
    }
    return SFT_OK;
}

static enum sft_status read_placed(struct placed **placed, size_t *n, struct cursor *c, uint64_t count,
                                   size_t alignment, struct sft_err *err)
{
    size_t capacity = 0;
    for (uint64_t i = 0; i < count; i++) {
        *placed = mem_grow(*placed, &capacity, *n + 1, sizeof **placed);
        struct placed *p = &(*placed)[*n];
        *p = (struct placed){0};
        if (take_name(c, "a tensor's name", NAME_BYTES_MAX, &p->tensor.name, err))
            return SFT_EDATA;
        (*n)++;
        if (read_tensor(c, p, err))
            return SFT_EDATA;
    }
    const size_t padding = (alignment - c->at % alignment) % alignment; /* nothing follows where there are no tensors */
    const size_t begin = padding < left(c) ? c->at + padding : c->size;
    return *n ? place_tensors(*placed, *n, alignment, c->bytes + begin, c->size - begin, err) : SFT_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct stored_tensor *)a)->name, ((const struct stored_tensor *)b)->name);
}

static enum sft_status sort_tensors(struct gguf *g, struct sft_err *err)
{
    if (g->n_tensors)
        qsort(g->tensors, g->n_tensors, sizeof *g->tensors, by_name);
    for (size_t i = 1; i < g->n_tensors; i++)
        if (by_name(&g->tensors[i - 1], &g->tensors[i]) == 0)
            return sft_fail(err, SFT_EDATA, "tensor '%s' is there twice", g->tensors[i].name);
    return SFT_OK;
}

static enum sft_status read_tensors(struct gguf *g, struct cursor *c, uint64_t count, size_t alignment,
                                    struct sft_err *err)
{
    struct placed *placed = NULL;
    size_t n = 0;
    if (count > left(c) / TENSOR_BYTES_MIN)
        return fail_count("tensors", count, c, err);
    const enum sft_status status = read_placed(&placed, &n, c, count, alignment, err);
    g->tensors = mem_calloc(n + 1, sizeof *g->tensors);
    g->n_tensors = n;
    for (size_t i = 0; i < n; i++)
        g->tensors[i] = placed[i].tensor;
    free(placed);
    return status ? status : sort_tensors(g, err);
}

/* ---- the file ---- */

static enum sft_status check_version(uint32_t version, struct sft_err *err)
{
    if (version >= VERSION_MIN && version <= VERSION_MAX)
        return SFT_OK;
    if (version > VERSION_MAX && __builtin_bswap32(version) <= VERSION_MAX)
        return sft_fail(err, SFT_EDATA,
                        "a big-endian file, which is not read here (the package gguf has gguf-convert-endian)");
    return sft_fail(err, SFT_EDATA, "version %u of GGUF is not supported (%d and %d are)", version, VERSION_MIN,
                    VERSION_MAX);
}

enum sft_status gguf_parse(struct gguf *g, const void *bytes, size_t size, struct sft_err *err)
{
    struct cursor c = {.bytes = bytes, .size = size};
    uint32_t version;
    uint64_t n_tensors, n_values;
    size_t alignment;
    *g = (struct gguf){0};
    if (!gguf_is_magic(bytes, size))
        return sft_fail(err, SFT_EDATA, "does not begin with '%s': this is no GGUF file", magic);
    c.at = strlen(magic);
    if (take_u32(&c, &version, err) || check_version(version, err) || take_u64(&c, &n_tensors, err) ||
        take_u64(&c, &n_values, err) || read_values(g, &c, n_values, err) || read_alignment(g, &alignment, err))
        return SFT_EDATA;
    return read_tensors(g, &c, n_tensors, alignment, err);
}

enum sft_status gguf_join(struct gguf *g, struct gguf *part, struct sft_err *err)
{
    g->tensors = mem_realloc(g->tensors, g->n_tensors + part->n_tensors + 1, sizeof *g->tensors);
    for (size_t i = 0; i < part->n_tensors; i++)
        g->tensors[g->n_tensors++] = part->tensors[i];
    g->maps = mem_realloc(g->maps, g->n_files + part->n_files + 1, sizeof *g->maps);
    g->paths = mem_realloc(g->paths, g->n_files + part->n_files + 1, sizeof *g->paths);
    for (size_t i = 0; i < part->n_files; i++) {
        g->maps[g->n_files] = part->maps[i];
        g->paths[g->n_files++] = part->paths[i];
    }
    part->n_tensors = part->n_files = 0;
    gguf_close(part);
    return sort_tensors(g, err);
}

void gguf_close(struct gguf *g)
{
    for (size_t i = 0; i < g->n_values; i++)
        free(g->values[i].key);
    for (size_t i = 0; i < g->n_tensors; i++)
        free(g->tensors[i].name);
    for (size_t i = 0; i < g->n_files; i++) {
        io_unmap(&g->maps[i]);
        free(g->paths[i]);
    }
    free(g->values);
    free(g->tensors);
    free(g->maps);
    free(g->paths);
    *g = (struct gguf){0};
}

const struct stored_tensor *gguf_tensor(const struct gguf *g, const char *name)
{
    const struct stored_tensor key = {.name = (char *)(uintptr_t)name};
    return g->n_tensors ? bsearch(&key, g->tensors, g->n_tensors, sizeof *g->tensors, by_name) : NULL;
}

const struct gguf_value *gguf_find(const struct gguf *g, const char *key)
{
    const struct gguf_value wanted = {.key = (char *)(uintptr_t)key};
    return g->n_values ? bsearch(&wanted, g->values, g->n_values, sizeof *g->values, by_key) : NULL;
}

#include "files/safetensors.h"

#include "base/json.h"
#include "base/magic.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are little-endian and copied as they are");

/* HEADER_MAX is the reference implementation's. */
enum { LENGTH_BYTES = 8, HEADER_MAX = 100000000 };

/* ---- one tensor's description ---- */

/* A whole number that a double holds exactly. */
static bool read_whole(const json *node, size_t *out)
{
    static const double exact_max = 0x1p53;
    const double x = json_number(node);
    if (!(x >= 0 && x <= exact_max))
        return false;
    *out = (size_t)x;
    return (double)*out == x;
}

static enum sft_status read_shape(struct stored_tensor *t, const json *shape, struct sft_err *err)
{
    if (!json_is_array(shape))
        return sft_fail(err, SFT_EDATA, "shape: expected an array, found %s", json_type_name(shape));
    t->count = 1;
    for (const json *dim = json_first(shape); dim; dim = json_next(dim)) {
        if (t->n_dims == STORED_DIMS_MAX)
            return sft_fail(err, SFT_EDATA, "shape has more than %d dimensions", STORED_DIMS_MAX);
        size_t *size = &t->shape[t->n_dims++];
        if (!read_whole(dim, size))
            return sft_fail(err, SFT_EDATA, "shape[%zu] is not a size", t->n_dims - 1);
        if (!mem_mul(t->count, *size, &t->count))
            return sft_fail(err, SFT_EDATA, "shape has more elements than memory has bytes");
    }
    return SFT_OK;
}

static enum sft_status read_offsets(const json *offsets, size_t data_size, size_t *begin, size_t *end,
                                    struct sft_err *err)
{
    if (!json_is_array(offsets) || json_size(offsets) != 2)
        return sft_fail(err, SFT_EDATA, "data_offsets: expected two numbers");
    const json *first = json_first(offsets);
    if (!read_whole(first, begin) || !read_whole(json_next(first), end))
        return sft_fail(err, SFT_EDATA, "data_offsets: expected two whole numbers");
    if (*begin > *end)
        return sft_fail(err, SFT_EDATA, "data_offsets end at %zu before they begin at %zu", *end, *begin);
    if (*end > data_size)
        return sft_fail(err, SFT_EDATA,
                        "data_offsets end at %zu, past the %zu bytes of data (is the file cut short?)", *end,
                        data_size);
    return SFT_OK;
}

static enum sft_status read_tensor(struct stored_tensor *t, const json *info, const unsigned char *data,
                                   size_t data_size, struct sft_err *err)
{
    if (!json_is_object(info))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(info));
    const json *dtype_node = json_get(info, "dtype");
    if (!json_is_string(dtype_node))
        return sft_fail(err, SFT_EDATA, "dtype: expected a string, found %s", json_type_name(dtype_node));
    t->dtype = dtype_find(json_string(dtype_node));
    if (!t->dtype)
        return sft_fail(err, SFT_EDATA, "unknown dtype '%s'", json_string(dtype_node));

    size_t begin = 0, end = 0, bytes;
    if (read_shape(t, json_get(info, "shape"), err) ||
        read_offsets(json_get(info, "data_offsets"), data_size, &begin, &end, err))
        return SFT_EDATA;
    t->data = data + begin;
    t->bytes = end - begin;
    if (!dtype_bytes(t->dtype, t->count, &bytes) || bytes != t->bytes)
        return sft_fail(err, SFT_EDATA, "%zu bytes of data do not make %zu elements of %s", t->bytes,
                        t->count, t->dtype->name);
    return SFT_OK;
}

/* ---- the file ---- */

static int by_place(const void *a, const void *b)
{
    const struct stored_tensor *s = a, *t = b;
    if (s->data != t->data)
        return s->data < t->data ? -1 : 1;
    return s->bytes < t->bytes ? -1 : s->bytes > t->bytes; /* empty ones before what follows at their place */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct stored_tensor *)a)->name, ((const struct stored_tensor *)b)->name);
}

/* The tensors, in the order of their data, follow each other from the first byte to the last. */
static enum sft_status check_coverage(struct st_file *file, const unsigned char *data, size_t data_size,
                                      struct sft_err *err)
{
    const unsigned char *covered = data;
    if (file->n_tensors)
        qsort(file->tensors, file->n_tensors, sizeof *file->tensors, by_place);
    for (size_t i = 0; i < file->n_tensors; i++) {
        const struct stored_tensor *t = &file->tensors[i];
        if (t->data < covered)
            return sft_fail(err, SFT_EDATA, "tensor '%s' overlaps tensor '%s'", t->name, t[-1].name);
        if (t->data > covered)
            return sft_fail(err, SFT_EDATA, "%zu bytes before tensor '%s' belong to no tensor",
                            (size_t)(t->data - covered), t->name);
        covered = t->data + t->bytes;
    }
    if (covered != data + data_size)
        return sft_fail(err, SFT_EDATA, "%zu bytes at the end belong to no tensor",
                        (size_t)(data + data_size - covered));
    return SFT_OK;
}

static enum sft_status read_tensors(struct st_file *file, const json *header, const unsigned char *data,
                                    size_t data_size, struct sft_err *err)
{
    file->tensors = mem_calloc(json_size(header), sizeof *file->tensors);
    for (const json *info = json_first(header); info; info = json_next(info)) {
        if (strcmp(json_key(info), "__metadata__") == 0) {
            if (!json_is_object(info))
                return sft_fail(err, SFT_EDATA, "__metadata__: expected an object, found %s",
                                json_type_name(info));
            continue;
        }
        struct stored_tensor *t = &file->tensors[file->n_tensors++];
        t->name = mem_strdup(json_key(info));
        t->path = file->path;
        t->is_mapped = file->path != NULL;
        if (read_tensor(t, info, data, data_size, err))
            return sft_context(err, "tensor '%s'", t->name);
    }
    if (check_coverage(file, data, data_size, err))
        return SFT_EDATA;
    if (file->n_tensors)
        qsort(file->tensors, file->n_tensors, sizeof *file->tensors, by_name);
    return SFT_OK;
}

static enum sft_status read_header(const char *bytes, size_t size, json **header, size_t *header_len,
                                   struct sft_err *err)
{
    if (size < LENGTH_BYTES)
        return sft_fail(err, SFT_EDATA, "%zu bytes are too few for a safetensors file", size);
    uint64_t len;
    memcpy(&len, bytes, sizeof len);
    if (len > HEADER_MAX)
        return sft_fail(err, SFT_EDATA, "a header of %llu bytes (at most %d): this is no safetensors file",
                        (unsigned long long)len, HEADER_MAX);
    if (len > size - LENGTH_BYTES)
        return sft_fail(err, SFT_EDATA, "a header of %llu bytes in a file of %zu (is it cut short?)",
                        (unsigned long long)len, size);
    *header_len = (size_t)len;
    const char *text = bytes + LENGTH_BYTES;
    if (len == 0 || *text != '{')
        return sft_fail(err, SFT_EDATA, "the header does not begin with '{': this is no safetensors file");
    if (json_parse(text, *header_len, header, err))
        return sft_context(err, "header");
    return SFT_OK;
}

static enum sft_status parse(struct st_file *file, const char *bytes, size_t size, struct sft_err *err)
{
    json *header = NULL;
    size_t header_len = 0;
    enum sft_status status = read_header(bytes, size, &header, &header_len, err);
    if (!status) {
        const char *data = bytes + LENGTH_BYTES + header_len;
        status = read_tensors(file, header, (const unsigned char *)data, (size_t)(bytes + size - data), err);
    }
    json_free(header);
    return status;
}

enum sft_status st_parse(struct st_file *file, const char *bytes, size_t size, struct sft_err *err)
{
    *file = (struct st_file){0};
    const enum sft_status status = parse(file, bytes, size, err);
    if (status)
        st_close(file);
    return status;
}

enum sft_status st_open(struct st_file *file, const char *path, struct sft_err *err)
{
    *file = (struct st_file){0};
    if (io_map(&file->map, path, err))
        return err->status;
    file->path = mem_strdup(path);
    if (parse(file, file->map.data, file->map.size, err)) {
        if (magic_refuse(path, file->map.data, file->map.size, err) == SFT_OK)
            sft_in_file(err, path, 0);
        st_close(file);
        return SFT_EDATA;
    }
    return SFT_OK;
}

void st_close(struct st_file *file)
{
    for (size_t i = 0; i < file->n_tensors; i++)
        free(file->tensors[i].name);
    free(file->tensors);
    free(file->path);
    io_unmap(&file->map);
    *file = (struct st_file){0};
}

const struct stored_tensor *st_find(const struct st_file *file, const char *name)
{
    size_t low = 0, high = file->n_tensors;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, file->tensors[middle].name);
        if (order == 0)
            return &file->tensors[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

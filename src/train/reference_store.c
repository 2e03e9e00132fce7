#include "train/reference_store.h"

#include "base/io.h"
#include "base/map.h"

#include <math.h>
#include <string.h>

static const char magic[8] = "sftlogp";
enum { VERSION = 1 };

struct header {
    char magic[sizeof magic];
    uint64_t version, n, key_len;
    uint64_t hash; /* of the key and the values */
};

static uint64_t hash_of(const char *key, size_t key_len, const void *values, size_t bytes)
{
    struct xxh64 hash;
    xxh64_init(&hash, 0);
    xxh64_update(&hash, key, key_len);
    xxh64_update(&hash, values, bytes);
    return xxh64_digest(&hash);
}

/* ---- reading ---- */

struct reading {
    struct io_map map;
    const char *key;
    struct answer_logps *values;
    size_t n;
    bool is_right;
};

static bool is_logps(double value)
{
    return isnan(value) || (isfinite(value) && value <= 0);
}

/* The values, if the file is one of ours, whole and of this key: it may be cut short meanwhile. */
static bool copy_guarded(void *context)
{
    struct reading *r = context;
    const size_t key_len = strlen(r->key), bytes = r->n * sizeof *r->values;
    struct header header;
    if (r->map.size != sizeof header + key_len + bytes)
        return true;
    memcpy(&header, r->map.data, sizeof header);
    const char *key = r->map.data + sizeof header, *values = key + key_len;
    if (memcmp(header.magic, magic, sizeof magic) != 0 || header.version != VERSION || header.n != r->n ||
        header.key_len != key_len || memcmp(key, r->key, key_len) != 0)
        return true;
    memcpy(r->values, values, bytes);
    r->is_right = header.hash == hash_of(r->key, key_len, r->values, bytes);
    for (size_t i = 0; i < r->n && r->is_right; i++)
        r->is_right = is_logps(r->values[i].chosen) && is_logps(r->values[i].rejected);
    return true;
}

bool reference_store_read(const char *path, const char *key, struct answer_logps *values, size_t n)
{
    struct reading r = {.key = key, .values = values, .n = n};
    struct sft_err none;
    if (io_map_own(&r.map, path, &none))
        return false;
    const bool is_read = map_read_guarded(copy_guarded, &r);
    io_unmap(&r.map);
    return is_read && r.is_right;
}

/* ---- writing ---- */

enum sft_status reference_store_write(const char *path, const char *key, const struct answer_logps *values, size_t n,
                                      struct sft_err *err)
{
    const size_t bytes = n * sizeof *values;
    struct header header = {.version = VERSION, .n = n, .key_len = strlen(key)};
    struct io_writer *w = io_writer_open_shared(path, err);
    if (!w)
        return err->status;
    memcpy(header.magic, magic, sizeof magic);
    header.hash = hash_of(key, header.key_len, values, bytes);
    io_write(w, &header, sizeof header);
    io_write(w, key, header.key_len);
    io_write(w, values, bytes);
    return io_writer_commit(w, err);
}

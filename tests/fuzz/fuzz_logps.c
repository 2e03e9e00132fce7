/* Any bytes as a store of a reference's log-probabilities. The first byte says which: '0', they are the file; '1', they
 * are changes of a whole one, two bytes each, where and what to; '2' the same, and it is given the hash that goes with
 * it, so that what is looked at is what the hash vouches for. No crash; what is read has log-probabilities or NaN
 * alone, and comes back as it is when it is written again. */
#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/xxh64.h"
#include "train/reference_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 3, HASH = 4 * 8 }; /* where the header has its hash; behind that the key, and the values */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char key[] = "model a\nrecords b\n";
static const struct answer_logps made[N] = {{-12.5, -30}, {NAN, NAN}, {0, -1e-9}};
static char path[256];
static struct strbuf whole;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool is_same_number(double a, double b)
{
    return isnan(a) ? isnan(b) : !isnan(b) && !(a < b) && !(a > b);
}

static bool are_same(const struct answer_logps *a, const struct answer_logps *b)
{
    bool same = true;
    for (size_t i = 0; i < N; i++)
        same = same && is_same_number(a[i].chosen, b[i].chosen) && is_same_number(a[i].rejected, b[i].rejected);
    return same;
}

static void clean_up(void)
{
    unlink(path);
    strbuf_free(&whole);
}

static void sign(char *file)
{
    struct xxh64 hash;
    xxh64_init(&hash, 0);
    xxh64_update(&hash, file + HASH + 8, whole.len - HASH - 8);
    const uint64_t digest = xxh64_digest(&hash);
    memcpy(file + HASH, &digest, sizeof digest);
}

static void make_whole(void)
{
    struct sft_err err;
    struct answer_logps values[N];
    char hash[8];
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/sft-fuzz-logps-%ld", tmp ? tmp : "/tmp", (long)getpid());
    atexit(clean_up);
    map_catch_faults();
    require(reference_store_write(path, key, made, N, &err) == SFT_OK);
    require(reference_store_read(path, key, values, N) && are_same(values, made));
    require(io_read(path, &whole, &err) == SFT_OK && whole.len == HASH + 8 + strlen(key) + sizeof made);
    memcpy(hash, whole.data + HASH, sizeof hash);
    sign(whole.data); /* as it has been */
    require(memcmp(hash, whole.data + HASH, sizeof hash) == 0);
}

static void check_values(const struct answer_logps *values, const char *of_key)
{
    struct answer_logps again[N];
    struct sft_err err;
    for (size_t i = 0; i < N; i++)
        require((isnan(values[i].chosen) || (values[i].chosen <= 0 && isfinite(values[i].chosen))) &&
                (isnan(values[i].rejected) || (values[i].rejected <= 0 && isfinite(values[i].rejected))));
    require(reference_store_write(path, of_key, values, N, &err) == SFT_OK);
    require(reference_store_read(path, of_key, again, N) && are_same(again, values));
    require(!reference_store_read(path, "another", again, N));
}

static void open_file(const char *file, size_t size)
{
    struct answer_logps values[N + 1];
    FILE *f = fopen(path, "we"); /* in place: it stays this user's own */
    require(f && fwrite(file, 1, size, f) == size && fclose(f) == 0);
    require(!reference_store_read(path, "another", values, N));
    if (!reference_store_read(path, key, values, N))
        return;
    require(!reference_store_read(path, key, values, N + 1) && !reference_store_read(path, key, values, N - 1));
    check_values(values, key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!whole.data)
        make_whole();
    if (size == 0)
        return 0;
    const bool is_file = bytes[0] == '0';
    const size_t len = is_file ? size - 1 : whole.len;
    char *file = mem_alloc(len ? len : 1);
    if (len)
        memcpy(file, is_file ? (const char *)bytes + 1 : whole.data, len);
    for (size_t i = 1; !is_file && i + 2 <= size; i += 2)
        if (bytes[i] < len)
            file[bytes[i]] = (char)bytes[i + 1];
    if (bytes[0] == '2')
        sign(file);
    open_file(file, len);
    free(file);
    return 0;
}

/* Any bytes as a token store. The first byte says which: '0', they are the file; else they are changes of a whole one,
 * of '2' one with pairs, three bytes each, where (two, little-endian) and what to. Either is given the hash that goes with it, so that what is
 * looked at is not the hash but what it vouches for. No crash; what is opened has only records whose bytes lie in the
 * file, and what passes its check has tokens of the vocabulary and the weights that its record says. */
#include "../unit/store_end.h"

#include "base/map.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { VOCAB = 50 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char path[256];
static volatile uint64_t sink;
static struct strbuf whole, paired; /* stores that are in order */

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void clean_up(void)
{
    unlink(path);
}

static void make_whole(void)
{
    static const int32_t tokens[] = {5, 6, 7, 49};
    static const float weights[] = {0, 0.5F, 2, 0};
    struct sft_err err;
    struct token_store store;
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/sft-fuzz-store-%ld", tmp ? tmp : "/tmp", (long)getpid());
    atexit(clean_up);
    map_catch_faults();
    struct token_store_writer *w = token_store_create(path, &err);
    require(w != NULL);
    for (uint64_t line = 1; line <= 3; line++)
        token_store_add(w,
                        &(struct record){
                            .line = line, .n_tokens = 4, .uncut = 9, .n_turns = 2, .flags = RECORD_TRUNCATED},
                        tokens, weights, "", "");
    token_store_add(w, &(struct record){.line = 4, .why = DROP_BAD_ROW, .message_len = 3, .row_len = 5}, NULL,
                    NULL, "bad", "a row");
    token_store_add(
        w, &(struct record){.line = 5, .n_tokens = 2, .uncut = 20, .why = DROP_OVERLONG, .message_len = 8},
        tokens, weights, "too long", "");
    require(token_store_commit(w, "key", "messages", 5, &store, &err) == SFT_OK);
    token_store_close(&store);
    require(io_read(path, &whole, &err) == SFT_OK);
}

/* Two pairs, of which one is left out, around a conversation. */
static void make_paired(void)
{
    static const int32_t tokens[] = {5, 6, 7, 8};
    static const float weights[] = {0, 0, 1, 1};
    static const unsigned second = RECORD_REJECTED | RECORD_SAME_ROW;
    struct sft_err err;
    struct token_store store;
    struct record r = {.n_tokens = 4, .uncut = 4, .n_turns = 2};
    struct token_store_writer *w = token_store_create(path, &err);
    require(w != NULL);
    for (uint64_t line = 1; line <= 5; line++) {
        r.line = line - line / 2;
        r.flags = (uint16_t)(line == 3 ? 0 : line % 3 == 1 ? RECORD_PAIR : second);
        r.why = line > 3 ? DROP_SAME_ANSWERS : DROP_NO;
        token_store_add(w, &r, tokens, weights, "", "");
    }
    require(token_store_commit(w, "key", "hh", 3, &store, &err) == SFT_OK);
    token_store_close(&store);
    require(token_store_open(&store, path, "key"));
    token_store_close(&store);
    require(io_read(path, &paired, &err) == SFT_OK);
}

static void check_record(const struct token_store *store, const struct record *r)
{
    unsigned sum = 0;
    const char *message = record_message(store, r), *row = record_row(store, r);
    for (uint32_t i = 0; i < r->message_len; i++)
        sum += (unsigned char)message[i];
    for (uint64_t i = 0; i < r->row_len; i++)
        sum += (unsigned char)row[i];
    require(row + r->row_len <= store->map.data + store->map.size && sum + 1 > 0);
    require(r->why < DROP_COUNT && r->n_positions <= r->n_tokens);
    if (!token_store_check(store, r, VOCAB))
        return;
    double target_weight = 0;
    for (uint32_t i = 0; i < r->n_tokens; i++) {
        require(record_tokens(store, r)[i] >= 0 && record_tokens(store, r)[i] < VOCAB);
        target_weight += (double)record_weights(store, r)[i];
    }
    require(isfinite(target_weight) && (r->why != DROP_NO || target_weight > 0));
    require(!(target_weight < r->target_weight) && !(target_weight > r->target_weight));
}

static void open_file(char *file, size_t size)
{
    struct token_store store;
    store_sign(file, size);
    FILE *f = fopen(path, "we"); /* in place: it stays this user's own */
    require(f && fwrite(file, 1, size, f) == size && fclose(f) == 0);
    if (!token_store_open(&store, path, "key"))
        return;
    uint64_t kept = 0, sum = 0;
    for (size_t i = 0; i < store.n_records; i++) {
        const struct record *r = &store.records[i];
        check_record(&store, r);
        kept += r->why == DROP_NO && !(r->flags & RECORD_REJECTED);
        require(!(r->flags & RECORD_PAIR) ||
                (i + 1 < store.n_records && r[1].flags & RECORD_REJECTED && r[1].why == r->why));
        sum ^= record_item_hash(r); /* looks at both */
    }
    sink = sum;
    require(kept == store.counts.conversations && memchr(store.format, '\0', sizeof store.format));
    token_store_close(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!whole.data) {
        make_whole();
        make_paired();
    }
    if (size == 0)
        return 0;
    const bool is_file = bytes[0] == '0';
    const struct strbuf *of = bytes[0] == '2' ? &paired : &whole;
    const size_t len = is_file ? size - 1 : of->len;
    char *file = mem_alloc(len ? len : 1);
    if (len)
        memcpy(file, is_file ? (const char *)bytes + 1 : of->data, len);
    for (size_t i = 1; !is_file && i + 3 <= size; i += 3) {
        const size_t at = bytes[i] | (size_t)bytes[i + 1] << 8;
        if (at < len)
            file[at] = (char)bytes[i + 2];
    }
    open_file(file, len);
    free(file);
    return 0;
}

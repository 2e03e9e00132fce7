/* Token stores: what is written is read, and nothing that is not whole is opened; the set of hashes. */
#include "data/token_store.h"

#include "base/mem.h"
#include "base/rng.h"
#include "data/hash_set.h"
#include "support/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[32], *path;
static struct sft_err err;

static void setup(void)
{
    strcpy(dir, "/tmp/sft-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    path = path_join(dir, "a.tokens");
}

static void teardown(void)
{
    io_remove_tree(dir, NULL);
    free(path);
}

/* Two conversations, a bad row, and one that is too long. */
static void add_all(struct token_store_writer *w)
{
    static const int32_t tokens[] = {5, 6, 7, 8};
    static const float weights[] = {0, 0.5F, 2, 0};
    struct record r = {.line = 1,
                       .n_tokens = 4,
                       .uncut = 9,
                       .n_turns = 2,
                       .prompt_hash = 3,
                       .flags = RECORD_TRUNCATED | RECORD_REPLY_CUT};
    token_store_add(w, &r, tokens, weights, "", "");
    r = (struct record){.line = 2, .why = DROP_BAD_ROW, .message_len = 3, .row_len = 5};
    token_store_add(w, &r, NULL, NULL, "bad", "a row");
    r = (struct record){.line = 3, .n_tokens = 2, .uncut = 2, .n_turns = 1, .flags = RECORD_TRUNCATED};
    token_store_add(w, &r, tokens, weights, "", "");
    r = (struct record){.line = 4, .n_tokens = 4, .uncut = 4, .why = DROP_OVERLONG, .message_len = 8};
    token_store_add(w, &r, tokens, weights, "too long", "");
}

static void make(const char *at, const char *key, struct token_store *store)
{
    struct token_store_writer *w = token_store_create(at, &err);
    ck_assert_ptr_nonnull(w);
    add_all(w);
    ck_assert_int_eq(token_store_commit(w, key, "messages", 4, store, &err), SFT_OK);
}

static void check_all(const struct token_store *s)
{
    ck_assert_uint_eq(s->n_records, 4);
    ck_assert_str_eq(s->format, "messages");
    const struct record *r = s->records;
    ck_assert_uint_eq(r[0].n_targets, 2);
    ck_assert_uint_eq(r[0].n_positions, 2); /* token 2 is the last that is trained */
    ck_assert(!(fabs(r[0].target_weight - 2.5) > 0));
    ck_assert_uint_eq(r[0].prompt_hash, 3);
    ck_assert_int_eq(record_tokens(s, &r[0])[3], 8);
    ck_assert_float_eq(record_weights(s, &r[0])[1], 0.5F);
    ck_assert_mem_eq(record_message(s, &r[1]), "bad", 3);
    ck_assert_mem_eq(record_row(s, &r[1]), "a row", 5);
    ck_assert_int_eq(record_tokens(s, &r[2])[1], 6);
    ck_assert_mem_eq(record_message(s, &r[3]), "too long", 8);
    for (size_t i = 0; i < 4; i++)
        ck_assert(token_store_check(s, &r[i]));
    const struct store_counts *c = &s->counts;
    ck_assert_uint_eq(c->rows, 4);
    ck_assert_uint_eq(c->conversations, 2);
    ck_assert_uint_eq(c->turns, 3);
    ck_assert_uint_eq(c->tokens, 6);
    ck_assert_uint_eq(c->targets, 3);
    ck_assert_uint_eq(c->flags[1], 2); /* truncated */
    ck_assert_uint_eq(c->flags[2], 1); /* in its reply */
    ck_assert_uint_eq(c->dropped[DROP_BAD_ROW], 1);
    ck_assert_uint_eq(c->dropped[DROP_OVERLONG], 1);
    ck_assert_uint_eq(c->longest, 9);
    ck_assert_uint_eq(c->histogram[4], 1); /* 9: 9 to 16 */
    ck_assert_uint_eq(c->histogram[2], 1); /* 4: 3 to 4 */
    ck_assert_uint_eq(c->histogram[1], 1); /* 2 */
}

START_TEST(what_is_written_is_read)
{
    struct token_store store;
    make(NULL, "key", &store);
    check_all(&store);
    token_store_close(&store);
    make(path, "key", &store);
    check_all(&store);
    token_store_close(&store);
    ck_assert(token_store_open(&store, path, "key"));
    check_all(&store);
    token_store_close(&store);
    ck_assert(!token_store_open(&store, path, "kex"));
    ck_assert(!token_store_open(&store, path, "ke"));
    ck_assert(!token_store_open(&store, path, ""));
    ck_assert(!token_store_open(&store, dir, "key"));
}
END_TEST

START_TEST(nothing_is_there_before_the_commit)
{
    struct token_store_writer *w = token_store_create(path, &err);
    struct token_store store;
    char **names;
    size_t n;
    add_all(w);
    ck_assert(!path_exists(path));
    token_store_abort(w);
    ck_assert(!token_store_open(&store, path, "key"));
    ck_assert_int_eq(io_list(dir, &names, &n, &err), SFT_OK);
    ck_assert_uint_eq(n, 0); /* nothing is left of it */
    io_list_free(names, n);
    char *nowhere = path_join(dir, "no/where");
    ck_assert_ptr_null(token_store_create(nowhere, &err));
    ck_assert_int_eq(err.status, SFT_EIO);
    free(nowhere);
}
END_TEST

/* Whatever byte of index or trailer changes, wherever it is cut: the store is not opened. Data bytes are
 * checked where they are used. */
START_TEST(a_store_that_is_not_whole_is_not_opened)
{
    struct token_store store;
    struct strbuf bytes = {0};
    make(path, "key", &store);
    const size_t data_end = (size_t)((const char *)store.records - store.map.data);
    token_store_close(&store);
    ck_assert_int_eq(io_read(path, &bytes, &err), SFT_OK);
    for (size_t n = 0; n < bytes.len; n += n < 600 ? 7 : 1) {
        ck_assert_int_eq(io_write_file(path, bytes.data, n, &err), SFT_OK);
        ck_assert(!token_store_open(&store, path, "key"));
    }
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.data[i] = (char)(bytes.data[i] ^ 1);
        ck_assert_int_eq(io_write_file(path, bytes.data, bytes.len, &err), SFT_OK);
        const bool opened = token_store_open(&store, path, "key");
        ck_assert(opened == (i < data_end));
        if (opened) {
            bool all_well = true;
            for (size_t r = 0; r < store.n_records; r++)
                all_well = all_well && token_store_check(&store, &store.records[r]);
            const bool in_tokens = i < 32 || (i >= 40 && i < 56) ||
                                   (i >= 56 && i < 88); /* the rest: texts, padding */
            ck_assert_int_eq(all_well, !in_tokens);
        }
        token_store_close(&store);
        bytes.data[i] = (char)(bytes.data[i] ^ 1);
    }
    strbuf_free(&bytes);
}
END_TEST

START_TEST(a_set_of_hashes)
{
    enum { N = 20000 };
    struct hash_set set = {0};
    struct rng rng;
    rng_seed(&rng, 1, 0);
    ck_assert(!hash_set_has(&set, 5));
    for (uint64_t i = 0; i < N; i++)
        ck_assert(hash_set_add(&set, i << 40 | 1)); /* the low bits are all the same */
    for (uint64_t i = 0; i < N; i++) {
        ck_assert(!hash_set_add(&set, i << 40 | 1));
        ck_assert(!hash_set_has(&set, rng_u64(&rng) | 2));
    }
    ck_assert_uint_eq(set.count, N);
    ck_assert(!hash_set_add(&set, 0)); /* 0 is an empty slot: its hash is taken for 1 */
    ck_assert(hash_set_has(&set, 0));
    hash_set_free(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_store");
    TCase *store = tcase_create("store");
    tcase_add_checked_fixture(store, setup, teardown);
    tcase_add_test(store, what_is_written_is_read);
    tcase_add_test(store, nothing_is_there_before_the_commit);
    tcase_add_test(store, a_store_that_is_not_whole_is_not_opened);
    tcase_add_test(store, a_set_of_hashes);
    tcase_set_timeout(store, 60);
    suite_add_tcase(suite, store);
    return run_suite(suite);
}

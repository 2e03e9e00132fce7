/* Token stores: what is written is read, and nothing that is not whole is opened; the set of hashes. */
#include "data/store/token_store.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/writer_id.h"
#include "base/hash_set.h"
#include "store_end.h"
#include "support/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VOCAB = 9 };

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
        ck_assert(token_store_check(s, &r[i], VOCAB));
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
                all_well = all_well && token_store_check(&store, &store.records[r], VOCAB);
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

/* ---- right checksums, wrong contents ---- */

static void read_store(struct strbuf *bytes, struct record *records, struct store_end *end)
{
    struct token_store store;
    make(path, "key", &store);
    memcpy(records, store.records, 4 * sizeof *records);
    token_store_close(&store);
    ck_assert_int_eq(io_read(path, bytes, &err), SFT_OK);
    memcpy(end, bytes->data + bytes->len - sizeof *end, sizeof *end);
}

/* Whether it is opened with these records and this end; the right hash goes with them. */
static bool opens_with(struct strbuf *bytes, const struct record *records, const struct store_end *end,
                       struct token_store *store)
{
    memcpy(bytes->data + end->records_offset, records, 4 * sizeof *records);
    memcpy(bytes->data + bytes->len - sizeof *end, end, sizeof *end);
    store_sign(bytes->data, bytes->len);
    ck_assert_int_eq(io_write_file(path, bytes->data, bytes->len, &err), SFT_OK);
    return token_store_open(store, path, "key");
}

/* Two pairs, of which one is left out; counted once each. */
START_TEST(pairs_are_not_parted)
{
    static const struct {
        size_t record;
        uint16_t flags, why;
    } torn[] = {{0, 0, DROP_NO},
                {1, RECORD_SAME_ROW, DROP_NO},
                {1, RECORD_PAIR, DROP_NO},
                {1, RECORD_REJECTED, DROP_OVERLONG},
                {2, RECORD_REJECTED, DROP_SAME_ANSWERS},
                {3, RECORD_PAIR, DROP_SAME_ANSWERS},
                {3, 0, DROP_SAME_ANSWERS}};
    static const int32_t tokens[] = {5, 6, 7};
    static const float weights[] = {0, 1, 1};
    struct record records[4] = {{.flags = RECORD_PAIR | RECORD_TRUNCATED},
                                {.flags = RECORD_REJECTED | RECORD_TRUNCATED | RECORD_EMPTY_CONTENT},
                                {.flags = RECORD_PAIR, .why = DROP_SAME_ANSWERS},
                                {.flags = RECORD_REJECTED, .why = DROP_SAME_ANSWERS}};
    struct strbuf bytes = {0};
    struct store_end end;
    struct token_store store;
    struct token_store_writer *w = token_store_create(path, &err);
    for (size_t i = 0; i < 4; i++) {
        records[i].n_tokens = i == 1 ? 3 : 2;
        records[i].n_turns = 2;
        token_store_add(w, &records[i], tokens, weights, "", "");
    }
    ck_assert_int_eq(token_store_commit(w, "key", "hh", 2, &store, &err), SFT_OK);
    ck_assert_uint_eq(store.counts.conversations, 1);
    ck_assert_uint_eq(store.counts.pairs, 1);
    ck_assert_uint_eq(store.counts.turns, 4);
    ck_assert_uint_eq(store.counts.tokens, 5);
    ck_assert_uint_eq(store.counts.targets, 3);
    ck_assert_uint_eq(store.counts.flags[1], 1); /* in both: once */
    ck_assert_uint_eq(store.counts.flags[3], 1);
    ck_assert_uint_eq(store.counts.dropped[DROP_SAME_ANSWERS], 1);
    ck_assert_uint_ne(record_item_hash(&store.records[0]), store.records[0].content_hash);
    ck_assert_uint_eq(record_item_hash(&store.records[1]), store.records[1].content_hash);
    memcpy(records, store.records, sizeof records);
    token_store_close(&store);
    ck_assert_int_eq(io_read(path, &bytes, &err), SFT_OK);
    memcpy(&end, bytes.data + bytes.len - sizeof end, sizeof end);
    ck_assert(opens_with(&bytes, records, &end, &store));
    token_store_close(&store);
    for (size_t i = 0; i < sizeof torn / sizeof *torn; i++) {
        struct record changed[4];
        memcpy(changed, records, sizeof changed);
        changed[torn[i].record].flags = torn[i].flags;
        changed[torn[i].record].why = torn[i].why;
        ck_assert(!opens_with(&bytes, changed, &end, &store));
    }
    strbuf_free(&bytes);
}
END_TEST

START_TEST(what_cannot_be_is_not_believed)
{
    enum { N = 4, CASES = 14 };
    struct strbuf bytes = {0};
    struct record whole[N];
    struct store_end end;
    struct token_store store;
    read_store(&bytes, whole, &end);
    ck_assert(opens_with(&bytes, whole, &end, &store)); /* the test's own hash is right */
    check_all(&store);
    token_store_close(&store);
    for (int i = 0; i < CASES; i++) {
        struct record r[N];
        struct store_end e = end;
        memcpy(r, whole, sizeof r);
        switch (i) {
        case 0:
            r[0].offset = 1;
            break;
        case 1:
            r[0].offset = UINT64_MAX - 7;
            break;
        case 2:
            r[3].offset = end.records_offset;
            break;
        case 3:
            r[0].n_tokens = UINT32_MAX;
            break;
        case 4:
            r[0].n_targets = 5;
            break;
        case 5:
            r[0].n_positions = 4;
            break;
        case 6:
            r[1].row_len = UINT64_MAX;
            break;
        case 7:
            r[3].message_len = UINT32_MAX;
            break;
        case 8:
            r[1].why = DROP_COUNT;
            break;
        case 9:
            r[2].flags = UINT16_MAX;
            break;
        case 10:
            r[0].target_weight = NAN;
            break;
        case 11:
            r[0].target_weight = 0;
            break; /* a step would be divided by it */
        case 12:
            e.counts.conversations++;
            break;
        case 13:
            memset(e.format, 'x', sizeof e.format);
            break;
        }
        ck_assert_msg(!opens_with(&bytes, r, &e, &store), "case %d", i);
    }
    strbuf_free(&bytes);
}
END_TEST

/* Tokens that are whole, by a hash that fits, and yet none: they are found where they are used. */
START_TEST(tokens_are_of_the_vocabulary)
{
    static const struct {
        size_t at; /* of a token or weight of the first record */
        int32_t token;
        float weight;
    } cases[] = {{0, -1, 0}, {1, VOCAB, 0},    {2, INT32_MAX, 0}, {4, 0, 1},
                 {5, 0, -1}, {5, 0, INFINITY}, {5, 0, NAN},       {5, 0, 0.25F}};
    struct strbuf bytes = {0};
    struct record records[4];
    struct store_end end;
    struct token_store store;
    read_store(&bytes, records, &end);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct record r[4];
        char data[32], *first = bytes.data + records[0].offset;
        memcpy(r, records, sizeof r);
        memcpy(data, first, sizeof data);
        memcpy(first + cases[i].at * 4,
               cases[i].at < 4 ? (const void *)&cases[i].token : (const void *)&cases[i].weight, 4);
        r[0].content_hash = xxh64(first, sizeof data, 0);
        ck_assert(opens_with(&bytes, r, &end, &store));
        ck_assert_msg(!token_store_check(&store, &store.records[0], VOCAB), "case %zu", i);
        ck_assert(token_store_check(&store, &store.records[2], VOCAB));
        token_store_close(&store);
        memcpy(first, data, sizeof data);
    }
    strbuf_free(&bytes);
}
END_TEST

/* ---- whose it is ---- */

START_TEST(only_what_is_ours_is_opened)
{
    struct token_store store;
    struct stat st;
    char *link = path_join(dir, "link"), *kept = path_join(dir, "kept");
    make(path, "key", &store);
    token_store_close(&store);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert(!token_store_open(&store, link, "key"));
    ck_assert_int_eq(chmod(path, 0606), 0);
    ck_assert(!token_store_open(&store, path, "key"));
    ck_assert_int_eq(chmod(path, 0644), 0); /* as it was written before */
    ck_assert(token_store_open(&store, path, "key"));
    token_store_close(&store);

    /* what lies under the name that we write by is not written through */
    char *tmp = writer_tmp_path(path);
    ck_assert_int_eq(io_write_file(kept, "kept", 4, &err), SFT_OK);
    ck_assert_int_eq(symlink(kept, tmp), 0);
    make(path, "key", &store);
    token_store_close(&store);
    ck_assert_int_eq(stat(kept, &st), 0);
    ck_assert_int_eq(st.st_size, 4);
    free(tmp);
    free(link);
    free(kept);
}
END_TEST

START_TEST(whose_an_unfinished_file_is)
{
    char *mine = writer_tmp_path("a");
    const pid_t child = fork();
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child); /* its number is nobody's now */
    const char *host = strrchr(mine, '.') - 17;
    char *gone = mem_printf(".%d%s", (int)child, host),
         *other = mem_printf(".%d.0123456789abcdef.tmp", (int)child);
    ck_assert_int_eq(writer_of(mine + 1), WRITER_AT_WORK);
    ck_assert_int_eq(writer_of(gone), WRITER_GONE);
    ck_assert_int_eq(writer_of(other), WRITER_ELSEWHERE);
    ck_assert_int_eq(writer_of(".123.tmp"), WRITER_ELSEWHERE);
    static const char *const none[] = {"",
                                       ".tmp",
                                       ".old",
                                       ".12x.tmp",
                                       ".1.0123456789abcde.tmp",
                                       ".-1.0123456789abcdef.tmp",
                                       ".0.tmp",
                                       ".1.0123456789abcdef.tmp2",
                                       "1.tmp"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(writer_of(none[i]) == WRITER_NONE, "%s", none[i]);
    free(mine);
    free(gone);
    free(other);
}
END_TEST

/* ---- cut short while it is mapped ---- */

START_TEST(a_store_that_is_cut_short_fails_its_check)
{
    struct token_store store;
    map_catch_faults();
    make(path, "key", &store);
    token_store_close(&store);
    ck_assert(token_store_open(&store, path, "key"));
    ck_assert(token_store_check(&store, &store.records[0], VOCAB));
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert(!token_store_check(&store, &store.records[0], VOCAB));
    ck_assert(!token_store_check(&store, &store.records[3], VOCAB));
    token_store_close(&store);
    ck_assert(!token_store_open(&store, path, "key"));
}
END_TEST

static volatile char byte;

/* Elsewhere the file is named, and the program ends. */
START_TEST(a_fault_names_the_file)
{
    struct io_map map;
    struct strbuf said = {0};
    char *log = path_join(dir, "log"), *expected;
    ck_assert_int_eq(io_write_file(path, "text", 4, &err), SFT_OK);
    const pid_t child = fork();
    if (child == 0) {
        if (!freopen(log, "w", stderr) || io_map(&map, path, &err) || truncate(path, 0) != 0)
            _exit(2);
        map_catch_faults();
        byte = map.data[0];
        _exit(3);
    }
    int code;
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert(WIFEXITED(code));
    ck_assert_int_eq(WEXITSTATUS(code), 1);
    ck_assert_int_eq(io_read(log, &said, &err), SFT_OK);
    expected = mem_printf(
        "error: %s: cut short, or not readable any more, while it was in use (leave it as it is until "
        "this ends; run again)\n",
        path);
    ck_assert_str_eq(said.data, expected);
    strbuf_free(&said);
    free(expected);
    free(log);
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
    tcase_add_test(store, pairs_are_not_parted);
    tcase_add_test(store, what_cannot_be_is_not_believed);
    tcase_add_test(store, tokens_are_of_the_vocabulary);
    tcase_add_test(store, only_what_is_ours_is_opened);
    tcase_add_test(store, whose_an_unfinished_file_is);
    tcase_add_test(store, a_store_that_is_cut_short_fails_its_check);
    tcase_add_test(store, a_fault_names_the_file);
    tcase_add_test(store, a_set_of_hashes);
    tcase_set_timeout(store, 60);
    suite_add_tcase(suite, store);
    return run_suite(suite);
}

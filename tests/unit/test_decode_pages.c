/* Decoding and its pages: a beginning that many share is computed once, streams wait where memory is short, and nothing
 * is left behind, however streams come and go. */
#include "support/decoding.h"

#include "base/rng.h"

#include <stdlib.h>

static struct setting t;

static size_t page_bytes(void)
{
    const struct model_config *c = &t.model.config;
    return c->n_layer * 2 * c->n_kv_head * KV_PAGE * c->head_dim * t.model.kernels->act_size;
}

static void begin_with_pages(size_t max_streams, size_t pages)
{
    check_ok(decode_init(&t.decode, &t.asked,
                         &(struct decode_options){.max_streams = max_streams, .kv_bytes = pages * page_bytes()}, &err));
    ck_assert_uint_le(t.decode.streams.pool.n_pages, pages);
}

static void check_nothing_is_left(void)
{
    ck_assert_uint_eq(t.decode.streams.count, 0);
    ck_assert_uint_eq(t.decode.counts.pages_used, 0);
    decode_forget(&t.decode);
    ck_assert_uint_eq(t.decode.streams.pool.n_free, t.decode.streams.pool.n_pages);
    for (size_t p = 0; p < t.decode.streams.pool.n_pages; p++)
        ck_assert_uint_eq(t.decode.streams.pool.references[p], 0);
}

/* ---- what is shared ---- */

enum { CLIENTS = 8, SHARED = 203, OWN = 11 };

static void client_prompt(int32_t *tokens, size_t client)
{
    for (size_t i = 0; i < SHARED + OWN; i++)
        tokens[i] = (int32_t)((i < SHARED ? 5 * i + i * i / 3 : i * (client + 2) + client) % V);
}

/* Many who come at once with one system prompt. */
START_TEST(a_shared_beginning_is_computed_once)
{
    struct stream *streams[CLIENTS];
    struct said_tokens alone[CLIENTS];
    int32_t tokens[SHARED + OWN];
    const size_t whole_pages = SHARED / KV_PAGE * KV_PAGE;
    setting_make(&t);
    for (size_t c = 0; c < CLIENTS; c++) {
        setting_begin(&t, 1);
        client_prompt(tokens, c);
        const struct ask ask = ask_of(tokens, SHARED + OWN, NEW);
        struct stream *s = submit(&t, &ask);
        run(&t);
        alone[c] = take_answer(&t, s);
        decode_free(&t.decode);
    }
    setting_begin(&t, CLIENTS);
    for (size_t c = 0; c < CLIENTS; c++) {
        client_prompt(tokens, c);
        const struct ask ask = ask_of(tokens, SHARED + OWN, NEW);
        streams[c] = submit(&t, &ask);
    }
    ck_assert(decode_step(&t.decode)); /* the first one's prompt */
    ck_assert_int_eq(streams[0]->state, STREAM_DECODING);
    ck_assert_int_eq(streams[1]->state, STREAM_PROMPT);
    run(&t);
    for (size_t c = 0; c < CLIENTS; c++) {
        ck_assert_uint_eq(streams[c]->n_cached, c ? whole_pages : 0);
        expect_answer(&t, streams[c], &alone[c]);
    }
    ck_assert_uint_eq(t.decode.counts.prompt_tokens, CLIENTS * (SHARED + OWN));
    ck_assert_uint_eq(t.decode.counts.cached_tokens, (CLIENTS - 1) * whole_pages);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* Whatever others have been asked in between, and though their pages lie elsewhere. */
START_TEST(the_next_turn_costs_its_new_tokens)
{
    int32_t tokens[LONGEST + 100];
    setting_make(&t);
    setting_begin(&t, 2);
    make_prompt(1, tokens);
    size_t n = prompt_len[1];
    for (int turn = 0; turn < 4; turn++) {
        const struct ask ask = ask_of(tokens, n, NEW);
        struct stream *s = submit(&t, &ask), *other = submit_prompt(&t, 2, 0.8);
        run(&t);
        ck_assert_uint_eq(s->n_cached, turn ? (n - 1 - 5) / KV_PAGE * KV_PAGE : 0);
        memcpy(tokens + n, stream_answer(s), NEW * sizeof *tokens);
        n += NEW;
        for (size_t i = 0; i < 5; i++) /* the next question; the answer's last token was never run */
            tokens[n++] = (int32_t)(turn + 7 * (int)i);
        decode_close(&t.decode, s);
        decode_close(&t.decode, other);
    }
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* However a prompt comes to be cut, by others before it and by what is known of it, what it is answered with is the
 * same. */
START_TEST(cuts_change_nothing)
{
    int32_t tokens[LONGEST];
    setting_make(&t);
    make_prompt(2, tokens);
    setting_begin(&t, 1);
    const struct ask ask = ask_of(tokens, LONGEST, NEW);
    struct stream *s = submit(&t, &ask);
    run(&t);
    const struct said_tokens want = take_answer(&t, s);
    decode_free(&t.decode);
    for (size_t known = 1; known < LONGEST; known += 13) {
        check_ok(decode_init(&t.decode, &t.asked,
                             &(struct decode_options){.max_streams = 3, .prompt_positions = known}, &err));
        const struct ask some = ask_of(tokens, known, 2);
        struct stream *before = submit(&t, &some);
        run(&t);
        decode_close(&t.decode, before);
        struct stream *other = submit_prompt(&t, 0, 0.8);
        s = submit(&t, &ask);
        run(&t);
        ck_assert_uint_eq(s->n_cached, known / KV_PAGE * KV_PAGE);
        expect_answer(&t, s, &want);
        decode_close(&t.decode, other);
        decode_free(&t.decode);
    }
    setting_end(&t);
}
END_TEST

/* ---- memory ---- */

START_TEST(streams_wait_where_memory_is_short)
{
    enum { STREAMS = 6 };
    struct said_tokens alone[N_PROMPTS];
    struct stream *streams[STREAMS];
    setting_make(&t);
    answers_alone(&t, 0.8, alone);
    begin_with_pages(STREAMS, kv_pages_of(LONGEST + NEW) + (size_t)_i); /* the longest fits alone, just */
    for (size_t i = 0; i < STREAMS; i++)
        streams[i] = submit_prompt(&t, i % N_PROMPTS, 0.8);
    run(&t);
    for (size_t i = 0; i < STREAMS; i++)
        expect_answer(&t, streams[i], &alone[i % N_PROMPTS]);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* Both fit when they begin, and no longer when they have grown: the younger one waits, and loses nothing it has
 * said. */
START_TEST(the_youngest_gives_its_pages_back)
{
    struct said_tokens alone[2];
    int32_t tokens[2][40];
    bool waited = false;
    setting_make(&t);
    for (size_t i = 0; i < 80; i++)
        tokens[i / 40][i % 40] = (int32_t)(i * i % 47);
    for (size_t i = 0; i < 2; i++) {
        const struct ask ask = ask_of(tokens[i], 40, 150);
        setting_begin(&t, 1);
        struct stream *s = submit(&t, &ask);
        run(&t);
        alone[i] = take_answer(&t, s);
        decode_free(&t.decode);
    }
    begin_with_pages(2, 7);
    struct ask ask = ask_of(tokens[0], 40, 150);
    struct stream *first = submit(&t, &ask);
    ask.prompt = tokens[1];
    struct stream *second = submit(&t, &ask);
    while (decode_step(&t.decode)) {
        ck_assert_int_ne(first->state, STREAM_WAITING);
        waited |= second->state == STREAM_WAITING;
        ck_assert_uint_le(t.decode.counts.pages_used, 7);
    }
    ck_assert(waited);
    ck_assert_uint_eq(second->n_cached, 0);
    expect_answer(&t, first, &alone[0]);
    expect_answer(&t, second, &alone[1]);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* What a stream that rests has is others' where they need it, though it came before them; it goes on all the same. */
START_TEST(who_rests_gives_its_pages_back)
{
    struct said_tokens alone[N_PROMPTS];
    setting_make(&t);
    answers_alone(&t, 0.8, alone);
    begin_with_pages(2, kv_pages_of(LONGEST + NEW));
    struct stream *rests = submit_prompt(&t, 1, 0.8);
    while (rests->n_made < 3)
        ck_assert(decode_step(&t.decode));
    stream_rest(rests, true);
    struct stream *longest = submit_prompt(&t, 2, 0.8);
    run(&t);
    ck_assert_uint_eq(rests->n_pages, 0);
    expect_answer(&t, longest, &alone[2]);
    stream_rest(rests, false);
    run(&t);
    expect_answer(&t, rests, &alone[1]);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

START_TEST(no_memory_for_one_alone)
{
    int32_t tokens[LONGEST];
    setting_make(&t);
    begin_with_pages(2, 4);
    make_prompt(2, tokens);
    const struct ask ask = ask_of(tokens, 60, 100);
    struct stream *too_long = submit(&t, &ask), *fits = submit_prompt(&t, 1, 0);
    run(&t);
    ck_assert_uint_eq(too_long->n_made, 4 * KV_PAGE - 60 + 1); /* what follows the last position is still known */
    ck_assert_int_eq(too_long->reason, FINISH_NO_MEMORY);
    ck_assert_int_eq(stream_check(too_long, &err), SFT_ENOMEM);
    ck_assert_msg(strncmp(err.message, "there is no memory for the keys and values of more than ", 56) == 0, "%s",
                  err.message);
    ck_assert_int_eq(fits->reason, FINISH_LENGTH);
    check_ok(stream_check(fits, &err));
    decode_close(&t.decode, too_long);
    decode_close(&t.decode, fits);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* One that could never be run is not let in, to wait and to keep others waiting. */
START_TEST(no_memory_for_a_prompt)
{
    int32_t tokens[LONGEST];
    setting_make(&t);
    begin_with_pages(2, 4);
    make_prompt(2, tokens);
    struct ask ask = ask_of(tokens, 4 * KV_PAGE, NEW);
    ck_assert_ptr_null(decode_submit(&t.decode, &ask, &err));
    ck_assert_int_eq(err.status, SFT_ENOMEM);
    ck_assert_str_eq(err.message, "the prompt has 128 tokens, and there is memory for the keys and values of 128 "
                                  "positions, answer included: shorten it, or free memory before the start");
    ask.n_prompt--;
    struct stream *fits = submit(&t, &ask);
    run(&t);
    ck_assert_int_eq(fits->reason, FINISH_NO_MEMORY);
    ck_assert_uint_eq(fits->n_made, 2);
    decode_close(&t.decode, fits);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* Two of one text, which wants more pages than there are: both end, and nobody waits for ever. */
START_TEST(no_memory_for_more_than_all)
{
    int32_t tokens[LONGEST];
    struct stream *streams[3];
    setting_make(&t);
    begin_with_pages(3, 4);
    make_prompt(2, tokens);
    const struct ask ask = ask_of(tokens, 4 * KV_PAGE - 1, NEW);
    for (size_t i = 0; i < 2; i++)
        streams[i] = submit(&t, &ask);
    streams[2] = submit_prompt(&t, 1, 0);
    run(&t);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(streams[i]->reason, FINISH_NO_MEMORY);
        ck_assert_uint_eq(streams[i]->n_made, 2);
    }
    ck_assert_int_eq(streams[2]->reason, FINISH_LENGTH);
    for (size_t i = 0; i < 3; i++)
        decode_close(&t.decode, streams[i]);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* Who has lost its pages while it rested takes no place, and no room, until it goes on. */
START_TEST(who_rests_without_pages_keeps_nobody_out)
{
    struct said_tokens alone[N_PROMPTS];
    int32_t tokens[LONGEST];
    setting_make(&t);
    answers_alone(&t, 0, alone);
    begin_with_pages(2, 6);
    make_prompt(2, tokens);
    const struct ask ask = ask_of(tokens, 40, 140); /* all six pages in the end */
    struct stream *first = submit(&t, &ask), *rests = submit_prompt(&t, 1, 0);
    for (size_t i = 0; i < 5; i++)
        ck_assert(decode_step(&t.decode));
    stream_rest(rests, true);
    run(&t);
    ck_assert_int_eq(first->reason, FINISH_LENGTH);
    ck_assert_int_eq(rests->state, STREAM_WAITING);
    struct stream *next[2] = {submit(&t, &ask), submit_prompt(&t, 0, 0)};
    ck_assert(decode_step(&t.decode));
    ck_assert_int_eq(rests->state, STREAM_WAITING);
    ck_assert_int_eq(next[0]->state, STREAM_DECODING);
    ck_assert_int_eq(next[1]->state, STREAM_DECODING);
    run(&t);
    expect_answer(&t, next[1], &alone[0]);
    stream_rest(rests, false);
    run(&t);
    expect_answer(&t, rests, &alone[1]);
    decode_close(&t.decode, first);
    decode_close(&t.decode, next[0]);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* A model that could see more than there is memory for costs what its streams are long. (Llama has no table of
 * positions, which would be as long.) */
START_TEST(memory_follows_the_conversation)
{
    const struct model_config config = test_model(MODEL_LLAMA, 48, POSITIONS, V);
    setting_of(&t, &config);
    t.model.config.n_positions = SIZE_MAX / 1024;
    begin_with_pages(2, 100000);
    for (size_t i = 0; i < 2 * N_PROMPTS; i++) {
        struct stream *s = submit_prompt(&t, i % N_PROMPTS, 0);
        run(&t);
        decode_close(&t.decode, s);
    }
    size_t most = 0;
    for (size_t p = 0; p < N_PROMPTS; p++)
        most += kv_pages_of(prompt_len[p] + NEW);
    ck_assert_uint_le(t.decode.streams.pool.top, most);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

/* ---- at random ---- */

enum { MANY = 12, EVENTS = 900 };

struct visitor {
    struct stream *stream;
    size_t which;
};

/* Who comes, goes, rests and goes on, with memory for two or three of the longest: all who stay have the answer that
 * they would have alone. */
START_TEST(streams_at_random)
{
    struct said_tokens alone[N_PROMPTS];
    struct visitor visitors[MANY] = {{0}};
    struct rng rng;
    size_t n_answers = 0, n_preempted = 0;
    rng_seed(&rng, (uint64_t)_i, 1);
    setting_make(&t);
    answers_alone(&t, 0.8, alone);
    begin_with_pages(5, 11 + (size_t)_i * 4);
    for (size_t event = 0; event < EVENTS; event++) {
        struct visitor *v = &visitors[rng_below(&rng, MANY)];
        const size_t what = (size_t)rng_below(&rng, 10);
        if (!v->stream) {
            v->which = (size_t)rng_below(&rng, N_PROMPTS);
            v->stream = submit_prompt(&t, v->which, 0.8);
        } else if (v->stream->state == STREAM_DONE) {
            n_answers++;
            n_preempted += v->stream->was_preempted;
            expect_answer(&t, v->stream, &alone[v->which]);
            v->stream = NULL;
        } else if (what == 0) {
            decode_close(&t.decode, v->stream);
            v->stream = NULL;
        } else {
            stream_rest(v->stream, what < 3);
        }
        for (size_t steps = (size_t)rng_below(&rng, 6); steps > 0; steps--)
            decode_step(&t.decode);
        ck_assert_uint_le(t.decode.counts.running, 5);
        ck_assert_uint_eq(t.decode.counts.pages_used + t.decode.counts.pages_cached + t.decode.streams.pool.n_free,
                          t.decode.streams.pool.n_pages);
    }
    for (size_t i = 0; i < MANY; i++)
        if (visitors[i].stream)
            decode_close(&t.decode, visitors[i].stream);
    ck_assert_uint_gt(n_answers, 30);
    ck_assert(_i > 0 || n_preempted > 0);
    check_nothing_is_left();
    setting_end(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode_pages");
    TCase *tcase = tcase_create("decode_pages");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_shared_beginning_is_computed_once);
    tcase_add_test(tcase, the_next_turn_costs_its_new_tokens);
    tcase_add_test(tcase, cuts_change_nothing);
    tcase_add_loop_test(tcase, streams_wait_where_memory_is_short, 0, 4);
    tcase_add_test(tcase, the_youngest_gives_its_pages_back);
    tcase_add_test(tcase, who_rests_gives_its_pages_back);
    tcase_add_test(tcase, no_memory_for_one_alone);
    tcase_add_test(tcase, no_memory_for_a_prompt);
    tcase_add_test(tcase, no_memory_for_more_than_all);
    tcase_add_test(tcase, who_rests_without_pages_keeps_nobody_out);
    tcase_add_test(tcase, memory_follows_the_conversation);
    tcase_add_loop_test(tcase, streams_at_random, 0, 3);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

/* Whose turn it is, by hand, at random, and with an engine that only counts. */
#include "serve/turns.h"

#include "base/rng.h"
#include "support/run_suite.h"

#include <stdbool.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { MOST = 8 };

static const struct {
    size_t places, n, wanted[MOST], want[MOST];
} deals[] = {
    {4, 0, {0}, {0}},
    {0, 2, {1, 1}, {0, 0}},
    {4, 1, {128}, {4}},
    {4, 2, {128, 1}, {3, 1}},
    {4, 2, {1, 128}, {1, 3}},
    {4, 3, {9, 0, 9}, {2, 0, 2}}, /* the second one's reader is behind */
    {5, 3, {9, 9, 9}, {2, 2, 1}}, /* what is left over is the first one's */
    {9, 3, {1, 2, 3}, {1, 2, 3}},
    {2, 4, {5, 5, 5, 5}, {1, 1, 0, 0}},
};

START_TEST(places_are_dealt_in_rounds)
{
    struct turn turns[MOST];
    for (size_t i = 0; i < MOST; i++)
        turns[i] = (struct turn){.wanted = deals[_i].wanted[i], .places = 77};
    turns_deal(turns, deals[_i].n, deals[_i].places);
    for (size_t i = 0; i < deals[_i].n; i++)
        ck_assert_uint_eq(turns[i].places, deals[_i].want[i]);
}
END_TEST

/* No place is idle, and nobody has two more than one who wants more. */
START_TEST(no_place_is_idle_and_nobody_has_too_many)
{
    struct rng rng;
    struct turn turns[MOST];
    rng_seed(&rng, 3, 0);
    for (int round = 0; round < 5000; round++) {
        const size_t n = (size_t)rng_below(&rng, MOST + 1), places = (size_t)rng_below(&rng, 20);
        size_t wanted = 0, taken = 0;
        for (size_t i = 0; i < n; i++)
            wanted += turns[i].wanted = (size_t)rng_below(&rng, 9);
        turns_deal(turns, n, places);
        for (size_t i = 0; i < n; i++) {
            taken += turns[i].places;
            ck_assert_uint_le(turns[i].places, turns[i].wanted);
            for (size_t j = 0; j < n && turns[i].places < turns[i].wanted; j++)
                ck_assert_uint_le(turns[j].places, turns[i].places + (j < i));
        }
        ck_assert_uint_eq(taken, wanted < places ? wanted : places);
    }
}
END_TEST

/* ---- an engine: each answer that has a place makes a token a step ---- */

struct asked {
    size_t comes, reads_from; /* steps; before that one its reader takes nothing */
    size_t answers, tokens;   /* of each answer */
    size_t left[128];         /* of each answer's tokens */
    size_t ended;             /* in which step; 0: not yet */
};

static size_t n_unfinished(const struct asked *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->answers; i++)
        n += a->left[i] > 0;
    return n;
}

static void make_tokens(struct asked *a, size_t places, size_t step)
{
    for (size_t i = 0; i < a->answers && places > 0; i++)
        if (a->left[i] > 0) {
            a->left[i]--;
            places--;
        }
    if (n_unfinished(a) == 0)
        a->ended = step;
}

static void run(struct asked *asked, size_t n, size_t places, size_t steps)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < asked[i].answers; k++)
            asked[i].left[k] = asked[i].tokens;
    for (size_t step = 1; step <= steps; step++) {
        struct turn turns[MOST] = {{0}};
        size_t which[MOST], n_here = 0;
        for (size_t i = 0; i < n; i++)
            if (asked[i].comes <= step && !asked[i].ended) {
                which[n_here] = i;
                turns[n_here++].wanted = asked[i].reads_from <= step ? n_unfinished(&asked[i]) : 0;
            }
        turns_deal(turns, n_here, places);
        for (size_t k = 0; k < n_here; k++)
            make_tokens(&asked[which[k]], turns[k].places, step);
    }
}

START_TEST(a_small_request_does_not_wait_for_a_large_one)
{
    struct asked asked[] = {{.comes = 1, .answers = 128, .tokens = 250}, {.comes = 100, .answers = 1, .tokens = 1}};
    run(asked, COUNT(asked), 32, 2000);
    ck_assert_uint_eq(asked[1].ended, 100);
    ck_assert_uint_eq(asked[0].ended, (128 * 250 + 1 + 31) / 32); /* which loses the one place once */
}
END_TEST

START_TEST(a_slow_reader_holds_nobody)
{
    struct asked asked[] = {{.comes = 1, .answers = 16, .tokens = 100, .reads_from = 500},
                            {.comes = 1, .answers = 16, .tokens = 100, .reads_from = 600},
                            {.comes = 2, .answers = 1, .tokens = 3}};
    run(asked, COUNT(asked), 4, 2000);
    ck_assert_uint_eq(asked[2].ended, 4);
    ck_assert(asked[0].ended > 500 && asked[1].ended > 600);
}
END_TEST

START_TEST(where_requests_are_more_than_places_the_oldest_go_first)
{
    struct asked asked[6];
    memset(asked, 0, sizeof asked);
    for (size_t i = 0; i < COUNT(asked); i++)
        asked[i] = (struct asked){.comes = 1 + i, .answers = 3, .tokens = 10};
    run(asked, COUNT(asked), 2, 200);
    ck_assert_uint_lt(asked[0].ended, 60);
    ck_assert_uint_ge(asked[5].ended, 90); /* 6 x 3 x 10 tokens, two a step */
    for (size_t i = 1; i < COUNT(asked); i++)
        ck_assert_uint_le(asked[i - 1].ended, asked[i].ended);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("turns");
    TCase *tcase = tcase_create("turns");
    tcase_add_loop_test(tcase, places_are_dealt_in_rounds, 0, COUNT(deals));
    tcase_add_test(tcase, no_place_is_idle_and_nobody_has_too_many);
    tcase_add_test(tcase, a_small_request_does_not_wait_for_a_large_one);
    tcase_add_test(tcase, a_slow_reader_holds_nobody);
    tcase_add_test(tcase, where_requests_are_more_than_places_the_oldest_go_first);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

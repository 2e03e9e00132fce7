/* Pages of keys and values and the index of beginnings, against a model of them in plain words: a table of texts.
 * What a page holds is a number here that stands for all tokens up to its end. */
#include "infer/prefix.h"

#include "base/rng.h"
#include "support/run_suite.h"
#include "support/test_models.h"

#include <stdlib.h>
#include <string.h>

enum { N_PAGES = 24, DEPTH = 5, KINDS = 3, HOLDERS = 9, N_OPS = 20000 };

static struct kv_pool pool;
static struct prefix prefix;
static struct rng rng;

/* ---- the model ---- */

/* Texts are of DEPTH pages at most, each of one of KINDS kinds of tokens: digits of a number in base KINDS + 1. */
typedef size_t text;

static text text_longer(text t, size_t kind)
{
    return t * (KINDS + 1) + kind + 1;
}

static void put_tokens(int32_t *page, size_t kind)
{
    for (size_t i = 0; i < KV_PAGE; i++)
        page[i] = (int32_t)(i == KV_PAGE - 1 ? kind : 7); /* they differ in the last token alone */
}

static text page_text[N_PAGES];  /* what was computed into each page */
static bool indexed[N_PAGES];    /* whether the index has it */
static uint64_t used[N_PAGES], now;

/* Who has pages: a stream. */
struct holder {
    size_t n_kinds, kinds[DEPTH], n_pages;
    uint32_t pages[DEPTH];
    int32_t tokens[DEPTH * KV_PAGE];
};
static struct holder holders[HOLDERS];

static size_t times_held(uint32_t page)
{
    size_t n = 0;
    for (size_t h = 0; h < HOLDERS; h++)
        for (size_t i = 0; i < holders[h].n_pages; i++)
            n += holders[h].pages[i] == page;
    return n;
}

static uint32_t indexed_page(text t)
{
    for (uint32_t p = 0; p < N_PAGES; p++)
        if (indexed[p] && page_text[p] == t)
            return p;
    return KV_NO_PAGE;
}

static bool is_followed(uint32_t page)
{
    for (size_t kind = 0; kind < KINDS; kind++)
        if (indexed_page(text_longer(page_text[page], kind)) != KV_NO_PAGE)
            return true;
    return false;
}

static void check_all(void)
{
    size_t n_free = 0, n_idle = 0;
    for (uint32_t p = 0; p < N_PAGES; p++) {
        const size_t held = times_held(p);
        ck_assert_uint_eq(pool.references[p], held + indexed[p]);
        n_free += held + indexed[p] == 0;
        n_idle += held == 0 && indexed[p];
    }
    ck_assert_uint_eq(pool.n_free, n_free);
    ck_assert_uint_eq(prefix_n_idle(&prefix), n_idle);
}

/* ---- what happens ---- */

/* The model's choice must be the index's: the page that was used least recently, of those that may go. */
static bool evict(void)
{
    uint32_t oldest = KV_NO_PAGE;
    for (uint32_t p = 0; p < N_PAGES; p++)
        if (indexed[p] && times_held(p) == 0 && !is_followed(p) && (oldest == KV_NO_PAGE || used[p] < used[oldest]))
            oldest = p;
    ck_assert(prefix_evict(&prefix) == (oldest != KV_NO_PAGE));
    if (oldest == KV_NO_PAGE)
        return false;
    ck_assert_uint_eq(pool.references[oldest], 0);
    indexed[oldest] = false;
    return true;
}

/* A text comes: it must be given all of the index's pages of its beginning, and no other. */
static void begin(struct holder *h)
{
    size_t known = 0;
    text t = 0;
    h->n_kinds = 1 + (size_t)rng_below(&rng, DEPTH);
    for (size_t i = 0; i < h->n_kinds; i++) {
        h->kinds[i] = (size_t)rng_below(&rng, KINDS);
        put_tokens(h->tokens + i * KV_PAGE, h->kinds[i]);
    }
    const size_t n = prefix_find(&prefix, 0, h->tokens, 0, h->n_kinds, h->pages);
    now++;
    for (; known < h->n_kinds; known++) {
        t = text_longer(t, h->kinds[known]);
        const uint32_t page = indexed_page(t);
        if (page == KV_NO_PAGE)
            break;
        ck_assert_uint_lt(known, n);
        ck_assert_uint_eq(h->pages[known], page);
        used[page] = now;
    }
    ck_assert_uint_eq(n, known);
    h->n_pages = n;
}

/* It grows by a page, which others may have computed meanwhile. */
static void grow(struct holder *h)
{
    text t = 0;
    bool all_own = true;
    if (h->n_pages == h->n_kinds)
        return;
    uint32_t page = kv_pool_take(&pool);
    for (; page == KV_NO_PAGE; page = kv_pool_take(&pool))
        if (!evict())
            return;
    for (uint32_t lower = 0; lower < page; lower++)
        ck_assert_uint_ne(pool.references[lower], 0);
    h->pages[h->n_pages++] = page;
    for (size_t i = 0; i < h->n_pages; i++)
        t = text_longer(t, h->kinds[i]);
    page_text[page] = t;
    prefix_add(&prefix, 0, h->tokens, h->n_pages, h->pages);
    now++;
    t = 0;
    for (size_t i = 0; i < h->n_pages && all_own; i++) {
        t = text_longer(t, h->kinds[i]);
        const uint32_t known = indexed_page(t);
        all_own = known == KV_NO_PAGE || known == h->pages[i];
        if (all_own) {
            indexed[h->pages[i]] = true;
            used[h->pages[i]] = now;
        }
    }
}

/* It looks again for what has come since. */
static void look_again(struct holder *h)
{
    text t = 0;
    size_t want = h->n_pages;
    const size_t n = prefix_find(&prefix, 0, h->tokens, h->n_pages, h->n_kinds, h->pages);
    now++;
    for (size_t i = 0; i < h->n_kinds; i++) {
        t = text_longer(t, h->kinds[i]);
        const uint32_t page = indexed_page(t);
        if (page == KV_NO_PAGE || (i < h->n_pages && page != h->pages[i]))
            break;
        used[page] = now;
        want = i >= want ? i + 1 : want;
    }
    ck_assert_uint_eq(n, want);
    h->n_pages = n;
}

static void finish(struct holder *h)
{
    while (h->n_pages)
        kv_pool_drop(&pool, h->pages[--h->n_pages]);
    h->n_kinds = 0;
}

static void make_pool(struct transformer *model)
{
    static char why[512];
    const struct model_config config = test_model(MODEL_GPT2, 24, 64, 20);
    const struct kernels *kernels = kernels_select("fp32", why, sizeof why);
    ck_assert_msg(kernels != NULL, "%s", why);
    ck_assert_int_eq(transformer_init(model, &config, kernels, NULL, NULL), SFT_OK);
    ck_assert_int_eq(kv_pool_init(&pool, model, SIZE_MAX, N_PAGES, NULL), SFT_OK);
    ck_assert_uint_eq(pool.n_pages, N_PAGES);
    ck_assert_uint_eq(pool.page_size, config.n_layer * 2 * config.n_kv_head * KV_PAGE * config.head_dim);
    ck_assert_uint_ge(pool.memory.bytes, N_PAGES * pool.page_size * kernels->act_size);
}

START_TEST(pages_and_beginnings_at_random)
{
    struct transformer model;
    rng_seed(&rng, (uint64_t)_i, 0);
    make_pool(&model);
    prefix_init(&prefix, &pool);
    memset(indexed, 0, sizeof indexed);
    memset(holders, 0, sizeof holders);
    for (size_t op = 0; op < N_OPS; op++) {
        struct holder *h = &holders[rng_below(&rng, HOLDERS)];
        const size_t what = (size_t)rng_below(&rng, 100);
        if (h->n_kinds == 0)
            begin(h);
        else if (what < 12)
            finish(h);
        else if (what < 25)
            look_again(h);
        else if (what < 27)
            evict();
        else
            grow(h);
        if (op % 7 == 0)
            check_all();
        if (rng_below(&rng, 4000) == 0) {
            prefix_forget(&prefix);
            memset(indexed, 0, sizeof indexed);
            check_all();
        }
    }
    for (size_t h = 0; h < HOLDERS; h++)
        finish(&holders[h]);
    check_all();
    while (evict())
        ;
    ck_assert_uint_eq(pool.n_free, N_PAGES);
    prefix_free(&prefix);
    prefix_free(&prefix);
    kv_pool_free(&pool);
    kv_pool_free(&pool);
    transformer_free(&model);
}
END_TEST

START_TEST(memory_for_less_than_a_page)
{
    static struct sft_err err;
    struct transformer model;
    make_pool(&model);
    kv_pool_free(&pool);
    ck_assert_int_eq(kv_pool_init(&pool, &model, 1000, N_PAGES, &err), SFT_ENOMEM);
    ck_assert_msg(strncmp(err.message, "the keys and values of 32 positions take ", 41) == 0, "%s", err.message);
    kv_pool_free(&pool);
    transformer_free(&model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prefix");
    TCase *tcase = tcase_create("prefix");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, pages_and_beginnings_at_random, 0, 4);
    tcase_add_test(tcase, memory_for_less_than_a_page);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

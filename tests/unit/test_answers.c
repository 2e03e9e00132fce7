/* A model's answers to prompts, and which of them there are where it is stopped in the middle. */
#include "judge/answers.h"
#include "byte_tokenizer.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "support/test_models.h"

enum { N = 6, PLACES = 2, NEW = 8, POSITIONS = 64 };

static struct tokenizer *tok;
static struct transformer model;
static struct prompts prompts;
static struct kernels kernels;
static scan_logits_fn *scan_logits;
static volatile sig_atomic_t stop;
static size_t n_steps, stop_at;

/* Each step scans its logits once: a signal in the middle of one. */
static void scan_and_stop(struct logits_scan *scans, const float *logits, const float *scale, size_t S, size_t vocab)
{
    stop = ++n_steps == stop_at;
    scan_logits(scans, logits, scale, S, vocab);
}

static void make_model(void)
{
    static char why[512];
    const struct model_config config = test_model(MODEL_LLAMA, 48, POSITIONS, BYTE_TOKENIZER_SIZE);
    make_dir();
    tok = byte_tokenizer(NULL);
    kernels = *kernels_select("fp32", why, sizeof why);
    scan_logits = kernels.scan_logits;
    kernels.scan_logits = scan_and_stop;
    check_ok(transformer_init(&model, &config, &kernels, NULL, &err));
    params_init_random(model.params.values.data, &model.params.table, &config, 1);
    put("prompts.csv", "prompt,label\na,safe\nbb,safe\nccc,unsafe\nd,safe\ne,safe\nf,safe\n");
    char *path = path_join(dir, "prompts.csv");
    check_ok(prompts_read(&prompts, &path, 1, true, NULL, &err));
    ck_assert_uint_eq(prompts.count, N);
    free(path);
}

static void free_model(void)
{
    prompts_free(&prompts);
    transformer_free(&model);
    tokenizer_free(tok);
    remove_dir();
}

/* Stopped in so manieth a step; 0: not at all. No token ends an answer. */
static enum sft_status answer(struct answers *answers, size_t in_step)
{
    static const struct chat_template none;
    const struct answer_form form = {tok, &none};
    const struct decode_options options = {.max_streams = PLACES, .stop = &stop};
    const struct decode_model asked = {.model = &model};
    struct answerer answerer;
    n_steps = 0;
    stop_at = in_step;
    check_ok(answerer_init(&answerer, &prompts, &form, &model.config, &kernels, NEW, &options, &err));
    check_ok(answerer_open(&answerer, &asked, &err));
    const enum sft_status status = answerer_run(&answerer, answers, &err);
    answerer_close(&answerer);
    return status;
}

START_TEST(those_that_had_ended_are_kept)
{
    struct answers all, some;
    check_ok(answer(&all, 0));
    ck_assert_uint_eq(all.n_answered, N);
    ck_assert_uint_ge(n_steps, N / PLACES * NEW);
    ck_assert_int_eq(answer(&some, NEW + 2), SFT_EINTERRUPTED); /* the first two have ended */
    ck_assert_str_eq(err.message, "stopped while prompts were answered");
    ck_assert_uint_eq(some.n_answered, PLACES);
    for (size_t i = 0; i < N; i++) {
        ck_assert_ptr_nonnull(all.items[i].text);
        ck_assert_pstr_eq(some.items[i].text, i < PLACES ? all.items[i].text : NULL);
    }
    for (size_t i = 0; i < PLACES; i++)
        ck_assert_int_eq(some.labels[i], all.labels[i]);
    answers_free(&all);
    answers_free(&some);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answers");
    TCase *tcase = tcase_create("answers");
    tcase_add_checked_fixture(tcase, make_model, free_model);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, those_that_had_ended_are_kept);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

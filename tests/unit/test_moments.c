/* AdamW's moments in 8 bits: what a code may be off by, that roundings add up to nothing, that no step becomes a leap,
 * a thousand steps beside those of floats; and the file. */
#include "base/rng.h"
#include "files/model_files.h"
#include "files/safetensors.h"
#include "scratch.h"
#include "support/measured.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "train/adamw_file.h"

#include <math.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

/* ---- moments of one tensor ---- */

enum { MOST = 4160, MOST_GROUPS = MOST / MOMENTS_GROUP };

struct codes {
    int8_t m[MOST];
    uint8_t v[MOST];
    bf16 m_scales[MOST_GROUPS], v_scales[MOST_GROUPS];
};

/* Moments that are the gradient and its square. */
static const struct adamw_args no_memory = {
    .grad_scale = 1, .rest1 = 1, .rest2 = 1, .epsilon = 1, .correction1 = 1, .correction2_sqrt = 1};

static void take(const struct kernels *k, struct codes *x, float *p, const float *g, const struct adamw_args *args,
                 uint32_t seed, size_t n)
{
    k->adamw_8bit(p, &(struct moments_8bit){x->m, x->v, x->m_scales, x->v_scales}, g, args, seed, n);
}

/* No two steps' seeds differ in their lowest bits alone, which would only deal the same numbers to other elements. */
static uint32_t seed_of(uint32_t step)
{
    return step * 2654435761U;
}

static double scale_of(bf16 scale)
{
    const uint32_t bits = (uint32_t)scale << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double m_of(const struct codes *x, size_t i)
{
    return scale_of(x->m_scales[i / MOMENTS_GROUP]) * x->m[i] / (254 - abs(x->m[i]));
}

static double root_of(const struct codes *x, size_t i)
{
    return scale_of(x->v_scales[i / MOMENTS_GROUP]) * x->v[i] / 255;
}

/* Gradients whose sizes are spread over many powers of ten, some of them 0. */
static void spread_gradients(float *g, size_t n)
{
    struct rng rng;
    rng_seed(&rng, 8, 0);
    for (size_t i = 0; i < n; i++)
        g[i] = (float)(rng_below(&rng, 10) ? rng_normal(&rng) * pow(10, -8 * rng_uniform(&rng)) : 0);
}

START_TEST(a_code_is_the_nearest_or_a_neighbour)
{
    static struct codes x;
    static float p[MOST], g[MOST];
    spread_gradients(g, MOST);
    take(tables[_i], &x, p, g, &no_memory, 5, MOST - 7); /* the last group is not whole */
    for (size_t i = 0; i < MOST - 7; i++) {
        const double size = fabs((double)g[i]), m_scale = scale_of(x.m_scales[i / MOMENTS_GROUP]);
        const double v_scale = scale_of(x.v_scales[i / MOMENTS_GROUP]), free_of = 254 - abs(x.m[i]);
        ck_assert_double_le(size, m_scale); /* no code is clipped */
        ck_assert_double_le(size, v_scale);
        ck_assert_double_le(fabs(m_of(&x, i) - (double)g[i]), 0.502 * m_scale * 254 / (free_of * (free_of - 0.5)));
        if (x.m[i] == 0 || x.v[i] > 1)
            ck_assert_double_le(fabs(root_of(&x, i) - size), 1.001 * v_scale / 255);
        ck_assert(x.m[i] == 0 || x.v[i] > 0);
        ck_assert(size > 0 || (x.m[i] == 0 && x.v[i] == 0));
    }
}
END_TEST

START_TEST(nothing_comes_of_nothing)
{
    static struct codes x;
    static float p[MOST], g[MOST];
    const struct adamw_args args = {.grad_scale = 1,
                                    .learning_rate = 1,
                                    .rest1 = 0.1F,
                                    .beta2 = 0.999F,
                                    .rest2 = 0.001F,
                                    .epsilon = 1e-8F,
                                    .correction1 = 0.1F,
                                    .correction2_sqrt = 0.03F};
    for (size_t i = 0; i < MOST; i++)
        p[i] = (float)i;
    for (uint32_t step = 0; step < 3; step++)
        take(tables[_i], &x, p, g, &args, step, MOST);
    for (size_t i = 0; i < MOST; i++)
        ck_assert(p[i] == (float)i && x.m[i] == 0 && x.v[i] == 0);
}
END_TEST

/* Of each size, over many seeds. */
START_TEST(the_mean_of_what_is_kept_of_v_is_v)
{
    enum { SEEDS = 4000 };
    static struct codes x;
    static float p[MOMENTS_GROUP], g[MOMENTS_GROUP];
    double sum[MOMENTS_GROUP] = {0};
    for (size_t i = 0; i < MOMENTS_GROUP; i++)
        g[i] = (float)(MOMENTS_GROUP - i) / MOMENTS_GROUP;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        take(tables[_i], &x, p, g, &no_memory, seed_of(seed), MOMENTS_GROUP);
        for (size_t i = 0; i < MOMENTS_GROUP; i++)
            sum[i] += root_of(&x, i) * root_of(&x, i);
    }
    for (size_t i = 0; i < MOMENTS_GROUP; i++) { /* a code is off by half of (2 root / 255), of 4000 of them the mean */
        const double v = (double)g[i] * (double)g[i];
        ck_assert_double_le(fabs(sum[i] / SEEDS - v), 5 * 0.5 * 2.1 * (double)g[i] / 255 / sqrt(SEEDS));
    }
}
END_TEST

/* v's memory is a thousand steps, and a code changes by less than one a step: gradients become a tenth, and what is
 * kept has to follow as floats do. */
START_TEST(v_does_not_stand_still)
{
    enum { STEPS = 3000, N = 1024 };
    static struct codes x;
    static float p[N], g[N];
    const struct adamw_args args = {.grad_scale = 1,
                                    .rest1 = 0.1F,
                                    .beta2 = 0.999F,
                                    .rest2 = 0.001F,
                                    .epsilon = 1,
                                    .correction1 = 1,
                                    .correction2_sqrt = 1};
    double v = 0, mean = 0;
    x = (struct codes){0};
    for (uint32_t step = 0; step < STEPS; step++) {
        const double size = step < STEPS / 3 ? 1 : 0.1;
        for (size_t i = 0; i < N; i++)
            g[i] = (float)((step + i) % 2 ? size : -size);
        take(tables[_i], &x, p, g, &args, seed_of(step), N);
        v = v * 0.999 + size * size * 0.001;
    }
    for (size_t i = 0; i < N; i++)
        mean += root_of(&x, i) * root_of(&x, i) / N;
    check_error(table_name(tables[_i]), "v, after 3000 steps, relative", fabs(mean / v - 1), 0.02);
}
END_TEST

/* One gradient is a million times the others of its group: none of these may leap for want of a v. */
START_TEST(small_gradients_beside_a_large_one_take_no_leaps)
{
    static struct codes x;
    static float p[MOMENTS_GROUP], g[MOMENTS_GROUP];
    struct rng rng;
    rng_seed(&rng, 2, 0);
    x = (struct codes){0};
    for (uint32_t step = 1; step <= 500; step++) {
        struct adamw_args args = {
            .grad_scale = 1, .learning_rate = 1e-3F, .rest1 = 0.1F, .beta2 = 0.999F, .rest2 = 0.001F, .epsilon = 1e-8F};
        args.correction1 = (float)(1 - pow(0.9, step));
        args.correction2_sqrt = (float)sqrt(1 - pow(0.999, step));
        float before[MOMENTS_GROUP];
        memcpy(before, p, sizeof before);
        for (size_t i = 0; i < MOMENTS_GROUP; i++)
            g[i] = (float)(rng_normal(&rng) * (i == 3 ? 1 : i % 2 ? 1e-6 : 4e-3));
        take(tables[_i], &x, p, g, &args, seed_of(step), MOMENTS_GROUP);
        for (size_t i = 0; i < MOMENTS_GROUP; i++) /* Adam's own bound is about 7 learning rates */
            ck_assert_float_le(fabsf(p[i] - before[i]), 15e-3F);
    }
}
END_TEST

/* ---- a thousand steps ---- */

enum { N_QUADRATIC = MOST };

/* 0.5 * sum of curvature (p - 1)^2, whose curvatures are spread over four powers of ten. */
static double curvature(size_t i)
{
    return pow(10, -4.0 * (double)((i * 2654435761U) % 1000) / 1000);
}

static double quadratic(const float *p)
{
    double sum = 0;
    for (size_t i = 0; i < N_QUADRATIC; i++)
        sum += 0.5 * curvature(i) * ((double)p[i] - 1) * ((double)p[i] - 1);
    return sum / N_QUADRATIC;
}

/* Gradients with noise, the same in every run. */
static void gradients_at(const float *p, float *g, uint32_t step)
{
    struct rng rng;
    rng_seed(&rng, 6, step);
    for (size_t i = 0; i < N_QUADRATIC; i++)
        g[i] = (float)(curvature(i) * ((double)p[i] - 1 + 0.3 * rng_normal(&rng)));
}

static double descend(const struct kernels *k, bool is_small)
{
    static struct codes x;
    static float p[N_QUADRATIC], m[N_QUADRATIC], v[N_QUADRATIC], g[N_QUADRATIC];
    struct adamw_args args = {.grad_scale = 1, .rest1 = 0.1F, .beta2 = 0.999F, .rest2 = 0.001F, .epsilon = 1e-8F};
    x = (struct codes){0};
    memset(p, 0, sizeof p), memset(m, 0, sizeof m), memset(v, 0, sizeof v);
    for (uint32_t step = 1; step <= 1000; step++) {
        args.learning_rate = (float)(1e-2 * (1000 - step + 1) / 1000);
        args.correction1 = (float)(1 - pow(0.9, step));
        args.correction2_sqrt = (float)sqrt(1 - pow(0.999, step));
        gradients_at(p, g, step);
        if (is_small)
            take(k, &x, p, g, &args, seed_of(step), N_QUADRATIC);
        else
            k->adamw(p, m, v, g, &args, N_QUADRATIC);
    }
    return quadratic(p);
}

START_TEST(a_thousand_steps_end_where_those_of_floats_do)
{
    static const float zeros[N_QUADRATIC];
    const double floats = descend(tables[_i], false), small = descend(tables[_i], true);
    ck_assert_double_lt(floats, 0.01 * quadratic(zeros));
    check_error(table_name(tables[_i]), "loss after 1000 steps, relative", small / floats - 1, 0.1);
}
END_TEST

/* ---- the file ---- */

static const struct adamw_options small_options = {.kept = MOMENTS_8BIT, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
static const struct adamw_options float_options = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};

static void open_model(struct transformer *model)
{
    struct model_config config;
    check_ok(model_config_load(&config, "checkpoints/base", NULL, &err));
    check_ok(transformer_init(model, &config, tables[0], tensor_any, &err));
}

/* Moments after a step. */
static void open_adamw(struct adamw *adamw, struct transformer *model, const struct adamw_options *options)
{
    check_ok(adamw_init(adamw, model, options, &err));
    spread_gradients(model->params.grads.data, model->params.table.n_trained_elements);
    adamw_step(adamw, model, 1, 1e-3, 1);
}

static void check_same(const struct block *a, const struct block *b)
{
    ck_assert_uint_eq(a->bytes, b->bytes);
    ck_assert(memcmp(a->data, b->data, a->bytes) == 0);
}

START_TEST(moments_come_back_from_their_file)
{
    struct transformer model;
    struct adamw adamw, again;
    char *path = path_join(dir, "moments");
    open_model(&model);
    const struct tensor_table *table = &model.params.table;
    open_adamw(&adamw, &model, &small_options);
    ck_assert_uint_eq(adamw.m.bytes, adamw_moments_bytes(table, &small_options));
    ck_assert_uint_lt(3 * adamw.m.bytes, adamw_moments_bytes(table, &float_options));
    check_ok(adamw_write(&adamw, table, path, &err));
    check_ok(adamw_init(&again, &model, &small_options, &err));
    check_ok(adamw_read(&again, table, path, &err));
    check_same(&adamw.m, &again.m);
    check_same(&adamw.v, &again.v);
    adamw_free(&adamw);
    adamw_free(&again);
    transformer_free(&model);
    free(path);
}
END_TEST

/* The same file but for one tensor, which has another name, or is of another type. */
static void write_spoilt(const char *from, const char *to, const char *name, const char *new_name, const char *dtype)
{
    struct st_file file;
    check_ok(st_open(&file, from, &err));
    struct st_entry *entries = mem_calloc(file.n_tensors, sizeof *entries);
    for (size_t i = 0; i < file.n_tensors; i++) {
        const struct stored_tensor *t = &file.tensors[i];
        const bool is_it = strcmp(t->name, name) == 0;
        entries[i] = (struct st_entry){.name = is_it ? new_name : t->name,
                                       .dtype = is_it && dtype ? dtype_find(dtype) : t->dtype,
                                       .n_dims = t->n_dims};
        memcpy(entries[i].shape, t->shape, sizeof t->shape);
    }
    struct st_writer *w = st_writer_open(to, entries, file.n_tensors, &err);
    for (size_t i = 0; i < file.n_tensors; i++)
        st_write_as_it_is(w, file.tensors[i].data);
    check_ok(st_writer_commit(w, NULL, &err));
    free(entries);
    st_close(&file);
}

START_TEST(a_file_that_lacks_something_is_refused)
{
    static const char name[] = "m.transformer.wte.weight", scales[] = "v.transformer.wte.weight.scales";
    struct transformer model;
    struct adamw adamw;
    char *path = path_join(dir, "moments"), *spoilt = path_join(dir, "spoilt");
    open_model(&model);
    const struct tensor_table *table = &model.params.table;
    open_adamw(&adamw, &model, &small_options);
    check_ok(adamw_write(&adamw, table, path, &err));
    write_spoilt(path, spoilt, scales, "v.scales", NULL);
    expect_message(adamw_read(&adamw, table, spoilt, &err),
                   "/spoilt: tensor 'v.transformer.wte.weight.scales' is missing or has another size");
    write_spoilt(path, spoilt, name, name, "U8");
    expect_message(adamw_read(&adamw, table, spoilt, &err),
                   "/spoilt: tensor 'm.transformer.wte.weight' is U8, and not I8");
    adamw_free(&adamw);
    open_adamw(&adamw, &model, &float_options);
    expect_message(adamw_read(&adamw, table, path, &err),
                   "/moments: tensor 'm.transformer.wte.weight' is I8, and not F32");
    adamw_free(&adamw);
    transformer_free(&model);
    free(path);
    free(spoilt);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = runnable_tables(tables);
    Suite *suite = suite_create("moments");
    TCase *steps = tcase_create("steps"), *file = tcase_create("file");
    tcase_set_timeout(steps, 120);
    tcase_set_timeout(file, 60);
    tcase_add_loop_test(steps, a_code_is_the_nearest_or_a_neighbour, 0, (int)n_tables);
    tcase_add_loop_test(steps, nothing_comes_of_nothing, 0, (int)n_tables);
    tcase_add_loop_test(steps, the_mean_of_what_is_kept_of_v_is_v, 0, (int)n_tables);
    tcase_add_loop_test(steps, v_does_not_stand_still, 0, (int)n_tables);
    tcase_add_loop_test(steps, small_gradients_beside_a_large_one_take_no_leaps, 0, (int)n_tables);
    tcase_add_loop_test(steps, a_thousand_steps_end_where_those_of_floats_do, 0, (int)n_tables);
    tcase_add_checked_fixture(file, make_dir, remove_dir);
    tcase_add_test(file, moments_come_back_from_their_file);
    tcase_add_test(file, a_file_that_lacks_something_is_refused);
    suite_add_tcase(suite, steps);
    suite_add_tcase(suite, file);
    return run_suite(suite);
}

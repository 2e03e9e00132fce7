/* Weights that are only read, kept as the bfloat16s that they are stored as: whatever is computed of them is what is
 * computed of the same numbers as floats, to the last bit. */
#include "files/safetensors.h"
#include "files/weights.h"
#include "model/transformer.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "support/small_model.h"
#include "support/tables.h"

enum { C = 70, V = 530, M_MOST = 41, OUT = 115 };

/* ---- ops ---- */

static float some(size_t i)
{
    return (float)((i * 2654435761u >> 7) % 2001) / 1000 - 1;
}

/* n numbers that bfloat16s hold, as both; free w. */
struct both {
    float *w;
    bf16 *w_bf16;
};

static struct both make_both(size_t n)
{
    struct both both = {mem_calloc(n, sizeof *both.w), mem_calloc(n, sizeof *both.w_bf16)};
    for (size_t i = 0; i < n; i++) {
        const float x = some(3 * i + 1);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        both.w_bf16[i] = (bf16)(bits >> 16);
        bits &= 0xFFFF0000u;
        memcpy(&both.w[i], &bits, sizeof bits);
    }
    return both;
}

static void free_both(struct both both)
{
    free(both.w);
    free(both.w_bf16);
}

static struct workspace make_work(const struct kernels *k)
{
    const struct kernel_sizes sizes = {.N = M_MOST, .width = OUT, .C = C, .V = V, .bf16_weights = true};
    struct workspace work = {.bytes = k->work_bytes(&sizes)};
    work.data = aligned_alloc(64, (work.bytes + 64) / 64 * 64);
    ck_assert_ptr_nonnull(work.data);
    return work;
}

/* n elements as operands of the table; free buffer. */
static const act *operand(const struct kernels *k, float *reals, act **buffer, size_t n)
{
    for (size_t i = 0; i < n; i++)
        reals[i] = some(7 * i);
    *buffer = mem_calloc(n, sizeof(float));
    return k->to_act(*buffer, reals, 1, n);
}

static const size_t row_counts[] = {1, 3, 4, 5, M_MOST};
enum { N_COUNTS = sizeof row_counts / sizeof *row_counts };

/* What each op gives of w and of w_bf16: y twice, `bytes` of it the same. */
static void expect_same(const struct kernels *k, const char *op, size_t rows, const void *of_floats,
                        const void *of_bf16, size_t bytes)
{
    ck_assert_msg(memcmp(of_floats, of_bf16, bytes) == 0, "%s: %s of %zu rows", table_name(k), op, rows);
}

static void check_linear(const struct kernels *k, size_t N, bool transposed)
{
    const struct both w = make_both(C * OUT);
    struct linear l = {.w = w.w, .in = C, .out = OUT, .transposed = transposed}, kept = l;
    kept.w = NULL;
    kept.w_bf16 = w.w_bf16;
    float *reals = mem_calloc(N * OUT, sizeof *reals), *sums = mem_calloc(2 * N * OUT, sizeof *sums);
    act *buffer, *y = mem_calloc(2 * N * OUT, sizeof(float)), *y_bf16 = (float *)y + N * OUT;
    const act *x = operand(k, reals, &buffer, N * OUT);
    const struct workspace work = make_work(k);
    k->linear_fwd(y, x, &l, N, &work);
    k->linear_fwd(y_bf16, x, &kept, N, &work);
    expect_same(k, transposed ? "linear, (out,in)," : "linear, (in,out),", N, y, y_bf16, N * OUT * k->act_size);
    k->linear_residual_fwd(sums, reals, x, &l, 0.5F, N, &work);
    k->linear_residual_fwd(sums + N * OUT, reals, x, &kept, 0.5F, N, &work);
    expect_same(k, "linear and residual", N, sums, sums + N * OUT, N * OUT * sizeof *sums);
    k->linear_bwd_dx(y, &(struct linear_grad){x, &l}, 1, N, &work);
    k->linear_bwd_dx(y_bf16, &(struct linear_grad){x, &kept}, 1, N, &work);
    expect_same(k, "linear, backward to x,", N, y, y_bf16, N * C * k->act_size);
    free(work.data);
    free(buffer);
    free(reals);
    free(sums);
    free(y);
    free_both(w);
}

static void check_head(const struct kernels *k, size_t M)
{
    const struct both w = make_both(V * C);
    const struct head head = {.w = w.w, .V = V, .C = C, .scale = 0.5F, .softcap = 3};
    const struct head kept = {.V = V, .C = C, .scale = 0.5F, .softcap = 3, .w_bf16 = w.w_bf16};
    const struct head *const heads[] = {&head, &kept};
    float *reals = mem_calloc(M * C, sizeof *reals), *logits[2], nll[2][M_MOST], dnll[M_MOST];
    int32_t labels[M_MOST];
    uint8_t correct[M_MOST];
    act *buffer, *dh[2];
    const act *h = operand(k, reals, &buffer, M * C);
    const struct workspace work = make_work(k);
    for (size_t m = 0; m < M; m++) {
        labels[m] = (int32_t)(m * 13 % V);
        dnll[m] = 1;
    }
    for (size_t i = 0; i < 2; i++) {
        logits[i] = mem_calloc(M * V, sizeof **logits);
        dh[i] = mem_calloc(M * C, sizeof(float));
        k->head_logits(logits[i], h, heads[i], M, &work);
        k->head_loss(nll[i], correct, dh[i], NULL, false, h, labels, dnll, heads[i], M, &work);
    }
    expect_same(k, "logits", M, logits[0], logits[1], M * V * sizeof **logits);
    expect_same(k, "losses", M, nll[0], nll[1], M * sizeof **nll);
    expect_same(k, "the head, backward,", M, dh[0], dh[1], M * C * k->act_size);
    for (size_t i = 0; i < 2; i++) {
        free(logits[i]);
        free(dh[i]);
    }
    free(work.data);
    free(buffer);
    free(reals);
    free_both(w);
}

static void check_embedding(const struct kernels *k, size_t N)
{
    const struct both w = make_both(V * C);
    float *x = mem_calloc(2 * N * C, sizeof *x);
    int32_t tokens[M_MOST], position[M_MOST];
    for (size_t n = 0; n < N; n++)
        tokens[n] = position[n] = (int32_t)(n * 29 % V);
    for (size_t with = 0; with < 2; with++) {
        const float *wpe = with ? w.w : NULL;
        k->embed_fwd(x, w.w, NULL, wpe, tokens, position, 1.5F, N, C);
        k->embed_fwd(x + N * C, NULL, w.w_bf16, wpe, tokens, position, 1.5F, N, C);
        expect_same(k, "the embedding", N, x, x + N * C, N * C * sizeof *x);
    }
    free(x);
    free_both(w);
}

START_TEST(ops_give_what_they_give_of_floats)
{
    const struct kernels *tables[MAX_TABLES];
    const size_t n_tables = modelled_tables(tables), rows = row_counts[_i];
    size_t n_checked = 0;
    for (size_t t = 0; t < n_tables; t++) {
        if (!tables[t]->reads_bf16)
            continue;
        check_linear(tables[t], rows, false);
        check_linear(tables[t], rows, true);
        check_head(tables[t], rows);
        check_embedding(tables[t], rows);
        n_checked++;
    }
    ck_assert_uint_ge(n_checked, 1); /* the definition does on any CPU */
}
END_TEST

/* ---- models ---- */

#define SMALL_GPT2                                                                                                     \
    "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":2,\"n_embd\":16,\"n_positions\":32,\"vocab_size\":40}"

/* The model of `config_json`, its weights rounded and stored as `dtype`. */
static void put_model(const char *config_json, const struct dtype *dtype, struct model_config *config)
{
    struct param_set params;
    json *raw;
    small_model_put(dir, config_json, 0);
    check_ok(model_config_load(config, dir, &raw, &err));
    check_ok(param_set_init(&params, config, NULL, &err));
    check_ok(weights_load(params.values.data, &params.table, config, config->vocab_size, dir, &err));
    const struct model_meta meta = {
        .base_config = raw, .eos_token_id = -1, .pad_token_id = -1, .bos_token_id = -1, .dtype = dtype};
    check_ok(hf_save(&(struct model_out){params.values.data, &params.table, config, &meta, NULL}, dir, &err));
    param_set_free(&params);
    json_free(raw);
}

/* Opened to be read: config has a row for each token, the files file_vocab. */
static void open_model(struct transformer *model, const struct kernels *k, const struct model_config *config,
                       size_t file_vocab, enum weights_kind kind)
{
    struct tensor_table table;
    struct strbuf unused = {0};
    const struct weights_kept kept = {.as = kind};
    tensor_table_init(&table, config);
    check_ok(weights_check_to_read(&table, &kept, config, file_vocab, dir, &unused, &err));
    check_ok(transformer_init_of(model, config, k, &table, &err));
    check_ok(weights_load_set(&model->params, config, file_vocab, dir, &err));
    strbuf_free(&unused);
}

/* The logits (N,V) at all positions of some tokens; malloc'd. */
static float *compute_logits(const struct transformer *model, size_t N)
{
    const size_t n_vocab = model->config.vocab_size, seq_start[] = {0, N};
    int32_t tokens[M_MOST], position[M_MOST];
    size_t rows[M_MOST];
    struct activations acts;
    float *logits = mem_calloc(N * n_vocab, sizeof *logits);
    for (size_t n = 0; n < N; n++) {
        tokens[n] = (int32_t)(n * 7 % n_vocab);
        position[n] = (int32_t)n;
        rows[n] = n;
    }
    const struct batch batch = {.N = N, .S = 1, .tokens = tokens, .position = position, .seq_start = seq_start};
    check_ok(activations_init(&acts, &model->config, model->kernels, N, false, &err));
    transformer_logits(model, &acts, &batch, NULL, rows, N, logits);
    activations_free(&acts);
    return logits;
}

static void expect_same_logits(const struct transformer *a, const struct transformer *b, size_t N)
{
    float *of_a = compute_logits(a, N), *of_b = compute_logits(b, N);
    ck_assert_msg(memcmp(of_a, of_b, N * a->config.vocab_size * sizeof *of_a) == 0, "%s: %zu positions",
                  table_name(a->kernels), N);
    free(of_a);
    free(of_b);
}

static const char *const configs[] = {SMALL_LLAMA(""), SMALL_LLAMA(",\"tie_word_embeddings\":true"), SMALL_GPT2};
enum { N_CONFIGS = sizeof configs / sizeof *configs };

START_TEST(a_model_answers_as_one_of_floats)
{
    const struct kernels *tables[MAX_TABLES];
    const size_t n_tables = modelled_tables(tables);
    struct model_config config;
    put_model(configs[_i], &dtype_bf16, &config);
    for (size_t t = 0; t < n_tables; t++) {
        struct transformer model, kept;
        open_model(&model, tables[t], &config, config.vocab_size, WEIGHTS_F32);
        open_model(&kept, tables[t], &config, config.vocab_size,
                   tables[t]->reads_bf16 ? WEIGHTS_AS_STORED : WEIGHTS_F32);
        ck_assert_uint_eq(model.params.bf16.bytes, 0);
        if (tables[t]->reads_bf16) /* all but norms, biases and learned positions */
            ck_assert_uint_gt(kept.params.bf16.bytes, 2 * kept.params.values.bytes);
        expect_same_logits(&model, &kept, 2);
        expect_same_logits(&model, &kept, 19);
        transformer_free(&model);
        transformer_free(&kept);
    }
}
END_TEST

/* A mean of rows is no bfloat16, and was none. */
START_TEST(an_embedding_that_grows_is_not_rounded)
{
    struct model_config config;
    struct transformer model, kept;
    put_model(configs[1], &dtype_bf16, &config);
    const size_t file_vocab = config.vocab_size;
    config.vocab_size += 3;
    open_model(&model, &kernels_plain_f32, &config, file_vocab, WEIGHTS_F32);
    open_model(&kept, &kernels_plain_f32, &config, file_vocab, WEIGHTS_AS_STORED);
    ck_assert_int_eq(kept.params.table.token_embedding->kept, KEPT_REAL);
    ck_assert_uint_gt(kept.params.bf16.bytes, 0);
    expect_same_logits(&model, &kept, 19);
    transformer_free(&model);
    transformer_free(&kept);
}
END_TEST

START_TEST(other_numbers_are_floats)
{
    struct model_config config;
    struct transformer model;
    put_model(configs[0], _i ? &dtype_f16 : &dtype_f32, &config);
    open_model(&model, &kernels_plain_f32, &config, config.vocab_size, WEIGHTS_AS_STORED);
    ck_assert_uint_eq(model.params.bf16.bytes, 0);
    transformer_free(&model);
}
END_TEST

/* Overwrite the last number of the first tensor that is kept. */
static void damage(const struct tensor_table *table, bf16 value)
{
    struct st_file file;
    char *path = path_join(dir, "model.safetensors");
    const char *name = NULL;
    for (size_t i = 0; i < table->n_tensors && !name; i++)
        name = table->tensors[i].kept == KEPT_BF16 ? table->tensors[i].name : NULL;
    check_ok(st_open(&file, path, &err));
    const struct stored_tensor *t = st_find(&file, name);
    const long at = (long)((const char *)t->data - file.map.data + (ptrdiff_t)(t->bytes - sizeof value));
    st_close(&file);
    FILE *f = fopen(path, "r+b");
    ck_assert(f && fseek(f, at, SEEK_SET) == 0 && fwrite(&value, sizeof value, 1, f) == 1);
    fclose(f);
    free(path);
}

START_TEST(a_number_that_is_none_is_told)
{
    static const bf16 bad[] = {0x7F80, 0xFF80, 0x7FC1};
    struct model_config config;
    struct transformer model;
    put_model(configs[0], &dtype_bf16, &config);
    open_model(&model, &kernels_plain_f32, &config, config.vocab_size, WEIGHTS_AS_STORED);
    damage(&model.params.table, bad[_i]);
    ck_assert_int_eq(weights_load_set(&model.params, &config, config.vocab_size, dir, &err), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "1 of 640 values are not finite"));
    transformer_free(&model);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    Suite *suite = suite_create("bf16 weights");
    TCase *tcase = tcase_create("bf16 weights");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, ops_give_what_they_give_of_floats, 0, N_COUNTS);
    tcase_add_loop_test(tcase, a_model_answers_as_one_of_floats, 0, N_CONFIGS);
    tcase_add_test(tcase, an_embedding_that_grows_is_not_rounded);
    tcase_add_loop_test(tcase, other_numbers_are_floats, 0, 2);
    tcase_add_loop_test(tcase, a_number_that_is_none_is_told, 0, 3);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

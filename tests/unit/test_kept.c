/* Weights that are only read, as they may be kept in memory: floats, bfloat16s or 8-bit integers, as they lie in files
 * or transposed. What is in memory, and that a model answers as the same numbers as floats do. */
#include "files/half.h"
#include "files/safetensors.h"
#include "files/weights.h"
#include "model/transformer.h"
#include "scratch.h"
#include "support/measured.h"
#include "support/pages.h"
#include "support/run_suite.h"
#include "support/small_model.h"
#include "support/tables.h"

#include <math.h>

enum { N_MOST = 19, NEW_TOKENS = 3 };

#define SMALL_GPT2                                                                                                   \
    "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":2,\"n_embd\":16,\"n_positions\":32,\"vocab_size\":40}"

static const char *const configs[] = {SMALL_LLAMA(""), SMALL_LLAMA(",\"tie_word_embeddings\":true"), SMALL_GPT2};
static const struct dtype *const dtypes[] = {&dtype_f32, &dtype_f16, &dtype_bf16};
static const enum weights_kind kinds[] = {WEIGHTS_AS_STORED, WEIGHTS_F32, WEIGHTS_BF16, WEIGHTS_INT8};
enum { N_CONFIGS = 3, N_DTYPES = 3, N_KINDS = 4, TIED_LLAMA = 1, GPT2 = 2 };

/* ---- models ---- */

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
    const struct model_out out = {
        .values = model_values_in(params.values.data), .table = &params.table, .config = config, .meta = &meta};
    check_ok(hf_save(&out, dir, &err));
    param_set_free(&params);
    json_free(raw);
}

/* Opened to be read: config has a row for each token, the files file_vocab. */
static enum sft_status open_model(struct transformer *model, const struct kernels *k, const struct model_config *config,
                                  size_t file_vocab, enum weights_kind kind, bool transposed)
{
    struct tensor_table table;
    struct strbuf unused = {0};
    const struct weights_kept kept = {.as = kind, .transposed = transposed};
    tensor_table_init(&table, config);
    tensor_table_choose(&table, NULL);
    check_ok(weights_check_to_read(&table, &kept, config, file_vocab, dir, &unused, &err));
    check_ok(transformer_init_of(model, config, k, &table, &err));
    strbuf_free(&unused);
    return weights_load_set(&model->params, &kept, k->quantize_rows, config, file_vocab, dir, &err);
}

/* ---- what is in memory ---- */

/* Element (row, col) of what the files have, wherever it lies. */
static size_t place_of(const struct tensor *t, size_t row, size_t col)
{
    return t->transposed ? col * t->rows + row : row * t->cols + col;
}

/* As integers: the largest of a row of the memory is 127, and each is the nearest. */
static void check_integers(const struct matrix *m, const struct tensor *t, const float *floats)
{
    const size_t rows = t->transposed ? t->cols : t->rows, cols = t->transposed ? t->rows : t->cols;
    for (size_t r = 0; r < rows; r++) {
        int largest = 0;
        for (size_t c = 0; c < cols; c++) {
            const float x = t->transposed ? floats[c * t->cols + r] : floats[r * t->cols + c];
            const int q = m->w_int8[r * cols + c];
            largest = abs(q) > largest ? abs(q) : largest;
            ck_assert_msg(fabs((double)x - q * (double)m->scales[r]) <= 0.5001 * (double)m->scales[r],
                          "%s: %g is %d of %g", t->name, (double)x, q, (double)m->scales[r]);
        }
        ck_assert_int_eq(largest, 127);
    }
}

static void check_tensor(const struct param_set *params, const struct tensor *t, const float *floats)
{
    const struct matrix m = param_matrix(params, t);
    ck_assert_int_eq(!m.w + !m.w_bf16 + !m.w_int8, 2);
    if (m.w_int8) {
        check_integers(&m, t, floats);
        return;
    }
    for (size_t row = 0; row < t->rows; row++)
        for (size_t col = 0; col < t->cols; col++) {
            const float x = floats[row * t->cols + col], y = m.w ? m.w[place_of(t, row, col)] : x;
            ck_assert_msg(x == y, "%s: row %zu, column %zu: %g, not %g", t->name, row, col, (double)y, (double)x);
            if (m.w_bf16)
                ck_assert_uint_eq(m.w_bf16[place_of(t, row, col)], bf16_from_f32(x));
        }
}

static enum kept kept_as(enum weights_kind kind, const struct dtype *dtype, const struct tensor *t, bool grows)
{
    if (!t->is_matrix || kind == WEIGHTS_F32)
        return KEPT_REAL;
    if (kind == WEIGHTS_AS_STORED)
        return dtype == &dtype_bf16 && !(t->per_token && grows) ? KEPT_BF16 : KEPT_REAL;
    return kind == WEIGHTS_BF16 ? KEPT_BF16 : KEPT_INT8;
}

/* Every kind, of files of every dtype, with new tokens and without. */
START_TEST(values_are_those_of_the_files)
{
    const enum weights_kind kind = kinds[_i % N_KINDS];
    const struct dtype *dtype = dtypes[_i / N_KINDS % N_DTYPES];
    const bool transposed = _i / N_KINDS / N_DTYPES % 2 || kind == WEIGHTS_INT8;
    for (size_t c = 0; c < N_CONFIGS; c++)
        for (size_t grown = 0; grown <= NEW_TOKENS; grown += NEW_TOKENS) {
            struct model_config config;
            struct param_set floats;
            struct transformer model;
            put_model(configs[c], dtype, &config);
            const size_t file_vocab = config.vocab_size;
            config.vocab_size += grown;
            check_ok(param_set_init(&floats, &config, NULL, &err));
            check_ok(weights_load(floats.values.data, &floats.table, &config, file_vocab, dir, &err));
            check_ok(open_model(&model, &kernels_plain_f32, &config, file_vocab, kind, transposed));
            size_t n_transposed = 0;
            for (size_t i = 0; i < floats.table.n_tensors; i++) {
                const struct tensor *t = &model.params.table.tensors[i];
                ck_assert_int_eq(t->kept, kept_as(kind, dtype, t, grown > 0));
                check_tensor(&model.params, t, param_values(&floats, &floats.table.tensors[i]));
                n_transposed += t->transposed;
            }
            ck_assert_uint_eq(n_transposed, transposed && c == GPT2 ? 2 * 4 : 0);
            transformer_free(&model);
            param_set_free(&floats);
        }
}
END_TEST

/* Overwrite the last number of the first matrix in the file. */
static void damage(const struct tensor_table *table, const void *value, size_t size)
{
    struct st_file file;
    char *path = path_join(dir, "model.safetensors");
    const char *name = NULL;
    for (size_t i = 0; i < table->n_tensors && !name; i++)
        name = table->tensors[i].is_matrix ? table->tensors[i].name : NULL;
    check_ok(st_open(&file, path, &err));
    const struct stored_tensor *t = st_find(&file, name);
    const long at = (long)((const char *)t->data - file.map.data + (ptrdiff_t)(t->bytes - size));
    st_close(&file);
    FILE *f = fopen(path, "r+b");
    ck_assert(f && fseek(f, at, SEEK_SET) == 0 && fwrite(value, size, 1, f) == 1);
    fclose(f);
    free(path);
}

#define REPLACED_BY(dtype)                                                                                           \
    "/model.safetensors: tensor 'model.embed_tokens.weight': is " dtype ", and was another type a moment ago: the "    \
    "model was replaced while it was read (try again)"

/* Between two looks at a directory it may be written anew, of another type: that is told where the type matters. */
START_TEST(files_that_were_replaced_are_told)
{
    const struct dtype *before = dtypes[_i ? 2 : 0], *after = dtypes[_i ? 0 : 2];
    for (size_t k = 0; k < N_KINDS; k++) {
        const struct weights_kept kept = {.as = kinds[k]};
        struct model_config config;
        struct param_set params;
        struct tensor_table table;
        struct strbuf unused = {0};
        put_model(configs[0], before, &config);
        tensor_table_init(&table, &config);
        tensor_table_choose(&table, NULL);
        check_ok(weights_check_to_read(&table, &kept, &config, config.vocab_size, dir, &unused, &err));
        check_ok(param_set_allocate(&params, &table, &err));
        put_model(configs[0], after, &config);
        const enum sft_status status = weights_load_set(&params, &kept, kernels_plain_f32.quantize_rows, &config,
                                                        config.vocab_size, dir, &err);
        if (kinds[k] == WEIGHTS_AS_STORED)
            expect_message(status, _i ? REPLACED_BY("F32") : REPLACED_BY("BF16"));
        else
            check_ok(status);
        param_set_free(&params);
        strbuf_free(&unused);
    }
}
END_TEST

/* Infinity and NaN of either dtype, and what is one only once it is rounded. */
START_TEST(a_number_that_is_none_is_told)
{
    static const uint16_t halves[] = {0x7F80, 0xFF80, 0x7FC1};
    static const uint32_t words[] = {0x7F800000, 0xFFC00001, 0x7F7FFFFF};
    const bool is_bf16 = _i < 3;
    for (size_t k = 0; k < N_KINDS; k++) {
        struct model_config config;
        struct transformer model;
        put_model(configs[0], is_bf16 ? &dtype_bf16 : &dtype_f32, &config);
        check_ok(open_model(&model, &kernels_plain_f32, &config, config.vocab_size, kinds[k], true));
        if (is_bf16)
            damage(&model.params.table, &halves[_i], sizeof *halves);
        else
            damage(&model.params.table, &words[_i - 3], sizeof *words);
        transformer_free(&model);
        const bool is_finite = _i == 5 && kinds[k] != WEIGHTS_BF16;
        const enum sft_status status =
            open_model(&model, &kernels_plain_f32, &config, config.vocab_size, kinds[k], true);
        ck_assert_int_eq(status, is_finite ? SFT_OK : SFT_EDATA);
        if (!is_finite)
            ck_assert_ptr_nonnull(strstr(err_text(&err), "1 of 640 values are not finite"));
        transformer_free(&model);
    }
}
END_TEST

/* ---- memory ---- */

#define WIDE_LLAMA                                                                                                     \
    "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"num_attention_heads\":8,\"hidden_size\":512," \
    "\"intermediate_size\":1024,\"max_position_embeddings\":64,\"vocab_size\":32768,\"tie_word_embeddings\":true}"
#define WIDE_GPT2                                                                                                      \
    "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":8,\"n_embd\":1024,\"n_positions\":64,\"vocab_size\":8192}"

/* A model of zeros, floats, which take no room on disk. */
static void put_hollow_model(const char *config_json, struct model_config *config)
{
    struct tensor_table table;
    struct strbuf header = {0};
    json *raw;
    size_t end = 0;
    put("config.json", config_json);
    check_ok(model_config_load(config, dir, &raw, &err));
    tensor_table_init(&table, config);
    tensor_table_choose(&table, NULL);
    for (size_t i = 0; i < table.n_tensors; i++) {
        const struct tensor *t = &table.tensors[i];
        strbuf_printf(&header, "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu", i ? ',' : '{', t->name, t->rows);
        if (t->n_dims == 2)
            strbuf_printf(&header, ",%zu", t->cols);
        strbuf_printf(&header, "],\"data_offsets\":[%zu,%zu]}", end, end + t->count * sizeof(float));
        end += t->count * sizeof(float);
    }
    strbuf_puts(&header, "}");
    const uint64_t len = header.len;
    char *path = path_join(dir, "model.safetensors");
    FILE *f = fopen(path, "wb");
    ck_assert(f && fwrite(&len, sizeof len, 1, f) == 1 && fwrite(header.data, header.len, 1, f) == 1);
    ck_assert(!fflush(f) && !ftruncate(fileno(f), (off_t)(sizeof len + len + end)));
    fclose(f);
    free(path);
    json_free(raw);
    strbuf_free(&header);
    tensor_table_free(&table);
}

/* Beside what is kept there is a piece in memory, the file's and its floats, or a matrix and its transposed one. */
START_TEST(reading_takes_little_more_than_what_is_kept)
{
    const size_t before = mem_peak_rss();
    struct model_config config;
    struct transformer model;
    put_hollow_model(_i % 2 ? WIDE_GPT2 : WIDE_LLAMA, &config);
    const enum weights_kind kind = _i < 2 ? WEIGHTS_INT8 : WEIGHTS_BF16;
    check_ok(open_model(&model, &kernels_plain_f32, &config, config.vocab_size, kind, true));
    const struct param_set *p = &model.params;
    const size_t kept = p->values.bytes + p->bf16.bytes + p->int8.bytes + p->scales.bytes;
    const size_t took = mem_peak_rss() - before;
    const size_t most = kept + (_i % 2 ? 3 * 16 << 20 : 12 << 20) + (8 << 20);
    ck_assert_uint_gt(p->table.n_parameters * sizeof(float), kept + (30 << 20)); /* else this would say nothing */
    ck_assert_msg(took <= most, "%zu MB for %zu MB of weights", took >> 20, kept >> 20);
    transformer_free(&model);
}
END_TEST

/* ---- answers ---- */

/* The logits (N,V) at all positions of some tokens; malloc'd. `how`: NULL, as in training; or as a prompt, or one token
 * after another. */
static float *compute_logits(const struct transformer *model, size_t N, const bool *decoding)
{
    const size_t V = model->config.vocab_size, step = decoding && *decoding ? 1 : N;
    int32_t tokens[N_MOST], position[N_MOST];
    size_t rows[N_MOST], seq_start[] = {0, step};
    struct activations acts;
    struct pages pages;
    float *logits = mem_calloc(N * V, sizeof *logits);
    for (size_t n = 0; n < N; n++) {
        tokens[n] = (int32_t)(n * 7 % V);
        position[n] = (int32_t)n;
        rows[n] = n;
    }
    check_ok(transformer_init_activations(model, &acts, N, KEEP_NOTHING, &err));
    pages_init(&pages, &model->config, model->kernels, 1, N, 4);
    const struct kv_view view = pages_from(&pages, 0, decoding && *decoding);
    for (size_t n = 0; n < N; n += step) {
        const struct batch batch = {
            .N = step, .S = 1, .tokens = tokens + n, .position = position + n, .seq_start = seq_start};
        transformer_logits(model, &acts, &batch, decoding ? &view : NULL, rows, step, logits + n * V);
    }
    pages_free(&pages);
    activations_free(&acts);
    return logits;
}

static const bool as_prompt = false, one_by_one = true;
static const bool *const ways[] = {NULL, &as_prompt, &one_by_one};
static const char *const way_names[] = {"as in training", "as a prompt", "one by one"};
enum { N_WAYS = 3 };

static void expect_same_logits(const struct transformer *a, const struct transformer *b, size_t N, size_t way)
{
    float *of_a = compute_logits(a, N, ways[way]), *of_b = compute_logits(b, N, ways[way]);
    ck_assert_msg(memcmp(of_a, of_b, N * a->config.vocab_size * sizeof *of_a) == 0, "%s: %zu positions, %s",
                  table_name(a->kernels), N, way_names[way]);
    free(of_a);
    free(of_b);
}

static void expect_near_logits(const char *what, const struct transformer *a, const struct transformer *b, size_t N,
                               size_t way, double bound)
{
    const size_t n = N * a->config.vocab_size;
    float *of_a = compute_logits(a, N, ways[way]), *of_b = compute_logits(b, N, ways[way]);
    double worst = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)of_a[i] - (double)of_b[i]), y = fabs((double)of_b[i]);
        if (!(d <= worst))
            worst = d;
        size = y > size ? y : size;
    }
    check_error(table_name(a->kernels), what, worst / size, bound);
    free(of_a);
    free(of_b);
}

START_TEST(bfloat16s_answer_as_floats)
{
    const struct kernels *tables[MAX_TABLES];
    const size_t n_tables = modelled_tables(tables);
    struct model_config config;
    put_model(configs[_i], &dtype_bf16, &config);
    for (size_t t = 0; t < n_tables; t++) {
        struct transformer model, kept;
        check_ok(open_model(&model, tables[t], &config, config.vocab_size, WEIGHTS_F32, false));
        check_ok(open_model(&kept, tables[t], &config, config.vocab_size,
                            tables[t]->reads_bf16 ? WEIGHTS_AS_STORED : WEIGHTS_F32, false));
        ck_assert_uint_eq(model.params.bf16.bytes, 0);
        if (tables[t]->reads_bf16) /* all but norms, biases and learned positions */
            ck_assert_uint_gt(kept.params.bf16.bytes, 2 * kept.params.values.bytes);
        for (size_t way = 0; way < N_WAYS; way++) {
            expect_same_logits(&model, &kept, 2, way);
            expect_same_logits(&model, &kept, N_MOST, way);
        }
        transformer_free(&model);
        transformer_free(&kept);
    }
}
END_TEST

/* Packed products have the same numbers in the same order, wherever they were; few rows are summed in another. */
START_TEST(transposed_matrices_answer_as_those_in_files)
{
    const struct kernels *tables[MAX_TABLES];
    const size_t n_tables = modelled_tables(tables);
    struct model_config config;
    put_model(configs[GPT2], dtypes[_i], &config);
    for (size_t t = 0; t < n_tables; t++) {
        struct transformer model, transposed;
        check_ok(open_model(&model, tables[t], &config, config.vocab_size, WEIGHTS_F32, false));
        check_ok(open_model(&transposed, tables[t], &config, config.vocab_size, WEIGHTS_F32, true));
        if (!strstr(tables[t]->products, "OpenBLAS"))
            expect_same_logits(&model, &transposed, N_MOST, 1);
        for (size_t way = 0; way < N_WAYS; way++)
            expect_near_logits("transposed matrices", &transposed, &model, N_MOST, way,
                               is_bf16_table(tables[t]) ? 2e-2 : 2e-6);
        transformer_free(&model);
        transformer_free(&transposed);
    }
}
END_TEST

/* Rounded at load as products would round them on their way: the same prompt. */
START_TEST(rounded_weights_are_what_bf16_makes_of_floats)
{
    const struct kernels *tables[MAX_TABLES];
    const size_t n_tables = modelled_tables(tables);
    struct model_config config;
    put_model(configs[_i], &dtype_f32, &config);
    for (size_t t = 0; t < n_tables; t++) {
        struct transformer model, rounded;
        if (!is_bf16_table(tables[t]))
            continue;
        check_ok(open_model(&model, tables[t], &config, config.vocab_size, WEIGHTS_F32, true));
        check_ok(open_model(&rounded, tables[t], &config, config.vocab_size, WEIGHTS_BF16, true));
        expect_near_logits("rounded at load, prompt", &rounded, &model, N_MOST, 1, 1e-2); /* the embedding's rows */
        expect_near_logits("rounded at load, decoded", &rounded, &model, N_MOST, 2, 1e-2);
        transformer_free(&model);
        transformer_free(&rounded);
    }
}
END_TEST

/* Write into the floats of `to` what the integers of `from` stand for. */
static void copy_integers(struct transformer *to, const struct transformer *from)
{
    for (size_t i = 0; i < from->params.table.n_tensors; i++) {
        const struct tensor *t = &from->params.table.tensors[i];
        const struct matrix m = param_matrix(&from->params, t);
        float *values = param_values(&to->params, &to->params.table.tensors[i]);
        const size_t cols = t->transposed ? t->rows : t->cols;
        for (size_t j = 0; m.w_int8 && j < t->count; j++)
            values[j] = m.scales[j / cols] * (float)m.w_int8[j];
    }
}

START_TEST(integers_answer_as_the_floats_that_they_are)
{
    const struct kernels *tables[MAX_TABLES];
    const size_t n_tables = modelled_tables(tables);
    struct model_config config;
    put_model(configs[_i], &dtype_f32, &config);
    for (size_t t = 0; t < n_tables; t++) {
        struct transformer model, kept;
        if (!tables[t]->reads_bf16)
            continue;
        const bool is_bf16 = is_bf16_table(tables[t]);
        check_ok(open_model(&model, tables[t], &config, config.vocab_size, WEIGHTS_F32, true));
        check_ok(open_model(&kept, tables[t], &config, config.vocab_size, WEIGHTS_INT8, true));
        ck_assert_uint_gt(kept.params.int8.bytes, kept.params.values.bytes);
        copy_integers(&model, &kept);
        expect_near_logits("integers, as in training", &kept, &model, N_MOST, 0, is_bf16 ? 5e-2 : 5e-4);
        expect_near_logits("integers, as a prompt", &kept, &model, N_MOST, 1, is_bf16 ? 5e-2 : 5e-4);
        expect_near_logits("integers, one by one", &kept, &model, N_MOST, 2, is_bf16 ? 5e-2 : 5e-4);
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
    put_model(configs[TIED_LLAMA], &dtype_bf16, &config);
    const size_t file_vocab = config.vocab_size;
    config.vocab_size += NEW_TOKENS;
    check_ok(open_model(&model, &kernels_plain_f32, &config, file_vocab, WEIGHTS_F32, false));
    check_ok(open_model(&kept, &kernels_plain_f32, &config, file_vocab, WEIGHTS_AS_STORED, false));
    ck_assert_int_eq(kept.params.table.token_embedding->kept, KEPT_REAL);
    ck_assert_uint_gt(kept.params.bf16.bytes, 0);
    expect_same_logits(&model, &kept, N_MOST, 0);
    transformer_free(&model);
    transformer_free(&kept);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    Suite *suite = suite_create("kept weights");
    TCase *tcase = tcase_create("kept weights");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, values_are_those_of_the_files, 0, N_KINDS * N_DTYPES * 2);
    tcase_add_loop_test(tcase, files_that_were_replaced_are_told, 0, 2);
    tcase_add_loop_test(tcase, a_number_that_is_none_is_told, 0, 6);
    tcase_add_loop_test(tcase, reading_takes_little_more_than_what_is_kept, 0, 4);
    tcase_add_loop_test(tcase, bfloat16s_answer_as_floats, 0, N_CONFIGS);
    tcase_add_loop_test(tcase, transposed_matrices_answer_as_those_in_files, 0, N_DTYPES);
    tcase_add_loop_test(tcase, rounded_weights_are_what_bf16_makes_of_floats, 0, N_CONFIGS);
    tcase_add_loop_test(tcase, integers_answer_as_the_floats_that_they_are, 0, N_CONFIGS);
    tcase_add_test(tcase, an_embedding_that_grows_is_not_rounded);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

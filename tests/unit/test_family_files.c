/* The files of every family, as transformers wrote them (tests/golden/model): read, read under other names, written
 * under the same, in one file and in several. */
#include "files/hf_save.h"
#include "files/model_files.h"
#include "files/safetensors.h"
#include "files/weights.h"
#include "model/param_set.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <stdio.h>

static const char golden[] = "tests/golden/model";
enum { MODELS_MIN = 16 }; /* that must be read there */

/* A model in memory, and the file that it came from. */
struct model {
    char *path;
    json *raw;
    struct model_config config;
    struct param_set params;
    struct st_file file;
};

static enum sft_status load(struct param_set *params, const struct model_config *config, const char *path)
{
    check_ok(param_set_init(params, config, NULL, &err));
    return weights_load(params->values.data, &params->table, config, config->vocab_size, path, &err);
}

/* False: it is none, or not done. */
static bool model_open(struct model *m, const char *name)
{
    *m = (struct model){.path = path_join(golden, name)};
    if (model_config_load(&m->config, m->path, &m->raw, &err))
        return false;
    char *weights = path_join(m->path, "model.safetensors");
    ck_assert_msg(load(&m->params, &m->config, m->path) == SFT_OK, "%s: %s", name, err_text(&err));
    check_ok(st_open(&m->file, weights, &err));
    free(weights);
    return true;
}

static void model_close(struct model *m)
{
    st_close(&m->file);
    param_set_free(&m->params);
    json_free(m->raw);
    free(m->path);
}

static void copy_config(const struct model *m)
{
    struct strbuf text = {0};
    json_print(m->raw, &text);
    put("config.json", text.data);
    strbuf_free(&text);
}

static void expect_the_same(const struct model *m, const char *how)
{
    struct param_set params;
    ck_assert_msg(load(&params, &m->config, dir) == SFT_OK, "%s %s: %s", m->path, how, err_text(&err));
    ck_assert_msg(memcmp(params.values.data, m->params.values.data, params.values.bytes) == 0, "%s %s", m->path, how);
    param_set_free(&params);
}

/* ---- names ---- */

/* How a file may call its tensors: `prefix` before each, after so many parts of the family's own were taken off. */
static const struct {
    const char *prefix;
    size_t parts_off;
} spellings[] = {{"", 0}, {"", 1}, {"", 2}, {"module.", 0}, {"base_model.model.", 0}, {"_orig_mod.", 1}, {"model.", 1}};

static char *spelled(const struct family *family, const char *name, size_t which)
{
    const char *rest = family->prefix;
    for (size_t off = 0; off < spellings[which].parts_off && strncmp(name, rest, strlen(rest)) == 0 && *rest; off++) {
        const char *dot = strchr(rest, '.');
        name += dot + 1 - rest;
        rest = dot + 1;
    }
    return mem_printf("%s%s", spellings[which].prefix, name);
}

/* The same file with other names, and with the buffers and the company that files have. */
static void write_spelled(const struct model *m, size_t which)
{
    const size_t n = m->file.n_tensors;
    struct st_entry *entries = mem_calloc(n + 1, sizeof *entries);
    char *path = path_join(dir, "model.safetensors"), **names = mem_calloc(n, sizeof *names);
    size_t largest = 2;
    for (size_t i = 0; i < n; i++) {
        const struct stored_tensor *t = &m->file.tensors[i];
        names[i] = spelled(m->config.family, t->name, which);
        entries[i] = (struct st_entry){.name = names[i], .dtype = t->dtype, .n_dims = t->n_dims};
        memcpy(entries[i].shape, t->shape, sizeof t->shape);
        largest = t->count > largest ? t->count : largest;
    }
    entries[n] = (struct st_entry){"v_head.weight", &dtype_f32, 1, {2}};
    float *values = mem_calloc(largest, sizeof *values);
    struct st_writer *w = st_writer_open(path, entries, n + 1, &err);
    for (size_t i = 0; i < n; i++) {
        check_ok(stored_read(&m->file.tensors[i], values, &err));
        st_write(w, values);
        free(names[i]);
    }
    st_write(w, values);
    check_ok(st_writer_commit(w, NULL, &err));
    free(values);
    free(names);
    free(entries);
    free(path);
}

static void other_names(const struct model *m)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        copy_config(m);
        write_spelled(m, i);
        expect_the_same(m, spellings[i].prefix);
    }
}

/* ---- writing ---- */

static void save(const struct model *m, size_t max_shard_bytes)
{
    const struct model_meta meta = {.base_config = m->raw,
                                    .eos_token_id = -1,
                                    .pad_token_id = -1,
                                    .bos_token_id = -1,
                                    .dtype = &dtype_f32,
                                    .max_shard_bytes = max_shard_bytes};
    const struct model_out out = {
        .values = model_values_in(m->params.values.data),
        .table = &m->params.table,
        .config = &m->config,
        .meta = &meta};
    check_ok(hf_save(&out, dir, &err));
}

/* What we write has the names that transformers gave, no fewer and no more, of the same shapes. */
static void the_same_names(const struct model *m)
{
    struct st_file ours;
    char *path = path_join(dir, "model.safetensors");
    save(m, 0);
    check_ok(st_open(&ours, path, &err));
    for (size_t i = 0; i < m->file.n_tensors; i++) {
        const struct stored_tensor *theirs = &m->file.tensors[i], *t = st_find(&ours, theirs->name);
        ck_assert_msg(t && t->n_dims == theirs->n_dims && memcmp(t->shape, theirs->shape, sizeof t->shape) == 0,
                      "%s %s", m->path, theirs->name);
    }
    ck_assert_uint_eq(ours.n_tensors, m->file.n_tensors);
    st_close(&ours);
    expect_the_same(m, "written");
    remove(path);
    free(path);
}

static void in_shards(const struct model *m)
{
    char *index = path_join(dir, "model.safetensors.index.json");
    save(m, 5000);
    ck_assert(path_exists(index));
    expect_the_same(m, "in shards");
    free(index);
}

/* ---- every family ---- */

static void each_model(void (*check)(const struct model *m))
{
    char **names;
    size_t n_names, n_done = 0;
    check_ok(io_list(golden, &names, &n_names, &err));
    for (size_t i = 0; i < n_names; i++) {
        struct model m;
        if (model_open(&m, names[i])) {
            check(&m);
            check_ok(io_empty_dir(dir, &err));
            n_done++;
        }
        model_close(&m);
    }
    ck_assert_uint_ge(n_done, MODELS_MIN);
    io_list_free(names, n_names);
}

START_TEST(names_with_and_without_prefixes_and_wrappers)
{
    each_model(other_names);
}
END_TEST

START_TEST(names_that_are_written)
{
    each_model(the_same_names);
}
END_TEST

START_TEST(weights_in_several_files)
{
    each_model(in_shards);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("family files");
    TCase *tcase = tcase_create("family files");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, names_with_and_without_prefixes_and_wrappers);
    tcase_add_test(tcase, names_that_are_written);
    tcase_add_test(tcase, weights_in_several_files);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}

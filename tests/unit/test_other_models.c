/* Models as other programs leave them: wrapped names, company, contradictions between files, generation settings. */
#include "files/generation.h"
#include "files/hf_save.h"
#include "files/model_dir.h"
#include "files/name_groups.h"
#include "files/safetensors.h"
#include "files/tensor_names.h"
#include "files/weights.h"

#include "scratch.h"

#include <stdio.h>
#include <sys/stat.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static struct model_config tiny(void)
{
    return (struct model_config){.family = &family_gpt2,
                                 .n_layer = 2,
                                 .n_head = 1,
                                 .n_kv_head = 1,
                                 .head_dim = 2,
                                 .n_embd = 2,
                                 .n_inner = 8,
                                 .n_positions = 3,
                                 .vocab_size = 5,
                                 .tied = true,
                                 .eos_token_id = -1};
}

/* ---- names ---- */

static const struct {
    const char *name, *canonical;
} wrapped[] = {
    {"wte.weight", "transformer.wte.weight"},
    {"transformer.wte.weight", "transformer.wte.weight"},
    {"lm_head.weight", "lm_head.weight"},
    {"model.lm_head.weight", "lm_head.weight"},
    {"module.transformer.h.1.ln_1.bias", "transformer.h.1.ln_1.bias"},
    {"_orig_mod.module.h.1.ln_1.bias", "transformer.h.1.ln_1.bias"},
    {"module._orig_mod.transformer.h.1.ln_1.bias", "transformer.h.1.ln_1.bias"},
    {"transformer.h.1._orig_mod.ln_1.bias", "transformer.h.1.ln_1.bias"},
    {"_fsdp_wrapped_module.transformer.h.0._fsdp_wrapped_module.ln_1.bias", "transformer.h.0.ln_1.bias"},
    {"base_model.model.transformer.ln_f.weight", "transformer.ln_f.weight"},
    {"pretrained_model.transformer.ln_f.weight", "transformer.ln_f.weight"},
    {"remodel.wte.weight", "transformer.remodel.wte.weight"},
    {"x_orig_mod.wte.weight", "transformer.x_orig_mod.wte.weight"},
};

START_TEST(wrappers_come_off)
{
    const struct model_config config = tiny();
    struct tensor_names names;
    char *name;
    tensor_names_init(&names, &config);
    tensor_kind(&names, wrapped[_i].name, &name);
    ck_assert_str_eq(name, wrapped[_i].canonical);
    free(name);
    tensor_names_free(&names);
}
END_TEST

/* The prefix of another family may be in two parts, either of which files leave away. */
static const char *const prefixes[] = {"model.decoder.", "gpt_neox.", "model."};
static const char *const before_names[] = {"", "model.", "base_model.model.", "module.", "language_model."};

START_TEST(a_part_of_the_prefix_may_be_missing)
{
    struct family family = family_llama;
    struct model_config config = tiny();
    config.family = &family;
    for (size_t p = 0; p < COUNT(prefixes); p++) {
        struct tensor_names names;
        family.prefix = prefixes[p];
        tensor_names_init(&names, &config);
        char *want = mem_printf("%slayers.1.self_attn.q_proj.weight", family.prefix);
        for (const char *rest = family.prefix; rest; rest = strchr(rest, '.') ? strchr(rest, '.') + 1 : NULL)
            for (size_t i = 0; i < COUNT(before_names); i++) {
                char *name = mem_printf("%s%slayers.1.self_attn.q_proj.weight", before_names[i], rest), *canonical;
                ck_assert_msg(tensor_kind(&names, name, &canonical) == TENSOR_PARAMETER, "%s", name);
                ck_assert_str_eq(canonical, want);
                free(canonical);
                free(name);
            }
        free(want);
        tensor_names_free(&names);
    }
}
END_TEST

static const struct {
    const char *name;
    enum tensor_kind kind;
} kinds[] = {
    {"h.1.mlp.c_fc.bias", TENSOR_PARAMETER},
    {"model.transformer.h.1.mlp.c_fc.bias", TENSOR_PARAMETER},
    {"lm_head.weight", TENSOR_PARAMETER},
    {"h.2.mlp.c_fc.bias", TENSOR_LAYER},
    {"transformer.h.99.ln_1.weight", TENSOR_LAYER},
    {"h.0.attn.bias", TENSOR_BUFFER},
    {"module.transformer.h.7.attn.masked_bias", TENSOR_BUFFER},
    {"v_head.summary.weight", TENSOR_UNUSED},
    {"v_head.layers.0.weight", TENSOR_UNUSED},
    {"value_head.2.bias", TENSOR_UNUSED},
    {"score.weight", TENSOR_UNUSED},
    {"classifier.attention.weight", TENSOR_UNUSED},
    {"multiple_choice_head.summary.bias", TENSOR_UNUSED},
    {"qa_outputs.bias", TENSOR_UNUSED},
    {"optimizer.state.transformer.h.0.ln_1.weight.exp_avg", TENSOR_UNUSED},
    {"ema.transformer.h.0.ln_1.weight", TENSOR_UNUSED},
    {"step", TENSOR_UNUSED},
    {"transformer.h.0.attn.c_attn.lora_A.default.weight", TENSOR_ADAPTER},
    {"base_model.model.transformer.h.0.attn.c_attn.lora_B.weight", TENSOR_ADAPTER},
    {"transformer.h.0.attn.c_attn.base_layer.weight", TENSOR_ADAPTER},
    {"h.0.attn.q_proj.weight", TENSOR_FOREIGN},
    {"transformer.h.0.crossattention.c_attn.weight", TENSOR_FOREIGN},
    {"transformer.h.0.attn.rotary_emb.inv_freq", TENSOR_FOREIGN},
    {"transformer.ln_e.weight", TENSOR_FOREIGN},
    {"wte.bias", TENSOR_FOREIGN},
    {"lm_head.bias", TENSOR_FOREIGN},
    {"model.layers.0.self_attn.q_proj.weight", TENSOR_FOREIGN},
    {"encoder.block.0.layer.0.SelfAttention.q.weight", TENSOR_FOREIGN},
    {"gpt_neox.layers.0.attention.dense.weight", TENSOR_FOREIGN},
    {"transformer.h.0.attn.c_attn.qweight", TENSOR_QUANTISED},
    {"h.0.attn.c_attn.g_idx", TENSOR_QUANTISED},
    {"transformer.h.0.attn.c_attn.weight.absmax", TENSOR_QUANTISED},
    {"transformer.h.0.attn.c_attn.weight.quant_state.bitsandbytes__nf4", TENSOR_QUANTISED},
    {"h.0.attn.c_attn.SCB", TENSOR_QUANTISED},
    {"h.0.attn.c_attn.weight_scale_inv", TENSOR_QUANTISED},
    {"h.0.attn.c_attn.weight_packed", TENSOR_QUANTISED},
    {"model.layers.0.mlp.experts.down_proj_blocks", TENSOR_QUANTISED},
    {"vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight", TENSOR_OTHER_MEDIA},
    {"model.multi_modal_projector.mm_soft_emb_norm.weight", TENSOR_OTHER_MEDIA},
    {"model.visual.patch_embed.proj.weight", TENSOR_OTHER_MEDIA},
};

START_TEST(what_a_name_says)
{
    const struct model_config config = tiny();
    struct tensor_names names;
    tensor_names_init(&names, &config);
    const enum tensor_kind kind = tensor_kind(&names, kinds[_i].name, NULL);
    ck_assert_msg(kind == kinds[_i].kind, "%s is %d, not %d", kinds[_i].name, (int)kind, (int)kinds[_i].kind);
    tensor_names_free(&names);
}
END_TEST

START_TEST(names_are_grouped)
{
    struct name_groups g = {0};
    struct strbuf text = {0};
    char name[32];
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "h.%d.ln_1.bias", i);
        name_groups_add(&g, name);
    }
    name_groups_add(&g, "v_head.weight");
    name_groups_print(&g, &text);
    ck_assert_str_eq(text.data, "h.*.ln_1.bias (12), v_head.weight");
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "x%d", i);
        name_groups_add(&g, name);
    }
    strbuf_clear(&text);
    name_groups_print(&g, &text);
    ck_assert_str_eq(text.data, "h.*.ln_1.bias (12), v_head.weight, x0, x1, x2, x3 and 996 more");
    strbuf_free(&text);
    name_groups_free(&g);
}
END_TEST

/* ---- weights ---- */

/* Write the tensors of `tiny` of `n_layer` layers, each name behind `prefix`, but for those whose name holds `without`;
 * then `more`, of two elements each. */
static void put_weights(size_t n_layer, const char *prefix, const char *without, const char *const *more)
{
    struct model_config config = tiny();
    struct tensor_table table;
    struct st_entry entries[64];
    char *names[64], *path = path_join(dir, "model.safetensors");
    size_t n = 0;
    config.n_layer = n_layer;
    tensor_table_init(&table, &config);
    for (size_t i = 0; i < table.n_tensors; i++) {
        const struct tensor *t = &table.tensors[i];
        if (without && strstr(t->name, without))
            continue;
        names[n] = mem_printf("%s%s", prefix, t->name);
        entries[n] = (struct st_entry){names[n], &dtype_f32, t->n_dims, {t->rows, t->cols}};
        n++;
    }
    for (; more && *more; more++) {
        names[n] = mem_strdup(*more);
        entries[n] = (struct st_entry){names[n], &dtype_f32, 1, {2}};
        n++;
    }
    struct st_writer *w = st_writer_open(path, entries, n, &err);
    static const float values[64];
    for (size_t i = 0; i < n; i++) {
        st_write(w, values);
        free(names[i]);
    }
    check_ok(st_writer_commit(w, NULL, &err));
    tensor_table_free(&table);
    free(path);
}

static enum sft_status check(struct strbuf *unused)
{
    const struct model_config config = tiny();
    return weights_check(&config, config.vocab_size, dir, unused, &err);
}

START_TEST(company_is_passed_over_and_named)
{
    static const char *const more[] = {"v_head.summary.bias", "v_head.summary.weight", "score.weight",
                                       "transformer.h.0.attn.bias", NULL};
    struct strbuf unused = {0};
    put_weights(2, "", NULL, more);
    check_ok(check(&unused));
    ck_assert_str_eq(unused.data, "score.weight, v_head.summary.bias, v_head.summary.weight");
    put_weights(2, "_orig_mod.", NULL, NULL);
    check_ok(check(&unused));
    ck_assert_uint_eq(unused.len, 0);
    strbuf_free(&unused);
}
END_TEST

static const struct {
    size_t n_layer;
    const char *without, *more[3], *message;
} bad[] = {
    {1, NULL, {NULL}, ": config.json's n_layer is 2, but the weights hold 1 layer"},
    {4, NULL, {NULL}, "/model.safetensors: more layers than config.json's n_layer 2: transformer.h.*.attn.c_attn.bias "
                      "(2), transformer.h.*.attn.c_attn.weight (2), transformer.h.*.attn.c_proj.bias (2), "
                      "transformer.h.*.attn.c_proj.weight (2), transformer.h.*.ln_1.bias (2), "
                      "transformer.h.*.ln_1.weight (2) and 12 more"},
    {2, "mlp.c_proj", {NULL}, ": 4 of 28 tensors are missing: transformer.h.*.mlp.c_proj.weight (2), "
                              "transformer.h.*.mlp.c_proj.bias (2)"},
    {2, "wpe", {NULL}, ": missing tensor: transformer.wpe.weight"},
    {2, ".", {"foo.weight"}, ": 28 of 28 tensors are missing: transformer.wte.weight, transformer.wpe.weight, "
                             "transformer.ln_f.weight, transformer.ln_f.bias, transformer.h.*.ln_1.weight (2), "
                             "transformer.h.*.ln_1.bias (2) and 20 more (no GPT2LMHeadModel; what is there: "
                             "foo.weight)"},
    {2, NULL, {"model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.q_proj.weight"},
     "/model.safetensors: tensors of an unknown place: model.layers.*.self_attn.q_proj.weight (2) (no GPT2LMHeadModel "
     "has them: this is another architecture than config.json says)"},
    {2, NULL, {"transformer.h.0.attn.c_attn.lora_A.weight"},
     "/model.safetensors: holds a LoRA adapter: transformer.h.*.attn.c_attn.lora_A.weight (merge it into its base "
     "first: in Python, peft's merge_and_unload, then save_pretrained)"},
    {2, "attn.c_attn", {"transformer.h.0.attn.c_attn.qweight", "transformer.h.0.attn.c_attn.scales"},
     "/model.safetensors: holds quantised weights, which are not read here: transformer.h.*.attn.c_attn.qweight, "
     "transformer.h.*.attn.c_attn.scales (take the model as it was published in bfloat16, float16 or float32)"},
    {2, NULL, {"vision_tower.encoder.layers.0.q.weight", "vision_tower.encoder.layers.1.q.weight"},
     "/model.safetensors: holds parts that see or hear beside the text model: vision_tower.encoder.layers.*.q.weight "
     "(2) (only text models are done here: in Python, save_pretrained of the text model alone)"},
    {2, NULL, {"wte.weight"},
     "/model.safetensors: tensor 'wte.weight' is there twice (the other is 'transformer.wte.weight')"},
};

START_TEST(what_does_not_fit_is_named_all_of_it)
{
    struct strbuf unused = {0};
    put_weights(bad[_i].n_layer, "", bad[_i].without, bad[_i].more);
    expect_message(check(&unused), bad[_i].message);
    strbuf_free(&unused);
}
END_TEST

/* transformers takes the head for the embedding where a tied model's file has only that. */
START_TEST(a_head_in_place_of_the_embedding)
{
    struct model_config config = tiny();
    struct tensor_table table;
    config.tied = false;
    tensor_table_init(&table, &config);
    float *params = mem_calloc(table.n_elements, sizeof *params);
    struct st_entry entries[64];
    char *path = path_join(dir, "model.safetensors");
    size_t n = 0;
    for (const struct tensor *t = table.tensors; t < table.tensors + table.n_tensors; t++)
        if (strcmp(t->name, "transformer.wte.weight") != 0)
            entries[n++] = (struct st_entry){t->name, &dtype_f32, t->n_dims, {t->rows, t->cols}};
    struct st_writer *w = st_writer_open(path, entries, n, &err);
    static const float head[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, zeros[64];
    for (size_t i = 0; i < n; i++)
        st_write(w, strcmp(entries[i].name, "lm_head.weight") == 0 ? head : zeros);
    check_ok(st_writer_commit(w, NULL, &err));
    tensor_table_free(&table);

    config.tied = true;
    tensor_table_init(&table, &config);
    check_ok(weights_load(params, &table, &config, config.vocab_size, dir, &err));
    ck_assert_mem_eq(params + table.token_embedding->offset, head, 10 * sizeof *head);
    tensor_table_free(&table);
    free(params);
    free(path);
}
END_TEST

static const struct {
    const char *content, *message;
} not_weights[] = {
    {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 548105171\n", "is a Git LFS pointer"},
    {"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n", "is an HTML page"},
    {"PK\3\4__________archive/data.pkl", "is a PyTorch checkpoint, a pickle"},
    {"not a model, but long enough to have a header's length", "this is no safetensors file"},
};

START_TEST(weights_that_are_something_else)
{
    struct strbuf unused = {0};
    put("model.safetensors", not_weights[_i].content);
    ck_assert_int_eq(check(&unused), SFT_EDATA);
    const char *told = err_text(&err);
    ck_assert_msg(strstr(told, "/model.safetensors: ") && strstr(told, not_weights[_i].message), "%s", told);
    strbuf_free(&unused);
}
END_TEST

/* It would be waited for. */
START_TEST(a_named_pipe_is_no_weights)
{
    struct strbuf unused = {0};
    char *path = path_join(dir, "model.safetensors");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(check(&unused), SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "/model.safetensors: is a named pipe, expected a file"));
    free(path);
    strbuf_free(&unused);
}
END_TEST

/* ---- generation_config.json ---- */

static const struct {
    const char *config, *generation; /* generation NULL: no such file */
    size_t n;
    int32_t ends[3];
} end_tokens[] = {
    {"{\"eos_token_id\":1}", NULL, 1, {1}},
    {"{\"eos_token_id\":[1,3]}", NULL, 2, {1, 3}},
    {"{\"eos_token_id\":1}", "{\"eos_token_id\":2}", 2, {2, 1}},
    {"{\"eos_token_id\":1}", "{\"eos_token_id\":[4,2,4]}", 3, {4, 2, 1}},
    {"{\"eos_token_id\":[2,0,4]}", "{\"eos_token_id\":[4,2]}", 3, {4, 2, 0}},
    {"{\"eos_token_id\":null}", "{\"eos_token_id\":3}", 1, {3}},
    {"{}", "{\"eos_token_id\":3}", 1, {3}},
    {"{\"eos_token_id\":[1,3]}", "{\"temperature\":0.5}", 2, {1, 3}},
    {"{\"eos_token_id\":1}", "{\"eos_token_id\":null}", 1, {1}},
    {"{\"eos_token_id\":50256}", "{\"eos_token_id\":[1000,3,-1,2.5]}", 1, {3}},
    {"{\"eos_token_id\":null}", NULL, 0, {0}},
    {"{}", "{}", 0, {0}}, /* the family's 50256, which this vocabulary has not */
};

START_TEST(what_ends_a_text)
{
    const struct model_config config = tiny();
    struct generation_config g;
    json *raw;
    check_ok(json_parse(end_tokens[_i].config, strlen(end_tokens[_i].config), &raw, &err));
    if (end_tokens[_i].generation)
        put("generation_config.json", end_tokens[_i].generation);
    check_ok(generation_config_load(&g, dir, raw, &config, &err));
    ck_assert_msg(g.n_end_tokens == end_tokens[_i].n, "%zu", g.n_end_tokens);
    for (size_t i = 0; i < g.n_end_tokens; i++)
        ck_assert_int_eq(g.end_tokens[i], end_tokens[_i].ends[i]);
    generation_config_free(&g);
    json_free(raw);
}
END_TEST

static const struct {
    const char *text, *message;
} bad_settings[] = {
    {"[]", "expected an object, found an array"},
    {"{\"eos_token_id\":\"</s>\"}", "eos_token_id: expected a token id or a list of them, found a string"},
    {"{\"temperature\":-1}", "temperature: expected a number from 0 to 1e+06, found -1"},
    {"{\"top_p\":1.5}", "top_p: expected a number from 0 to 1, found 1.5"},
    {"{\"top_k\":\"50\"}", "top_k: expected a number, found a string"},
    {"{\"do_sample\":1}", "do_sample: expected true or false, found a number"},
};

START_TEST(bad_generation_settings_are_named)
{
    const struct model_config config = tiny();
    struct generation_config g;
    put("generation_config.json", bad_settings[_i].text);
    char *expected = mem_printf("/generation_config.json: %s", bad_settings[_i].message);
    expect_message(generation_config_load(&g, dir, NULL, &config, &err), expected);
    ck_assert_ptr_null(g.raw);
    free(expected);
}
END_TEST

/* What is saved: the base's file, but for the tokens that are others now. */
static const struct {
    const char *config, *generation;
    int32_t eos;
    const char *want_config, *want_generation; /* their eos_token_id */
} written[] = {
    {"{\"eos_token_id\":0}", "{\"eos_token_id\":0}", 4, "4", "4"},
    {"{\"eos_token_id\":0}", "{}", 4, "4", "4"},
    {"{\"eos_token_id\":0}", "{\"eos_token_id\":[0,2]}", 4, "4", "[4,0,2]"},
    {"{\"eos_token_id\":0}", "{\"eos_token_id\":[0,4,50256]}", 4, "4", "[4,0]"},
    {"{\"eos_token_id\":[0,2]}", "{}", 4, "[4,0,2]", "[4,0,2]"},
    {"{\"eos_token_id\":[0,2]}", NULL, 4, "[4,0,2]", "[4,0,2]"},
    {"{\"eos_token_id\":1}", "{\"eos_token_id\":[3,1]}", -1, "1", "[3,1]"}, /* export: as it is */
    {"{\"eos_token_id\":1}", "{}", -1, "1", "1"},
};

static void expect_eos(const char *name, const char *want)
{
    char *path = path_join(dir, name);
    json *root;
    struct strbuf text = {0};
    check_ok(json_parse_file(path, &root, &err));
    json_print_line(json_get(root, "eos_token_id"), &text);
    ck_assert_str_eq(text.data, want);
    if (strcmp(name, "generation_config.json") == 0)
        ck_assert(!json_get(root, "mine") || json_number(json_get(root, "mine")) == 7);
    strbuf_free(&text);
    json_free(root);
    free(path);
}

START_TEST(the_bases_end_tokens_and_settings_stay)
{
    struct model_config config = tiny();
    struct tensor_table table;
    json *raw, *generation = NULL;
    check_ok(json_parse(written[_i].config, strlen(written[_i].config), &raw, &err));
    if (written[_i].generation)
        check_ok(json_parse(written[_i].generation, strlen(written[_i].generation), &generation, &err));
    if (generation)
        json_set_number(generation, "mine", 7);
    config.eos_token_id = 1;
    tensor_table_init(&table, &config);
    float *params = mem_calloc(table.n_elements, sizeof *params);
    const struct model_meta meta = {.base_config = raw,
                                    .base_generation = generation,
                                    .eos_token_id = written[_i].eos,
                                    .pad_token_id = -1,
                                    .bos_token_id = -1,
                                    .dtype = &dtype_f32};
    const struct model_out out = {
        .values = model_values_in(params), .table = &table, .config = &config, .meta = &meta};
    check_ok(hf_save(&out, dir, &err));
    expect_eos("config.json", written[_i].want_config);
    expect_eos("generation_config.json", written[_i].want_generation);
    tensor_table_free(&table);
    json_free(raw);
    json_free(generation);
    free(params);
}
END_TEST

/* ---- which directory ---- */

static void make(const char *name)
{
    char *path = path_join(dir, name);
    check_ok(io_mkdirs(path, &err));
    free(path);
}

static void expect_dir(const char *name, const char *want, const char *want_link)
{
    char *path = path_join(dir, name), *found;
    const char *link;
    check_ok(model_dir_find(path, &found, &link, &err));
    ck_assert_str_eq(found + strlen(dir), want);
    ck_assert_pstr_eq(link, want_link);
    free(found);
    free(path);
}

START_TEST(a_runs_directory_means_its_best_else_its_last)
{
    char *last = mem_printf("%s/run/last", dir), *best = mem_printf("%s/run/best", dir), *found;
    const char *link;
    make("run/checkpoint-2");
    make("run/checkpoint-4");
    put("run/checkpoint-2/config.json", "{}");
    put("run/checkpoint-4/config.json", "{}");
    put("run/metrics.jsonl", "");
    char *run = path_join(dir, "run");
    expect_message(model_dir_find(run, &found, &link, &err), "/run: a run's directory without a checkpoint yet");
    check_ok(io_symlink("checkpoint-4", last, &err));
    expect_dir("run", "/run/checkpoint-4", "last");
    check_ok(io_symlink("checkpoint-2", best, &err));
    expect_dir("run/", "/run/checkpoint-2", "best");
    expect_dir("run/last/", "/run/checkpoint-4", NULL);
    expect_dir("run/checkpoint-2", "/run/checkpoint-2", NULL);
    free(run);
    free(last);
    free(best);
}
END_TEST

START_TEST(a_directory_that_is_no_model_is_told_what_it_is)
{
    char *found, *file = path_join(dir, "config.json");
    const char *link;
    ck_assert_int_eq(model_dir_find(dir, &found, &link, &err), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), ": no config.json (a model's directory has config.json, "));
    put("adapter_config.json", "{\"base_model_name_or_path\":\"gpt2\"}");
    ck_assert_int_eq(model_dir_find(dir, &found, &link, &err), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), ": is a LoRA adapter of gpt2, not a whole model: merge it"));
    put("config.json", "{}");
    ck_assert_int_eq(model_dir_find(file, &found, &link, &err), SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), ": is a file of a model; name its directory, "));
    ck_assert_ptr_null(found);
    free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("other_models");
    TCase *tcase = tcase_create("other_models");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, a_part_of_the_prefix_may_be_missing);
    tcase_add_loop_test(tcase, wrappers_come_off, 0, COUNT(wrapped));
    tcase_add_loop_test(tcase, what_a_name_says, 0, COUNT(kinds));
    tcase_add_test(tcase, names_are_grouped);
    tcase_add_test(tcase, company_is_passed_over_and_named);
    tcase_add_loop_test(tcase, what_does_not_fit_is_named_all_of_it, 0, COUNT(bad));
    tcase_add_test(tcase, a_head_in_place_of_the_embedding);
    tcase_add_loop_test(tcase, weights_that_are_something_else, 0, COUNT(not_weights));
    tcase_add_test(tcase, a_named_pipe_is_no_weights);
    tcase_add_loop_test(tcase, what_ends_a_text, 0, COUNT(end_tokens));
    tcase_add_loop_test(tcase, bad_generation_settings_are_named, 0, COUNT(bad_settings));
    tcase_add_loop_test(tcase, the_bases_end_tokens_and_settings_stay, 0, COUNT(written));
    tcase_add_test(tcase, a_runs_directory_means_its_best_else_its_last);
    tcase_add_test(tcase, a_directory_that_is_no_model_is_told_what_it_is);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}

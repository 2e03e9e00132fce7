#include "cmd/info_adapter.h"

#include "base/log.h"
#include "base/mem.h"
#include "cmd/info_parts.h"
#include "cmd/model_argument.h"
#include "files/hub_cache.h"
#include "files/kept.h"
#include "files/model_dir.h"
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct adapter_info {
    struct named_dir named;
    struct info parts; /* its tokenizer, and what a checkpoint has */
    struct peft_adapter adapter;
    char *base;          /* the directory of its model; NULL: it is not here */
    struct strbuf names; /* of the modules that it is on, each once: " c_attn c_proj " */
    struct strbuf dtypes;
    size_t n_matrices, n_parameters;
};

bool info_is_adapter(const char *path)
{
    char *model = NULL, *adapter = NULL;
    const char *link;
    struct sft_err unread;
    const bool is_model = !model_dir_find(path, &model, &link, &unread);
    const bool is_adapter = !is_model && !peft_dir_find(path, &adapter, &link, &unread);
    free(model);
    free(adapter);
    return is_adapter;
}

/* ---- looking ---- */

/* The name of one of its A's modules: "c_attn" of "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight". */
static void add_module(struct adapter_info *x, const char *name)
{
    const char *end = strstr(name, ".lora_A"), *begin = end;
    if (!end)
        return;
    while (begin > name && begin[-1] != '.')
        begin--;
    struct strbuf word = {0};
    strbuf_printf(&word, " %.*s ", (int)(end - begin), begin);
    x->n_matrices++;
    if (!x->names.len)
        strbuf_puts(&x->names, " ");
    if (!strstr(x->names.data, word.data))
        strbuf_add(&x->names, word.data + 1, word.len - 1);
    strbuf_free(&word);
}

static void add_dtype(struct adapter_info *x, const char *name)
{
    if (!x->dtypes.len || !strstr(x->dtypes.data, name))
        strbuf_printf(&x->dtypes, "%s%s", x->dtypes.len ? ", " : "", name);
}

static enum sft_status check_values(const struct stored_tensor *t, struct sft_err *err)
{
    float *values = mem_calloc(t->count + 1, sizeof *values);
    enum sft_status status = stored_read(t, values, err);
    if (!status)
        status = kept_check_finite(t, kept_count_not_finite(values, t->count, KEPT_REAL), err);
    free(values);
    return status;
}

static void look_at_tensors(struct adapter_info *x)
{
    struct sft_err err;
    for (size_t i = 0; i < x->adapter.file.n_tensors; i++) {
        const struct stored_tensor *t = &x->adapter.file.tensors[i];
        x->n_parameters += t->count;
        add_module(x, t->name);
        add_dtype(x, t->dtype->name);
        if (check_values(t, &err))
            info_add_problem(&x->parts, &err);
    }
}

/* Whether the two fit: the names and shapes of the adapter's tensors to the model's. */
static void look_at_base(struct adapter_info *x)
{
    struct sft_err err;
    struct model_config config;
    struct tensor_table table;
    struct adapter_spec spec = {0};
    const char *link;
    char *path = NULL;
    if (peft_find_base(&x->adapter.config, x->adapter.dir, "", &path, &err) ||
        model_dir_find(path, &x->base, &link, &err)) {
        free(path);
        return;
    }
    free(path);
    if (model_config_load(&config, x->base, NULL, &err)) {
        info_add_problem(&x->parts, &err);
        return;
    }
    peft_fit_model(&x->adapter, &config);
    tensor_table_init(&table, &config);
    if (peft_spec(&spec, &x->adapter, &table, &config, &err))
        info_add_problem(&x->parts, &err);
    adapter_spec_free(&spec);
    tensor_table_free(&table);
}

/* Its own, where it has one. */
static void look_at_tokenizer(struct adapter_info *x)
{
    struct sft_err err;
    if (!model_files_has_tokenizer(x->named.dir))
        return;
    if (model_files_open_tokenizer(&x->parts.files, x->named.dir, &err))
        info_add_problem(&x->parts, &err);
    else
        info_look_at_template(&x->parts);
}

static void look(struct adapter_info *x)
{
    struct sft_err err;
    if (peft_open(&x->adapter, x->named.dir, &err)) {
        info_add_problem(&x->parts, &err);
    } else {
        look_at_tensors(x);
        look_at_base(x);
    }
    look_at_tokenizer(x);
    info_look_at_checkpoint(&x->parts);
}

/* ---- telling ---- */

/* As the config has them: names, a pattern, or all. */
static void put_targets(const struct peft_config *config, struct strbuf *out)
{
    const struct peft_names *names = &config->target_modules;
    if (config->all_linear)
        strbuf_puts(out, "all-linear");
    else if (names->pattern)
        strbuf_puts(out, names->pattern);
    for (size_t i = 0; i < names->names.count; i++)
        strbuf_printf(out, "%s%s", i ? " " : "", names->names.items[i]);
}

static size_t n_rows(const struct peft_config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n_tokens; i++)
        n += config->tokens[i].n;
    return n;
}

static void print_adapter(const struct adapter_info *x)
{
    const struct peft_config *c = &x->adapter.config;
    char count[16];
    printf("adapter    LoRA, r %zu, lora_alpha %g%s, on %zu matrices:%.*s\n", c->r, c->lora_alpha,
           c->use_rslora ? " (rslora)" : "", x->n_matrices, x->names.len ? (int)x->names.len - 1 : 0,
           x->names.len ? x->names.data : "");
    if (n_rows(c))
        printf("           %zu rows of tokens\n", n_rows(c));
    for (size_t i = 0; i < c->modules_to_save.count; i++)
        printf("%-10s %s\n", i ? "" : "saved", c->modules_to_save.items[i]);
    printf("base       %s%s\n", c->base_model ? c->base_model : "not named",
           x->base || !c->base_model ? "" : " (not here)");
    printf("weights    %s parameters%s%s\n", log_count(count, (double)x->n_parameters), x->dtypes.len ? " in " : "",
           x->dtypes.len ? x->dtypes.data : "");
}

static void print_text(const struct adapter_info *x)
{
    if (x->named.link)
        printf("directory  %s (%s of %s)\n", x->named.dir, x->named.link, x->named.path);
    if (x->named.snapshot)
        printf("directory  %s\n           %s\n", x->named.dir, x->named.snapshot);
    if (x->adapter.file.n_tensors)
        print_adapter(x);
    if (x->parts.files.tokenizer)
        info_print_tokenizer(&x->parts);
    info_print_checkpoint(&x->parts);
}

static void put_string(struct strbuf *out, const char *key, const char *text)
{
    strbuf_printf(out, ",\"%s\":", key);
    if (text)
        strbuf_json_string(out, text, strlen(text));
    else
        strbuf_puts(out, "null");
}

static void put_adapter_json(const struct adapter_info *x, struct strbuf *out)
{
    const struct peft_config *c = &x->adapter.config;
    struct strbuf targets = {0};
    put_targets(c, &targets);
    put_string(out, "base_model_name_or_path", c->base_model);
    put_string(out, "base", x->base);
    strbuf_printf(out, ",\"r\":%zu,\"lora_alpha\":", c->r);
    strbuf_json_number(out, c->lora_alpha);
    strbuf_printf(out, ",\"use_rslora\":%s", c->use_rslora ? "true" : "false");
    put_string(out, "target_modules", targets.len ? targets.data : "");
    strbuf_puts(out, ",\"modules_to_save\":[");
    for (size_t i = 0; i < c->modules_to_save.count; i++) {
        strbuf_puts(out, i ? "," : "");
        strbuf_json_string(out, c->modules_to_save.items[i], strlen(c->modules_to_save.items[i]));
    }
    strbuf_printf(out, "],\"num_trainable_tokens\":%zu,\"num_matrices\":%zu,\"num_parameters\":%zu", n_rows(c),
                  x->n_matrices, x->n_parameters);
    put_string(out, "dtype", x->dtypes.data);
    strbuf_free(&targets);
}

static void print_json(const struct adapter_info *x)
{
    struct strbuf out = {0};
    strbuf_printf(&out, "{\"complete\":%s,\"peft_type\":\"LORA\"", x->parts.n_problems ? "false" : "true");
    if (x->adapter.file.n_tensors)
        put_adapter_json(x, &out);
    info_json_tokenizer(&x->parts, &out);
    info_json_checkpoint(&x->parts, &out);
    if (x->named.link || x->named.snapshot)
        put_string(&out, "adapter", x->named.snapshot ? x->named.snapshot : x->named.dir);
    strbuf_puts(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
}

static void free_info(struct adapter_info *x)
{
    named_dir_free(&x->named);
    info_free(&x->parts);
    peft_close(&x->adapter);
    strbuf_free(&x->names);
    strbuf_free(&x->dtypes);
    free(x->base);
}

enum sft_status info_adapter(const char *path, bool as_json, bool *is_whole, struct sft_err *err)
{
    struct adapter_info x = {.named.path = path};
    const enum sft_status status = peft_dir_find(path, &x.named.dir, &x.named.link, err);
    if (!status) {
        x.named.snapshot = hub_snapshot_name(x.named.dir);
        x.parts.dir = x.named.dir;
        look(&x);
        if (as_json)
            print_json(&x);
        else
            print_text(&x);
    }
    *is_whole = !x.parts.n_problems;
    free_info(&x);
    return status;
}

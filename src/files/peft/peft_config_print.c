#include "base/mem.h"
#include "files/peft/peft_match.h"
#include "files/peft/peft_paths.h"
#include "files/peft/peft_save.h"
#include "model/adapter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

static void set_json(json *root, const char *key, struct strbuf *text)
{
    json *value;
    if (json_parse(text->data, text->len, &value, NULL))
        SFT_BUG("what was made is no JSON");
    json_set_node(root, key, value);
    strbuf_free(text);
}

static void add_string(struct strbuf *text, bool is_first, const char *s)
{
    strbuf_puts(text, is_first ? "" : ",");
    strbuf_json_string(text, s, strlen(s));
}

static void set_list(json *root, const char *key, const struct string_list *list)
{
    struct strbuf text = {0};
    strbuf_putc(&text, '[');
    for (size_t i = 0; i < list->count; i++)
        add_string(&text, i == 0, list->items[i]);
    strbuf_putc(&text, ']');
    set_json(root, key, &text);
}

static void set_string(json *root, const char *key, const char *value)
{
    if (value)
        json_set_string(root, key, value);
    else
        json_set_null(root, key);
}

/* As PEFT writes what nobody has said, in its order. */
static json *new_root(void)
{
    static const char defaults[] =
        "{\"alora_invocation_tokens\":null,\"alpha_pattern\":{},\"arrow_config\":null,\"auto_mapping\":null,"
        "\"base_model_name_or_path\":null,\"bias\":\"none\",\"corda_config\":null,\"ensure_weight_tying\":false,"
        "\"eva_config\":null,\"exclude_modules\":null,\"fan_in_fan_out\":false,\"inference_mode\":true,"
        "\"init_lora_weights\":true,\"kasa_config\":null,\"layer_replication\":null,\"layers_pattern\":null,"
        "\"layers_to_transform\":null,\"loftq_config\":{},\"lora_alpha\":8,\"lora_bias\":false,\"lora_dropout\":0.0,"
        "\"lora_ga_config\":null,\"megatron_config\":null,\"megatron_core\":\"megatron.core\",\"modules_to_save\":null,"
        "\"monteclora_config\":null,\"peft_type\":\"LORA\",\"peft_version\":\"0.21.2\",\"qalora_group_size\":16,\"r\":"
        "8,"
        "\"rank_pattern\":{},\"revision\":null,\"target_modules\":null,\"target_parameters\":null,"
        "\"task_type\":\"CAUSAL_LM\",\"trainable_token_indices\":null,\"use_bdlora\":null,\"use_dora\":false,"
        "\"use_qalora\":false,\"use_rslora\":false,\"velora_config\":null}";
    json *root;
    if (json_parse(defaults, sizeof defaults - 1, &root, NULL))
        SFT_BUG("the defaults are no JSON");
    return root;
}

/* ---- modules ---- */

static bool is_target(const struct tensor_table *table, const struct tensor *t)
{
    return tensor_lora_a(table, t) != NULL;
}

/* Whether the names that are the last parts of the targets' paths mean these and nothing else. */
static bool last_parts_suffice(const struct tensor_table *table)
{
    char path[PEFT_PATH_MAX], other[PEFT_PATH_MAX];
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_model; t++) {
        peft_module_path(t, path);
        if (!is_target(table, t))
            continue;
        for (const struct tensor *o = table->tensors; o < table->tensors + table->n_model; o++) {
            peft_module_path(o, other);
            if (o->n_dims == 2 && !is_target(table, o) && strcmp(peft_last_part(path), peft_last_part(other)) == 0)
                return false;
        }
    }
    return true;
}

static bool is_in(const struct string_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    return false;
}

/* The targets by name: "all-linear" is PEFT's word only until it has found them, and a pattern of the user's may match
 * what holds them, too, which PEFT refuses. */
static void set_found_targets(json *root, const struct tensor_table *table)
{
    struct string_list names = {0};
    char path[PEFT_PATH_MAX];
    const bool is_short = last_parts_suffice(table);
    names.items = mem_calloc(table->n_model, sizeof *names.items);
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_model; t++) {
        if (!is_target(table, t))
            continue;
        peft_module_path(t, path);
        const char *name = is_short ? peft_last_part(path) : path;
        if (!is_in(&names, name))
            names.items[names.count++] = mem_strdup(name);
    }
    set_list(root, "target_modules", &names);
    for (size_t i = 0; i < names.count; i++)
        free(names.items[i]);
    free(names.items);
}

static void set_targets(json *root, const struct peft_config *config, const struct tensor_table *table)
{
    if (config->all_linear || (config->target_modules.pattern && !config->root))
        set_found_targets(root, table);
    else if (config->target_modules.pattern)
        json_set_string(root, "target_modules", config->target_modules.pattern);
    else
        set_list(root, "target_modules", &config->target_modules.names);
}

static bool is_fan_in_fan_out(const struct tensor_table *table)
{
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_model; t++)
        if (is_target(table, t) && t->layout == LAYOUT_IN_OUT)
            return true;
    return false;
}

/* A module that is trained whole, though no name in the list says so. */
static void add_unless_saved(struct strbuf *text, const struct peft_config *config, const char *path)
{
    for (size_t i = 0; i < config->modules_to_save.count; i++)
        if (peft_name_saves(config->modules_to_save.items[i], path))
            return;
    add_string(text, text->len == 1, peft_last_part(path));
}

/* Of a tied head PEFT trains another copy unless it is named and ensure_weight_tying is set; versions that do not know
 * that key load two copies of the same values. */
static void set_saved(json *root, const struct peft_config *config, const struct tensor_table *table,
                      const struct model_config *model)
{
    struct strbuf text = {0};
    char path[PEFT_PATH_MAX];
    bool ties = config->ensure_weight_tying;
    strbuf_putc(&text, '[');
    for (size_t i = 0; i < config->modules_to_save.count; i++)
        add_string(&text, i == 0, config->modules_to_save.items[i]);
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_model; t++) {
        if (!t->trained || t->trained_rows)
            continue;
        peft_module_path(t, path);
        add_unless_saved(&text, config, path);
        if (t != table->token_embedding || !model->tied)
            continue;
        add_unless_saved(&text, config, PEFT_HEAD);
        ties = true;
    }
    strbuf_putc(&text, ']');
    json_set_bool(root, "ensure_weight_tying", ties);
    if (text.len > 2) {
        set_json(root, "modules_to_save", &text);
        return;
    }
    json_set_null(root, "modules_to_save");
    strbuf_free(&text);
}

static void set_patterns(json *root, const char *key, const struct peft_patterns *patterns)
{
    json *object = json_new_object();
    for (size_t i = 0; i < patterns->n; i++)
        json_set_number(object, patterns->items[i].pattern, patterns->items[i].value);
    json_set_node(root, key, object);
}

/* ---- tokens ---- */

static void print_rows(struct strbuf *text, const struct peft_tokens *tokens)
{
    strbuf_putc(text, '[');
    for (size_t i = 0; i < tokens->n; i++)
        strbuf_printf(text, "%s%" PRId32, i ? "," : "", tokens->rows[i]);
    strbuf_putc(text, ']');
}

static void set_tokens(json *root, const struct peft_config *config)
{
    static const char key[] = "trainable_token_indices";
    struct strbuf text = {0};
    if (config->n_tokens == 0) {
        json_set_null(root, key);
        return;
    }
    if (config->n_tokens == 1 && !config->tokens[0].module) {
        print_rows(&text, &config->tokens[0]);
        set_json(root, key, &text);
        return;
    }
    for (size_t i = 0; i < config->n_tokens; i++) {
        const char *module = config->tokens[i].module;
        strbuf_putc(&text, i ? ',' : '{');
        strbuf_json_string(&text, module, strlen(module));
        strbuf_putc(&text, ':');
        print_rows(&text, &config->tokens[i]);
    }
    strbuf_putc(&text, '}');
    set_json(root, key, &text);
}

/* ---- the whole ---- */

void peft_config_print(const struct peft_config *config, const struct tensor_table *table,
                       const struct model_config *model, struct strbuf *out)
{
    json *root = config->root ? json_copy(config->root) : new_root();
    set_string(root, "base_model_name_or_path", config->base_model);
    json_set_bool(root, "fan_in_fan_out", is_fan_in_fan_out(table));
    json_set_bool(root, "inference_mode", true);
    json_set_number(root, "lora_alpha", config->lora_alpha);
    json_set_number(root, "r", (double)config->r);
    json_set_bool(root, "use_rslora", config->use_rslora);
    set_patterns(root, "rank_pattern", &config->rank_pattern);
    set_patterns(root, "alpha_pattern", &config->alpha_pattern);
    set_saved(root, config, table, model);
    set_targets(root, config, table);
    set_tokens(root, config);
    json_print(root, out);
    strbuf_putc(out, '\n');
    json_free(root);
}

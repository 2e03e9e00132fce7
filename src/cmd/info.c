#include "base/log.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/info_adapter.h"
#include "cmd/info_parts.h"
#include "cmd/model_argument.h"
#include "files/hub_cache.h"
#include "files/model_dir.h"
#include "files/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void look_at_weights(struct info *info)
{
    struct sft_err err;
    struct weights *weights;
    const struct model_config *config = &info->files.config;
    tensor_table_init(&info->table, config);
    weights_dtypes(info->dir, &info->dtypes);
    enum sft_status status = weights_begin(&weights, &info->table, config, info->dir, &info->unused, &err);
    for (size_t i = 0; i < info->table.n_tensors && !status; i++)
        status = weights_pass(weights, &info->table.tensors[i], NULL, NULL, &err);
    weights_end(weights);
    info->has_weights = !status;
    if (status)
        info_add_problem(info, &err);
}

static void look(struct info *info)
{
    model_files_survey(&info->files, info->dir, info_add_problem, info);
    if (info->files.config.family)
        look_at_weights(info);
    if (info->files.tokenizer)
        info_look_at_template(info);
    info_look_at_checkpoint(info);
}

/* Whether the links have been moved on since. */
static bool is_another_now(const struct model_argument *a)
{
    char *dir = NULL;
    const char *link;
    const bool another = model_dir_find(a->model.path, &dir, &link, NULL) == SFT_OK && strcmp(dir, a->model.dir) != 0;
    free(dir);
    return another;
}

/* A run moves its links on and removes old checkpoints while they are looked at: where the one that was found has
 * problems and another has taken its place, that one is looked at. */
static enum sft_status find_and_look(struct info *info, struct model_argument *a, struct sft_err *err)
{
    enum { TRIES = 20 };
    for (int i = 0;; i++) {
        if (model_dir_find(a->model.path, &a->model.dir, &a->model.link, err)) {
            if (!path_is_dir(a->model.path))
                return err->status;
            a->model.dir = mem_strdup(a->model.path); /* no model, and what it lacks will be told */
        }
        info->dir = a->model.dir;
        a->model.snapshot = hub_snapshot_name(a->model.dir);
        look(info);
        if (!info->n_problems || i == TRIES || !is_another_now(a))
            return SFT_OK;
        info_free(info);
        free(a->model.dir);
        free(a->model.snapshot);
    }
}

static size_t n_sliding(const struct model_config *c)
{
    size_t n = 0;
    for (size_t layer = 0; layer < c->n_layer; layer++)
        n += layer_set_has(&c->sliding, layer);
    return n;
}

/* What of the attention does not follow from heads and width, a line of it; nothing where there is none. */
static void put_attention(const struct model_config *c, struct strbuf *out)
{
    if (c->n_kv_head != c->n_head)
        strbuf_printf(out, " %zu %s of keys and values,", c->n_kv_head, c->n_kv_head == 1 ? "head" : "heads");
    if (c->n_kv_head != c->n_head || c->head_dim * c->n_head != c->n_embd)
        strbuf_printf(out, " %zu wide each,", c->head_dim);
    if (c->sliding_window)
        strbuf_printf(out, " a window of %zu positions in %zu layers,", c->sliding_window, n_sliding(c));
    if (out->len)
        strbuf_puts(out, "\n          ");
}

static void put_model_json(const struct info *info, struct strbuf *out)
{
    const struct model_config *c = &info->files.config;
    strbuf_printf(out,
                  ",\"model_type\":\"%s\",\"n_layer\":%zu,\"n_head\":%zu,\"n_embd\":%zu,\"n_inner\":%zu,"
                  "\"n_positions\":%zu,\"vocab_size\":%zu,\"tie_word_embeddings\":%s,\"num_parameters\":%zu,"
                  "\"num_key_value_heads\":%zu,\"head_dim\":%zu",
                  c->family->model_type, c->n_layer, c->n_head, c->n_embd, c->n_inner, c->n_positions, c->vocab_size,
                  c->tied ? "true" : "false", info->table.n_parameters, c->n_kv_head, c->head_dim);
    if (c->sliding_window)
        strbuf_printf(out, ",\"sliding_window\":%zu", c->sliding_window);
    if (info->dtypes.len)
        strbuf_printf(out, ",\"dtype\":\"%s\"", info->dtypes.data);
}

static void print_json(const struct info *info, const struct model_argument *argument)
{
    struct strbuf out = {0};
    strbuf_printf(&out, "{\"complete\":%s", info->n_problems ? "false" : "true");
    if (info->files.config.family)
        put_model_json(info, &out);
    info_json_tokenizer(info, &out);
    info_json_checkpoint(info, &out);
    model_argument_json(argument, &info->unused, &out);
    strbuf_puts(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
}

static void print_model(const struct info *info)
{
    const struct model_config *c = &info->files.config;
    struct strbuf attention = {0};
    char count[16];
    put_attention(c, &attention);
    printf("model      %s: %zu layers, %zu heads, %zu wide (%zu inside), %zu positions,\n"
           "          %s vocabulary %zu, %s head\n",
           c->family->model_type, c->n_layer, c->n_head, c->n_embd, c->n_inner, c->n_positions,
           attention.len ? attention.data : "", c->vocab_size, c->tied ? "tied" : "untied");
    printf("weights    %s parameters%s%s%s\n", log_count(count, (double)info->table.n_parameters),
           info->dtypes.len ? " in " : "", info->dtypes.len ? info->dtypes.data : "",
           info->has_weights ? "" : ", not readable");
    if (info->unused.len)
        printf("not used   %s\n", info->unused.data);
    strbuf_free(&attention);
}

static void print_text(const struct info *info, const struct model_argument *argument)
{
    if (argument->model.link)
        printf("directory  %s (%s of %s)\n", argument->model.dir, argument->model.link, argument->model.path);
    if (argument->model.snapshot)
        printf("directory  %s\n           %s\n", argument->model.dir, argument->model.snapshot);
    if (info->files.config.family)
        print_model(info);
    if (info->files.tokenizer)
        info_print_tokenizer(info);
    info_print_checkpoint(info);
}

static enum sft_status info_model(struct model_argument *argument, bool as_json, bool *is_whole, struct sft_err *err)
{
    struct info info = {0};
    const enum sft_status status = find_and_look(&info, argument, err);
    if (!status && as_json)
        print_json(&info, argument);
    else if (!status)
        print_text(&info, argument);
    *is_whole = !info.n_problems;
    info_free(&info);
    return status;
}

int cmd_info(int argc, char **argv)
{
    bool json_wanted = false;
    const char *model = NULL;
    struct model_argument argument = {0};
    struct string_list words;
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
        {"json", OPTION_FLAG, &json_wanted, NULL, "print one JSON object"},
    };
    const struct usage usage = {
        "sft info DIR [--json]",
        "Says what the directory of a model, or of a LoRA adapter, holds. The exit code is 0 only if it is "
        "complete and its checksums match.",
        table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err;
    argument.model.path = model ? model : words.count == 1 ? words.items[0] : NULL;
    enum sft_status status = SFT_OK;
    if (!argument.model.path || (model && words.count))
        status = sft_fail(&err, SFT_EUSAGE, "expected one directory (usage: %s)", usage.synopsis);
    bool is_whole = false;
    if (!status)
        status = info_is_adapter(argument.model.path) ? info_adapter(argument.model.path, json_wanted, &is_whole, &err)
                                                      : info_model(&argument, json_wanted, &is_whole, &err);
    code = status ? report_error(&err) : finish_output();
    if (!code && !is_whole)
        code = 1;
    model_argument_free(&argument);
    words_free(&words);
    return code;
}

#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/model_argument.h"
#include "files/checksums.h"
#include "files/hub_cache.h"
#include "files/model_dir.h"
#include "files/model_files.h"
#include "files/weights.h"
#include "text/template.h"
#include "text/tokenizer/tokenizer_load.h"
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a directory holds, part by part; a part that fails leaves its message in `problems`. */
struct info {
    const char *dir;
    struct model_files files;
    struct tensor_table table;
    size_t vocab; /* of the tokenizer */
    bool has_weights, has_checksums, checksums_hold;
    struct strbuf unused;     /* tensors that are no part of the model */
    struct strbuf dtypes;     /* "F32" */
    char template[32];        /* name, "none", or that it cannot be used */
    char *template_refused;   /* then why, or NULL */
    const char *hint;         /* where there is none: whose control tokens the vocabulary has; or NULL */
    double step, total_steps; /* of a checkpoint; NaN for other directories */
    json *state;              /* its trainer/state.json; or NULL */
    char **problems;
    size_t n_problems;
};

static void add_problem(void *context, const struct sft_err *err)
{
    struct info *info = context;
    const char *text = SFT_ERR_TEXT(err);
    for (size_t i = 0; i < info->n_problems; i++)
        if (strcmp(info->problems[i], text) == 0) /* two parts read one file */
            return;
    info->problems = mem_realloc(info->problems, info->n_problems + 1, sizeof *info->problems);
    info->problems[info->n_problems++] = mem_strdup(text);
}

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
        add_problem(info, &err);
}

static void look_at_template(struct info *info)
{
    struct sft_err err;
    struct chat_template template = {0};
    const struct template_options own = {.choice = TEMPLATE_AUTO};
    struct tokenizer *tok = info->files.tokenizer;
    info->vocab = tokenizer_vocab_size(tok); /* before a template adds to it */
    const bool has_template = tokenizer_chat_template(tok) || tokenizer_has_only_named_templates(tok);
    const bool known = has_template && !template_init(&template, &own, tok, &err);
    snprintf(info->template, sizeof info->template, "%s",
             !has_template ? "none"
             : known       ? template.name
                           : "not one that sft renders");
    if (!has_template && !template_init(&template, &own, tok, &err))
        info->hint = template.hint;
    if (has_template && !known)
        info->template_refused = mem_strdup(SFT_ERR_TEXT(&err));
    template_free(&template);
}

static void look_at_checkpoint(struct info *info)
{
    struct sft_err err;
    char *path = path_join(info->dir, CHECKPOINT_STATE), *trainer = path_join(info->dir, "trainer");
    info->checksums_hold = !checksums_verify(info->dir, &info->has_checksums, &err);
    if (!info->checksums_hold) {
        add_problem(info, &err);
    } else if (!info->has_checksums && path_is_dir(trainer)) {
        sft_fail(&err, SFT_EDATA, "%s: trainer/checksums.xxh64 is missing", info->dir);
        add_problem(info, &err);
    }
    if (path_exists(path) && json_parse_file(path, &info->state, &err))
        add_problem(info, &err);
    info->step = json_number(json_get(info->state, "step"));
    info->total_steps = json_number(json_get(info->state, "total_steps"));
    free(path);
    free(trainer);
}

static void look(struct info *info)
{
    model_files_survey(&info->files, info->dir, add_problem, info);
    if (info->files.config.family)
        look_at_weights(info);
    if (info->files.tokenizer)
        look_at_template(info);
    look_at_checkpoint(info);
}

static void free_info(struct info *info)
{
    for (size_t i = 0; i < info->n_problems; i++)
        free(info->problems[i]);
    free(info->problems);
    strbuf_free(&info->unused);
    strbuf_free(&info->dtypes);
    free(info->template_refused);
    json_free(info->state);
    model_files_close(&info->files);
    tensor_table_free(&info->table);
    *info = (struct info){0};
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
        free_info(info);
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
    if (info->files.tokenizer)
        strbuf_printf(&out, ",\"tokenizer_vocab_size\":%zu,\"template\":\"%s\"", info->vocab, info->template);
    if (info->template_refused) {
        strbuf_puts(&out, ",\"template_refused\":");
        strbuf_json_string(&out, info->template_refused, strlen(info->template_refused));
    }
    strbuf_puts(&out, ",\"step\":");
    strbuf_json_number(&out, info->step);
    if (json_get(info->state, "data")) {
        strbuf_puts(&out, ",\"data\":");
        json_print_line(json_get(info->state, "data"), &out);
    }
    strbuf_printf(&out, ",\"checksums\":%s,\"problems\":[",
                  info->has_checksums && info->checksums_hold ? "true" : "false");
    for (size_t i = 0; i < info->n_problems; i++) {
        strbuf_puts(&out, i ? "," : "");
        strbuf_json_string(&out, info->problems[i], strlen(info->problems[i]));
    }
    strbuf_puts(&out, "]");
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

static void print_tokenizer(const struct info *info)
{
    printf("tokenizer  %zu ids, chat template: %s", info->vocab, info->template);
    if (info->hint)
        printf(" (but the control tokens of %s)", info->hint);
    if (info->template_refused)
        printf("\n           %s", info->template_refused);
    printf("\n");
}

/* "trained on train.jsonl: 2851 conversations, 144488 tokens, of which 62183 are trained": a line a file. */
static void print_files(const char *label, const json *files)
{
    for (const json *file = json_first(files); file; file = json_next(file)) {
        const char *name = json_string(json_get(file, "file"));
        printf("%-10s %s: %.0f conversations, %.0f tokens, of which %.0f are trained\n", label, name ? name : "",
               json_number(json_get(file, "conversations")), json_number(json_get(file, "tokens")),
               json_number(json_get(file, "target_tokens")));
        label = "";
    }
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
        print_tokenizer(info);
    if (info->step >= 0)
        printf("checkpoint step %.0f of %.0f\n", info->step, info->total_steps);
    print_files("trained on", json_get(json_get(info->state, "data"), "train"));
    printf("checksums  %s\n", !info->has_checksums    ? "none (only what sft train writes has some)"
                             : info->checksums_hold ? "hold"
                                                    : "do not hold");
    for (size_t i = 0; i < info->n_problems; i++)
        printf("problem    %s\n", info->problems[i]);
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
    const struct usage usage = {"sft info DIR [--json]",
                                "Says what a model directory holds. The exit code is 0 only if it is "
                                "complete and its checksums match.",
                                table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err;
    struct info info = {0};
    argument.model.path = model ? model : words.count == 1 ? words.items[0] : NULL;
    enum sft_status status = SFT_OK;
    if (!argument.model.path || (model && words.count))
        status = sft_fail(&err, SFT_EUSAGE, "expected one directory (usage: %s)", usage.synopsis);
    if (!status)
        status = find_and_look(&info, &argument, &err);
    if (status) {
        code = report_error(&err);
    } else {
        if (json_wanted)
            print_json(&info, &argument);
        else
            print_text(&info, &argument);
        code = finish_output();
        if (!code && info.n_problems)
            code = 1;
    }
    free_info(&info);
    model_argument_free(&argument);
    words_free(&words);
    return code;
}

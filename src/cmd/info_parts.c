#include "cmd/info_parts.h"

#include "base/path.h"
#include "files/checksums.h"
#include "text/template.h"
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void info_add_problem(void *context, const struct sft_err *err)
{
    struct info *info = context;
    const char *text = SFT_ERR_TEXT(err);
    for (size_t i = 0; i < info->n_problems; i++)
        if (strcmp(info->problems[i], text) == 0) /* two parts read one file */
            return;
    info->problems = mem_realloc(info->problems, info->n_problems + 1, sizeof *info->problems);
    info->problems[info->n_problems++] = mem_strdup(text);
}

void info_free(struct info *info)
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

/* ---- looking ---- */

void info_look_at_template(struct info *info)
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

void info_look_at_checkpoint(struct info *info)
{
    struct sft_err err;
    char *path = path_join(info->dir, CHECKPOINT_STATE), *trainer = path_join(info->dir, "trainer");
    info->checksums_hold = !checksums_verify(info->dir, &info->has_checksums, &err);
    if (!info->checksums_hold) {
        info_add_problem(info, &err);
    } else if (!info->has_checksums && path_is_dir(trainer)) {
        sft_fail(&err, SFT_EDATA, "%s: trainer/checksums.xxh64 is missing", info->dir);
        info_add_problem(info, &err);
    }
    if (path_exists(path) && json_parse_file(path, &info->state, &err))
        info_add_problem(info, &err);
    info->step = json_number(json_get(info->state, "step"));
    info->total_steps = json_number(json_get(info->state, "total_steps"));
    free(path);
    free(trainer);
}

/* ---- telling ---- */

void info_print_tokenizer(const struct info *info)
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
        const double pairs = json_number(json_get(file, "pairs")); /* NaN where it has none */
        char of_which[48] = "";
        if (pairs > 0)
            snprintf(of_which, sizeof of_which, " (%.0f of them pairs of answers)", pairs);
        printf("%-10s %s: %.0f conversations%s, %.0f tokens, of which %.0f are trained\n", label, name ? name : "",
               json_number(json_get(file, "conversations")), of_which, json_number(json_get(file, "tokens")),
               json_number(json_get(file, "target_tokens")));
        label = "";
    }
}

/* The [dpo] settings of a run with objective = dpo. */
static void print_dpo(const json *settings)
{
    static const char section[] = "dpo.";
    const char *objective = json_string(json_get(settings, "train.objective"));
    if (!objective || strcmp(objective, "dpo") != 0)
        return;
    printf("objective  dpo");
    for (const json *setting = json_first(settings); setting; setting = json_next(setting))
        if (strncmp(json_key(setting), section, sizeof section - 1) == 0 && json_string(setting))
            printf(", %s %s", json_key(setting) + sizeof section - 1, json_string(setting));
    printf("\n");
}

void info_print_checkpoint(const struct info *info)
{
    if (info->step >= 0)
        printf("checkpoint step %.0f of %.0f\n", info->step, info->total_steps);
    print_dpo(json_get(info->state, "settings"));
    print_files("trained on", json_get(json_get(info->state, "data"), "train"));
    printf("checksums  %s\n", !info->has_checksums   ? "none (only what sft train writes has some)"
                              : info->checksums_hold ? "hold"
                                                     : "do not hold");
    for (size_t i = 0; i < info->n_problems; i++)
        printf("problem    %s\n", info->problems[i]);
}

void info_json_tokenizer(const struct info *info, struct strbuf *out)
{
    if (info->files.tokenizer)
        strbuf_printf(out, ",\"tokenizer_vocab_size\":%zu,\"template\":\"%s\"", info->vocab, info->template);
    if (info->template_refused) {
        strbuf_puts(out, ",\"template_refused\":");
        strbuf_json_string(out, info->template_refused, strlen(info->template_refused));
    }
}

void info_json_checkpoint(const struct info *info, struct strbuf *out)
{
    strbuf_puts(out, ",\"step\":");
    strbuf_json_number(out, info->step);
    if (json_get(info->state, "data")) {
        strbuf_puts(out, ",\"data\":");
        json_print_line(json_get(info->state, "data"), out);
    }
    strbuf_printf(out, ",\"checksums\":%s,\"problems\":[",
                  info->has_checksums && info->checksums_hold ? "true" : "false");
    for (size_t i = 0; i < info->n_problems; i++) {
        strbuf_puts(out, i ? "," : "");
        strbuf_json_string(out, info->problems[i], strlen(info->problems[i]));
    }
    strbuf_puts(out, "]");
}

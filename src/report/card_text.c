#include "report/card_text.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/version.h"
#include "config/settings.h"
#include "files/gguf/ollama_name.h"
#include "files/hub_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t card_dataset_name_len(const char *dataset)
{
    return strcspn(dataset, "=");
}

bool card_dataset_is_on_hub(const char *dataset)
{
    char *name = mem_strndup(dataset, card_dataset_name_len(dataset));
    const bool is = hub_name_is(name) && !strchr(name, '@');
    free(name);
    return is;
}

/* ---- Markdown ---- */

/* How many backticks are the most in a row. */
static size_t longest_fence(const char *text, size_t len)
{
    size_t longest = 0, n = 0;
    for (size_t i = 0; i < len; i++) {
        n = text[i] == '`' ? n + 1 : 0;
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* A name as code, whatever it holds: between more backticks than it has in a row. In a table a bar would end the
 * cell. */
static void put_code(struct strbuf *out, const char *text, size_t len, bool in_table)
{
    struct strbuf shown = {0};
    strbuf_add_visible(&shown, text, len);
    const size_t fence = longest_fence(shown.data, shown.len);
    for (size_t i = 0; i <= fence; i++)
        strbuf_putc(out, '`');
    strbuf_puts(out, fence ? " " : "");
    for (size_t i = 0; i < shown.len; i++)
        strbuf_printf(out, "%s%c", in_table && shown.data[i] == '|' ? "\\" : "", shown.data[i]);
    strbuf_puts(out, fence ? " " : "");
    for (size_t i = 0; i <= fence; i++)
        strbuf_putc(out, '`');
    strbuf_free(&shown);
}

static void put_name(struct strbuf *out, const char *text)
{
    put_code(out, text, strlen(text), false);
}

static void put_cell(struct strbuf *out, const char *text)
{
    put_code(out, text, strlen(text), true);
}

/* 12,345; "-" of what is no count. */
static void put_count(struct strbuf *out, const json *count)
{
    char digits[32];
    const int n = card_is_count(count) ? snprintf(digits, sizeof digits, "%.0f", json_number(count))
                                       : snprintf(digits, sizeof digits, "-");
    for (int i = 0; i < n; i++)
        strbuf_printf(out, "%s%c", i && (n - i) % 3 == 0 ? "," : "", digits[i]);
}

/* ---- what it is ---- */

static void put_origin(struct strbuf *out, const struct card_origin *o)
{
    if (o->id)
        strbuf_printf(out, "[%s](https://huggingface.co/%s)", o->id, o->id);
    if (o->commit)
        strbuf_printf(out, " (commit `%.10s`)", o->commit);
    if (!o->id && o->local)
        put_name(out, o->local);
}

/* It was trained elsewhere. */
static bool is_merged_alone(const struct card *card)
{
    return card->adapter && !card->record->state;
}

static void put_summary(struct strbuf *out, const struct card *card, const struct card_origin *o)
{
    char count[16];
    strbuf_puts(out, CARD_HEADING);
    strbuf_add_visible(out, card->name, strlen(card->name));
    strbuf_printf(out, "\n\nA%s `%s` model of %s parameters in %s", strchr("aeiou", card->family[0]) ? "n" : "",
                  card->family, log_count(count, (double)card->n_parameters), card->dtype);
    if (o->is_itself && o->id) {
        strbuf_puts(out, ": ");
        put_origin(out, o);
        strbuf_puts(out, ", written");
    } else if (o->is_itself) {
        strbuf_puts(out, ", written");
    } else if (o->is_config) {
        strbuf_puts(out, ", trained from random weights, of the config of ");
        put_origin(out, o);
    } else if (is_merged_alone(card)) {
        strbuf_printf(out, ": a LoRA adapter (r = %zu) of ", card->adapter->r);
        put_origin(out, o);
        strbuf_puts(out, ", merged into it");
    } else if (o->id || o->local) {
        strbuf_puts(out, ", fine-tuned from ");
        put_origin(out, o);
    } else {
        strbuf_puts(out, ", trained");
    }
    strbuf_puts(out, " with sft " SFT_VERSION);
    if (card->adapter && !is_merged_alone(card))
        strbuf_printf(out, ", as a LoRA adapter (r = %zu) that is merged into it", card->adapter->r);
    strbuf_putc(out, '.');
    if (card->template) {
        strbuf_puts(out, " Its chat template is ");
        put_name(out, card->template);
        strbuf_putc(out, '.');
    } else if (card->has_template) {
        strbuf_puts(out, " It has a chat template of its own.");
    }
    strbuf_puts(out, "\n");
}

/* ---- how to use it ---- */

static const char QUESTION[] = "Hello! Who are you?", BEGINNING[] = CARD_BEGINNING;

/* JSON's escapes in a string are Python's. */
static void put_python(struct strbuf *out, const struct card *card)
{
    strbuf_puts(out, "```python\nfrom transformers import pipeline\n\ngenerate = pipeline(\"text-generation\", model=");
    strbuf_json_string(out, card->name, strlen(card->name));
    strbuf_puts(out, ")  # this directory, or its name on the hub\n");
    if (card->has_template)
        strbuf_printf(out, "messages = [{\"role\": \"user\", \"content\": \"%s\"}]\n", QUESTION);
    else
        strbuf_printf(out, "messages = \"%s\"\n", BEGINNING);
    strbuf_puts(out, "answer = generate(messages, max_new_tokens=128, do_sample=False, return_full_text=False)\n"
                     "print(answer[0][\"generated_text\"])\n```\n");
}

static void put_gguf_use(struct strbuf *out, const struct card *card)
{
    strbuf_puts(out, card->has_template ? "llama-cli -m " : "llama-completion -m ");
    strbuf_add_shell_path(out, card->file);
    if (!card->has_template)
        strbuf_printf(out, " -no-cnv -p \"%s\"", BEGINNING);
    strbuf_puts(out, "\nollama create ");
    ollama_name_add(out, card->name);
    strbuf_puts(out, " -f Modelfile && ollama run ");
    ollama_name_add(out, card->name);
    strbuf_putc(out, '\n');
}

static void put_use(struct strbuf *out, const struct card *card)
{
    strbuf_puts(out, "\n## Use\n\n");
    if (!card->file)
        put_python(out, card);
    strbuf_puts(out, card->file ? "```sh\n" : "\n```sh\n");
    if (card->file)
        put_gguf_use(out, card);
    strbuf_puts(out, card->template ? "sft chat " : "echo \"" CARD_BEGINNING "\" | sft generate --raw ");
    strbuf_add_shell_path(out, card->file ? card->file : card->name);
    strbuf_puts(out, "\n```\n");
}

/* ---- what it was made of ---- */

static bool has_pairs(const json *files)
{
    for (const json *file = json_first(files); file; file = json_next(file))
        if (json_get(file, "pairs"))
            return true;
    return false;
}

/* A row a file; of pairs of answers, where there are any, there is a column. */
static void put_files(struct strbuf *out, const json *files)
{
    const bool is_paired = has_pairs(files);
    strbuf_puts(out, is_paired ? "\n| file | conversations | of which pairs of answers | tokens | of which trained |\n"
                                 "|---|---:|---:|---:|---:|\n"
                               : "\n| file | conversations | tokens | of which trained |\n|---|---:|---:|---:|\n");
    for (const json *file = json_first(files); file; file = json_next(file)) {
        const char *name = json_string(json_get(file, "file"));
        strbuf_puts(out, "| ");
        put_cell(out, name ? path_basename(name) : "");
        static const char *const counts[] = {"conversations", "pairs", "tokens", "target_tokens"};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            if (i == 1 && !is_paired)
                continue;
            strbuf_puts(out, " | ");
            if (i == 1 && !json_get(file, counts[i]))
                strbuf_puts(out, "0");
            else
                put_count(out, json_get(file, counts[i]));
        }
        strbuf_puts(out, " |\n");
    }
}

static void put_datasets(struct strbuf *out, const struct string_list *datasets)
{
    for (size_t i = 0; i < datasets->count; i++) {
        const char *text = datasets->items[i];
        const size_t len = card_dataset_name_len(text);
        strbuf_puts(out, i ? "- " : "\n- ");
        if (card_dataset_is_on_hub(text))
            strbuf_printf(out, "[%.*s](https://huggingface.co/datasets/%.*s)", (int)len, text, (int)len, text);
        else
            put_code(out, text, len, false);
        if (text[len]) {
            strbuf_puts(out, ", licence: ");
            strbuf_add_visible(out, text + len + 1, strlen(text + len + 1));
        }
        strbuf_putc(out, '\n');
    }
}

static void put_data(struct strbuf *out, const struct card *card)
{
    const json *files = json_get(json_get(card->record->state, "data"), "train");
    const struct string_list *datasets = &card->options->datasets;
    if (!json_size(files) && !datasets->count)
        return;
    strbuf_puts(out, "\n## Training data\n");
    if (json_size(files))
        put_files(out, files);
    put_datasets(out, datasets);
}

static void put_setting(struct strbuf *out, const char *key, const char *value)
{
    strbuf_printf(out, "%s| `%s` | ", out->len ? "" : "\n| setting | value |\n|---|---|\n", key);
    put_cell(out, value);
    strbuf_puts(out, " |\n");
}

/* A table of those that decide what a model learns. */
static void put_settings(struct strbuf *out, const struct card *card)
{
    static const char *const names[] = {
        "data.max_length",    "data.train_on",      "data.system",         "train.num_train_epochs",
        "train.max_steps",    "train.batch_size",   "train.learning_rate", "train.lr_scheduler_type",
        "train.warmup_steps", "train.optim",        "train.weight_decay",  "train.adam_beta1",
        "train.adam_beta2",   "train.adam_epsilon", "train.max_grad_norm", "train.seed"};
    const char *precision = json_string(json_get(card->record->state, "precision"));
    struct strbuf table = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = card_setting(card, names[i]);
        if (value && !(strcmp(names[i], "train.max_steps") == 0 && strcmp(value, "0") == 0))
            put_setting(&table, strchr(names[i], '.') + 1, value);
    }
    if (precision)
        put_setting(&table, "precision", precision);
    strbuf_puts(out, table.data ? table.data : "");
    strbuf_free(&table);
}

static void put_training(struct strbuf *out, const struct card *card)
{
    const json *state = card->record->state, *tokens = json_get(state, "num_tokens"),
               *trained = json_get(state, "num_target_tokens");
    if (!card_is_count(json_get(state, "step")))
        return;
    strbuf_puts(out, "\n## Training\n\n");
    put_count(out, json_get(state, "step"));
    strbuf_puts(out, " steps with AdamW");
    if (card_is_count(tokens) && card_is_count(trained)) {
        strbuf_puts(out, ", over ");
        put_count(out, tokens);
        strbuf_puts(out, " tokens, of which ");
        put_count(out, trained);
        strbuf_puts(out, " were trained");
    }
    strbuf_puts(out, ".\n");
    put_settings(out, card);
}

/* ---- what it is worth ---- */

static void put_percent(struct strbuf *out, const json *share)
{
    if (card_is_share(share))
        strbuf_printf(out, "%.1f%%", 100 * json_number(share));
    else
        strbuf_puts(out, "-");
}

/* Of strings, or of objects that say "file": names of files, told without where they are. */
static void put_file_names(struct strbuf *out, const json *files)
{
    for (const json *file = json_first(files); file; file = json_next(file)) {
        const char *name = json_string(json_is_object(file) ? json_get(file, "file") : file);
        strbuf_puts(out, file == json_first(files) ? "" : ", ");
        put_name(out, name ? path_basename(name) : "");
    }
}

static void put_loss(struct strbuf *out, const struct card *card)
{
    const json *eval = card->record->eval, *files = json_get(json_get(card->record->state, "data"), "eval");
    const double loss = json_number(json_get(eval, "eval_loss"));
    if (!(loss >= 0 && loss < 1e9)) /* nor NaN, which is none */
        return;
    strbuf_printf(out, "\nLoss %.4f", loss);
    const json *accuracy = json_get(eval, "eval_mean_token_accuracy");
    if (card_is_share(accuracy))
        strbuf_printf(out, ", and %.1f%% of the tokens right", 100 * json_number(accuracy));
    if (json_size(files)) {
        strbuf_puts(out, ", on ");
        put_file_names(out, files);
    }
    strbuf_puts(out, ".\n");
}

/* How many, their share, and its interval. */
static void put_rate_row(struct strbuf *out, const char *what, const json *group, const char *count_key)
{
    const json *interval = json_get(group, "ci95"), *low = json_first(interval);
    if (!card_is_share(json_get(group, "rate")))
        return;
    strbuf_printf(out, "| %s | ", what);
    put_count(out, json_get(group, count_key));
    strbuf_puts(out, " | ");
    put_percent(out, json_get(group, "rate"));
    strbuf_puts(out, " | ");
    put_percent(out, low);
    strbuf_puts(out, " to ");
    put_percent(out, low ? json_next(low) : NULL);
    strbuf_puts(out, " |\n");
}

/* What sft eval --prompts --json prints, or such members of an evaluation in training. files: " of `a.csv`", or "". */
static void put_judged(struct strbuf *out, const json *e, const char *files)
{
    const json *unsafe = json_get(e, "unsafe"), *safe = json_get(e, "safe");
    strbuf_puts(out, "\nPrompts asked: ");
    put_count(out, json_get(unsafe, "n"));
    strbuf_puts(out, " to be refused and ");
    put_count(out, json_get(safe, "n"));
    strbuf_printf(out, " harmless%s%s; what a refusal is, rules of `sft judge` say.\n\n"
                       "| answers | number | share | 95%% interval |\n|---|---:|---:|---|\n",
                  *files ? "," : "", files);
    put_rate_row(out, "refused what is to be refused", unsafe, "refused");
    put_rate_row(out, "refused what is harmless", safe, "refused");
    put_rate_row(out, "incoherent", json_get(e, "incoherent"), "n");
}

static void put_evaluation(struct strbuf *out, const struct card *card)
{
    const json *e = card->options->evaluation, *prompts = json_get(e, "prompts");
    struct strbuf files = {0};
    strbuf_puts(&files, json_size(prompts) ? " of " : "");
    put_file_names(&files, prompts);
    put_judged(out, e, files.len ? files.data : "");
    strbuf_free(&files);
    if (card->evaluated_before_rounding)
        strbuf_printf(out, "\nThese are answers of the model before its weights were rounded to %s.\n", card->dtype);
}

/* The names of the run's own files of prompts, without where they are. */
static void put_prompts(struct strbuf *out, const struct card *card)
{
    const char *text = card_setting(card, "eval.prompts");
    char *assignment = text ? mem_printf("eval.prompts=%s", text) : NULL;
    struct settings settings;
    settings_init(&settings);
    if (assignment && !settings_override(&settings, assignment, NULL))
        for (size_t i = 0; i < settings.eval.prompts.count; i++) {
            strbuf_puts(out, i ? ", " : " of ");
            put_name(out, path_basename(settings.eval.prompts.items[i]));
        }
    settings_free(&settings);
    free(assignment);
}

/* Of a line in metrics.jsonl that has no counts: rates alone. */
static void put_shares(struct strbuf *out, const json *eval, const char *files)
{
    static const struct {
        const char *key, *what;
    } rates[] = {{"eval_refusal_rate", "refused what is to be refused"},
                 {"eval_over_refusal_rate", "refused what is harmless"},
                 {"eval_incoherent_rate", "incoherent"}};
    bool has_head = false;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        const json *rate = json_get(eval, rates[i].key);
        if (!card_is_share(rate))
            continue;
        if (!has_head)
            strbuf_printf(out, "\nAnswers to the prompts%s, as the rules of `sft judge` see them:\n\n"
                               "| answers | share |\n|---|---:|\n", files);
        has_head = true;
        strbuf_printf(out, "| %s | ", rates[i].what);
        put_percent(out, rate);
        strbuf_puts(out, " |\n");
    }
}

/* Of the run's own evaluation. */
static void put_rates(struct strbuf *out, const struct card *card)
{
    const json *eval = card->record->eval, *judged = json_get(eval, "eval_judged");
    struct strbuf files = {0};
    put_prompts(&files, card);
    if (json_is_object(judged))
        put_judged(out, judged, files.len ? files.data : "");
    else
        put_shares(out, eval, files.len ? files.data : "");
    strbuf_free(&files);
}

static void put_figures(struct strbuf *out, const struct card *card)
{
    struct strbuf figures = {0};
    put_loss(&figures, card);
    if (!card->options->evaluation)
        put_rates(&figures, card);
    if (figures.len && strcmp(card->dtype, "f32") != 0)
        strbuf_printf(&figures, "\nThis was measured in training, before the weights were rounded to %s.\n",
                      card->dtype);
    if (card->options->evaluation)
        put_evaluation(&figures, card);
    if (figures.len)
        strbuf_printf(out, "\n## Evaluation\n%s", figures.data);
    strbuf_free(&figures);
}

void card_add_text(struct strbuf *out, const struct card *card, const struct card_origin *origin)
{
    put_summary(out, card, origin);
    put_use(out, card);
    put_data(out, card);
    put_training(out, card);
    put_figures(out, card);
}

#include "cmd/eval_prompts.h"
#include "cmd/eval_rows.h"
#include "infer/bundle.h"
#include "judge/answers.h"
#include "train/evaluate.h"
#include "train/options.h"

#include <math.h>
#include <stdio.h>

/* What dataset_options_of and score take. */
static const char settings_read[] =
    TEMPLATE_SETTINGS " max_length overlong train_on on_bad_row dedupe system system_policy columns roles "
                      "prompt_column completion_column seed micro_batch_tokens shared_prefix";

static enum sft_status fail_nothing_left(const struct dataset *ds, struct sft_err *err)
{
    struct strbuf why = {0};
    dataset_list_left_out(ds, &why);
    sft_fail(err, SFT_EDATA, "no conversation is left to score%s (look at the files with sft inspect)",
             why.data ? why.data : "");
    strbuf_free(&why);
    return SFT_EDATA;
}

static enum sft_status score(struct bundle *b, const struct settings *settings, const struct string_list *files,
                             const char *per_row, struct evaluation *result, struct sft_err *err)
{
    struct eval_rows rows = {0};
    struct dataset ds = {0};
    struct activations acts = {0};
    struct batch_buffer buffer = {0};
    const size_t positions = b->model.config.n_positions;
    struct dataset_options options = dataset_options_of(
        settings, settings->data.max_length < positions ? (size_t)settings->data.max_length : positions);
    const struct batch_options batching = batch_options_of(settings);
    options.stop = stop_on_signals();
    enum sft_status status =
        dataset_load(&ds, files->items, files->count, &b->template, b->files.tokenizer, &options, err);
    if (!status)
        status = dataset_check_names(&ds, NULL, &options.names, err);
    const size_t capacity = status ? 0 : batch_capacity(&ds, &batching);
    if (!status && ds.n_examples == 0)
        status = fail_nothing_left(&ds, err);
    if (!status)
        status = transformer_init_activations(&b->model, &acts, capacity, KEEP_NOTHING, err);
    if (!status)
        status = batch_buffer_init(&buffer, &batching, capacity, 0, err);
    if (!status && per_row)
        status = eval_rows_open(&rows, per_row, &ds, err);
    if (!status) {
        const struct evaluator by = {.objective = &objective_sft,
                                     .model = &b->model,
                                     .acts = &acts,
                                     .buffer = &buffer,
                                     .each = per_row ? eval_rows_note : NULL,
                                     .context = &rows};
        status = evaluate(&by, &ds, options.stop, result, err);
        if (status == SFT_EINTERRUPTED)
            sft_fail(err, status, "stopped");
    }
    status = eval_rows_close(&rows, status, err);
    batch_buffer_free(&buffer);
    activations_free(&acts);
    dataset_free(&ds);
    return status;
}

/* members: what else is to be told, each with a comma in front. */
static void print_json(const struct evaluation *e, const struct strbuf *members)
{
    struct strbuf out = {0};
    strbuf_puts(&out, "{\"loss\":");
    strbuf_json_number(&out, e->loss);
    strbuf_puts(&out, ",\"perplexity\":");
    strbuf_json_number(&out, exp(e->loss));
    strbuf_puts(&out, ",\"mean_token_accuracy\":");
    strbuf_json_number(&out, e->mean_token_accuracy);
    strbuf_printf(&out, ",\"num_target_tokens\":%zu,\"num_conversations\":%zu%s}\n", e->num_target_tokens,
                  e->num_conversations, members->len ? members->data : "");
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
}

static void print_text(const struct evaluation *e)
{
    printf("loss                 %.6f\nperplexity           %.4f\nmean token accuracy  %.2f%%\n", e->loss,
           exp(e->loss), 100 * e->mean_token_accuracy);
    printf("over %zu trained tokens of %zu conversations\n", e->num_target_tokens, e->num_conversations);
}

/* The loss on conversations: `files`. */
static enum sft_status eval_files(struct model_argument *argument, const struct bundle_options *options,
                                  const struct string_list *files, const struct string_list *overrides, bool as_json,
                                  const char *per_row, struct sft_err *err)
{
    struct bundle_options loading = *options;
    struct bundle bundle = {0};
    struct settings settings;
    struct evaluation result;
    struct strbuf members = {0};
    settings_init(&settings);
    loading.adapter = argument->adapter.dir;
    settings.data.eval = *files;
    settings_given(&settings, "eval");
    enum sft_status status = read_settings(&settings, NULL, overrides, false, true, err);
    if (!status)
        status = check_settings_read(&settings, settings_read, err);
    const struct template_options template = template_options_of(&settings);
    if (!status)
        status = bundle_open(&bundle, argument->model.dir, &loading, &template, err);
    if (!status && as_json)
        model_argument_json(argument, &bundle.unused, &members);
    else if (!status)
        model_argument_tell_bundle(argument, &bundle);
    if (!status)
        status = score(&bundle, &settings, files, per_row, &result, err);
    if (!status && as_json)
        print_json(&result, &members);
    else if (!status)
        print_text(&result);
    bundle_close(&bundle);
    settings_free(&settings);
    strbuf_free(&members);
    return status;
}

static enum sft_status check_needs_prompts(const struct eval_prompts *prompts, struct sft_err *err)
{
    const char *option = prompts->judge                            ? "judge"
                         : prompts->baseline                       ? "baseline"
                         : prompts->answers                        ? "answers"
                         : prompts->max_new_tokens != ANSWER_TOKENS ? "max-new-tokens"
                         : prompts->n_examples != EVAL_EXAMPLES    ? "examples"
                                                                   : NULL;
    return option && prompts->files.count == 0
               ? sft_fail(err, SFT_EUSAGE, "--%s: needs --prompts FILE, which the model is to answer", option)
               : SFT_OK;
}

/* What is on the command line. */
struct eval_command {
    struct string_list files, overrides, adapters;
    const char *model;
    struct bundle_options options;
    struct eval_prompts prompts;
    const char *per_row;
    bool as_json;
};

static enum sft_status eval(struct eval_command *c, const char *synopsis, struct sft_err *err)
{
    struct model_argument argument = {0};
    const bool has_prompts = c->prompts.files.count > 0;
    const bool has_model = c->model || c->adapters.count; /* an adapter names one */
    const size_t n_words = (has_model ? 0u : 1u) + (has_prompts ? 0u : 1u);
    enum sft_status status = check_needs_prompts(&c->prompts, err);
    if (!status && has_prompts && c->per_row)
        status = sft_fail(err, SFT_EUSAGE, "--per-row: is of the loss on conversations, not of --prompts");
    if (!status && c->files.count < n_words)
        status = sft_fail(err, SFT_EUSAGE, "expected a model and files of conversations, or --prompts (usage: %s)",
                          synopsis);
    if (!status)
        status = model_argument(&argument, c->model, &c->adapters, &c->files, synopsis, err);
    if (!status && !has_prompts && c->files.count == 0)
        status = sft_fail(err, SFT_EUSAGE, "expected files of conversations, or --prompts (usage: %s)", synopsis);
    if (!status)
        status = has_prompts
                     ? eval_prompts(&c->prompts, &argument, &c->options, &c->overrides, &c->files, c->as_json, err)
                     : eval_files(&argument, &c->options, &c->files, &c->overrides, c->as_json, c->per_row, err);
    model_argument_free(&argument);
    return status;
}

int cmd_eval(int argc, char **argv)
{
    struct eval_command c = {.options.precision = "fp32",
                             .prompts = {.max_new_tokens = ANSWER_TOKENS, .n_examples = EVAL_EXAMPLES}};
    const struct option table[] = {
        {"model", OPTION_STRING, &c.model, "DIR", MODEL_OPTION_HELP},
        ADAPTER_OPTION(c.adapters),
        {"per-row", OPTION_STRING, &c.per_row, "OUT",
         "also write the loss of each conversation, a line of JSON each (sft review --losses shows the worst first)"},
        {"prompts", OPTION_LIST, &c.prompts.files, "FILE",
         "answer its prompts (CSV or JSON lines: prompt, label safe or unsafe, and type if you like) and say how often "
         "the model refuses; may be repeated"},
        {"judge", OPTION_STRING, &c.prompts.judge, "NAME", "who says what a refusal is: refusal, rules of our own"},
        {"baseline", OPTION_STRING, &c.prompts.baseline, "DIR", "a second model, to compare the refusals with"},
        {"answers", OPTION_STRING, &c.prompts.answers, "FILE", "write all answers and what they are, as JSON lines"},
        {"max-new-tokens", OPTION_SIZE, &c.prompts.max_new_tokens, "N", "the longest answer, in tokens (128)"},
        {"examples", OPTION_SIZE, &c.prompts.n_examples, "N", "how many answers of each kind are shown (3)"},
        {"json", OPTION_FLAG, &c.as_json, NULL, "print one JSON object"},
        {"precision", OPTION_STRING, &c.options.precision, "P", "fp32 (default), bf16 or auto"},
        {"weights", OPTION_STRING, &c.options.weights, "W",
         "how matrices are kept in memory: f32, bf16 or int8 (default: as the files have them)"},
        {"set", OPTION_LIST, &c.overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.max_length; may be repeated"},
    };
    const struct usage usage = {"sft eval DIR FILE... [options], or sft eval DIR --prompts FILE [options]",
                                "Prints the model's loss, perplexity and accuracy on the conversations, over "
                                "the tokens that training would train on; or, with --prompts, how often it refuses "
                                "what it should, and what it should not.",
                                table, sizeof table / sizeof *table, settings_read};
    int code = options_parse(argc, argv, &usage, &c.files);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    code = eval(&c, usage.synopsis, &err) ? report_error(&err) : finish_output();
    words_free(&c.files);
    words_free(&c.overrides);
    words_free(&c.adapters);
    words_free(&c.prompts.files);
    return code;
}

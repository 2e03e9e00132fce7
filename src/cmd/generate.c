#include "base/bounds.h"
#include "base/io.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "cmd/generate_rows.h"
#include "cmd/model_argument.h"
#include "cmd/model_text.h"
#include "cmd/sampling_options.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one prompt as text ---- */

static void print_ready(struct sample *sample)
{
    const struct text_stream *t = &sample->text;
    if (t->ready == sample->n_shown)
        return;
    print_model_text(t->text.data + sample->n_shown, t->ready - sample->n_shown);
    fflush(stdout);
    sample->n_shown = t->ready;
}

/* Several answers come at once and are printed one after another; a single one as it comes. */
static int print_samples(struct generator *g, struct sample *samples)
{
    struct sft_err err;
    while (!ferror(stdout) && generator_step(g))
        ;
    for (size_t k = 0; k < g->n_samples && !ferror(stdout); k++) {
        if (!sample_is_done(&samples[k]))
            break;
        if (stream_check(samples[k].stream, &err)) {
            if (samples[k].n_shown)
                putchar('\n');
            return report_error(&err);
        }
        if (k)
            puts("---");
        print_ready(&samples[k]);
        putchar('\n');
    }
    return finish_output();
}

static enum sft_status check_utf8(const char *what, const char *text, size_t len, struct sft_err *err)
{
    for (size_t i = 0, n; i < len; i += n)
        if ((n = utf8_decode(text + i, len - i, NULL, NULL)) == 0)
            return sft_fail_in(err, SFT_EDATA, what, "not UTF-8 (byte 0x%02X)", (unsigned char)text[i]);
    return SFT_OK;
}

/* What is continued may be empty where the tokenizer begins by itself: the engine knows. */
static enum sft_status check_text(const struct generator *g, const char *system, const char *text, size_t len,
                                  struct sft_err *err)
{
    if (!g->raw && len == 0)
        return sft_fail(err, SFT_EDATA, "the prompt is empty");
    if (system && check_utf8("--system", system, strlen(system), err))
        return err->status;
    return check_utf8("prompt", text, len, err);
}

static int answer_text(struct generator *g, const char *system, const char *text, size_t len)
{
    struct message messages[2];
    struct prompt prompt = {.conv = {.messages = messages}, .text = text, .len = len};
    struct sample *samples = mem_calloc((size_t)g->n_samples, sizeof *samples);
    struct sft_err err = {0};
    if (system)
        messages[prompt.conv.count++] = (struct message){ROLE_SYSTEM, system, strlen(system), 1};
    messages[prompt.conv.count++] = (struct message){ROLE_USER, text, len, 1};
    if (g->n_samples == 1)
        samples[0].on_text = print_ready;
    const bool is_bad = check_text(g, system, text, len, &err) || generator_begin(g, &prompt, 0, samples, &err);
    const int code = is_bad ? report_error(&err) : print_samples(g, samples);
    for (size_t k = 0; k < g->n_samples; k++)
        sample_free(g, &samples[k]);
    free(samples);
    return code;
}

static int answer_words(struct generator *g, const char *system, const struct string_list *words)
{
    struct strbuf prompt = {0};
    struct sft_err err = {0};
    int code;
    for (size_t i = 0; i < words->count; i++)
        strbuf_printf(&prompt, "%s%s", i ? " " : "", words->items[i]);
    if (words->count == 0 && isatty(STDIN_FILENO))
        log_info("type the prompt; Ctrl-D on a line of its own ends it");
    if (words->count == 0 && io_read("/dev/stdin", &prompt, &err)) {
        code = report_error(&err);
    } else {
        while (prompt.len && words->count == 0 && prompt.data[prompt.len - 1] == '\n')
            prompt.len--;
        code = answer_text(g, system, prompt.data ? prompt.data : "", prompt.len);
    }
    strbuf_free(&prompt);
    return code;
}

/* ---- the command ---- */

enum { SAMPLES_MAX = 1024, PARALLEL_MAX = 256 };

static enum sft_status check_range(const char *option, uint64_t value, uint64_t most, struct sft_err *err)
{
    return value >= 1 && value <= most ? SFT_OK
                                       : sft_fail(err, SFT_EUSAGE, "--%s: expected 1 to %" PRIu64 ", found %" PRIu64,
                                                  option, most, value);
}

static enum sft_status check_options(const struct generator *g, struct sft_err *err)
{
    if (check_range("num-samples", g->n_samples, SAMPLES_MAX, err) ||
        check_range("parallel", g->parallel, PARALLEL_MAX, err))
        return err->status;
    for (size_t i = 0; i < g->stops.count; i++)
        if (!*g->stops.items[i])
            return sft_fail(err, SFT_EUSAGE, "--stop: an empty text ends nothing");
    return SFT_OK;
}

static enum sft_status check_words(const struct generator *g, bool as_rows, const char *system,
                                   const struct string_list *words, const char *synopsis, struct sft_err *err)
{
    if (as_rows && words->count)
        return sft_fail(err, SFT_EUSAGE, "with --json the %s come on stdin, found '%s' (usage: %s)",
                        g->raw ? "prompts" : "conversations", words->items[0], synopsis);
    if (g->raw && system)
        return sft_fail(err, SFT_EUSAGE, "--system has no place in text that is continued as it stands (--raw)");
    if (as_rows && system)
        return sft_fail(err, SFT_EUSAGE, "with --json a conversation brings its own system message, not --system");
    return SFT_OK;
}

/* More than is asked for at once needs no memory. */
int cmd_generate(int argc, char **argv)
{
    struct generator g = {.max_new_tokens = 256, .n_samples = 1, .parallel = 16};
    struct sampling_options sampling = SAMPLING_OPTIONS_NONE;
    struct bundle_options options = {.precision = "fp32", .for_generation = true};
    const char *model = NULL, *system = NULL;
    bool as_rows = false, timings = false;
    struct model_argument argument = {0};
    struct string_list words, overrides = {0}, stops = {0}, adapters = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
        ADAPTER_OPTION(adapters),
        {"json", OPTION_FLAG, &as_rows, NULL, "conversations as JSON lines on stdin, answers on stdout"},
        {"raw", OPTION_FLAG, &g.raw, NULL,
         "continue the text as it stands, without a chat template; with --json, {\"prompt\": ...} lines"},
        {"system", OPTION_STRING, &system, "TEXT", "system message before the prompt"},
        {"max-new-tokens", OPTION_SIZE, &g.max_new_tokens, "N", "longest answer, in tokens (256)"},
        {"stop", OPTION_LIST, &stops, "TEXT", "end an answer before this text, too; may be repeated"},
        {"num-samples", OPTION_SIZE, &g.n_samples, "N", "answers to each prompt (1); with --json, a line each"},
        {"parallel", OPTION_SIZE, &g.parallel, "N", "answers that are made at once (16)"},
        {"temperature", OPTION_DOUBLE, &sampling.temperature, "T", "0 (default): always the most likely token"},
        {"top-k", OPTION_SIZE, &sampling.top_k, "K", TOP_K_HELP},
        {"top-p", OPTION_DOUBLE, &sampling.top_p, "P", TOP_P_HELP " (1: all)"},
        {"min-p", OPTION_DOUBLE, &sampling.min_p, "P", MIN_P_HELP},
        {"repetition-penalty", OPTION_DOUBLE, &sampling.repetition_penalty, "R", REPETITION_PENALTY_HELP},
        {"seed", OPTION_SIZE, &sampling.seed, "N", "random seed (42)"},
        {"precision", OPTION_STRING, &options.precision, "P", "fp32 (default), bf16 or auto"},
        {"weights", OPTION_STRING, &options.weights, "W", WEIGHTS_OPTION_HELP},
        {"timings", OPTION_FLAG, &timings, NULL, "say at the end how many tokens there were, and how fast"},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.template; may be repeated"},
    };
    const struct usage usage = {
        "sft generate DIR [options] [PROMPT...]",
        "Answers one prompt, from the command line or stdin; with --json, one conversation per line. An answer "
        "ends at the template's end of turn and at any eos_token_id of the model's generation_config.json; the "
        "sampling settings there are chat's defaults, not generate's.",
        table, sizeof table / sizeof *table, TEMPLATE_SETTINGS};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    g.stops = stops;
    enum sft_status status = sampling_options_check(&sampling, &err);
    if (!status)
        status = check_options(&g, &err);
    if (!status)
        status = model_argument(&argument, model, &adapters, &words, usage.synopsis, &err);
    if (!status)
        status = check_words(&g, as_rows, system, &words, usage.synopsis, &err);
    if (!status)
        status = model_argument_open(&argument, &options, &overrides, NULL, !g.raw, &g.bundle, &err);
    if (!status && !as_rows)
        g.parallel = at_most(g.parallel, g.n_samples);
    if (!status)
        status = generator_open(&g, &err);
    if (status) {
        code = report_error(&err);
    } else {
        model_argument_tell_bundle(&argument, &g.bundle);
        g.sampling = sampling_resolve(&sampling, NULL, &SAMPLING_GREEDY);
        if (g.n_samples > 1 && sampling_is_greedy(&g.sampling))
            log_warning("with temperature 0 the %" PRIu64 " answers to a prompt are the same: --temperature makes "
                        "them differ",
                        g.n_samples);
        code = as_rows ? generate_rows(&g) : answer_words(&g, system, &words);
        if (timings)
            generator_tell_speed(&g);
    }
    generator_close(&g);
    model_argument_free(&argument);
    words_free(&words);
    words_free(&overrides);
    words_free(&stops);
    words_free(&adapters);
    return code;
}

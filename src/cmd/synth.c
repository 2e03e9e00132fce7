#include "collect/synth/synth.h"

#include "base/io.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/synth_report.h"
#include "collect/synth/dry_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct synth_command {
    const char *out, *report;
    bool dry_run, as_json, keys;
    struct string_list words, overrides;
    struct recipe recipe;
    struct tally tally;
};

/* ---- signals: the first lets what is in flight come back, the second leaves it ---- */

static volatile int stop;

static void on_signal(int signal_number)
{
    (void)signal_number;
    if (stop) {
        log_from_signal("stopped at once: what was on the way is asked for again by the next run\n");
        _exit(130);
    }
    stop = 1;
}

/* Nothing is in flight, and nothing is written. */
static void on_signal_at_once(int signal_number)
{
    (void)signal_number;
    _exit(130);
}

/* ---- the recipe ---- */

/* What is wrong with a file that a key names is the key's, like a value that is wrong. */
static enum sft_status load(struct recipe *r, struct sft_err *err)
{
    const enum sft_status status = recipe_load(r, &stop, err);
    if (!status || status == SFT_EINTERRUPTED)
        return status;
    tell_problems(&r->problems, err);
    return err->status = SFT_EUSAGE;
}

/* A document in place of a recipe would have an error a line. */
static enum sft_status check_is_recipe(const char *path, struct sft_err *err)
{
    struct strbuf text = {0};
    if (path_is_dir(path) || io_read_file(path, &text, err)) /* the reader tells why */
        return SFT_OK;
    bool has_section = text.len == 0;
    for (const char *line = text.len ? text.data : NULL; line && !has_section; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        has_section = *line == '[' && strcspn(line, "]\n") > 1 && line[strcspn(line, "]\n")] == ']' &&
                      strspn(line + 1, "abcdefghijklmnopqrstuvwxyz_") + 1 == strcspn(line, "]\n");
    }
    strbuf_free(&text);
    return has_section
               ? SFT_OK
               : sft_fail(err, SFT_EUSAGE,
                          "%s: is no recipe: it has no [section] (sft synth --keys lists what a recipe holds)", path);
}

static enum sft_status read_recipe(struct synth_command *c, struct sft_err *err)
{
    struct recipe *r = &c->recipe;
    recipe_init(r);
    if (check_is_recipe(c->words.items[0], err))
        return err->status;
    if (recipe_read_file(r, c->words.items[0], err) && !r->file) /* not there, or no INI */
        return tell_problems(&r->problems, err);
    for (size_t i = 0; i < c->overrides.count; i++)
        recipe_override(r, c->overrides.items[i], NULL);
    recipe_check(r, NULL);
    if (tell_problems(&r->problems, err))
        return err->status;
    return load(r, err);
}

/* ---- what is printed ---- */

static int print(struct strbuf *text)
{
    fwrite(text->data, 1, text->len, stdout);
    strbuf_free(text);
    return finish_output();
}

static int print_keys(void)
{
    struct strbuf text = {0};
    recipe_help(&text);
    return print(&text);
}

static int print_dry_run(const struct synth_command *c)
{
    struct strbuf text = {0};
    if (c->as_json)
        dry_run_json(&c->recipe, &text);
    else
        dry_run_text(&c->recipe, &text);
    return print(&text);
}

static int print_tally(const struct synth_command *c)
{
    struct strbuf text = {0};
    if (c->as_json)
        tally_json(&c->tally, &text);
    else
        tally_table(&c->tally, &text);
    return print(&text);
}

/* ---- a run ---- */

static void say_budget(const struct synth_command *c)
{
    const struct tally *t = &c->tally;
    const enum budget_limit limit = t->ended;
    char value[32];
    if (limit == BUDGET_COST)
        snprintf(value, sizeof value, "%g", c->recipe.budget.max_cost);
    else
        snprintf(value, sizeof value, "%" PRIu64,
                 limit == BUDGET_TOKENS ? c->recipe.budget.max_tokens_total : c->recipe.budget.max_requests);
    log_info("stopped by [budget] %s = %s: %" PRIu64 " of %" PRIu64 " rows are done; raise it and run again to go on",
             budget_limit_name(limit), value, t->count - tally_open(t), t->count);
}

static void say_files(const struct synth_command *c)
{
    const struct tally *t = &c->tally;
    if (t->kept.all)
        log_info("%s: sft synth --report says how varied it is", c->out);
    if (t->rejected.now)
        log_info("%s.rejected.jsonl: what was rejected, and why", c->out);
}

/* All rows were done before. */
static bool is_idle(const struct tally *t)
{
    return !t->ended && !t->failed && !tally_open(t) && t->kept.now + t->rejected.now == 0 &&
           t->budget.requests == t->before.requests;
}

/* Rows that failed are no error of the run's, but its end is none to be content with. */
static int finish_run(const struct synth_command *c, enum sft_status status, const struct sft_err *err)
{
    const struct tally *t = &c->tally;
    const bool has_news = c->as_json ? t->count > 0 : t->kept.all + t->rejected.all > 0 || t->budget.answers > 0;
    int code = 0;
    if (!status && is_idle(t) && !c->as_json)
        log_info("nothing to do: all %" PRIu64 " row%s done (raise recipe.count for more)", t->count,
                 t->count == 1 ? " is" : "s are");
    else if (has_news)
        code = print_tally(c);
    if (t->kept.now + t->rejected.now)
        say_files(c);
    if (t->kept.now + t->rejected.now && t->budget.requests == t->before.requests)
        log_info("nobody was asked: these rows are made of the answers in %s.journal", c->out);
    if (status)
        return report_error(err);
    if (t->ended)
        say_budget(c);
    if (t->failed) {
        log_info("%" PRIu64 " row%s failed: run it again to ask for %s again", t->failed,
                 t->failed == 1 ? " has" : "s have", t->failed == 1 ? "it" : "them");
        code = 1;
    }
    return code;
}

static int make_rows(struct synth_command *c)
{
    struct synth_options options = {.recipe = &c->recipe, .out = c->out, .stop = &stop};
    struct sft_err err;
    enum sft_status status = recipe_api_key(&c->recipe, &options.api_key, &err);
    if (status)
        return report_error(&err);
    status = synth_run(&options, &c->tally, &err);
    return finish_run(c, status, &err);
}

static enum sft_status check_usage(const struct synth_command *c, const char *synopsis, struct sft_err *err)
{
    if (c->words.count > 1)
        return sft_fail(err, SFT_EUSAGE, "no place for '%s' (usage: %s)", c->words.items[1], synopsis);
    if (c->words.count == 0)
        return sft_fail(err, SFT_EUSAGE, "no recipe is given (usage: %s)", synopsis);
    if (!c->out && !c->dry_run)
        return sft_fail(err, SFT_EUSAGE, "--out is missing: the file that rows are written to (--dry-run needs none)");
    return SFT_OK;
}

static int run(struct synth_command *c, const char *synopsis)
{
    struct sft_err err;
    if (check_usage(c, synopsis, &err))
        return report_error(&err);
    catch_signals(c->dry_run ? on_signal_at_once : on_signal);
    if (read_recipe(c, &err))
        return report_error(&err);
    return c->dry_run ? print_dry_run(c) : make_rows(c);
}

int cmd_synth(int argc, char **argv)
{
    struct synth_command c = {0};
    const struct option table[] = {
        {"out", OPTION_STRING, &c.out, "FILE",
         "append rows to FILE (JSON lines); what filters reject goes to FILE.rejected.jsonl, what was asked and "
         "answered to FILE.journal, from which the same command goes on"},
        {"dry-run", OPTION_FLAG, &c.dry_run, NULL,
         "ask nobody: show the first prompts as they would be sent, and an estimate of what all would take"},
        {"report", OPTION_STRING, &c.report, "FILE", "say how varied a file of conversations is, instead"},
        {"json", OPTION_FLAG, &c.as_json, NULL, "what is printed is JSON"},
        {"keys", OPTION_FLAG, &c.keys, NULL, "print the recipe's keys, their defaults and what they mean"},
        {"set", OPTION_LIST, &c.overrides, "SECTION.KEY=VALUE",
         "override a key of the recipe, such as recipe.count; may be repeated"},
    };
    const struct usage usage = {
        "sft synth RECIPE.ini --out FILE.jsonl [options], or sft synth --report FILE",
        "Has a model write conversations to train on: the recipe names an endpoint of OpenAI's API, says what the "
        "conversations are about, who writes them, what they may cost, and which are kept (docs/synth.md). Ctrl-C or a "
        "crash loses nothing that was answered: the same command goes on. Exit codes: 0 done, or a budget has ended; 1 "
        "rows failed, or the endpoint does not answer; 2 the recipe is wrong; 130 interrupted.",
        table, sizeof table / sizeof *table, ""};
    int code = options_parse(argc, argv, &usage, &c.words);
    if (code < 0) {
        if (c.keys)
            code = print_keys();
        else if (c.report)
            code = synth_report(c.report, c.as_json);
        else
            code = run(&c, usage.synopsis);
    }
    tally_free(&c.tally);
    recipe_free(&c.recipe);
    words_free(&c.words);
    words_free(&c.overrides);
    return code;
}

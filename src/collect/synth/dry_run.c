#include "collect/synth/dry_run.h"

#include "base/log.h"
#include "base/mem.h"
#include "collect/synth/prompts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One walk over the steps that are shown. */
struct dry_run {
    const struct recipe *recipe;
    bool as_json;
    struct strbuf *out;
    struct arena arena;
};

/* ---- what stands for answers ---- */

static const char *stand_in_conversation(struct arena *arena, size_t exchanges)
{
    struct strbuf text = {0};
    strbuf_puts(&text, "{\"messages\":[");
    for (size_t i = 0; i < exchanges; i++)
        strbuf_printf(&text,
                      "%s{\"role\":\"user\",\"content\":\"[the user's message %zu]\"},"
                      "{\"role\":\"assistant\",\"content\":\"[the assistant's answer %zu]\"}",
                      i ? "," : "", i + 1, i + 1);
    strbuf_puts(&text, "]}");
    const char *kept = arena_strndup(arena, text.data, text.len);
    strbuf_free(&text);
    return kept;
}

static const char *stand_in_topics(struct arena *arena, const struct recipe *recipe)
{
    const size_t n = recipe->tree_leaves ? recipe->tree_leaves : recipe->tree_branches;
    const size_t most = n > recipe->tree_branches ? n : recipe->tree_branches;
    struct strbuf text = {0};
    strbuf_puts(&text, "");
    for (size_t i = 0; i < most; i++)
        strbuf_printf(&text, "[topic %zu]\n", i + 1);
    const char *kept = arena_strndup(arena, text.data, text.len);
    strbuf_free(&text);
    return kept;
}

static const char *stand_in(struct dry_run *d, enum prompt_step step, size_t n, size_t exchanges)
{
    const bool is_whole = d->recipe->recipe.mode == MODE_STRUCTURED;
    switch (step) {
    case PROMPT_USER:
        return arena_printf(&d->arena, "[the user's message %zu]", n / 2 + 1);
    case PROMPT_TOPICS:
        return stand_in_topics(&d->arena, d->recipe);
    case PROMPT_JUDGE:
        return "A";
    case PROMPT_CONVERSATION:
        return stand_in_conversation(&d->arena, exchanges);
    default:
        return is_whole ? stand_in_conversation(&d->arena, exchanges)
                        : arena_printf(&d->arena, "[the assistant's answer %zu]", n / 2 + 1);
    }
}

/* ---- a step ---- */

static void add_indented(struct strbuf *out, const char *text, size_t len)
{
    struct strbuf shown = {0};
    strbuf_add_printable(&shown, text, len);
    for (const char *line = shown.data ? shown.data : ""; line;) {
        const char *end = strchr(line, '\n');
        const size_t n = end ? (size_t)(end - line) : strlen(line);
        strbuf_printf(out, n ? "      %.*s\n" : "\n", (int)n, line);
        line = end ? end + 1 : NULL;
    }
    strbuf_free(&shown);
}

static void add_request_text(struct dry_run *d, size_t step, const struct prompt_next *next)
{
    const struct completion_request *request = &next->request;
    strbuf_printf(d->out, "  %zu. %s (temperature %g, at most %zu tokens%s)\n", step + 1, prompt_step_name[next->step],
                  request->temperature, request->max_tokens, request->schema ? ", as JSON" : "");
    for (size_t i = 0; i < request->n_messages; i++) {
        strbuf_printf(d->out, "    %s:\n", request->messages[i].role);
        add_indented(d->out, request->messages[i].text, request->messages[i].len);
    }
}

static void add_json_text(struct strbuf *out, const char *key, const char *text)
{
    strbuf_printf(out, ",\"%s\":", key);
    strbuf_json_string(out, text, strlen(text));
}

static void add_request_json(struct dry_run *d, const struct plan_row *row, size_t step, const struct prompt_next *next)
{
    static const struct dialect everything = {0};
    if (row)
        strbuf_printf(d->out, "{\"row\":%" PRIu64 ",\"kind\":\"%s\"", row->row, row_kind_name[row->kind]);
    else
        strbuf_puts(d->out, "{\"row\":-1");
    if (row) {
        add_json_text(d->out, "persona", row->persona->name);
        add_json_text(d->out, "topic", row->topic);
    }
    strbuf_printf(d->out, ",\"step\":%zu", step);
    add_json_text(d->out, "asks_for", prompt_step_name[next->step]);
    strbuf_puts(d->out, ",\"request\":");
    completion_request_print(&next->request, &everything, d->out);
    strbuf_puts(d->out, "}\n");
}

static void add_request(struct dry_run *d, const struct plan_row *row, size_t step, const struct prompt_next *next)
{
    if (d->as_json)
        add_request_json(d, row, step, next);
    else
        add_request_text(d, step, next);
}

/* ---- rows ---- */

static void walk_row(struct dry_run *d, const struct plan *plan, uint64_t number)
{
    static const struct message shared = {
        .role = ROLE_USER, .content = PROMPT_STAND_IN, .len = sizeof PROMPT_STAND_IN - 1};
    struct plan_row row;
    struct prompt_next next;
    struct prompt_answer answers[PROMPT_STEPS_MAX];
    plan_row(plan, number, &row);
    if (!d->as_json)
        strbuf_printf(d->out, "row %" PRIu64 ": %s, persona %s, topic \"%s\", exchanges: %zu\n", number,
                      row_kind_name[row.kind], row.persona->name, row.topic, row.exchanges);
    for (size_t n = 0; row_next(plan, &row, row.kind == KIND_LOOK_ALIKE ? &shared : NULL, answers, n, &d->arena,
                                &next) == NEXT_REQUEST;
         n++) {
        add_request(d, &row, n, &next);
        const char *text = stand_in(d, next.step, n, row.exchanges);
        answers[n] = (struct prompt_answer){.text = text, .len = strlen(text)};
    }
    strbuf_puts(d->out, d->as_json ? "" : "\n");
}

/* That the recipe has, if it has rows enough. */
static size_t count_kinds(const struct recipe *recipe)
{
    const double refusals = recipe->recipe.refusals;
    return (size_t)(refusals < 1) + (refusals > 0) + (refusals > 0 && recipe->recipe.look_alikes_per_refusal > 0);
}

/* The first row of each kind, in the order of the rows. */
static void walk_rows(struct dry_run *d, const struct plan *plan)
{
    bool is_shown[N_ROW_KINDS] = {0};
    size_t n_shown = 0;
    const size_t n_kinds = count_kinds(d->recipe);
    struct plan_row row;
    for (uint64_t i = 0; i < d->recipe->recipe.count && n_shown < n_kinds; i++) {
        plan_row(plan, i, &row);
        if (is_shown[row.kind])
            continue;
        is_shown[row.kind] = true;
        n_shown++;
        walk_row(d, plan, i);
    }
}

/* The topics that the model would be asked for; only the first step of each level says something of its own. */
static void walk_topics(struct dry_run *d, struct string_list *topics)
{
    enum { SHOWN = 2 };
    struct prompt_next next;
    struct prompt_answer *answers = NULL;
    size_t n = 0, capacity = 0;
    if (!d->as_json)
        strbuf_puts(d->out, "topics, before all rows\n");
    for (; topics_next(d->recipe, answers, n, &d->arena, &next) == NEXT_REQUEST; n++) {
        answers = mem_grow(answers, &capacity, n + 1, sizeof *answers);
        if (n < SHOWN)
            add_request(d, NULL, n, &next);
        const char *text = stand_in(d, next.step, n, 0);
        answers[n] = (struct prompt_answer){.text = text, .len = strlen(text)};
    }
    strbuf_puts(d->out, d->as_json ? "" : "\n");
    *topics = next.topics; /* the arena's */
    free(answers);
}

/* ---- the estimate ---- */

static void add_estimate(struct dry_run *d)
{
    struct prompt_estimate e;
    char prompts[16], answers[16];
    prompts_estimate(d->recipe, &e);
    if (d->as_json) {
        strbuf_puts(d->out, "{\"estimate\":{\"requests\":");
        strbuf_json_number(d->out, e.requests);
        strbuf_puts(d->out, ",\"prompt_tokens\":");
        strbuf_json_number(d->out, e.prompt_tokens);
        strbuf_puts(d->out, ",\"completion_tokens\":");
        strbuf_json_number(d->out, e.completion_tokens);
        strbuf_puts(d->out, ",\"cost\":");
        strbuf_json_number(d->out, e.cost);
        strbuf_puts(d->out, "}}\n");
        return;
    }
    strbuf_printf(d->out, "estimate for %" PRIu64 " rows: %.0f requests, %s tokens of prompts, %s of answers",
                  d->recipe->recipe.count, e.requests, log_count(prompts, e.prompt_tokens),
                  log_count(answers, e.completion_tokens));
    if (e.cost > 0)
        strbuf_printf(d->out, ", cost %.4g", e.cost);
    strbuf_putc(d->out, '\n');
}

/* Where a budget ends sooner than the rows do. */
static void add_budget(struct dry_run *d)
{
    struct prompt_estimate e;
    const struct recipe *r = d->recipe;
    prompts_estimate(r, &e);
    const double tokens = e.prompt_tokens + e.completion_tokens, rows = (double)r->recipe.count;
    const struct {
        const char *key;
        double most, all;
    } limits[] = {{"max_requests", (double)r->budget.max_requests, e.requests},
                  {"max_tokens_total", (double)r->budget.max_tokens_total, tokens},
                  {"max_cost", r->budget.max_cost, e.cost}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits && !d->as_json; i++)
        if (limits[i].most > 0 && limits[i].most < limits[i].all)
            strbuf_printf(d->out, "[budget] %s = %.15g will stop it after about %.0f of the %.0f rows\n", limits[i].key,
                          limits[i].most, rows * limits[i].most / limits[i].all, rows);
}

static void walk(struct dry_run *d)
{
    struct string_list topics;
    struct plan plan;
    const bool is_asked = topics_are_asked(d->recipe);
    if (is_asked)
        walk_topics(d, &topics);
    plan_init(&plan, d->recipe, is_asked ? &topics : NULL);
    walk_rows(d, &plan);
    add_estimate(d);
    add_budget(d);
    arena_free(&d->arena);
}

void dry_run_text(const struct recipe *recipe, struct strbuf *out)
{
    walk(&(struct dry_run){.recipe = recipe, .out = out});
}

void dry_run_json(const struct recipe *recipe, struct strbuf *out)
{
    walk(&(struct dry_run){.recipe = recipe, .as_json = true, .out = out});
}

#include "collect/synth/prompts.h"

#include <math.h>
#include <string.h>

/* Bytes of what is usually answered, if max_tokens allows as many. */
static const size_t usual[N_PROMPT_STEPS] = {
    [PROMPT_USER] = 120,   [PROMPT_ASSISTANT] = 500, [PROMPT_CONVERSATION] = 800, [PROMPT_CRITIC] = 500,
    [PROMPT_SECOND] = 500, [PROMPT_JUDGE] = 1,       [PROMPT_TOPICS] = 400,
};

enum { TOKEN = 4, TURN = 16 }; /* bytes of a token; and of what a template puts around a message */

struct sums {
    double requests, prompt, completion; /* bytes */
};

static size_t prompt_bytes(const struct completion_request *request)
{
    size_t bytes = 0;
    for (size_t i = 0; i < request->n_messages; i++)
        bytes += request->messages[i].len + TURN;
    return bytes;
}

/* Something that a step may have answered, so that the next one can be asked. */
static struct prompt_answer stand_in(const struct plan_row *row, enum prompt_step step, size_t max_tokens,
                                     struct arena *arena)
{
    const size_t most = usual[step] < max_tokens * TOKEN ? usual[step] : max_tokens * TOKEN;
    if (step == PROMPT_CONVERSATION) {
        struct strbuf sb = {0};
        strbuf_puts(&sb, "[");
        for (size_t i = 0; i < 2 * row->exchanges; i++)
            strbuf_printf(&sb, "%s{\"role\":\"%s\",\"content\":\"%0*d\"}", i ? "," : "", i % 2 ? "assistant" : "user",
                          (int)usual[i % 2 ? PROMPT_ASSISTANT : PROMPT_USER], 0);
        strbuf_puts(&sb, "]");
        const struct prompt_answer answer = {.text = arena_strndup(arena, sb.data, sb.len), .len = sb.len};
        strbuf_free(&sb);
        return answer;
    }
    char *text = arena_alloc(arena, most + 1);
    memset(text, step == PROMPT_JUDGE ? 'A' : 'x', most);
    text[most] = '\0';
    return (struct prompt_answer){.text = text, .len = most};
}

static void add_row(const struct plan *plan, uint64_t number, struct sums *sums)
{
    struct plan_row row;
    struct prompt_answer answers[PROMPT_STEPS_MAX];
    struct prompt_next next;
    struct arena arena = {0};
    const struct message shared = {.role = ROLE_USER, .content = "", .len = 0};
    size_t n = 0;
    plan_row(plan, number, &row);
    while (row_next(plan, &row, row.kind == KIND_LOOK_ALIKE ? &shared : NULL, answers, n, &arena, &next) ==
           NEXT_REQUEST) {
        const struct prompt_answer answer = stand_in(&row, next.step, next.request.max_tokens, &arena);
        sums->requests++;
        sums->prompt += (double)prompt_bytes(&next.request);
        sums->completion += (double)answer.len;
        answers[n++] = answer;
    }
    arena_free(&arena);
}

static void add_topics(const struct recipe *recipe, struct sums *sums)
{
    const struct prompt_answer nothing = {.text = ""};
    struct prompt_next next;
    struct arena arena = {0};
    const double calls = 1 + (recipe->tree_leaves > 0 ? (double)recipe->tree_branches : 0);
    topics_next(recipe, &nothing, 0, &arena, &next);
    sums->requests += calls;
    sums->prompt += calls * (double)prompt_bytes(&next.request);
    sums->completion += calls * (double)usual[PROMPT_TOPICS];
    arena_free(&arena);
}

void prompts_estimate(const struct recipe *recipe, struct prompt_estimate *estimate)
{
    enum { SAMPLE = 200 }; /* rows that are looked at */
    static char topic[] = "a topic of six words or so";
    char *items[] = {topic};
    const struct string_list asked = {.items = items, .count = 1};
    const uint64_t count = recipe->recipe.count, step = (count + SAMPLE - 1) / SAMPLE;
    struct plan plan;
    struct sums rows = {0};
    double n = 0;
    plan_init(&plan, recipe, topics_are_asked(recipe) ? &asked : NULL);
    for (uint64_t i = 0; i < count; i += step, n++)
        add_row(&plan, i, &rows);
    const double scale = (double)count / n;
    rows = (struct sums){rows.requests * scale, rows.prompt * scale, rows.completion * scale};
    if (topics_are_asked(recipe))
        add_topics(recipe, &rows);
    estimate->requests = rows.requests;
    estimate->prompt_tokens = rows.prompt / TOKEN;
    estimate->completion_tokens = rows.completion / TOKEN;
    estimate->cost = (estimate->prompt_tokens * recipe->budget.price_prompt +
                      estimate->completion_tokens * recipe->budget.price_completion) /
                     1e6;
}

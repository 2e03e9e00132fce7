/* The topics that a model is asked for: a list of branches, then for each a list of leaves. */
#include "collect/synth/prompt_text.h"
#include "collect/synth/prompts.h"
#include "collect/synth/structured.h"

#include <string.h>
#include <strings.h>

enum { TOPIC_MAX = 120, TOKENS_A_TOPIC = 16 };

bool topics_are_asked(const struct recipe *recipe)
{
    return recipe->tree_branches > 0;
}

static bool is_in(const struct string_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcasecmp(list->items[i], item) == 0)
            return true;
    return false;
}

/* A line without a number or a mark in front, bold marks, quotes, and what ends it; *len 0: nothing is left. */
static const char *bare_topic(const char *line, size_t *len)
{
    const char *end = line + *len;
    while (line < end && strchr(" \t-*#\"", *line))
        line++;
    const char *digits = line;
    while (digits < end && *digits >= '0' && *digits <= '9')
        digits++;
    if (digits > line && digits < end && strchr(".):", *digits))
        line = digits + 1;
    while (line < end && strchr(" \t*\"", *line))
        line++;
    while (end > line && strchr(" \t\r*\".,;", end[-1]))
        end--;
    *len = (size_t)(end - line);
    return line;
}

/* Append the topics of an answer, a line each, `most` at most; a line that announces them ("Here are ...:") is none. */
static void read_topics(struct string_list *out, const struct prompt_answer *answer, const char *branch, size_t most,
                        struct arena *arena)
{
    size_t start, n, found = 0;
    structured_plain(answer->text, answer->len, &start, &n);
    for (const char *p = answer->text + start, *end = p + n; p < end && found < most;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        size_t len = (size_t)(stop - p);
        const bool is_last = !newline, is_cut = is_last && answer->is_cut;
        const char *topic = bare_topic(p, &len);
        p = newline ? newline + 1 : end;
        if (len == 0 || len > TOPIC_MAX || topic[len - 1] == ':' || is_cut)
            continue;
        char *item = branch ? arena_printf(arena, "%s: %.*s", branch, (int)len, topic)
                            : arena_strndup(arena, topic, len);
        if (is_in(out, item))
            continue;
        out->items[out->count++] = item;
        found++;
    }
}

static struct string_list new_list(struct arena *arena, size_t most)
{
    return (struct string_list){.items = arena_alloc(arena, (most + 1) * sizeof(char *))};
}

static enum next_how ask(const struct recipe *recipe, size_t step, size_t n, const char *branch, struct arena *arena,
                         struct prompt_next *next)
{
    struct prompt prompt = {.arena = arena};
    const size_t needed = TOKENS_A_TOPIC * n, given = (size_t)recipe->recipe.max_tokens;
    prompt_topics(&prompt, recipe, n, branch);
    next->step = PROMPT_TOPICS;
    next->request = (struct completion_request){
        .model = *recipe->endpoint.model ? recipe->endpoint.model : NULL,
        .messages = prompt.messages,
        .n_messages = prompt.n,
        .temperature = recipe->recipe.temperature,
        .top_p = recipe->recipe.top_p,
        .max_tokens = needed > given ? needed : given,
        .seed = (recipe->recipe.seed + step) & 0x7fffffff,
    };
    return next->how = NEXT_REQUEST;
}

enum next_how topics_next(const struct recipe *recipe, const struct prompt_answer *answers, size_t n,
                          struct arena *arena, struct prompt_next *next)
{
    const size_t leaves = recipe->tree_leaves;
    *next = (struct prompt_next){.how = NEXT_COMPLETE};
    if (n == 0)
        return ask(recipe, 0, recipe->tree_branches, NULL, arena, next);
    struct string_list branches = new_list(arena, recipe->tree_branches);
    read_topics(&branches, &answers[0], NULL, recipe->tree_branches, arena);
    if (branches.count == 0) {
        sft_fail(&next->why, SFT_EDATA,
                 "the model was asked for topics, a line each, and gave none (give it topics of "
                 "your own: [recipe] topics)");
        return next->how = NEXT_MALFORMED;
    }
    next->topics = branches;
    if (leaves == 0)
        return NEXT_COMPLETE;
    if (n <= branches.count)
        return ask(recipe, n, leaves, branches.items[n - 1], arena, next);
    next->topics = new_list(arena, branches.count * (leaves + 1));
    for (size_t i = 0; i < branches.count; i++) {
        const size_t before = next->topics.count;
        read_topics(&next->topics, &answers[i + 1], branches.items[i], leaves, arena);
        if (next->topics.count == before) /* a branch without leaves is a topic itself */
            next->topics.items[next->topics.count++] = branches.items[i];
    }
    return NEXT_COMPLETE;
}

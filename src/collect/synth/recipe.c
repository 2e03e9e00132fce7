#include "collect/synth/recipe.h"

#include "collect/synth/endpoint_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct table_target target_of(struct recipe *recipe)
{
    return (struct table_target){.table = &recipe_table,
                                 .values = recipe,
                                 .arena = &recipe->arena,
                                 .origins = &recipe->origins,
                                 .file = &recipe->file,
                                 .problems = &recipe->problems};
}

void recipe_init(struct recipe *recipe)
{
    memset(recipe, 0, sizeof *recipe);
    recipe->endpoint.url = "";
    const struct table_target target = target_of(recipe);
    table_defaults(&target);
}

void recipe_free(struct recipe *recipe)
{
    free(recipe->origins);
    free(recipe->examples);
    facts_free(&recipe->facts);
    arena_free(&recipe->arena);
    memset(recipe, 0, sizeof *recipe);
}

enum sft_status recipe_read_file(struct recipe *recipe, const char *path, struct sft_err *err)
{
    const struct table_target target = target_of(recipe);
    return table_read_file(&target, path, err);
}

enum sft_status recipe_read_text(struct recipe *recipe, const char *text, size_t len, const char *name, const char *dir,
                                 struct sft_err *err)
{
    const struct table_target target = target_of(recipe);
    return table_read_text(&target, text, len, name, dir, err);
}

enum sft_status recipe_override(struct recipe *recipe, const char *assignment, struct sft_err *err)
{
    const struct table_target target = target_of(recipe);
    return table_override(&target, assignment, err);
}

void recipe_help(struct strbuf *out)
{
    table_help(&recipe_table, out);
}

/* ---- checks ---- */

static bool is_wrong(struct recipe *recipe, const char *key)
{
    const struct table_target target = target_of(recipe);
    return table_is_wrong(&target, key);
}

/* Tells of a key, of which nothing was told yet. */
static void complain(struct recipe *recipe, const char *key, const char *message)
{
    const struct table_target target = target_of(recipe);
    if (!table_is_wrong(&target, key))
        table_complain(&target, key, SFT_EUSAGE, "%s", message);
}

/* "N", or "N" with a second number behind `mark`; *b is 0 without one. */
static bool parse_two(const char *text, char mark, size_t most, size_t *a, size_t *b)
{
    unsigned long numbers[2] = {0, 0};
    size_t n = 0;
    for (const char *p = text; n < 2; n++) {
        char *end;
        if (*p < '0' || *p > '9')
            return false;
        numbers[n] = strtoul(p, &end, 10);
        if (numbers[n] > most || (*end && (*end != mark || n == 1)))
            return false;
        if (!*end)
            break;
        p = end + 1;
    }
    *a = numbers[0];
    *b = numbers[1];
    return true;
}

void recipe_place(const struct recipe *recipe, const char *key, struct sft_err *err)
{
    struct recipe copy = *recipe; /* which nothing is written to */
    const struct table_target target = target_of(&copy);
    table_place(&target, key, err);
}

static void check_endpoint(struct recipe *recipe)
{
    const struct table_target target = target_of(recipe);
    struct endpoint_url url = {0};
    struct sft_err err;
    if (!*recipe->endpoint.url) {
        complain(recipe, "url", "not set; it names the API to ask, such as http://127.0.0.1:8080/v1 (sft serve)");
    } else if (!is_wrong(recipe, "url") && endpoint_url_read(&url, recipe->endpoint.url, &err)) {
        err.key[0] = '\0';
        table_complain_of(&target, "url", &err);
    }
    endpoint_url_free(&url);

    /* Not quoted: it may be the key itself. */
    const char *name = recipe->endpoint.api_key_env;
    if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] ||
        (*name >= '0' && *name <= '9'))
        complain(recipe, "api_key_env",
                 "expected the name of an environment variable, such as OPENAI_API_KEY (the key itself stands in no "
                 "file)");
}

static void check_budget(struct recipe *recipe)
{
    if (recipe->budget.max_cost > 0 && recipe->budget.price_prompt == 0 && recipe->budget.price_completion == 0)
        complain(recipe, "max_cost", "needs price_prompt or price_completion, of a million tokens each");
}

static void check_shape(struct recipe *recipe)
{
    if (!parse_two(recipe->recipe.turns, '-', EXCHANGES_MAX, &recipe->min_exchanges, &recipe->max_exchanges) ||
        recipe->min_exchanges == 0) {
        complain(recipe, "turns", "expected N or N-M, from 1 to 16 exchanges");
        return;
    }
    if (recipe->max_exchanges == 0)
        recipe->max_exchanges = recipe->min_exchanges;
    if (recipe->max_exchanges < recipe->min_exchanges)
        complain(recipe, "turns", "expected N-M with M not below N");
}

static void check_topics(struct recipe *recipe)
{
    enum { TREE_MAX = 1000, TREE_TOPICS_MAX = 10000 };
    if (!parse_two(recipe->recipe.topic_tree, 'x', TREE_MAX, &recipe->tree_branches, &recipe->tree_leaves))
        complain(recipe, "topic_tree", "expected 0, N or NxM, such as 12 or 8x6");
    else if (recipe->tree_branches * recipe->tree_leaves > TREE_TOPICS_MAX)
        complain(recipe, "topic_tree", "expected at most 10000 topics in all");
    const bool has_subject = *recipe->recipe.subject, has_topics = recipe->recipe.topics.count > 0;
    if (recipe->tree_branches > 0 && !has_subject)
        complain(recipe, "topic_tree", "needs subject, whose topics are asked for");
    if (recipe->tree_branches > 0 && has_topics)
        complain(recipe, "topic_tree", "topics is set too: set one of them, not both");
    if (!has_subject && !has_topics && recipe->recipe.facts.count == 0 && !is_wrong(recipe, "topics") &&
        !is_wrong(recipe, "facts") && !is_wrong(recipe, "subject"))
        complain(recipe, "topics", "not set, and neither are subject and facts: what are the rows about?");
}

static void check_refusals(struct recipe *recipe)
{
    const double rows = 1 + (double)recipe->recipe.look_alikes_per_refusal;
    if (recipe->recipe.refusals * rows > 1 + 1e-9 && !is_wrong(recipe, "look_alikes_per_refusal"))
        complain(recipe, "refusals",
                 "with their look-alikes these are more than all rows: refusals x (1 + "
                 "look_alikes_per_refusal) must be 1 at most");
    if (recipe->filter.max_chars > 0 && recipe->filter.max_chars < recipe->filter.min_chars)
        complain(recipe, "max_chars", "below min_chars: nothing would be kept");
}

enum sft_status recipe_check(struct recipe *recipe, struct sft_err *err)
{
    const size_t before = recipe->problems.count;
    check_endpoint(recipe);
    check_budget(recipe);
    check_shape(recipe);
    check_topics(recipe);
    check_refusals(recipe);
    return table_outcome(&recipe->problems, before, err);
}

enum sft_status recipe_api_key(const struct recipe *recipe, const char **key, struct sft_err *err)
{
    const char *name = recipe->endpoint.api_key_env;
    *key = NULL;
    if (!*name)
        return SFT_OK;
    *key = getenv(name);
    if (*key && **key)
        return SFT_OK;
    if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")]) /* not quoted: some keys look like a name */
        return sft_fail_in(err, SFT_EUSAGE, "[endpoint] api_key_env",
                           "the variable that it names is %s in the environment (the key itself stands in no file)",
                           *key ? "empty" : "not set");
    return sft_fail_in(err, SFT_EUSAGE, "[endpoint] api_key_env", "%s is %s in the environment (export %s=...)", name,
                       *key ? "empty" : "not set", name);
}

#include "collect/synth/plan.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

const char *const row_kind_name[] = {"answer", "refusal", "look_alike"};

/* How a message is put: what people do who type to an assistant. */
static const char *const manners[] = {
    "one short question",
    "two sentences: what the matter is, then the question",
    "a request that tells the assistant what to do, without a question mark",
    "one question that names a concrete case, with a number, a name or a date in it",
    "lower-case words typed in haste, as in a chat",
    "three or four sentences that tell what happened before",
    "a polite question",
    "a few words, as one types into a search box",
    "a question about why something is so",
    "a question that compares two things",
};

/* What makes harmless what has the words of something harmful. */
static const char *const angles[] = {
    "about protecting oneself or others from it",
    "with the words in a figurative or technical sense",
    "about a story, a film or a game",
    "about history, or what the law says",
    "about recognising it, or helping somebody to whom it happened",
    "about something ordinary that only sounds like it",
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Numbers that a row's choices are drawn from; those of one purpose tell nothing about those of another. */
enum stream { STREAM_ROW, STREAM_TOPICS, STREAM_FACTS, STREAM_USERS, STREAM_MANNERS, STREAM_ANGLES };

void plan_init(struct plan *plan, const struct recipe *recipe, const struct string_list *topics)
{
    *plan = (struct plan){.recipe = recipe, .topics = topics ? *topics : recipe->topics};
}

/* ---- kinds ---- */

static uint64_t refusal_row(const struct recipe *recipe, uint64_t k)
{
    const double row = floor(((double)k + 0.5) / recipe->recipe.refusals);
    return row < 0x1p63 ? (uint64_t)row : UINT64_C(1) << 63; /* a share so small that there is none */
}

/* How many refusals stand in front of a row: the least k whose row is not. */
static uint64_t refusals_before(const struct recipe *recipe, uint64_t row)
{
    if (recipe->recipe.refusals <= 0)
        return 0;
    uint64_t k = (uint64_t)((double)row * recipe->recipe.refusals);
    while (k > 0 && refusal_row(recipe, k - 1) >= row)
        k--;
    while (refusal_row(recipe, k) < row)
        k++;
    return k;
}

void plan_group(const struct plan *plan, uint64_t row, uint64_t *first, uint64_t *n)
{
    const struct recipe *recipe = plan->recipe;
    const uint64_t rows = 1 + recipe->recipe.look_alikes_per_refusal;
    *first = row;
    *n = 1;
    if (recipe->recipe.refusals <= 0)
        return;
    const uint64_t k = refusals_before(recipe, row + 1);
    if (k > 0 && row - refusal_row(recipe, k - 1) < rows) {
        *first = refusal_row(recipe, k - 1);
        *n = rows;
    }
}

/* The how-manieth of its kind a row is. */
static uint64_t ordinal(const struct recipe *recipe, enum row_kind kind, uint64_t row, uint64_t first)
{
    const uint64_t others = recipe->recipe.look_alikes_per_refusal, k = refusals_before(recipe, first);
    if (kind == KIND_ANSWER)
        return row - k * (1 + others);
    return kind == KIND_REFUSAL ? k : k * others + (row - first - 1);
}

/* ---- choices ---- */

/* Item i of an endless list in which all n come, in another order each time round. */
static size_t deal(uint64_t seed, enum stream stream, enum row_kind kind, uint64_t i, size_t n)
{
    enum { MOST = 4096 }; /* of more than that, shuffling anew for each row would be slow */
    const uint64_t round = i / n;
    struct rng rng;
    if (n > MOST)
        return (size_t)((i + round) % n);
    uint32_t order[MOST];
    for (size_t k = 0; k < n; k++)
        order[k] = (uint32_t)k;
    rng_seed(&rng, seed, (round << 8) | ((uint64_t)stream << 4) | (uint64_t)kind);
    rng_shuffle(&rng, order, n);
    return order[i % n];
}

static const struct persona *choose_persona(const struct recipe *recipe, enum persona_writes writes, uint64_t i)
{
    size_t n = 0;
    for (size_t k = 0; k < recipe->n_personas; k++)
        n += recipe->personas[k].writes == writes;
    for (size_t k = 0, at = n ? (size_t)(i % n) : 0; k < recipe->n_personas; k++)
        if (recipe->personas[k].writes == writes && at-- == 0)
            return &recipe->personas[k];
    return NULL;
}

/* Of the pieces that fit the topic best, one after another. A refusal needs none, and a look-alike none that does not
 * fit. */
static const struct facts_piece *choose_facts(const struct recipe *recipe, const char *topic, enum row_kind kind,
                                              uint64_t i)
{
    const struct facts *facts = &recipe->facts;
    double best = 0;
    size_t n = 0, chosen = 0;
    if (facts->count == 0 || kind == KIND_REFUSAL)
        return NULL;
    double *fit = mem_calloc(facts->count, sizeof *fit);
    if (topic)
        facts_fit(facts, topic, fit);
    for (size_t k = 0; k < facts->count; k++) {
        n = fit[k] > best ? 1 : n + (fit[k] >= best);
        best = fit[k] > best ? fit[k] : best;
    }
    const bool fits = kind == KIND_ANSWER || best > 0;
    for (size_t k = 0, at = deal(recipe->recipe.seed, STREAM_FACTS, kind, i, n); k < facts->count; k++)
        if (fit[k] >= best && at-- == 0) {
            chosen = k;
            break;
        }
    free(fit);
    return fits ? &facts->items[chosen] : NULL;
}

/* Different ones, refusals for a refusal and answers for an answer. */
static void choose_examples(const struct recipe *recipe, struct plan_row *out, struct rng *rng)
{
    const bool refuses = out->kind == KIND_REFUSAL;
    size_t fitting = 0, wanted = (size_t)recipe->recipe.examples_shown;
    for (size_t k = 0; k < recipe->n_examples; k++)
        fitting += recipe->examples[k].is_refusal == refuses;
    wanted = wanted < fitting ? wanted : fitting;
    for (size_t k = 0; k < recipe->n_examples && out->n_examples < wanted; k++) {
        const struct recipe_example *example = &recipe->examples[k];
        if (example->is_refusal != refuses)
            continue;
        if (rng_below(rng, fitting) < wanted - out->n_examples) /* selection sampling: Knuth, 3.4.2, S */
            out->examples[out->n_examples++] = &example->conv;
        fitting--;
    }
}

static void choose_topic(const struct plan *plan, struct plan_row *out, uint64_t i, uint64_t group)
{
    const struct recipe *recipe = plan->recipe;
    const uint64_t seed = recipe->recipe.seed;
    if (out->kind != KIND_ANSWER) {
        const struct string_list *list = &recipe->refusal_topics;
        out->topic = list->items[deal(seed, STREAM_TOPICS, KIND_REFUSAL, group, list->count)];
    } else if (plan->topics.count > 0) {
        out->topic = plan->topics.items[deal(seed, STREAM_TOPICS, KIND_ANSWER, i, plan->topics.count)];
    }
    out->facts = choose_facts(recipe, out->topic, out->kind, i);
    if (!out->topic)
        out->topic = out->facts ? out->facts->heading : recipe->recipe.subject;
}

void plan_row(const struct plan *plan, uint64_t row, struct plan_row *out)
{
    static const enum persona_writes writes[] = {WRITES_ANSWERS, WRITES_REFUSALS, WRITES_LOOK_ALIKES};
    const struct recipe *recipe = plan->recipe;
    const uint64_t seed = recipe->recipe.seed;
    uint64_t first, n;
    struct rng rng;
    plan_group(plan, row, &first, &n);
    *out = (struct plan_row){.row = row, .refusal = first};
    const bool is_group = recipe->recipe.refusals > 0 &&
                          refusals_before(recipe, first + 1) > refusals_before(recipe, first);
    out->kind = !is_group ? KIND_ANSWER : row == first ? KIND_REFUSAL : KIND_LOOK_ALIKE;
    const uint64_t i = ordinal(recipe, out->kind, row, first);
    rng_seed(&rng, seed, (row << 8) | STREAM_ROW);
    out->seed = rng_u64(&rng);
    choose_topic(plan, out, i, refusals_before(recipe, first));
    out->persona = choose_persona(recipe, writes[out->kind], i);
    out->critic = recipe->recipe.critique ? choose_persona(recipe, WRITES_CRITIQUE, i) : NULL;
    out->exchanges = recipe->min_exchanges + (size_t)rng_below(&rng, recipe->max_exchanges - recipe->min_exchanges + 1);
    choose_examples(recipe, out, &rng);
    out->user = recipe->users.items[deal(seed, STREAM_USERS, out->kind, i, recipe->users.count)];
    out->manner = manners[deal(seed, STREAM_MANNERS, out->kind, i, COUNT(manners))];
    out->angle = out->kind == KIND_LOOK_ALIKE ? angles[deal(seed, STREAM_ANGLES, out->kind, i, COUNT(angles))] : NULL;
}

#include "train/objective_dpo.h"

double conversation_logps(const struct objective_batch *b, uint32_t conversation)
{
    const struct batch_uses *uses = &b->buffer->uses;
    double nll = 0;
    for (size_t u = uses->start[conversation]; u < uses->start[conversation + 1]; u++)
        nll += (double)b->acts->nll[uses->target[u]];
    return -nll;
}

static struct dpo_answer answer_of(const struct objective_batch *b, uint32_t conversation, double reference)
{
    const struct batch_uses *uses = &b->buffer->uses;
    return (struct dpo_answer){.logps = conversation_logps(b, conversation),
                               .reference = reference,
                               .n_tokens = uses->start[conversation + 1] - uses->start[conversation]};
}

/* Item i, whose two answers are told in *chosen and *rejected. */
static struct dpo_pair compare(const struct dpo *dpo, const struct objective_batch *b, size_t i,
                               struct dpo_answer *chosen, struct dpo_answer *rejected)
{
    const struct batch_items *items = &b->buffer->items;
    const struct answer_logps none = {0}, reference = dpo->reference ? dpo->reference[items->id[i]] : none;
    *chosen = answer_of(b, items->chosen[i], reference.chosen);
    *rejected = answer_of(b, items->rejected[i], reference.rejected);
    return dpo_pair_loss(&dpo->options, chosen, rejected);
}

/* ---- what the loss changes by ---- */

/* By the log-probability of all of a conversation: each of its targets' costs takes from that. */
static void add_slope(const struct objective_batch *b, uint32_t conversation, double slope)
{
    const struct batch_uses *uses = &b->buffer->uses;
    for (size_t u = uses->start[conversation]; u < uses->start[conversation + 1]; u++)
        b->acts->dnll[uses->target[u]] -= (real)slope;
}

static void add_weights(const struct objective_batch *b, uint32_t conversation, double scale)
{
    const struct batch_uses *uses = &b->buffer->uses;
    for (size_t u = uses->start[conversation]; u < uses->start[conversation + 1]; u++)
        b->acts->dnll[uses->target[u]] += (real)(scale * (double)uses->weight[u]);
}

static void weigh(const struct objective *o, const struct objective_batch *b, const struct batch_sums *step)
{
    const struct dpo *dpo = o->context;
    const struct batch_items *items = &b->buffer->items;
    struct dpo_answer chosen, rejected;
    for (size_t m = 0; m < b->buffer->targets.M; m++)
        b->acts->dnll[m] = 0;
    for (size_t i = 0; i < items->n; i++) {
        if (items->rejected[i] != BATCH_NO_REJECTED) {
            const struct dpo_pair pair = compare(dpo, b, i, &chosen, &rejected);
            add_slope(b, items->chosen[i], pair.dchosen / (double)step->n_pairs);
            add_slope(b, items->rejected[i], pair.drejected / (double)step->n_pairs);
        }
        if (dpo->options.sft_weight > 0)
            add_weights(b, items->chosen[i], dpo->options.sft_weight / step->target_weight);
    }
}

/* ---- what is told ---- */

static void add_pair(const struct dpo *dpo, const struct objective_batch *b, size_t i, struct pair_sums *sums)
{
    struct dpo_answer chosen, rejected;
    const struct dpo_pair pair = compare(dpo, b, i, &chosen, &rejected);
    sums->n++;
    sums->loss += pair.loss;
    sums->chosen_rewards += pair.chosen_reward;
    sums->rejected_rewards += pair.rejected_reward;
    sums->accuracies += pair.chosen_reward > pair.rejected_reward ? 1 : 0;
    sums->chosen_logps += chosen.logps;
    sums->rejected_logps += rejected.logps;
}

static void add_tokens(const struct dpo *dpo, const struct objective_batch *b, uint32_t conversation,
                       struct loss_sums *sums)
{
    const struct batch_uses *uses = &b->buffer->uses;
    for (size_t u = uses->start[conversation]; u < uses->start[conversation + 1]; u++) {
        const double weight = (double)uses->weight[u];
        sums->loss += dpo->options.sft_weight * weight * (double)b->acts->nll[uses->target[u]];
        sums->correct += b->acts->correct[uses->target[u]] ? weight : 0;
        sums->weight += weight;
    }
}

static void add_sums(const struct objective *o, const struct objective_batch *b, struct loss_sums *sums)
{
    const struct dpo *dpo = o->context;
    const struct batch_items *items = &b->buffer->items;
    for (size_t i = 0; i < items->n; i++) {
        if (items->rejected[i] != BATCH_NO_REJECTED)
            add_pair(dpo, b, i, &sums->pairs);
        add_tokens(dpo, b, items->chosen[i], sums);
    }
}

struct objective objective_dpo(const struct dpo *dpo)
{
    return (struct objective){.weigh = weigh, .add_sums = add_sums, .needs_costs = true, .context = dpo};
}

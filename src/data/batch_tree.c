#include "data/batch_tree.h"

#include <string.h>

/* ---- in the order of their tokens ---- */

/* Tokens that say what a conversation runs and is asked for: its positions, and the last label. */
static size_t key_length(const struct batch_conversation *c)
{
    return c->n ? c->n + 1 : 0;
}

/* How many tokens they have in common, of their keys. */
static size_t common_tokens(const struct batch_conversation *a, const struct batch_conversation *b)
{
    const size_t n = key_length(a) < key_length(b) ? key_length(a) : key_length(b);
    size_t t = 0;
    while (t < n && a->tokens[t] == b->tokens[t])
        t++;
    return t;
}

bool batch_is_before(const struct batch_conversation *a, const struct batch_conversation *b)
{
    const size_t t = common_tokens(a, b);
    if (t == key_length(a) || t == key_length(b))
        return key_length(a) < key_length(b);
    return a->tokens[t] < b->tokens[t];
}

size_t batch_shared_rows(const struct batch_conversation *a, const struct batch_conversation *b)
{
    const size_t t = common_tokens(a, b); /* the label of row t - 1 is token t: the same in rows below t - 1 */
    return t > BATCH_LEAST_SHARED ? t - 1 : 0;
}

/* Say again what the conversation at `place` shares with the one before it. */
static void share(struct batch_list *list, size_t place)
{
    struct batch_conversation *c = list->conversations + place;
    if (place == list->n)
        return;
    const size_t shared = place > 0 && list->shares ? batch_shared_rows(c - 1, c) : 0;
    list->rows += c->shared;
    list->rows -= shared;
    c->shared = shared;
}

static size_t place_of(const struct batch_list *list, const struct batch_conversation *c)
{
    size_t low = 0, high = list->n; /* it stands behind those before low, and before those from high on */
    if (!list->shares || high == 0 || !batch_is_before(c, list->conversations + high - 1))
        return high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (batch_is_before(c, list->conversations + middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

size_t batch_list_add(struct batch_list *list, const struct batch_conversation *conversation)
{
    const size_t place = place_of(list, conversation);
    struct batch_conversation *at = list->conversations + place;
    memmove(at + 1, at, (list->n - place) * sizeof *at);
    *at = *conversation;
    at->shared = 0;
    list->n++;
    list->rows += at->n;
    share(list, place);
    share(list, place + 1);
    return place;
}

void batch_list_remove(struct batch_list *list, size_t place)
{
    struct batch_conversation *at = list->conversations + place;
    list->rows -= at->n - at->shared;
    list->n--;
    memmove(at, at + 1, (list->n - place) * sizeof *at);
    share(list, place);
}

/* ---- rows, segments, targets ---- */

#define BEGINS UINT32_MAX /* in segment[row]: a segment begins there */

/* What has been laid so far. */
struct laying {
    const struct batch_arrays *to;
    size_t N, U;
    size_t path_length; /* path[d] is the row of position d of the conversation that was laid last */
};

/* A conversation's own rows, behind those that it shares. */
static void lay_rows(struct laying *l, const struct batch_conversation *c)
{
    const struct batch_arrays *to = l->to;
    if (c->shared < l->path_length) /* the one before it goes on without it: there a segment begins */
        to->segment[to->path[c->shared]] = BEGINS;
    for (size_t d = c->shared; d < c->n; d++) {
        const size_t row = l->N++;
        to->tokens[row] = c->tokens[d];
        to->position[row] = (int32_t)d;
        to->goes_on[row] = d > 0 ? to->path[d - 1] : 0;
        to->segment[row] = d > 0 && to->goes_on[row] + (size_t)1 == row ? 0 : BEGINS;
        to->weights[row] = 0;
        to->path[d] = (uint32_t)row;
    }
    l->path_length = c->n;
}

/* What it trains, by rows for now. */
static void lay_uses(struct laying *l, const struct batch_conversation *c)
{
    const struct batch_arrays *to = l->to;
    for (size_t d = 0; d < c->n; d++)
        if (c->weights[d + 1] > 0.0F) {
            const uint32_t row = to->path[d];
            to->labels[row] = c->tokens[d + 1];
            to->weights[row] += c->weights[d + 1];
            to->use_target[l->U] = row;
            to->use_weight[l->U++] = c->weights[d + 1];
        }
}

/* Number the segments, which go on from others or not. */
static void lay_segments(const struct laying *l, struct batch *batch)
{
    const struct batch_arrays *to = l->to;
    bool any = false;
    size_t S = 0;
    for (size_t row = 0; row < l->N; row++) {
        if (to->segment[row] == BEGINS) {
            const bool is_root = to->position[row] == 0;
            to->seq_start[S] = row;
            to->parent[S] = is_root ? NO_PARENT : to->segment[to->goes_on[row]];
            any = any || !is_root;
            S++;
        }
        to->segment[row] = (uint32_t)(S - 1);
        to->reach[S - 1] = (size_t)to->position[row] + 1;
    }
    to->seq_start[S] = l->N;
    *batch = (struct batch){.N = l->N,
                            .S = S,
                            .tokens = to->tokens,
                            .position = to->position,
                            .seq_start = to->seq_start,
                            .parent = any ? to->parent : NULL,
                            .reach = any ? to->reach : NULL};
}

/* Number the targets in the order of their rows, and name them so in the uses. */
static void lay_targets(const struct laying *l, struct targets *targets)
{
    const struct batch_arrays *to = l->to;
    uint32_t *number = to->path; /* of the target in a row */
    size_t M = 0;
    for (size_t row = 0; row < l->N; row++)
        if (to->weights[row] > 0.0F) {
            number[row] = (uint32_t)M;
            to->rows[M] = row;
            to->labels[M] = to->labels[row];
            to->weights[M++] = to->weights[row];
        }
    for (size_t u = 0; u < l->U; u++)
        to->use_target[u] = number[to->use_target[u]];
    *targets = (struct targets){.M = M, .rows = to->rows, .labels = to->labels, .weights = to->weights};
}

void batch_list_lay(const struct batch_list *list, const struct batch_arrays *to, struct batch *batch,
                    struct targets *targets, struct batch_uses *uses)
{
    struct laying l = {.to = to};
    for (size_t c = 0; c < list->n; c++) {
        const struct batch_conversation *conversation = list->conversations + c;
        to->use_start[c] = l.U;
        lay_rows(&l, conversation);
        lay_uses(&l, conversation);
        (conversation->is_rejected ? to->rejected : to->chosen)[conversation->item] = (uint32_t)c;
    }
    to->use_start[list->n] = l.U;
    lay_segments(&l, batch);
    lay_targets(&l, targets);
    *uses = (struct batch_uses){
        .n_conversations = list->n, .start = to->use_start, .target = to->use_target, .weight = to->use_weight};
}

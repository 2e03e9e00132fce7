/* OpenAssistant's trees of messages: {"prompt": {"text", "role", "replies": [...], "rank"?, "deleted"?}}.
 *
 * oasst follows the best reply from the root to a leaf; oasst-all takes every such path. */
#include "data/readers/reader_fields.h"
#include "data/readers/reader_flags.h"
#include "data/readers/reader_formats.h"

#include "base/json_check.h"

#include <math.h>
#include <string.h>

/* The turns from the root to where we are. Each nests by two levels of JSON, which json_parse bounds. */
struct walk {
    struct conversations *out;
    bool best_only;
    struct message turns[JSON_MAX_DEPTH];
    size_t depth;
};

static enum sft_status read_turn(const json *node, struct conversations *out, struct message *turn,
                                 struct sft_err *err)
{
    const char *text;
    enum role role;
    bool is_call;
    float weight;
    if (!json_is_object(node))
        return reader_fail_type(node, "an object", err);
    if (reader_get_role(node, "role", out, &role, &is_call, err) ||
        reader_get_string(node, "text", true, &text, err) ||
        reader_get_weight(node, role, 1.0F, &weight, err))
        return SFT_EDATA;
    mark_read(json_get(node, "rank")); /* of the replies that were not taken, none is looked into */
    mark_read(json_get(node, "deleted"));
    const size_t len = strlen(text);
    *turn = (struct message){
        .role = role, .content = arena_strndup(out->arena, text, len), .len = len, .weight = weight};
    return SFT_OK;
}

static bool is_deleted(const json *node)
{
    return json_is_true(json_get(node, "deleted"));
}

/* The list of a turn's replies; NULL where it has none. */
static enum sft_status get_replies(const json *node, const json **replies, struct sft_err *err)
{
    *replies = reader_get(node, "replies");
    if (!*replies || json_is_array(*replies))
        return SFT_OK;
    reader_fail_type(*replies, "an array", err);
    return sft_in_key(err, "replies");
}

/* A reply's rank: 0 is the best; infinity where people gave it none. */
static enum sft_status read_rank(const json *reply, double *rank, struct sft_err *err)
{
    const json *node = json_is_null(json_get(reply, "rank")) ? NULL : json_get(reply, "rank");
    *rank = node ? json_number(node) : INFINITY;
    if (!node || json_is_number(node))
        return SFT_OK;
    reader_fail_type(node, "a number", err);
    return sft_in_key(err, "rank");
}

/* The index of the reply of the lowest rank, of equals the first; SIZE_MAX where none is left. */
static enum sft_status choose_reply(const json *replies, size_t *best, struct sft_err *err)
{
    double best_rank = INFINITY, rank;
    size_t i = 0;
    *best = SIZE_MAX;
    for (const json *reply = json_first(replies); reply; reply = json_next(reply), i++) {
        if (is_deleted(reply))
            continue;
        if (read_rank(reply, &rank, err))
            return sft_in_key(err, "replies[%zu]", i);
        if (*best == SIZE_MAX || rank < best_rank) {
            *best = i;
            best_rank = rank;
        }
    }
    return SFT_OK;
}

/* Take the turn at `node` and go on below it: into the best reply, or into each. A path ends where no reply
 * is left; its turns become a conversation, whose texts all the paths share. */
static enum sft_status visit(const json *node, struct walk *walk, struct sft_err *err)
{
    const json *replies;
    size_t best = SIZE_MAX, i = 0, n_visited = 0;
    if (read_turn(node, walk->out, &walk->turns[walk->depth], err) || get_replies(node, &replies, err) ||
        (walk->best_only && choose_reply(replies, &best, err)))
        return SFT_EDATA;
    walk->depth++;
    for (const json *reply = json_first(replies); reply; reply = json_next(reply), i++) {
        if (is_deleted(reply) || (walk->best_only && i != best))
            continue;
        n_visited++;
        if (visit(reply, walk, err))
            return sft_in_key(err, "replies[%zu]", i);
    }
    if (n_visited == 0) {
        struct conversation *conv = reader_begin(walk->out, walk->depth);
        memcpy(conv->messages, walk->turns, walk->depth * sizeof *walk->turns);
        conv->count = walk->depth;
    }
    walk->depth--;
    return SFT_OK;
}

static enum sft_status read_tree(const json *row, bool best_only, struct conversations *out,
                                 struct sft_err *err)
{
    const json *root = mark_read(json_get(row, "prompt"));
    struct walk walk = {.out = out, .best_only = best_only};
    if (is_deleted(root))
        return sft_fail_in(err, SFT_EDATA, "prompt", "it is deleted, and with it all replies");
    if (visit(root, &walk, err))
        return sft_in_key(err, "prompt");
    return SFT_OK;
}

static bool matches(const json *row)
{
    return json_get(json_get(row, "prompt"), "text") != NULL;
}

static enum sft_status read_best(const json *row, struct conversations *out, struct sft_err *err)
{
    return read_tree(row, true, out, err);
}

static enum sft_status read_all(const json *row, struct conversations *out, struct sft_err *err)
{
    return read_tree(row, false, out, err);
}

const struct reader reader_oasst = {.name = "oasst",
                                    .keys = "{\"prompt\": {\"text\", \"role\", \"replies\": [...]}}",
                                    .matches = matches,
                                    .read = read_best};

const struct reader reader_oasst_all = {.name = "oasst-all",
                                        .keys = "{\"prompt\": {\"text\", \"role\", \"replies\": [...]}}",
                                        .matches = matches,
                                        .read = read_all};

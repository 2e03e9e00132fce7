/* Conversations of a micro-batch as a tree: what several begin with stands in it once.
 *
 * A list of conversations in the order of their tokens; each shares its first rows with the one before it, so that its
 * own rows, laid one behind another, are the tree's in preorder. Two that part at position p share p - 1 rows, not p:
 * row p - 1 says what comes at p, which is another label for each. */
#ifndef SFT_DATA_BATCH_TREE_H
#define SFT_DATA_BATCH_TREE_H

#include "model/batch.h"

#include <stdbool.h>

enum { BATCH_LEAST_SHARED = 16 }; /* positions: to share fewer is not worth its while */

/* The targets that each of a micro-batch's C conversations trains. Conversation c has those numbered
 * start[c] .. start[c + 1]; weights[m] of struct targets is the sum over all conversations that train m. */
struct batch_uses {
    size_t n_conversations;
    const size_t *start;    /* (C + 1); start[C] = U */
    const uint32_t *target; /* (U): index into the targets, ascending in a conversation */
    const float *weight;    /* (U): what it counts there, above 0 */
};

struct batch_conversation {
    const int32_t *tokens; /* (n + 1 at least, but of none that is empty) */
    const float *weights;
    size_t n;      /* positions that are run */
    size_t shared; /* of these, the ones that are rows of the conversation before it */
    uint32_t item; /* of the micro-batch: whose it is */
    bool is_rejected;
};

/* Zeroed but for the array: empty. */
struct batch_list {
    struct batch_conversation *conversations; /* (n) of as many as the caller's array holds */
    size_t n, rows;                           /* rows: what is run of all of them */
    bool shares;                              /* else each is added at the end, and shares nothing */
};

/* Whether a stands before b: tokens decide, as far as they are run and the last label; equal ones stay as they come. */
bool batch_is_before(const struct batch_conversation *a, const struct batch_conversation *b);

/* How many of b's rows are a's, which stands before it; 0 where they are too few to be worth their while. */
size_t batch_shared_rows(const struct batch_conversation *a, const struct batch_conversation *b);

/* Add one where it belongs; returns its place. Removing takes back the last that was added. */
size_t batch_list_add(struct batch_list *list, const struct batch_conversation *conversation);
void batch_list_remove(struct batch_list *list, size_t place);

/* Where a micro-batch is written: N rows, C conversations, S segments, U uses. */
struct batch_arrays {
    int32_t *tokens, *position;         /* (N) */
    size_t *seq_start, *parent, *reach; /* (S + 1), (S), (S) */
    size_t *rows;                       /* (M): the targets, M at most N */
    int32_t *labels;                    /* (N), in the end (M) */
    float *weights;                     /* the same */
    size_t *use_start;                  /* (C + 1) */
    uint32_t *use_target;               /* (U) */
    float *use_weight;                  /* (U) */
    uint32_t *id, *chosen, *rejected;   /* (C): of the items */
    uint32_t *path, *segment, *goes_on; /* (N): scratch */
    struct batch_conversation *list;    /* (C) */
    uint32_t *order;                    /* of a turn's items */
};

/* Write the list's rows, segments, targets and uses to the arrays, and tell where they are. */
void batch_list_lay(const struct batch_list *list, const struct batch_arrays *to, struct batch *batch,
                    struct targets *targets, struct batch_uses *uses);

#endif

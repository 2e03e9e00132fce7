/* The plan of a model's activations: buffers laid out one behind another in one block of memory. Made once without
 * memory, to learn the size, and once with it. */
#ifndef SFT_MODEL_ACTIVATION_PLAN_H
#define SFT_MODEL_ACTIVATION_PLAN_H

#include "kernels.h"

struct plan_entry {
    const char *name;
    size_t bytes; /* of all buffers of this name */
};
enum { PLAN_MAX = 40 };

/* What of a forward pass is there for a backward one: nothing, all that it needs, or only the residual stream, of which
 * the rest is computed again. */
enum keeping { KEEP_NOTHING, KEEP_ALL, KEEP_STREAM };

struct activation_plan {
    size_t N;                  /* positions that buffers have room for */
    size_t act_size;           /* bytes of an act */
    enum keeping keeping;
    bool trained;              /* for a backward pass too: it keeps something */
    size_t rank;               /* of adapters, the largest; 0: there are none */
    unsigned char *memory;     /* NULL: only measure */
    struct kernel_sizes sizes; /* of the ops that will run: what kernels need workspace for */
    struct plan_entry entries[PLAN_MAX];
    size_t count, bytes;
};

/* A buffer of count elements of so many bytes, 64-byte aligned; NULL without memory. `name` is a literal. */
void *plan_take(struct activation_plan *plan, const char *name, size_t count, size_t size);

/* The same of act, (N,width). */
act *plan_acts(struct activation_plan *plan, const char *name, size_t width);

/* A linear layer's input or output of this width will be computed. */
void plan_width(struct activation_plan *plan, size_t width);

/* A buffer's elements from `offset` on; NULL without memory. */
act *plan_columns(const struct activation_plan *plan, act *buffer, size_t offset);

#endif

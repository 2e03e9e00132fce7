#include "profile.h"

#include <omp.h>

enum op {
#define OP(result, op, ...) OP_##op,
#include "ops.def"
#undef OP
    N_OPS
};

static struct kernels table;
static const struct kernels *inner;
static bool is_repeated; /* what is called now was computed before */
static struct profile_op ops[N_OPS] = {
#define OP(result, op, parameters, arguments, label, ...) [OP_##op] = {.name = label},
#include "ops.def"
#undef OP
};

/* ---- what a call costs: for ops.def ---- */

/* Bytes of n numbers of the residual stream, and of n operands. */
static double reals(size_t n)
{
    return (double)n * sizeof(real);
}

static double acts(size_t n)
{
    return (double)n * (double)inner->act_size;
}

static bool is_rounded(void)
{
    return inner->act_size != sizeof(real);
}

static double linear_product(const struct linear *l, size_t N)
{
    return 2.0 * (double)N * (double)l->in * (double)l->out;
}

static double linear_products(const struct linear_part *parts, size_t n_parts, size_t N)
{
    double sum = 0;
    for (size_t i = 0; i < n_parts; i++)
        sum += linear_product(parts[i].linear, N);
    return sum;
}

static double narrow_products(const struct narrow_output *outs, size_t n_outs, size_t N)
{
    double sum = 0;
    for (size_t i = 0; i < n_outs; i++)
        sum += linear_product(outs[i].linear, N);
    return sum;
}

static double narrow_gradients(const struct narrow_grad *parts, size_t n_parts, size_t in, size_t N)
{
    double sum = 0;
    for (size_t i = 0; i < n_parts; i++)
        sum += 2.0 * (double)N * (double)in * (double)parts[i].out;
    return sum;
}

/* Bytes of n weights, `rows` rows of them. */
static double weights(const struct matrix *m, size_t n, size_t rows)
{
    if (m->w)
        return reals(n);
    return m->w_bf16 ? (double)n * sizeof *m->w_bf16 : (double)n + (double)(rows * sizeof *m->scales);
}

/* Those of a layer, and N operands that go in. */
static double few_weights(const struct linear *l, size_t N)
{
    return weights(&l->matrix, l->in * l->out, l->out) + acts(N * l->in);
}

static double few_added(const struct linear_part *added, size_t N)
{
    return added ? few_weights(added->linear, N) : 0;
}

/* Weights and operands of layers that share an input. */
static double few_outputs(const struct few_output *outs, size_t n_outs, size_t N)
{
    double sum = 0;
    for (size_t i = 0; i < n_outs; i++)
        sum += few_weights(outs[i].linear, i == 0 ? N : 0) + few_added(outs[i].added, N) +
               acts(N * outs[i].linear->out);
    return sum;
}

static double head_weights(const struct head *head)
{
    return weights(&head->matrix, head->V * head->C, head->V);
}

static double head_product(const struct head *head, size_t M)
{
    return 2.0 * (double)M * (double)head->V * (double)head->C;
}

/* Logits of the rows and of each label, and the gradient. */
static double head_rows_product(const struct head *head, size_t n_rows, size_t M)
{
    return 2.0 * (double)M * (double)(2 * n_rows + 1) * (double)head->C;
}

/* How many keys n_q queries see, all together: one more each, the last all n_kv of them; with a window no more than
 * that. */
static double seen_keys(double n_q, double n_kv, double window)
{
    const double too_many = window > 0 ? n_kv - window : 0, cut = too_many < n_q ? too_many : n_q;
    const double all = n_q * (n_kv - n_q) + n_q * (n_q + 1) / 2;
    return too_many > 0 ? all - cut * (2 * too_many - cut + 1) / 2 : all; /* the last too_many, one less each before */
}

/* How many keys queries see, over all sequences. */
static double pairs_seen(const struct attention *a)
{
    double pairs = 0;
    for (size_t s = 0; s < a->S; s++) {
        const double n_q = (double)(a->q_start[s + 1] - a->q_start[s]);
        pairs += seen_keys(n_q, a->kv_len ? (double)a->kv_len[s] : n_q, (double)a->window);
    }
    return pairs;
}

/* FLOPs of one product between queries and the keys that they see, all heads. */
static double attention_product(const struct attention *a)
{
    return 2 * pairs_seen(a) * (double)a->head_size * (double)a->n_head;
}

/* Bytes of the keys and values that single queries see, of these and of what comes out. */
static double attention_reads(const struct attention *a)
{
    return 2 * pairs_seen(a) * acts(a->head_size * a->n_kv_head) + 2 * acts(a->S * a->head_size * a->n_head);
}

/* ---- the wrappers ---- */

struct call {
    enum op op;
    double started, flops, bytes;
};

static void count(const struct call *call)
{
    ops[call->op].calls++;
    ops[call->op].seconds += omp_get_wtime() - call->started;
    ops[call->op].flops += is_repeated ? 0 : call->flops;
    ops[call->op].bytes += call->bytes;
}

/* Counted when the function is left, so that one form serves ops with a result and without. */
#define OP(result, op, parameters, arguments, label, flops_of_call, bytes_of_call)                          \
    static result op parameters                                                                             \
    {                                                                                                       \
        const struct call call __attribute__((cleanup(count), unused)) = {                                  \
            OP_##op, omp_get_wtime(), flops_of_call, bytes_of_call};                                        \
        return inner->op arguments;                                                                         \
    }
#include "ops.def"
#undef OP

static void set_repeats(bool repeats)
{
    is_repeated = repeats;
}

const struct kernels *profile_start(const struct kernels *kernels)
{
    inner = kernels;
    table = *kernels;
#define OP(result, op, ...) table.op = op;
#include "ops.def"
#undef OP
    table.repeats = set_repeats;
    profile_reset();
    return &table;
}

void profile_reset(void)
{
    for (size_t i = 0; i < N_OPS; i++)
        ops[i] = (struct profile_op){.name = ops[i].name};
}

const struct profile_op *profile_ops(size_t *n)
{
    *n = N_OPS;
    return ops;
}

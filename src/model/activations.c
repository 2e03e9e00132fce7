#include "model/activations.h"

#include <stdlib.h>

/* Each layer its own set for the backward pass, or one for all in their turn, with the stream into each or without. */
static void lay_out_sublayers(struct activations *acts, const struct model_config *config)
{
    const struct family *family = config->family;
    const enum keeping keeping = acts->plan.keeping;
    for (size_t i = 0; i < config->n_layer * family->n_sublayers; i++) {
        const struct sublayer_acts *first = acts->sublayers ? &acts->sublayers[i % family->n_sublayers] : NULL;
        const bool is_shared = keeping != KEEP_ALL && i >= family->n_sublayers;
        struct sublayer_acts planned = is_shared && first ? *first : (struct sublayer_acts){0};
        if (!is_shared || keeping == KEEP_STREAM)
            planned.x = sublayer_plan_stream(&acts->plan, config);
        if (!is_shared)
            sublayer_plan(&acts->plan, &planned, config, &family->sublayers[i % family->n_sublayers]);
        if (acts->sublayers)
            acts->sublayers[i] = planned;
    }
}

static struct stream_grad plan_stream(struct activation_plan *plan, const struct model_config *config)
{
    static const char name[] = "gradients of activations";
    const size_t n = plan->N * config->n_embd;
    struct stream_grad stream;
    stream.all = plan_take(plan, name, n, sizeof(real));
    stream.rows = plan_take(plan, name, n, sizeof(real));
    return stream;
}

static bool has_parallel_sublayers(const struct model_config *config)
{
    bool parallel = false;
    for (size_t i = 0; i < config->family->n_sublayers; i++)
        parallel = parallel || config->family->sublayers[i].parallel;
    return parallel && !config->sequential_residual;
}

static void lay_out_ends(struct activations *acts, const struct model_config *config)
{
    struct activation_plan *plan = &acts->plan;
    const size_t N = plan->N, C = config->n_embd;
    const bool parallel = has_parallel_sublayers(config);
    acts->x_out = plan_take(plan, "last layer's targets", N * C, sizeof(real));
    if (parallel)
        acts->seen_rows = plan_take(plan, "last layer's targets", N * C, sizeof(real));
    acts->nll = plan_take(plan, "targets", N, sizeof *acts->nll);
    acts->correct = plan_take(plan, "targets", N, sizeof *acts->correct);
    acts->dnll = plan_take(plan, "targets", N, sizeof *acts->dnll);
    if (!plan->trained)
        return;
    acts->dx = plan_stream(plan, config);
    if (parallel)
        acts->dx_parallel = plan_stream(plan, config);
}

static void lay_out(struct activations *acts, const struct model_config *config, const struct kernels *kernels,
                    const struct activation_options *options)
{
    struct activation_plan *plan = &acts->plan;
    plan->bytes = plan->count = 0;
    plan->sizes = (struct kernel_sizes){.N = plan->N,
                                        .C = config->n_embd,
                                        .V = config->vocab_size,
                                        .narrow_weights = options->keeping == KEEP_NOTHING || options->frozen};
    lay_out_sublayers(acts, config);
    sublayer_plan_shared(plan, &acts->shared, &acts->scratch, config);
    lay_out_ends(acts, config);
    acts->scratch.work.bytes = kernels->work_bytes(&plan->sizes);
    acts->scratch.work.data = plan_take(plan, "kernels' workspace", acts->scratch.work.bytes, 1);
}

struct activation_options activation_options_of(const struct tensor_table *table, size_t N, enum keeping keeping)
{
    struct activation_options options = {.N = N, .keeping = keeping};
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++) {
        if (t->part == PART_LORA_B && t->cols > options.rank)
            options.rank = t->cols;
        options.frozen = options.frozen || !t->trained;
    }
    return options;
}

void activations_plan(struct activations *acts, const struct model_config *config, const struct kernels *kernels,
                      const struct activation_options *options)
{
    *acts = (struct activations){.plan = {.N = options->N,
                                          .act_size = kernels->act_size,
                                          .keeping = options->keeping,
                                          .trained = options->keeping != KEEP_NOTHING,
                                          .rank = options->rank}};
    lay_out(acts, config, kernels, options);
}

enum sft_status activations_init(struct activations *acts, const struct model_config *config,
                                 const struct kernels *kernels, const struct activation_options *options,
                                 struct sft_err *err)
{
    activations_plan(acts, config, kernels, options);
    if (block_alloc(&acts->memory, acts->plan.bytes, "activations", err))
        return err->status;
    acts->sublayers = mem_calloc(config->n_layer * config->family->n_sublayers, sizeof *acts->sublayers);
    acts->plan.memory = acts->memory.data;
    lay_out(acts, config, kernels, options);
    return SFT_OK;
}

void activations_free(struct activations *acts)
{
    free(acts->sublayers);
    block_free(&acts->memory);
    *acts = (struct activations){0};
}

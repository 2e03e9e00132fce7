#include "train/learner.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "config/settings.h"
#include "files/weights.h"
#include "train/options.h"

#include <stdlib.h>
#include <string.h>

static enum sft_status check_memory(const struct base_model *base, const struct train_data *data,
                                    const struct train_plan *plan, struct sft_err *err)
{
    const struct train_memory need = train_plan_memory(plan, &base->config, data);
    const size_t available = mem_available(), still_needed = need.total - need.data; /* the data is read already */
    if (still_needed <= available)
        return SFT_OK;
    return sft_fail(err, SFT_ENOMEM,
                    "the run needs %.0f MB more and %.0f MB are available (lower [train] micro_batch_tokens or [data] "
                    "max_length, or take a smaller model; --dry-run shows the plan)",
                    (double)still_needed / 1e6, (double)available / 1e6);
}

static enum sft_status allocate(struct learner *l, const struct learner_parts *parts, struct sft_err *err)
{
    const struct train_plan *plan = parts->plan;
    const size_t positions = train_plan_positions(plan, parts->data);
    struct tensor_table table = tensor_table_copy(&plan->table);
    if (transformer_init_of(&l->model, &parts->base->config, plan->kernels, &table, err) ||
        adamw_init(&l->adamw, &l->model, &plan->adamw, err) ||
        transformer_init_activations(&l->model, &l->acts, positions, plan->keeping, err) ||
        batch_buffer_init(&l->buffer, &plan->batching, positions, train_plan_items(plan, parts->data), err))
        return err->status;
    order_init(&l->order, &plan->order, parts->data->train.n_examples);
    return SFT_OK;
}

/* ---- the reference ---- */

/* How the matrices are kept and computed, which an adapter's targets and modules_to_save decide one by one. */
static uint64_t hash_kept(const struct tensor_table *table)
{
    struct xxh64 hash;
    xxh64_init(&hash, 0);
    for (size_t i = 0; i < table->n_model; i++) {
        const struct tensor *t = &table->tensors[i];
        const uint64_t how[] = {t->kept, t->transposed, t->lora > 0};
        xxh64_update(&hash, t->name, strlen(t->name) + 1);
        xxh64_update(&hash, how, sizeof how);
    }
    return xxh64_digest(&hash);
}

/* What its numbers depend on, to the bit, but for the tokens. */
static char *name_reference(const struct learner_parts *parts)
{
    const struct train_plan *plan = parts->plan;
    const bool is_random = !weights_are_there(parts->base->files.path);
    return mem_printf("sft " SFT_VERSION "\n%s\nseed %llu\nvocab_size %zu\nadapter is trained %d\nkept %016llx\n"
                      "precision %s\nkernels %s\n",
                      parts->fingerprint, is_random ? (unsigned long long)parts->settings->train.seed : 0,
                      parts->base->config.vocab_size, parts->adapting->on,
                      (unsigned long long)hash_kept(&plan->table), plan->kernels->precision, plan->kernels->isa);
}

static void find_reference(struct learner *l, const struct learner_parts *parts)
{
    if (parts->settings->train.objective != OBJECTIVE_DPO || parts->settings->dpo.reference_free || !parts->fingerprint)
        return;
    char *name = name_reference(parts);
    reference_find(&l->reference, &parts->data->train, name);
    reference_find(&l->eval_reference, &parts->data->eval, name);
    l->dpo.reference = l->reference.of;
    l->eval_dpo.reference = l->eval_reference.of;
    free(name);
}

/* By the model as it is now. */
static enum sft_status ask_reference(struct learner *l, const struct learner_parts *parts, struct sft_err *err)
{
    const struct reference_pass by = {&l->model, &l->acts, &l->buffer, parts->stop};
    const size_t n_pairs = l->reference.n_pairs + l->eval_reference.n_pairs;
    const size_t n_missing = l->reference.n_missing + l->eval_reference.n_missing;
    const double began = clock_seconds();
    char duration[32];
    if (!l->reference.of)
        return SFT_OK;
    if (reference_compute(&l->reference, &by, err) || reference_compute(&l->eval_reference, &by, err))
        return err->status;
    if (n_missing == 0)
        log_info("pairs  what the reference says of %zu is in the cache", n_pairs);
    else
        log_info("pairs  the reference was asked of %zu of %zu, in %s", n_missing, n_pairs,
                 log_duration(duration, clock_seconds() - began));
    return SFT_OK;
}

/* ---- the weights ---- */

/* The base where it is needed: to begin with, below an adapter, or to be the reference. A checkpoint of an adapter has
 * no more than that. */
static enum sft_status load_base(struct learner *l, const struct learner_parts *parts, struct sft_err *err)
{
    const bool is_asked = l->reference.n_missing + l->eval_reference.n_missing > 0;
    if ((!parts->from->dir || parts->adapting->on || is_asked) &&
        adapting_load_base(parts->adapting, parts->settings, parts->base, parts->plan->kernels, &l->model.params, err))
        return err->status;
    transformer_bind(&l->model);
    return SFT_OK;
}

static enum sft_status load_weights(struct learner *l, const struct learner_parts *parts, struct sft_err *err)
{
    const struct checkpoint_found *from = parts->from;
    if (load_base(l, parts, err) || ask_reference(l, parts, err))
        return err->status;
    if (!from->dir && adapting_load_adapter(parts->adapting, parts->settings, parts->base, &l->model.params, err))
        return err->status;
    return from->dir ? checkpoint_load(from->dir, parts->adapting->on, &l->model, &l->adamw, err) : SFT_OK;
}

/* What the first step may leave untouched, where a later one has a larger micro-batch; gradients and moments
 * it writes whole. Not before the weights are loaded: until then their file is in memory too. */
static void make_resident(const struct learner *l)
{
    block_touch(&l->acts.memory);
    block_touch(&l->buffer.memory);
}

static void choose_objectives(struct learner *l, const struct settings *settings)
{
    l->objective = l->eval_objective = objective_sft;
    if (settings->train.objective != OBJECTIVE_DPO)
        return;
    l->dpo.options = l->eval_dpo.options = dpo_options_of(settings);
    l->objective = objective_dpo(&l->dpo);
    l->eval_objective = objective_dpo(&l->eval_dpo);
}

enum sft_status learner_init(struct learner *l, const struct learner_parts *parts, struct sft_err *err)
{
    *l = (struct learner){.state = parts->from->state};
    choose_objectives(l, parts->settings);
    if (check_memory(parts->base, parts->data, parts->plan, err) || allocate(l, parts, err))
        return err->status;
    find_reference(l, parts);
    if (load_weights(l, parts, err))
        return err->status;
    make_resident(l);
    return SFT_OK;
}

void learner_free(struct learner *l)
{
    transformer_free(&l->model);
    adamw_free(&l->adamw);
    activations_free(&l->acts);
    batch_buffer_free(&l->buffer);
    order_free(&l->order);
    reference_free(&l->reference);
    reference_free(&l->eval_reference);
    *l = (struct learner){0};
}

#include "model/block/sublayer.h"

struct sublayer sublayer_bind(const struct param_set *params, const struct model_config *config,
                              const struct sublayer_spec *spec, size_t layer)
{
    struct sublayer s = {.kind = spec->kind, .norm = norm_bind(params, config, &spec->norm, layer)};
    switch (spec->kind) {
    case BLOCK_ATTENTION:
        s.attention = attention_bind(params, config, &spec->attention, layer);
        break;
    case BLOCK_MLP:
        s.mlp = mlp_bind(params, config, &spec->mlp, layer);
        break;
    }
    return s;
}

bool sublayer_is_trained(const struct sublayer *s)
{
    return norm_is_trained(&s->norm) ||
           (s->kind == BLOCK_ATTENTION ? attention_is_trained(&s->attention) : mlp_is_trained(&s->mlp));
}

bool sublayer_mixes_positions(enum block_kind kind)
{
    return kind == BLOCK_ATTENTION;
}

void sublayer_zero_grads(const struct sublayer *s)
{
    norm_zero_grads(&s->norm); /* linear layers set theirs */
}

/* ---- plan ---- */

void sublayer_plan(struct activation_plan *plan, struct sublayer_acts *acts, const struct model_config *config,
                   const struct sublayer_spec *spec)
{
    acts->x = plan_take(plan, "residual stream", plan->N * config->n_embd, sizeof(real));
    switch (spec->kind) {
    case BLOCK_ATTENTION:
        attention_plan(plan, &acts->attention, config, &spec->attention);
        break;
    case BLOCK_MLP:
        mlp_plan(plan, &acts->mlp, config, &spec->mlp);
        break;
    }
}

void sublayer_plan_shared(struct activation_plan *plan, struct sublayer_shared *shared,
                          const struct model_config *config)
{
    bool is_planned[] = {[BLOCK_ATTENTION] = false, [BLOCK_MLP] = false};
    for (size_t i = 0; i < config->family->n_sublayers; i++) {
        const struct sublayer_spec *spec = &config->family->sublayers[i];
        if (!is_planned[spec->kind] && spec->kind == BLOCK_ATTENTION)
            attention_plan_shared(plan, &shared->attention, config, &spec->attention);
        if (!is_planned[spec->kind] && spec->kind == BLOCK_MLP)
            mlp_plan_shared(plan, &shared->mlp, config, &spec->mlp);
        is_planned[spec->kind] = true;
    }
}

void sublayer_share(struct sublayer_acts *acts, enum block_kind kind, const struct sublayer_shared *shared)
{
    if (kind == BLOCK_ATTENTION)
        acts->attention.shared = shared->attention;
    else
        acts->mlp.shared = shared->mlp;
}

/* ---- running ---- */

void sublayer_forward(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts, real *y,
                      enum extent extent)
{
    const size_t n = extent == EXTENT_ROWS ? pass->n_rows : pass->batch->N;
    switch (s->kind) {
    case BLOCK_ATTENTION:
        attention_forward(pass, &s->attention, &s->norm, &acts->attention, y, acts->x, extent == EXTENT_NARROW);
        break;
    case BLOCK_MLP:
        mlp_forward(pass, &s->mlp, &s->norm, &acts->mlp, y, acts->x, n);
        break;
    }
}

void sublayer_backward(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts, real *dx,
                       real *dx_rows, enum extent extent, bool below)
{
    const bool on_rows = extent == EXTENT_ROWS;
    switch (s->kind) {
    case BLOCK_ATTENTION:
        attention_backward(pass, &s->attention, &s->norm, &acts->attention, dx,
                           extent == EXTENT_NARROW ? dx_rows : NULL, acts->x, below);
        break;
    case BLOCK_MLP:
        mlp_backward(pass, &s->mlp, &s->norm, &acts->mlp, on_rows ? dx_rows : dx, acts->x,
                     on_rows ? pass->n_rows : pass->batch->N, below);
        break;
    }
}

#include "model/block/tensors.h"

/* A table on its way. */
struct build {
    struct tensor_table *table;
    const struct model_config *config;
    size_t layer;
};

/* A vector (n): a norm's weight or a bias. */
static void add_vector(const struct build *b, const char *pattern, size_t n, enum init init)
{
    if (pattern)
        tensor_table_add(b->table, b->config->family,
                         &(struct tensor){
                             .pattern = pattern, .layer = b->layer, .rows = n, .cols = 1, .n_dims = 1, .init = init});
}

/* Of so many elements; its factors begin at 1. */
static void add_norm(const struct build *b, const struct norm_spec *spec, size_t n)
{
    add_vector(b, spec->weight, n, spec->kind == NORM_RMSNORM_PLUS_ONE ? INIT_ZERO : INIT_ONE);
    add_vector(b, spec->bias, n, INIT_ZERO);
}

/* An embedding (rows,C), or a head. */
static void add_embedding(const struct build *b, const char *pattern, size_t rows, bool per_token)
{
    if (pattern)
        tensor_table_add(b->table, b->config->family,
                         &(struct tensor){.pattern = pattern,
                                          .rows = rows,
                                          .cols = b->config->n_embd,
                                          .n_dims = 2,
                                          .init = INIT_NORMAL,
                                          .decays = true,
                                          .per_token = per_token,
                                          .is_matrix = per_token});
}

static bool has_bias(const struct model_config *config, const struct linear_spec *spec)
{
    switch (spec->bias_presence) {
    case BIAS_ALWAYS:
        break;
    case BIAS_IF_ATTENTION_BIAS:
        return config->attention_bias;
    case BIAS_IF_MLP_BIAS:
        return config->mlp_bias;
    }
    return true;
}

static void add_linear(const struct build *b, const struct linear_spec *spec, size_t in, size_t out, enum init init)
{
    const bool is_in_out = spec->layout == LAYOUT_IN_OUT;
    if (!spec->weight)
        return;
    tensor_table_add(b->table, b->config->family,
                     &(struct tensor){.pattern = spec->weight,
                                      .layer = b->layer,
                                      .rows = is_in_out ? in : out,
                                      .cols = is_in_out ? out : in,
                                      .n_dims = 2,
                                      .layout = spec->layout,
                                      .init = init,
                                      .decays = true,
                                      .is_matrix = true});
    if (has_bias(b->config, spec))
        add_vector(b, spec->bias, out, INIT_ZERO);
}

/* Queries (C, H*D), keys and values (C, KV*D), or all three in one; norms of each head or of all at once; and the way
 * back (H*D, C). */
static void add_attention(const struct build *b, const struct attention_spec *spec)
{
    const struct model_config *c = b->config;
    const size_t queries = c->n_head * c->head_dim, keys = c->n_kv_head * c->head_dim;
    add_linear(b, &spec->qkv, c->n_embd, queries + 2 * keys, INIT_NORMAL);
    add_linear(b, &spec->q, c->n_embd, queries, INIT_NORMAL);
    add_linear(b, &spec->k, c->n_embd, keys, INIT_NORMAL);
    add_linear(b, &spec->v, c->n_embd, keys, INIT_NORMAL);
    add_norm(b, &spec->q_norm, spec->norm_all_heads ? queries : c->head_dim);
    add_norm(b, &spec->k_norm, spec->norm_all_heads ? keys : c->head_dim);
    add_linear(b, &spec->out, queries, c->n_embd, INIT_NORMAL_RESIDUAL);
}

/* (C,F), with a gate twice, and back (F,C). */
static void add_mlp(const struct build *b, const struct mlp_spec *spec)
{
    add_linear(b, &spec->gate, b->config->n_embd, b->config->n_inner, INIT_NORMAL);
    add_linear(b, &spec->up, b->config->n_embd, b->config->n_inner, INIT_NORMAL);
    add_linear(b, &spec->down, b->config->n_inner, b->config->n_embd, INIT_NORMAL_RESIDUAL);
}

static void add_sublayer(const struct build *b, const struct sublayer_spec *spec)
{
    add_norm(b, &spec->norm, b->config->n_embd);
    switch (spec->kind) {
    case BLOCK_ATTENTION:
        add_attention(b, &spec->attention);
        break;
    case BLOCK_MLP:
        add_mlp(b, &spec->mlp);
        break;
    }
    add_norm(b, &spec->post_norm, b->config->n_embd);
}

void tensor_table_init(struct tensor_table *table, const struct model_config *config)
{
    const struct family *family = config->family;
    struct build b = {.table = table, .config = config};
    *table = (struct tensor_table){.n_layer = config->n_layer};
    add_embedding(&b, family->token_embedding, config->vocab_size, true);
    add_embedding(&b, family->position_embedding, family->position_offset + config->n_positions, false);
    add_norm(&b, &family->final_norm, config->n_embd);
    if (!config->tied)
        add_embedding(&b, family->head, config->vocab_size, true);
    table->n_global = table->n_tensors;
    for (b.layer = 0; b.layer < config->n_layer; b.layer++)
        for (size_t i = 0; i < family->n_sublayers; i++)
            add_sublayer(&b, &family->sublayers[i]);
    tensor_table_choose(table, tensor_any);
    table->token_embedding = tensor_find(table, family->token_embedding, 0);
    table->head = config->tied ? table->token_embedding : tensor_find(table, family->head, 0);
}

double tensor_table_estimate(const struct model_config *config)
{
    struct model_config one_layer = *config;
    struct tensor_table table;
    double count = 0;
    one_layer.n_layer = 1;
    tensor_table_init(&table, &one_layer);
    for (size_t i = 0; i < table.n_tensors; i++)
        count += (i < table.n_global ? 1 : (double)config->n_layer) * (double)table.tensors[i].rows *
                 (double)table.tensors[i].cols;
    tensor_table_free(&table);
    return count;
}

/* Small models of every family of test_families.h, and of gpt2's and llama's: each part and each flag is in one. */
#ifndef SFT_TESTS_TEST_MODELS_H
#define SFT_TESTS_TEST_MODELS_H

#include "test_families.h"

enum test_model {
    MODEL_GPT2,
    MODEL_GPT2_UNTIED,
    MODEL_BARE,
    MODEL_LLAMA,
    MODEL_OFFSET,
    MODEL_FLAGGED,
    MODEL_SANDWICH,
    MODEL_AFTER,
    MODEL_PARALLEL,
    MODEL_CHAIN,
    N_TEST_MODELS
};

/* n_embd must divide by 6. Where nothing else moves keys' biases, which move all of a query's scores alike, a soft cap
 * gives them a gradient. */
static inline struct model_config test_model(enum test_model model, size_t n_embd, size_t n_positions,
                                             size_t vocab_size)
{
    struct model_config c = {.family = &family_gpt2,
                             .n_layer = 2,
                             .n_head = 3,
                             .n_kv_head = 3,
                             .head_dim = n_embd / 3,
                             .n_embd = n_embd,
                             .n_inner = n_embd + 13,
                             .n_positions = n_positions,
                             .vocab_size = vocab_size,
                             .layer_norm_epsilon = 1e-5,
                             .rotary_dim = n_embd / 3,
                             .rope = {.theta = 100},
                             .embedding_multiplier = 1,
                             .residual_multiplier = 1,
                             .logits_divisor = 1};
    switch (model) {
    case MODEL_GPT2:
        c.tied = true;
        c.n_inner = 4 * n_embd;
        break;
    case MODEL_GPT2_UNTIED:
        c.activation = ACTIVATION_GELU;
        c.scale_attn_by_inverse_layer_idx = true;
        break;
    case MODEL_OFFSET:
        c.family = &family_offset;
        c.activation = ACTIVATION_RELU;
        c.attention_softcap = 2;
        c.tied = true;
        break;
    case MODEL_BARE: /* heads that are wider than n_embd / n_head, and share keys and values */
        c.family = &family_bare;
        c.tied = true;
        c.n_head = 4;
        c.n_kv_head = 2;
        break;
    case MODEL_LLAMA:
        c.family = &family_llama;
        c.n_kv_head = 1; /* for all three heads */
        c.activation = ACTIVATION_SILU;
        break;
    case MODEL_FLAGGED:
        c.family = &family_flagged;
        c.n_kv_head = 1;
        c.activation = ACTIVATION_GELU;
        c.attention_bias = c.mlp_bias = true;
        c.rope = (struct rope_config){100, ROPE_LLAMA3, 8, 1, 4, 30};
        layer_set_add(&c.unrotated, 1);
        c.attention_multiplier = 0.4;
        c.attention_softcap = 2;
        c.embedding_multiplier = 3;
        c.residual_multiplier = 0.6;
        c.logits_divisor = 1.7;
        break;
    case MODEL_SANDWICH:
        c.family = &family_sandwich;
        c.tied = true;
        c.n_head = 6;
        c.n_kv_head = 2;
        c.activation = ACTIVATION_GELU_NEW;
        c.sliding_window = 4;
        layer_set_add(&c.sliding, 0);
        c.rope_local = (struct rope_config){30, ROPE_LINEAR, 2, 0, 0, 0};
        c.attention_softcap = 2;
        c.logit_softcap = 3;
        c.embedding_multiplier = 2.5;
        break;
    case MODEL_AFTER:
        c.family = &family_after;
        c.n_kv_head = 1;
        c.activation = ACTIVATION_SILU;
        c.residual_multiplier = 1.3;
        c.sliding_window = 3;
        layer_set_add(&c.sliding, 1);
        break;
    case MODEL_PARALLEL:
        c.family = &family_parallel;
        c.activation = ACTIVATION_GELU;
        c.rotary_dim = 2;
        break;
    case MODEL_CHAIN:
        c.family = &family_chain;
        c.tied = true;
        c.activation = ACTIVATION_GELU_NEW;
        c.residual_multiplier = 0.7;
        break;
    case N_TEST_MODELS:
        break;
    }
    return c;
}

#endif

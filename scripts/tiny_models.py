"""A tiny random model of every family that sft trains, made by transformers: of golden_model.py and tests/peers.

MODELS is all that is said of one: its config, and which changes of that config must change its logits (`matters`), so
that no feature is there without a weight. Weights are drawn as large as products keep their size; windows are shorter
than the conversations, frequencies low enough to turn within them, soft caps low enough to bite.
"""
import torch
from transformers import AutoConfig, AutoModelForCausalLM

ROPE = {"rope_type": "default", "rope_theta": 50.0}
SLOW = {"rope_type": "default", "rope_theta": 10000.0}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
HEADS = dict(num_attention_heads=4, num_key_value_heads=2, head_dim=8)  # more columns than the hidden size
PLAIN_HEADS = dict(num_attention_heads=3, num_key_value_heads=1)  # of families whose heads share it
SIZES = dict(hidden_size=24, intermediate_size=40)
PAD = 86  # often in what is trained on: torch gives its embedding no gradient
SLIDING, FULL = "sliding_attention", "full_attention"

MODELS = {
    "gpt2": dict(
        model_type="gpt2", config=dict(n_layer=2, n_embd=24, n_head=2, activation_function="gelu_new"),
        matters=[]),
    "gpt2_untied": dict(
        model_type="gpt2",
        config=dict(n_layer=2, n_embd=24, n_head=3, n_inner=37, activation_function="gelu", tie_word_embeddings=False,
                    scale_attn_by_inverse_layer_idx=True, layer_norm_epsilon=1e-6),
        matters=[dict(scale_attn_by_inverse_layer_idx=False)]),
    "llama": dict(
        model_type="llama", config=dict(num_hidden_layers=2, rope_parameters=ROPE, **SIZES, **HEADS),
        matters=[dict(rope_parameters=SLOW)]),
    "llama3": dict(
        model_type="llama",
        config=dict(num_hidden_layers=2, rope_parameters=LLAMA3, tie_word_embeddings=True, pad_token_id=PAD, **SIZES,
                    **PLAIN_HEADS),
        matters=[dict(rope_parameters={"rope_type": "default", "rope_theta": 500.0})]),
    "llama_linear": dict(
        model_type="llama",
        config=dict(num_hidden_layers=2, rope_parameters={**ROPE, "rope_type": "linear", "factor": 4.0},
                    attention_bias=True, mlp_bias=True, **SIZES, **PLAIN_HEADS),
        matters=[dict(rope_parameters=ROPE)]),
    "mistral": dict(
        model_type="mistral",
        config=dict(num_hidden_layers=2, sliding_window=7, rope_parameters=ROPE, **SIZES, **HEADS),
        matters=[dict(sliding_window=None), dict(sliding_window=8)]),
    "qwen2": dict(
        model_type="qwen2",
        config=dict(num_hidden_layers=2, tie_word_embeddings=True, rope_parameters=ROPE, **SIZES, **PLAIN_HEADS),
        matters=[dict(rope_parameters=SLOW)]),
    "qwen2_window": dict(
        model_type="qwen2",
        config=dict(num_hidden_layers=3, use_sliding_window=True, sliding_window=5, max_window_layers=1,
                    rope_parameters=ROPE, **SIZES, **PLAIN_HEADS),
        matters=[dict(use_sliding_window=False), dict(layer_types=[SLIDING] * 3)]),
    "qwen3": dict(
        model_type="qwen3",
        config=dict(num_hidden_layers=2, rope_parameters=ROPE, pad_token_id=PAD, **SIZES, **HEADS),
        matters=[dict(rope_parameters=SLOW)]),
    "gemma3": dict(
        model_type="gemma3_text",
        config=dict(num_hidden_layers=3, layer_types=[SLIDING, SLIDING, FULL], sliding_window=6,
                    query_pre_attn_scalar=3, rope_parameters={
                        SLIDING: ROPE, FULL: {"rope_type": "linear", "rope_theta": 400.0, "factor": 2.0}},
                    **SIZES, **HEADS),
        matters=[dict(layer_types=[FULL] * 3), dict(layer_types=[SLIDING] * 3), dict(query_pre_attn_scalar=8),
                 dict(rope_parameters={SLIDING: ROPE, FULL: ROPE}),
                 dict(rope_parameters={SLIDING: ROPE, FULL: {"rope_type": "default", "rope_theta": 400.0}})]),
    "gemma2": dict(
        model_type="gemma2",
        config=dict(num_hidden_layers=2, sliding_window=6, attn_logit_softcapping=1.5, final_logit_softcapping=3.0,
                    query_pre_attn_scalar=5, rope_parameters=ROPE, **SIZES, **HEADS),
        matters=[dict(attn_logit_softcapping=None), dict(final_logit_softcapping=None),
                 dict(layer_types=[FULL, SLIDING]), dict(query_pre_attn_scalar=8)]),
    "smollm3": dict(
        model_type="smollm3",
        config=dict(num_hidden_layers=4, rope_parameters=ROPE, **SIZES, **PLAIN_HEADS),
        matters=[dict(no_rope_layers=[1, 1, 1, 1]), dict(no_rope_layers=[0, 0, 0, 1])]),
    "granite": dict(
        model_type="granite",
        config=dict(num_hidden_layers=2, embedding_multiplier=3.0, residual_multiplier=0.6, attention_multiplier=0.8,
                    logits_scaling=1.7, tie_word_embeddings=True, rope_parameters=ROPE, **SIZES, **PLAIN_HEADS),
        matters=[dict(embedding_multiplier=1.0), dict(residual_multiplier=1.0), dict(attention_multiplier=0.35355339),
                 dict(logits_scaling=1.0)]),
    "olmo2": dict(
        model_type="olmo2",
        config=dict(num_hidden_layers=2, rope_parameters=ROPE, **SIZES, **PLAIN_HEADS),
        matters=[dict(rope_parameters=SLOW)]),
    "gpt_neox": dict(
        model_type="gpt_neox",
        config=dict(num_hidden_layers=2, hidden_size=32, num_attention_heads=2, intermediate_size=40, hidden_act="gelu",
                    rope_parameters={**ROPE, "partial_rotary_factor": 0.25}),
        matters=[dict(rope_parameters={**ROPE, "partial_rotary_factor": 1.0}), dict(use_parallel_residual=False)]),
    "opt": dict(
        model_type="opt",
        config=dict(num_hidden_layers=2, hidden_size=24, word_embed_proj_dim=24, num_attention_heads=3, ffn_dim=40,
                    pad_token_id=PAD),
        matters=[dict(activation_function="gelu")]),
}


def make_config(name, vocab_size, positions, **changes):
    """Its end token is 0, and none pads unless MODELS says so."""
    spec = MODELS[name]
    options = dict(vocab_size=vocab_size, bos_token_id=0, eos_token_id=0, pad_token_id=None)
    options["n_positions" if spec["model_type"] == "gpt2" else "max_position_embeddings"] = positions
    return AutoConfig.for_model(spec["model_type"], **{**options, **spec["config"], **changes})


def from_config(config, state=None, **options):
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", **options).eval()
    if state:
        model.load_state_dict(state)
    return model


def check_that_all_matters(name, model, vocab_size, positions):
    """The model's logits must follow each change of its config that MODELS lists."""
    tokens = torch.arange(positions)[None] * 7 % vocab_size
    with torch.no_grad():
        logits = model(tokens).logits
        for changes in MODELS[name]["matters"]:
            other = from_config(make_config(name, vocab_size, positions, **changes), model.state_dict())
            difference = (other(tokens).logits - logits).abs().max().item()
            assert difference > 0.05, f"{name}: {changes} changes no logit by more than {difference:.1e}"


def make_model(name, vocab_size, positions):
    """With weights large enough that no gradient is near nothing, norms and biases included."""
    torch.manual_seed(0)
    model = from_config(make_config(name, vocab_size, positions))
    scale = 0.0 if "gemma" in MODELS[name]["model_type"] else 1.0  # what a norm's weight is about
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            is_norm = parameter.dim() == 1 and key.endswith("weight")
            parameter.normal_(scale if is_norm else 0.0, 0.2)
    check_that_all_matters(name, model, vocab_size, positions)
    return model

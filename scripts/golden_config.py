#!/usr/bin/env python3
"""Write tests/golden/config.json: config.json files of every family, and what transformers makes of them.

usage: golden_config.py        (run in the repository's root; ASSETS, which the others take, is not needed)

Each case is a file as transformers 5 saves it ("v5"), or with the keys that the family's own files have, as versions 4
wrote them ("v4"), or with its sizes alone ("bare"), and what the model that AutoModelForCausalLM makes of it has: sizes,
scales, windows, rotary positions, tensors. Only the sizes are ours.
"""
import json
import os
import tempfile

import torch
import transformers
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM

OUT = "tests/golden/config.json"
LLAMA = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=24,
             max_position_embeddings=64, vocab_size=20)
BARE = dict(hidden_size=64, num_hidden_layers=5, num_attention_heads=32, intermediate_size=8,
            max_position_embeddings=64, vocab_size=20)
NEOX = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
            max_position_embeddings=64, vocab_size=20)
OPT = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, ffn_dim=24, max_position_embeddings=64,
           vocab_size=20)
LLAMA3 = dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
GPT2 = dict(n_embd=16, n_layer=2, n_head=4, n_positions=64, vocab_size=20)

# What transformers 5 saves: of these options.
SAVED = [
    ("gpt2", GPT2),
    ("gpt2", GPT2 | dict(n_inner=24, activation_function="gelu", tie_word_embeddings=False, scale_attn_weights=False,
                         layer_norm_epsilon=1e-6, resid_pdrop=0.0, embd_pdrop=0.3, attn_pdrop=0.2)),
    ("llama", LLAMA),
    ("llama", LLAMA | dict(head_dim=6, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, pad_token_id=3,
                           hidden_act="gelu", rope_parameters=LLAMA3 | dict(rope_theta=500000.0))),
    ("llama", LLAMA | dict(rope_parameters=dict(rope_type="linear", factor=2.5, rope_theta=1e4))),
    ("mistral", LLAMA | dict(sliding_window=8, rope_parameters=dict(rope_type="default", rope_theta=1e6))),
    ("mistral", LLAMA | dict(sliding_window=None)),
    ("qwen2", LLAMA | dict(tie_word_embeddings=True)),
    ("qwen2", LLAMA | dict(num_hidden_layers=4, use_sliding_window=True, sliding_window=8, max_window_layers=3)),
    ("qwen3", LLAMA | dict(head_dim=8, eos_token_id=[3, 4])),
    ("qwen3", LLAMA | dict(head_dim=8, attention_bias=True, num_hidden_layers=3, use_sliding_window=True,
                           sliding_window=8, layer_types=["sliding_attention", "full_attention", "sliding_attention"])),
    ("gemma2", LLAMA | dict(num_hidden_layers=5, head_dim=8, query_pre_attn_scalar=144, sliding_window=8)),
    ("gemma2", LLAMA | dict(head_dim=8, attn_logit_softcapping=None, final_logit_softcapping=None,
                            attention_bias=True)),
    ("gemma3_text", LLAMA | dict(num_hidden_layers=7, head_dim=8, sliding_window=8)),
    ("gemma3_text", LLAMA | dict(num_hidden_layers=3, head_dim=8, sliding_window=8, final_logit_softcapping=20.0,
                                 layer_types=["full_attention", "sliding_attention", "full_attention"],
                                 rope_parameters=dict(
                                     full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1e6),
                                     sliding_attention=dict(rope_type="default", rope_theta=2e4)))),
    ("smollm3", LLAMA | dict(num_hidden_layers=9, pad_token_id=None, eos_token_id=3, bos_token_id=None)),
    ("smollm3", LLAMA | dict(num_hidden_layers=3, pad_token_id=2, eos_token_id=3, bos_token_id=None,
                             no_rope_layers=[0, 1, 0], use_sliding_window=True, sliding_window=8)),
    ("granite", LLAMA | dict(embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.0078125,
                             logits_scaling=8.0, attention_bias=True)),
    ("olmo2", LLAMA | dict(eos_token_id=3)),
    ("gpt_neox", NEOX),
    ("gpt_neox", NEOX | dict(use_parallel_residual=False, attention_bias=False, tie_word_embeddings=True,
                             hidden_act="gelu_fast", hidden_dropout=0.25,
                             rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=5000.0,
                                                  partial_rotary_factor=0.5))),
    ("opt", OPT),
    ("opt", OPT | dict(enable_bias=False, tie_word_embeddings=False, activation_function="gelu", dropout=0.0,
                       attention_dropout=0.05, pad_token_id=None)),
]

# The keys of the families' own files.
COMMON = dict(torch_dtype="bfloat16", transformers_version="4.46.0", use_cache=True)
KIN = dict(attention_dropout=0.0, hidden_act="silu", initializer_range=0.02, rms_norm_eps=1e-5) | LLAMA | COMMON
LAYERS = ["sliding_attention"] * 5 + ["full_attention"]
V4 = {
    "smollm2": KIN | dict(architectures=["LlamaForCausalLM"], model_type="llama", attention_bias=False, mlp_bias=False,
                          bos_token_id=1, eos_token_id=2, pad_token_id=2, is_llama_config=True, pretraining_tp=1,
                          rope_interleaved=False, rope_scaling=None, rope_theta=100000, tie_word_embeddings=True,
                          initializer_range=0.041666666666666664,
                          **{"transformers.js_config": dict(kv_cache_dtype=dict(fp16="float16"))}),
    "tinyllama": KIN | dict(architectures=["LlamaForCausalLM"], model_type="llama", bos_token_id=1, eos_token_id=2,
                            pretraining_tp=1, rope_scaling=None, tie_word_embeddings=False),
    "llama3.2": KIN | dict(architectures=["LlamaForCausalLM"], model_type="llama", attention_bias=False,
                           bos_token_id=17, eos_token_id=[14, 15, 16], head_dim=8, mlp_bias=False, pretraining_tp=1,
                           rope_scaling=LLAMA3, rope_theta=500000.0, tie_word_embeddings=True),
    "llama_old_scaling": KIN | dict(model_type="llama", rope_scaling=dict(type="linear", factor=4.0)),
    "mistral": KIN | dict(architectures=["MistralForCausalLM"], model_type="mistral", bos_token_id=1, eos_token_id=2,
                          rope_theta=10000.0, sliding_window=8, tie_word_embeddings=False),
    "mistral_head_dim": KIN | dict(model_type="mistral", head_dim=8, rope_theta=1e6, sliding_window=None),
    "qwen2.5": KIN | dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", bos_token_id=5, eos_token_id=6,
                          max_window_layers=21, rope_theta=1000000.0, sliding_window=32768, tie_word_embeddings=True,
                          use_mrope=False, use_sliding_window=False),
    "qwen3": KIN | dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3", attention_bias=False, bos_token_id=5,
                        eos_token_id=6, head_dim=8, max_window_layers=28, rope_scaling=None, rope_theta=1000000,
                        sliding_window=None, tie_word_embeddings=True, use_sliding_window=False),
    "gemma2": KIN | dict(architectures=["Gemma2ForCausalLM"], model_type="gemma2", attention_bias=False,
                         attn_logit_softcapping=50.0, bos_token_id=2, cache_implementation="hybrid",
                         eos_token_id=[1, 7], final_logit_softcapping=30.0, head_dim=8, hidden_act="gelu",
                         hidden_activation="gelu_pytorch_tanh", pad_token_id=0, query_pre_attn_scalar=256,
                         rope_theta=10000.0, sliding_window=8, sliding_window_size=8),
    "gemma3_1b": {k: v for k, v in KIN.items() if k != "hidden_act"} |
    dict(architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", num_hidden_layers=7, attention_bias=False,
         attn_logit_softcapping=None, bos_token_id=2, cache_implementation="hybrid", eos_token_id=[1, 7],
         final_logit_softcapping=None, head_dim=8, hidden_activation="gelu_pytorch_tanh", pad_token_id=0,
         query_pre_attn_scalar=256, rope_local_base_freq=10000, rope_scaling=None, rope_theta=1000000,
         sliding_window=8, sliding_window_pattern=3),
    "gemma3_270m": {k: v for k, v in KIN.items() if k != "hidden_act"} |
    dict(architectures=["Gemma3TextModel"], model_type="gemma3_text", _sliding_window_pattern=6, num_hidden_layers=7,
         attention_bias=False, attn_logit_softcapping=None, bos_token_id=2, eos_token_id=1,
         final_logit_softcapping=None, head_dim=8, hidden_activation="gelu_pytorch_tanh",
         layer_types=LAYERS + ["sliding_attention"], pad_token_id=0, query_pre_attn_scalar=256,
         rope_local_base_freq=10000.0, rope_scaling=dict(rope_type="linear", factor=8.0), rope_theta=1000000.0,
         sliding_window=8, use_bidirectional_attention=False),
    "smollm3": KIN | dict(architectures=["SmolLM3ForCausalLM"], model_type="smollm3", num_hidden_layers=5,
                          attention_bias=False, bos_token_id=None, eos_token_id=6, pad_token_id=4, mlp_bias=False,
                          layer_types=["full_attention"] * 5, max_window_layers=28, no_rope_layer_interval=4,
                          no_rope_layers=[1, 1, 1, 0, 1], pretraining_tp=2, rope_scaling=None, rope_theta=5000000.0,
                          sliding_window=None, use_sliding_window=False),
    "smollm3_interval": KIN | dict(model_type="smollm3", num_hidden_layers=5, pad_token_id=4,
                                   no_rope_layer_interval=2),
    "granite": KIN | dict(architectures=["GraniteForCausalLM"], model_type="granite", attention_bias=False,
                          attention_multiplier=0.015625, bos_token_id=0, embedding_multiplier=12.0, eos_token_id=0,
                          logits_scaling=8.0, mlp_bias=False, pad_token_id=0, residual_multiplier=0.22,
                          rope_scaling=None, rope_theta=5000000.0, tie_word_embeddings=True),
    "olmo2": KIN | dict(architectures=["Olmo2ForCausalLM"], model_type="olmo2", attention_bias=False, eos_token_id=6,
                        pad_token_id=7, rope_scaling=None, rope_theta=500000, tie_word_embeddings=False),
    "pythia": dict(architectures=["GPTNeoXForCausalLM"], model_type="gpt_neox", bos_token_id=0, eos_token_id=0,
                   hidden_act="gelu", initializer_range=0.02, layer_norm_eps=1e-5, rotary_emb_base=10000,
                   rotary_pct=0.25, tie_word_embeddings=False, use_parallel_residual=True) | NEOX | COMMON,
    "opt-125m": dict(_name_or_path="facebook/opt-125m", activation_dropout=0.0, activation_function="relu",
                     architectures=["OPTForCausalLM"], attention_dropout=0.0, bos_token_id=2, dropout=0.1,
                     do_layer_norm_before=True, eos_token_id=2, init_std=0.02, layerdrop=0.0, model_type="opt",
                     pad_token_id=1, prefix="</s>", word_embed_proj_dim=16) | OPT | COMMON,
    "gpt2": dict(activation_function="gelu_new", architectures=["GPT2LMHeadModel"], attn_pdrop=0.1,
                 bos_token_id=50256, embd_pdrop=0.1, eos_token_id=50256, initializer_range=0.02,
                 layer_norm_epsilon=1e-5, model_type="gpt2", n_ctx=64, resid_pdrop=0.1, summary_activation=None,
                 summary_first_dropout=0.1, summary_proj_to_labels=True, summary_type="cls_index",
                 summary_use_proj=True,
                 task_specific_params={"text-generation": dict(do_sample=True, max_length=50)}) | GPT2,
}
# The sizes alone: heads that have a default take it.
for kind in ["llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text", "smollm3", "granite", "olmo2"]:
    V4["bare_" + kind] = dict(model_type=kind) | BARE
V4["bare_gpt_neox"] = dict(model_type="gpt_neox") | NEOX
V4["bare_opt"] = dict(model_type="opt") | OPT
V4["bare_gpt2"] = dict(model_type="gpt2") | GPT2


def as_list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


def in_vocabulary(ids, size):
    return next((i for i in as_list(ids) if 0 <= i < size), -1)


def layers_of(model):
    base = model.base_model
    return base.h if hasattr(base, "h") else base.decoder.layers if hasattr(base, "decoder") else base.layers


def attention_of(layer):
    return next(getattr(layer, n) for n in ("self_attn", "attention", "attn") if hasattr(layer, n))


def rope_of(parameters):
    if not parameters:
        return None
    keys = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"]
    used = {"default": 0, "linear": 1, "llama3": 4}[parameters["rope_type"]]
    return [parameters["rope_type"], parameters["rope_theta"]] + [parameters[k] for k in keys[:used]]


def activation_of(layer):
    modules = [m for n, m in layer.named_modules() if n.split(".")[-1] in ("act_fn", "act", "activation_fn")]
    return round(modules[0](torch.tensor(1.0)).item(), 6)


def expect(config, model):
    """What the model computes with, from its modules where they have it."""
    layers, base = layers_of(model), model.base_model
    attentions = [attention_of(layer) for layer in layers]
    rotary = getattr(base, "rotary_emb", None)
    heads = getattr(attentions[0], "head_dim", None) or attentions[0].head_size
    ropes = getattr(config, "rope_parameters", None) or {}
    nested = "full_attention" in ropes
    embedding = model.get_input_embeddings()
    norms = [m for n, m in model.named_modules() if n.endswith(("norm", "ln_f", "layer_norm"))]
    epsilon = getattr(norms[-1], "eps", None) or norms[-1].variance_epsilon
    gpt2 = config.model_type == "gpt2"
    scale = getattr(attentions[0], "scaling", None)
    if gpt2:
        scale = heads ** -0.5 if config.scale_attn_weights else 1.0
    frequencies = getattr(rotary, "sliding_attention_inv_freq" if nested else "inv_freq", None)
    types = getattr(config, "layer_types", None)
    windows = [(getattr(a, "sliding_window", None) if types else getattr(config, "sliding_window", None)) or 0
               for a in attentions]
    pdrops = ["resid_pdrop", "embd_pdrop", "attn_pdrop", "attention_dropout", "hidden_dropout", "dropout"]
    return dict(
        model_type=config.model_type, n_layer=len(layers), n_embd=config.hidden_size,
        n_positions=config.max_position_embeddings, vocab_size=config.vocab_size, n_head=config.num_attention_heads,
        n_kv_head=getattr(config, "num_key_value_heads", config.num_attention_heads), head_dim=heads,
        tied=config.tie_word_embeddings, activation=activation_of(layers[0]), layer_norm_epsilon=epsilon,
        initializer_range=getattr(config, "initializer_range", None) or config.init_std,
        sequential=getattr(config, "use_parallel_residual", None) is False,
        rotary_dim=0 if frequencies is None else 2 * len(frequencies),
        rope=rope_of(ropes["full_attention"] if nested else ropes),
        rope_local=rope_of(ropes["sliding_attention"]) if nested else None,
        unrotated=[i for i, a in enumerate(attentions) if getattr(a, "use_rope", 1) == 0],
        windows=windows, scale=scale,
        attention_softcap=getattr(attentions[0], "attn_logit_softcapping", None) or 0,
        logit_softcap=getattr(config, "final_logit_softcapping", None) or 0,
        embedding_multiplier=getattr(embedding, "scalar_embed_scale", getattr(config, "embedding_multiplier", 1.0)),
        residual_multiplier=getattr(config, "residual_multiplier", 1.0),
        logits_divisor=getattr(config, "logits_scaling", 1.0),
        dropout=max(getattr(config, p, 0) for p in pdrops),
        bos=in_vocabulary(config.bos_token_id, config.vocab_size),
        eos=in_vocabulary(config.eos_token_id, config.vocab_size),
        pad=in_vocabulary(config.pad_token_id, config.vocab_size),
        padding_idx=-1 if embedding.padding_idx is None else embedding.padding_idx)


def tensors_of(model):
    """As they are saved, of the first layer and of none."""
    with tempfile.TemporaryDirectory() as directory:
        model.save_pretrained(directory)
        with safe_open(os.path.join(directory, "model.safetensors"), "pt") as file:
            return {name: file.get_slice(name).get_shape() for name in sorted(file.keys())
                    if ".0." in name or not any(c.isdigit() for c in name)}


def case(name, directory):
    with open(os.path.join(directory, "config.json")) as file:
        text = json.load(file)
    config = AutoConfig.from_pretrained(directory)
    if config.pad_token_id is not None and config.pad_token_id >= config.vocab_size:
        config.pad_token_id = None  # nn.Embedding would have no such row
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    want = expect(config, model)
    if name.startswith("v5"):
        want["tensors"] = tensors_of(model)
    return dict(name=name, config=text, want=want)


def main():
    cases = []
    for i, (kind, options) in enumerate(SAVED):
        with tempfile.TemporaryDirectory() as directory:
            AutoConfig.for_model(kind, **options).save_pretrained(directory)
            cases.append(case(f"v5 {kind} {i}", directory))
    for name, options in V4.items():
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "config.json"), "w") as file:
                json.dump(options, file)
            cases.append(case(f"v4 {name}", directory))
    with open(OUT, "w") as file:
        file.write('{"transformers": "%s", "cases": [\n' % transformers.__version__)
        file.write(",\n".join(json.dumps(c) for c in cases))
        file.write("\n]}\n")


if __name__ == "__main__":
    main()

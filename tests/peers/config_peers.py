#!/usr/bin/env python3
"""Compare `sft` with transformers on the shapes of models that people have: as many parameters, from configs spelled
as they were published.

usage: config_peers.py SFT ASSETS   (ASSETS is not used; needs torch, transformers)
Without weights: `sft inspect --report` plans a run from a config.json, transformers makes the model without memory.
Exit 1 where they differ.
"""
import json, os, shutil, subprocess, sys, tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import AutoConfig, AutoModelForCausalLM

TOKENIZER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden/tiny_tokenizer/tokenizer.json")
LLAMA3 = dict(factor=32.0, high_freq_factor=4.0, low_freq_factor=1.0, original_max_position_embeddings=8192,
              rope_type="llama3")
GEMMA = dict(attention_bias=False, attention_dropout=0.0, bos_token_id=2, eos_token_id=1, pad_token_id=0, head_dim=256,
             hidden_activation="gelu_pytorch_tanh", query_pre_attn_scalar=256, rms_norm_eps=1e-6, use_cache=True)
GEMMA3 = dict(GEMMA, attn_logit_softcapping=None, final_logit_softcapping=None, max_position_embeddings=32768,
              num_attention_heads=4, num_key_value_heads=1, rope_local_base_freq=10000.0, rope_scaling=None,
              rope_theta=1000000.0, sliding_window=512, vocab_size=262144)

# architecture, model_type and the rest; keys that say nothing about the arithmetic included
CONFIGS = {
    "SmolLM2-135M": ("LlamaForCausalLM", "llama", dict(
        hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
        max_position_embeddings=8192, rms_norm_eps=1e-5, rope_interleaved=False, rope_scaling=None, rope_theta=100000,
        is_llama_config=True, pretraining_tp=1, tie_word_embeddings=True, torch_dtype="bfloat16", vocab_size=49152)),
    "TinyLlama-1.1B": ("LlamaForCausalLM", "llama", dict(
        hidden_size=2048, intermediate_size=5632, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4,
        max_position_embeddings=2048, rms_norm_eps=1e-5, rope_scaling=None, pretraining_tp=1,
        tie_word_embeddings=False, torch_dtype="float32", vocab_size=32000)),
    "Llama-3.2-1B": ("LlamaForCausalLM", "llama", dict(
        hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8,
        head_dim=64, max_position_embeddings=131072, rms_norm_eps=1e-5, rope_scaling=LLAMA3, rope_theta=500000.0,
        bos_token_id=128000, eos_token_id=[128001, 128008, 128009], mlp_bias=False, attention_bias=False,
        tie_word_embeddings=True, vocab_size=128256)),
    "Mistral-7B-v0.1": ("MistralForCausalLM", "mistral", dict(
        hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8,
        max_position_embeddings=32768, rms_norm_eps=1e-5, rope_theta=10000.0, sliding_window=4096,
        tie_word_embeddings=False, vocab_size=32000)),
    "Mistral-7B-v0.3": ("MistralForCausalLM", "mistral", dict(
        hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8,
        max_position_embeddings=32768, rms_norm_eps=1e-5, rope_theta=1000000.0, sliding_window=None,
        tie_word_embeddings=False, vocab_size=32768)),
    "Qwen2.5-0.5B": ("Qwen2ForCausalLM", "qwen2", dict(
        hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2,
        max_position_embeddings=32768, max_window_layers=24, rms_norm_eps=1e-6, rope_theta=1000000.0,
        sliding_window=32768, use_mrope=False, use_sliding_window=False, tie_word_embeddings=True, bos_token_id=151643,
        eos_token_id=151643, vocab_size=151936)),
    "Qwen3-0.6B": ("Qwen3ForCausalLM", "qwen3", dict(
        hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8,
        head_dim=128, attention_bias=False, max_position_embeddings=40960, max_window_layers=28, rms_norm_eps=1e-6,
        rope_scaling=None, rope_theta=1000000, sliding_window=None, use_sliding_window=False, tie_word_embeddings=True,
        bos_token_id=151643, eos_token_id=151645, vocab_size=151936)),
    "gemma-3-270m": ("Gemma3ForCausalLM", "gemma3_text", dict(
        GEMMA3, hidden_size=640, intermediate_size=2048, num_hidden_layers=18, _sliding_window_pattern=6,
        layer_types=(["sliding_attention"] * 5 + ["full_attention"]) * 3, use_bidirectional_attention=False)),
    "gemma-3-1b": ("Gemma3ForCausalLM", "gemma3_text", dict(
        GEMMA3, hidden_size=1152, intermediate_size=6912, num_hidden_layers=26, sliding_window_pattern=6,
        cache_implementation="hybrid")),
    "gemma-2-2b": ("Gemma2ForCausalLM", "gemma2", dict(
        GEMMA, hidden_size=2304, intermediate_size=9216, num_hidden_layers=26, num_attention_heads=8,
        num_key_value_heads=4, attn_logit_softcapping=50.0, final_logit_softcapping=30.0,
        hidden_act="gelu_pytorch_tanh", max_position_embeddings=8192, rope_theta=10000.0, sliding_window=4096,
        cache_implementation="hybrid", vocab_size=256000)),
    "SmolLM3-3B": ("SmolLM3ForCausalLM", "smollm3", dict(
        hidden_size=2048, intermediate_size=11008, num_hidden_layers=36, num_attention_heads=16, num_key_value_heads=4,
        attention_bias=False, mlp_bias=False, max_position_embeddings=65536, max_window_layers=28,
        no_rope_layer_interval=4, no_rope_layers=[1, 1, 1, 0] * 9, layer_types=["full_attention"] * 36,
        rms_norm_eps=1e-6, rope_scaling=None, rope_theta=5000000.0, sliding_window=None, use_sliding_window=False,
        pretraining_tp=2, vocab_size=128256)),
    "granite-3.3-2b": ("GraniteForCausalLM", "granite", dict(
        hidden_size=2048, intermediate_size=8192, num_hidden_layers=40, num_attention_heads=32, num_key_value_heads=8,
        attention_multiplier=0.015625, embedding_multiplier=12.0, logits_scaling=8.0, residual_multiplier=0.22,
        attention_bias=False, mlp_bias=False, max_position_embeddings=131072, rms_norm_eps=1e-5, rope_scaling=None,
        rope_theta=10000000.0, tie_word_embeddings=True, vocab_size=49159)),
    "OLMo-2-1B": ("Olmo2ForCausalLM", "olmo2", dict(
        hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=16, num_key_value_heads=16,
        attention_bias=False, max_position_embeddings=4096, rms_norm_eps=1e-6, rope_scaling=None, rope_theta=500000,
        tie_word_embeddings=False, vocab_size=100352)),
    "pythia-160m": ("GPTNeoXForCausalLM", "gpt_neox", dict(
        hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, hidden_act="gelu",
        layer_norm_eps=1e-5, max_position_embeddings=2048, rotary_emb_base=10000, rotary_pct=0.25,
        use_parallel_residual=True, tie_word_embeddings=False, vocab_size=50304)),
    "opt-125m": ("OPTForCausalLM", "opt", dict(
        hidden_size=768, ffn_dim=3072, num_hidden_layers=12, num_attention_heads=12, word_embed_proj_dim=768,
        activation_dropout=0.0, activation_function="relu", attention_dropout=0.0, dropout=0.1, layerdrop=0.0,
        do_layer_norm_before=True, init_std=0.02, max_position_embeddings=2048, pad_token_id=1, prefix="</s>",
        vocab_size=50272)),
    "gpt2": ("GPT2LMHeadModel", "gpt2", dict(
        n_embd=768, n_layer=12, n_head=12, n_ctx=1024, n_positions=1024, activation_function="gelu_new",
        layer_norm_epsilon=1e-5, task_specific_params={"text-generation": {"do_sample": True}}, vocab_size=50257)),
}


def sft_parameters(program, directory, data):
    run = subprocess.run(
        [program, "inspect", "--report", "--json", "--base", os.path.join(directory, "config.json"), data, "--set",
         "train.precision=fp32", "--set", "data.template=im_sep"], capture_output=True, text=True)
    return json.loads(run.stdout)["memory"]["parameters"] // 4 if run.returncode == 0 else run.stderr.strip()


def peer_parameters(directory):
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(directory)).num_parameters()


def main(program):
    different = []
    with tempfile.TemporaryDirectory() as scratch:
        data = os.path.join(scratch, "data.jsonl")
        with open(data, "w") as file:
            file.write('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
        for name, (architecture, model_type, config) in CONFIGS.items():
            directory = os.path.join(scratch, name)
            os.mkdir(directory)
            shutil.copy(TOKENIZER, directory)
            with open(os.path.join(directory, "config.json"), "w") as file:
                json.dump(dict(config, architectures=[architecture], model_type=model_type), file)
            ours, theirs = sft_parameters(program, directory, data), peer_parameters(directory)
            print(f"  {name}: {ours}" + (" parameters" if ours == theirs else f", and transformers has {theirs}"))
            different += [name] * (ours != theirs)
    if different:
        sys.exit("different: " + ", ".join(different))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(os.path.abspath(sys.argv[1]))

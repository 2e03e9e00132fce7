#!/usr/bin/env python3
"""Write tests/golden/gguf: small files in GGUF, written by the package gguf, and what it and transformers read in them.

usage: golden_gguf.py ASSETS        (run in the repository's root; ASSETS is not needed)

types.gguf holds, for each type that is dequantised, blocks of random bytes and, as TYPE.f32, the floats that
gguf.quants makes of them. An ARCHITECTURE.gguf holds a tiny random model of that, names, rows and norms as llama.cpp's
converter (convert_hf_to_gguf.py) has them, in types of several kinds; split-*.gguf is llama.gguf in several files,
chat.gguf a llama with a tokenizer and a chat template. (tokenizer-*.gguf are golden_gguf_tokenizer.py's.)
weights.json holds, for each, XXH64 hashes of the float32 bytes of every tensor as transformers reads it.
"""
import glob
import importlib.metadata
import json
import os
import sys

import gguf
import numpy as np
import torch
import transformers
import xxhash
from gguf.quants import dequantize, quantize
from golden_gguf_tokenizer import CHATML, IM, NORMAL, vocabulary
from transformers import AutoModelForCausalLM

OUT = "tests/golden/gguf"
TYPE = gguf.GGMLQuantizationType
TYPES = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2],
          "Q6_K": [208]}  # where a block's scales are float16
VOCAB, POSITIONS, LAYERS, HIDDEN, INNER, HEADS, KV_HEADS, HEAD_DIM = 48, 64, 2, 32, 32, 4, 2, 8

# ---- types ----


def random_blocks(rng, name, n):
    """n elements (rows of one block or more) of random bytes; scales finite, of all magnitudes."""
    block, size = gguf.GGML_QUANT_SIZES[TYPE[name]]
    if name == "F32":
        return rng.standard_normal(n).astype(np.float32).view(np.uint8)
    if name in ("F16", "BF16"):
        bits = rng.integers(0, 0x7C00 if name == "F16" else 0x7F80, n, dtype=np.uint16)
        return (bits | rng.integers(0, 2, n, dtype=np.uint16) << 15).view(np.uint8)
    blocks = rng.integers(0, 256, (n // block, size), dtype=np.uint8)
    for at in HALVES[name]:
        scales = rng.integers(0, 0x7C00, len(blocks), dtype=np.uint16) | rng.integers(0, 2, len(blocks), dtype=np.uint16) << 15
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(-1)


def write_types(path):
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "none")
    for name in TYPES:
        stored = random_blocks(rng, name, 512 if name.endswith("K") else 256)
        exact = {"F32": np.float32, "F16": np.float16}.get(name)
        data = stored.view(exact) if exact else stored
        writer.add_tensor(name, data, raw_dtype=TYPE[name])
        writer.add_tensor(name + ".f32", dequantize(stored.view(exact or np.uint8), TYPE[name]).astype(np.float32))
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# ---- models ----

SIZES = dict(vocab_size=VOCAB, hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=LAYERS,
             num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, head_dim=HEAD_DIM,
             max_position_embeddings=POSITIONS)
MODELS = {
    "gpt2": dict(model_type="gpt2", vocab_size=VOCAB, n_layer=LAYERS, n_embd=HIDDEN, n_head=HEADS, n_inner=INNER,
                 n_positions=POSITIONS),
    "llama": dict(model_type="llama", **SIZES),
    "qwen2": dict(model_type="qwen2", tie_word_embeddings=True, **SIZES),
    "qwen3": dict(model_type="qwen3", **SIZES),
    "gemma3": dict(model_type="gemma3_text", sliding_window=16, **SIZES),
}
CHAT_POSITIONS = 512
# Of a matrix, by its role; vectors and what is left are F32.
STORED = {"token_embd": "Q8_0", "output": "Q5_1", "attn_qkv": "Q8_0", "attn_q": "Q8_0", "attn_k": "Q4_0",
          "attn_v": "Q4_1", "attn_output": "Q5_0", "ffn_gate": "Q5_1", "ffn_up": "F16", "ffn_down": "BF16"}


def permute(rows, heads):
    """Rows j and j + half of a head become neighbours."""
    return rows.reshape(heads, 2, len(rows) // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def converted(architecture, role, kind, values):
    """As the converter has it."""
    if architecture == "gpt2" and kind == "weight" and role.startswith(("attn_q", "attn_o", "ffn_up", "ffn_d")):
        return values.T.copy()  # Conv1D
    if architecture == "llama" and role in ("attn_q", "attn_k"):
        return permute(values, HEADS if role == "attn_q" else KV_HEADS)
    if architecture == "gemma3" and role.endswith("norm"):
        return values + 1
    return values


def tensors(architecture, model):
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], LAYERS)
    for name, parameter in model.named_parameters():  # a tied head is none
        name, kind = name.rsplit(".", 1)
        theirs = names.get_name(name)
        yield theirs, kind, converted(architecture, theirs.split(".")[-1], kind, parameter.detach().numpy())
    if architecture == "gpt2":  # which its converter writes all the same, and a quantiser rounds to another type
        yield "output", "weight", model.transformer.wte.weight.detach().numpy()


def add_metadata(writer, model):
    config = model.config
    writer.add_name("tiny")
    writer.add_block_count(LAYERS)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    if config.model_type == "gpt2":
        writer.add_layer_norm_eps(1e-5)
    else:
        writer.add_head_count_kv(KV_HEADS)
        writer.add_key_length(HEAD_DIM)
        writer.add_value_length(HEAD_DIM)
        writer.add_layer_norm_rms_eps(1e-6)
        writer.add_rope_freq_base(10000.0)
    if config.model_type == "gemma3_text":
        writer.add_sliding_window(16)
    writer.add_vocab_size(config.vocab_size)


def chat_tokens():
    tokens, merges = vocabulary("bytes")
    types = [NORMAL] * len(tokens) + [kind for _, kind in IM]
    return tokens + [token for token, _ in IM], types, merges


def add_tokenizer(writer):
    tokens, types, merges = chat_tokens()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index("<|im_start|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_pad_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)


def write_model(path, architecture, model, add_more=None, **split):
    writer = gguf.GGUFWriter(path, architecture, **split)
    add_metadata(writer, model)
    if add_more:
        add_more(writer)
    for name, kind, values in tensors(architecture, model):
        stored = STORED.get(name.split(".")[-1], "F32") if values.ndim == 2 else "F32"
        if stored in ("F32", "F16"):
            data = values.astype(np.float16 if stored == "F16" else np.float32)
            writer.add_tensor(f"{name}.{kind}", data)
        else:
            writer.add_tensor(f"{name}.{kind}", quantize(values, TYPE[stored]), raw_dtype=TYPE[stored])
    finish(writer)


def make_model(architecture, **changes):
    torch.manual_seed(len(architecture))
    config = MODELS[architecture] | changes
    model = AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(config.pop("model_type"), **config))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.float()


def read_back(path, config):
    """Hashes by name, as transformers reads the file (not its sizes: of gpt2 it does not know all)."""
    model = AutoModelForCausalLM.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path), config=config,
                                                 dtype=torch.float32)
    return {name: f"{xxhash.xxh64(p.detach().numpy().tobytes()).intdigest():016x}"
            for name, p in sorted(model.named_parameters())}


def main():
    os.makedirs(OUT, exist_ok=True)
    for old in glob.glob(f"{OUT}/split-*.gguf"):
        os.remove(old)
    write_types(f"{OUT}/types.gguf")
    golden = {"versions": {m.__name__: m.__version__ for m in (transformers, torch, np)}}
    golden["versions"]["gguf"] = importlib.metadata.version("gguf")
    for architecture in MODELS:
        path, model = f"{OUT}/{architecture}.gguf", make_model(architecture)
        write_model(path, architecture, model)
        golden[architecture] = read_back(path, model.config)
        if architecture == "llama":
            write_model(f"{OUT}/split.gguf", architecture, model, split_max_tensors=9)
    model = make_model("llama", vocab_size=len(chat_tokens()[0]), max_position_embeddings=CHAT_POSITIONS,
                       tie_word_embeddings=True)
    write_model(f"{OUT}/chat.gguf", "llama", model, add_tokenizer)
    golden["chat"] = read_back(f"{OUT}/chat.gguf", model.config)
    with open(f"{OUT}/weights.json", "w") as f:
        json.dump(golden, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()

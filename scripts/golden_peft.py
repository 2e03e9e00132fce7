#!/usr/bin/env python3
"""Write tests/golden/peft: adapters as PEFT saves them, and what the tiny models of tests/golden/model say with them.

usage: golden_peft.py ASSETS        (run in the repository's root, after golden_model.py; ASSETS is not read)

A directory an adapter holds adapter_config.json, adapter_model.safetensors and golden.json: the base, tokens and the
last position's logits, computed by transformers and PEFT in float64 with the values as they are stored. CASES is all
that is said of one. All of an adapter is drawn at random, B too, so that everything counts.
"""
import json
import os
import shutil
import sys

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

OUT, BASES = "tests/golden/peft", "tests/golden/model"
TOKENS = 14

F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
CASES = {
    # all linear layers of Conv1Ds, and two rows of a tied embedding, not in their order
    "gpt2_rows": dict(base="gpt2", dtype=F32, lora_alpha=3, target_modules="all-linear",
                      trainable_token_indices=[5, 2]),
    # an embedding that has grown is stored whole, and so is the head that is tied to it
    "gpt2_resized": dict(base="gpt2", dtype=F16, resize=99, target_modules=["c_attn"]),
    # ... under the rows that are trained
    "gpt2_resized_rows": dict(base="gpt2", dtype=F16, resize=99, target_modules=["attn.c_proj"],
                              trainable_token_indices=[96, 98, 97]),
    # a pattern, ranks and alphas of some modules, and a head of its own
    "llama_pattern": dict(base="llama", dtype=BF16, target_modules=r".*\.0\..*(q|v)_proj", lora_alpha=6,
                          rank_pattern={"v_proj": 3}, alpha_pattern={r"0\.self_attn\.q_proj": 5}, use_rslora=True,
                          modules_to_save=["lm_head"]),
    # a path, names in some layers only, rows of the embedding and of the head, apart
    "llama_layers": dict(base="llama", dtype=F32, target_modules=["mlp.up_proj", "model.layers.1.self_attn.k_proj"],
                         layers_to_transform=[0], layers_pattern="layers",
                         trainable_token_indices={"embed_tokens": [3], "lm_head": [7, 6]}),
    # names as they are in a model's own state: with the adapter's, and without base_model.model
    "llama_names": dict(base="llama", dtype=F32, target_modules=["o_proj"], modules_to_save=["norm"],
                        rename=lambda name: name.replace("base_model.model.", "").replace("lora_A.", "lora_A.default.")
                        .replace("lora_B.", "lora_B.default.")
                        .replace("norm.weight", "norm.modules_to_save.default.weight")),
    "gemma3": dict(base="gemma3", dtype=BF16, r=1, target_modules="all-linear", trainable_token_indices=[4]),
    # a tied embedding that is trained whole, with its head
    "qwen2_tied": dict(base="qwen2", dtype=F16, target_modules=["k_proj"],
                       modules_to_save=["embed_tokens", "lm_head"], ensure_weight_tying=True),
    # the same rows' head and embedding, apart; an embedding that parts from its head
    "qwen2_parted": dict(base="qwen2", dtype=F32, target_modules=["v_proj"],
                         trainable_token_indices={"embed_tokens": [5, 6], "lm_head": [7, 6]}),
    "gpt2_parted": dict(base="gpt2", dtype=BF16, target_modules=["c_fc"], modules_to_save=["wte"]),
    # a head whose module and tensor are called differently
    "gpt_neox": dict(base="gpt_neox", dtype=BF16, target_modules="all-linear", exclude_modules=["attention.dense"],
                     modules_to_save=["lm_head"]),
    # all norms by the end of their names, a module of several, and learned positions
    "opt": dict(base="opt", dtype=BF16, target_modules=["q_proj", "fc2"],
                modules_to_save=["layer_norm", "embed_positions"]),
}


def load(base, resize):
    model = AutoModelForCausalLM.from_pretrained(f"{BASES}/{base}", dtype=torch.float64, attn_implementation="eager")
    if resize:
        model.resize_token_embeddings(resize)
    return model


def rewrite(directory, name_of=str, dtype=None):
    path = f"{directory}/adapter_model.safetensors"
    tensors = {name_of(name): tensor.to(dtype or tensor.dtype) for name, tensor in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})


def make_adapter(directory, base, dtype, resize=0, r=2, **config):
    torch.manual_seed(0)
    model = get_peft_model(load(base, resize), LoraConfig(task_type="CAUSAL_LM", r=r, **config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.3)
        if resize and "trainable_token_indices" not in config:
            rows = model.get_input_embeddings().weight[-3:]
            rows.copy_(torch.randn_like(rows) * 0.3)
    model.save_pretrained(directory)
    rewrite(directory, dtype=dtype)


def tidy(directory):
    """What changes from run to run: the order of a set, and where this repository is."""
    os.remove(f"{directory}/README.md")
    path = f"{directory}/adapter_config.json"
    with open(path) as file:
        config = json.load(file)
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    config["base_model_name_or_path"] = "../../model/" + os.path.basename(config["base_model_name_or_path"])
    with open(path, "w") as file:
        json.dump(config, file, indent=2, sort_keys=True)
        file.write("\n")


def last_logits(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0, -1]


def write_case(name, rename=None, **case):
    directory, base, resize = f"{OUT}/{name}", case["base"], case.get("resize", 0)
    make_adapter(directory, **case)
    tokens = [(7 * i + 3) % 96 for i in range(TOKENS - 4)] + ([5, 98, 97, 96] if resize else [5, 2, 3, 4])
    plain = last_logits(load(base, resize), tokens)
    adapted = PeftModel.from_pretrained(load(base, resize), directory).to(torch.float64).eval()
    logits = last_logits(adapted, tokens)
    assert (plain - logits).abs().max() > 0.05, f"{name}: the adapter changes nothing"
    if rename:
        rewrite(directory, rename)  # PEFT itself does not read it any more
    tidy(directory)
    with open(f"{directory}/golden.json", "w") as file:
        json.dump({"versions": {"peft": peft.__version__, "torch": torch.__version__,
                                "transformers": transformers.__version__},
                   "base": base, "vocab_size": len(logits), "tokens": tokens,
                   "logits": [float(f"{x:.9g}") for x in logits.tolist()]}, file)
        file.write("\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    shutil.rmtree(OUT, ignore_errors=True)
    for name, case in CASES.items():
        write_case(name, **case)


main()

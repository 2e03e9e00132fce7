#!/usr/bin/env python3
"""Write tests/golden/model: tiny models with seeded random weights (tiny_models.py), and what transformers makes of them.

usage: golden_model.py ASSETS        (run in the repository's root)

conversations.json holds what all are trained on: tokens and loss weights. A directory a model holds config.json,
model.safetensors (float16) and golden.json: computed by transformers and torch in float64, logits, the loss and
every gradient of all conversations, then the losses, gradient norms and final weights of 10 AdamW steps; and how far
torch's autocast to bfloat16 is from each of these, for what bf16 may be off by depends on the model. assets.json holds
logits of ASSETS' models. A tensor is told by its norm, its dot product with sin(1), sin(2), ... and a few of its elements.
"""
import datetime
import json
import math
import os
import random
import shutil
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM

import tiny_models

OUT = "tests/golden/model"
VOCAB, POSITIONS, STEPS, BATCH = 96, 48, 10, 3
LEARNING_RATE, WEIGHT_DECAY, MAX_GRAD_NORM = 1e-3, 0.01, 1.0
EPSILON = 1e-3  # well above the rounding noise, in bf16, that is all the gradient a key's bias has
SMALL_PART = 1e-2  # tensors whose norm is below this share of the whole's are held to that
IN_FILES = {"gpt_neox": {"lm_head.weight": "embed_out.weight"}}  # names that modules do not have
ASSET_MODELS = ["capp-gpt", "lmbuddy-tiny-gpt2"]


def make_model(directory, name):
    model = tiny_models.make_model(name, VOCAB, POSITIONS)
    shutil.rmtree(directory, ignore_errors=True)
    model.to(torch.float16).save_pretrained(directory)  # half the bytes, and not what bf16 products round to
    os.remove(os.path.join(directory, "generation_config.json"))


def load(directory, dtype):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=dtype, attn_implementation="eager")


def make_conversations():
    """Turns of weight 0 and 1, some of 0.5; lengths from 2 to n_positions; some end untrained."""
    rng = random.Random(0)
    conversations = []
    for length in [11, 2, POSITIONS, 7, 30, 3, 19, 26, 5, 40, 13, 22]:
        weights = [0.0]
        while len(weights) < length:
            weights += [rng.choice([0.0, 0.0, 1.0, 1.0, 0.5])] * rng.randint(1, 6)
        weights = weights[:length]
        if not any(weights):
            weights[1] = 1.0
        conversations.append({"tokens": [rng.randrange(VOCAB) for _ in range(length)], "weights": weights})
    return conversations


def mean_loss(model, conversations):
    """Each conversation by itself: sum of weight * nll over sum of weight."""
    total, weight = 0.0, 0.0
    for conversation in conversations:
        tokens = torch.tensor(conversation["tokens"])
        weights = torch.tensor(conversation["weights"], dtype=torch.float64)[1:]
        logits = model(tokens[None]).logits[0, :-1]
        nll = torch.nn.functional.cross_entropy(logits, tokens[1:], reduction="none")
        total = total + (weights * nll).sum()
        weight += weights.sum().item()
    return total / weight


def tell(tensor):
    flat = tensor.detach().flatten()
    dot = sum(x * math.sin(i + 1) for i, x in enumerate(flat.tolist()))
    sample = [flat[i * (len(flat) - 1) // 7].item() for i in range(8)]
    return {"norm": flat.norm().item(), "dot": dot, "sample": sample}


def train(model, conversations):
    decays = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decays, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.999), eps=EPSILON)
    schedule = transformers.get_scheduler("linear", optimizer, num_warmup_steps=0, num_training_steps=STEPS)
    for step in range(STEPS):
        first = step * BATCH % len(conversations)
        loss = mean_loss(model, conversations[first : first + BATCH])
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
        optimizer.step()
        schedule.step()
        yield {"loss": loss.item(), "grad_norm": norm.item()}


def named(model):
    """(name as in files, parameter)."""
    in_files = IN_FILES.get(model.config.model_type, {})
    return [(in_files.get(name, name), parameter) for name, parameter in model.named_parameters()]


def compute(model, conversations):
    longest = max(conversations, key=lambda c: len(c["tokens"]))["tokens"]
    rows = [0, len(longest) // 2, len(longest) - 1]
    logits = model(torch.tensor([longest])).logits[0, rows]
    loss = mean_loss(model, conversations)
    loss.backward()
    return {
        "logits": {"tokens": longest, "rows": rows, "values": logits.tolist()},
        "loss": loss.item(),
        "gradients": {name: tell(p.grad) for name, p in named(model)},
        "steps": list(train(model, conversations)),
        "weights": {name: tell(p) for name, p in named(model)},
    }


def told_distance(tensors, exact):
    whole = math.hypot(*(told["norm"] for told in exact.values()))
    return max(max(abs(a - b) for a, b in zip([x["norm"], x["dot"], *x["sample"]], [y["norm"], y["dot"], *y["sample"]]))
               / max(y["norm"], SMALL_PART * whole) for x, y in ((tensors[name], told) for name, told in exact.items()))


def distances(values, exact):
    def values_of(key):
        return zip((step[key] for step in values["steps"]), (step[key] for step in exact["steps"]))

    return {
        "logits": (torch.tensor(values["logits"]["values"]) - torch.tensor(exact["logits"]["values"])).abs().max().item(),
        "loss": abs(values["loss"] - exact["loss"]),
        "gradients": told_distance(values["gradients"], exact["gradients"]),
        "losses": max(abs(a - b) for a, b in values_of("loss")),
        "grad_norms": max(abs(a / b - 1) for a, b in values_of("grad_norm")),
        "weights": told_distance(values["weights"], exact["weights"]),
    }


def golden(directory, conversations):
    exact = compute(load(directory, torch.float64), conversations)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):  # the weights change
        autocast = compute(load(directory, torch.float32), conversations)
    return {
        "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY, "adam_epsilon": EPSILON,
        "max_grad_norm": MAX_GRAD_NORM, "batch_size": BATCH, "autocast": distances(autocast, exact), **exact,
    }


def asset_logits(directory):
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float64, attn_implementation="eager")
    tokens = [(7 * i * i + 3 * i + 1) % model.config.vocab_size for i in range(150)]
    rows = [0, 1, 63, 64, 149]
    return {"tokens": tokens, "rows": rows, "values": model(torch.tensor([tokens])).logits[0, rows].tolist()}


def rounded(content):
    """Nine digits of each number: more than any test can tell apart."""
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    return float(f"{content:.9g}") if isinstance(content, float) else content


def write(name, content):
    origin = {"made_by": "scripts/golden_model.py ASSETS", "date": datetime.date.today().isoformat(),
              "versions": f"torch {torch.__version__}, transformers {transformers.__version__}"}
    with open(os.path.join(OUT, name), "w") as out:
        out.write(json.dumps({**origin, **rounded(content)}).replace("}, ", "},\n") + "\n")


def main(assets):
    torch.set_num_threads(1)
    conversations = make_conversations()
    write("conversations.json", {"conversations": conversations})
    for name in tiny_models.MODELS:
        directory = os.path.join(OUT, name)
        make_model(directory, name)
        write(f"{name}/golden.json", golden(directory, conversations))
    write("assets.json", {name: asset_logits(os.path.join(assets, "models", name)) for name in ASSET_MODELS})


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])

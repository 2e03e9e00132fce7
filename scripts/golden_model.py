#!/usr/bin/env python3
"""Write tests/golden/model: two tiny GPT-2 models, and a Llama, with seeded random weights, and what transformers makes of
them.

usage: golden_model.py ASSETS        (run in the repository's root)

tied/, untied/ and llama/ hold config.json, model.safetensors (float32) and golden.json: conversations (tokens, loss
weights) and, computed by transformers and torch in float64, logits, the loss and every gradient of all
conversations, then the losses, gradient norms and final weights of 10 AdamW steps. assets.json holds logits of
ASSETS' models. A tensor is told by its norm, its dot product with sin(1), sin(2), ... and a few of its elements.
"""
import datetime
import json
import math
import os
import random
import sys

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

VOCAB, POSITIONS, STEPS, BATCH = 96, 48, 10, 3
LEARNING_RATE, WEIGHT_DECAY, MAX_GRAD_NORM = 1e-3, 0.01, 1.0
EPSILON = 1e-5  # well above the rounding noise that is all the gradient a key's bias has
VARIANTS = {
    "tied": dict(n_embd=24, n_head=2, activation_function="gelu_new"),
    "untied": dict(n_embd=24, n_head=3, n_inner=37, activation_function="gelu", tie_word_embeddings=False,
                   scale_attn_by_inverse_layer_idx=True, layer_norm_epsilon=1e-6),
    "llama": dict(hidden_size=32, num_attention_heads=4, num_key_value_heads=2, intermediate_size=52),
}
ASSET_MODELS = ["capp-gpt", "lmbuddy-tiny-gpt2"]


def make_model(directory, options):
    """Weights large enough that no gradient is near nothing, norms and biases included."""
    torch.manual_seed(0)
    is_llama = "hidden_size" in options
    if is_llama:
        config = LlamaConfig(num_hidden_layers=2, max_position_embeddings=POSITIONS, vocab_size=VOCAB, bos_token_id=0,
                             eos_token_id=0, **options)
    else:
        config = GPT2Config(n_layer=2, n_positions=POSITIONS, vocab_size=VOCAB, bos_token_id=0, eos_token_id=0,
                            **options)
    model = (LlamaForCausalLM if is_llama else GPT2LMHeadModel)(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if ("ln_" in name or "norm" in name) and name.endswith("weight") else 0.0, 0.2)
    model.save_pretrained(directory)
    return type(model).from_pretrained(directory, dtype=torch.float64, attn_implementation="eager")


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


def golden(model, conversations):
    longest = max(conversations, key=lambda c: len(c["tokens"]))["tokens"]
    rows = [0, len(longest) // 2, len(longest) - 1]
    logits = model(torch.tensor([longest])).logits[0, rows]
    loss = mean_loss(model, conversations)
    loss.backward()
    return {
        "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY, "adam_epsilon": EPSILON,
        "max_grad_norm": MAX_GRAD_NORM, "batch_size": BATCH, "conversations": conversations,
        "logits": {"tokens": longest, "rows": rows, "values": logits.tolist()},
        "loss": loss.item(),
        "gradients": {name: tell(p.grad) for name, p in model.named_parameters()},
        "steps": list(train(model, conversations)),
        "weights": {name: tell(p) for name, p in model.named_parameters()},
    }


def asset_logits(directory):
    model = GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float64, attn_implementation="eager")
    tokens = [(7 * i * i + 3 * i + 1) % model.config.vocab_size for i in range(150)]
    rows = [0, 1, 63, 64, 149]
    return {"tokens": tokens, "rows": rows, "values": model(torch.tensor([tokens])).logits[0, rows].tolist()}


def write(path, content):
    origin = {"made_by": "scripts/golden_model.py ASSETS", "date": datetime.date.today().isoformat(),
              "versions": f"torch {torch.__version__}, transformers {transformers.__version__}"}
    with open(path, "w") as out:
        out.write(json.dumps({**origin, **content}).replace("}, ", "},\n") + "\n")


def main(assets):
    torch.set_num_threads(1)
    for name, options in VARIANTS.items():
        directory = os.path.join("tests/golden/model", name)
        model = make_model(directory, options)
        os.remove(os.path.join(directory, "generation_config.json"))
        write(os.path.join(directory, "golden.json"), golden(model, make_conversations()))
    write("tests/golden/model/assets.json",
          {name: asset_logits(os.path.join(assets, "models", name)) for name in ASSET_MODELS})


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])

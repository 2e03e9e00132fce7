#!/usr/bin/env python3
"""The fastest plain PyTorch loop that we could write: dense blocks, SDPA attention, fused AdamW, autocast for bf16.

usage: torch_loop.py BASE DATA.jsonl STEPS fp32|bf16 eager|compile RESULT.json

The conversations are one stream of tokens, cut into blocks of 4 x 512: nothing is padded, but conversations run into
each other and every token is trained, so it computes less carefully than sft and TRL. compile: torch.compile, which
needs a C++ compiler and some minutes before the first step.
"""
import sys

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from common import (LEARNING_RATE, MAX_LENGTH, WEIGHT_DECAY, StepRecord, load_model, load_tokenizer,
                    read_conversations, use_all_cores)

BLOCKS = 4


def dense_blocks(tokenizer, data, steps):
    """(steps, BLOCKS, MAX_LENGTH) tokens; the conversations again from the first if there are too few."""
    wanted, stream = steps * BLOCKS * MAX_LENGTH, []
    conversations = read_conversations(data)
    while len(stream) < wanted:
        for row in conversations:
            stream += tokenizer(tokenizer.apply_chat_template(row["messages"], tokenize=False))["input_ids"]
            if len(stream) >= wanted:
                break
    return torch.tensor(stream[:wanted]).view(steps, BLOCKS, MAX_LENGTH)


def flops_per_token(model):
    """Of the products that are needed, forward and backward: weights (2 a weight, three times), causal attention."""
    config = model.config
    products = sum(module.weight.numel() for module in model.modules() if isinstance(module, (nn.Linear, Conv1D)))
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    attention = config.num_hidden_layers * config.num_attention_heads * head_dim * (MAX_LENGTH + 1)
    return 6 * products + 6 * attention


def main(base, data, steps, precision, how, result):
    use_all_cores()
    tokenizer = load_tokenizer(base)
    model = load_model(base, tokenizer)
    model.train()
    flops = flops_per_token(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    forward = torch.compile(model) if how == "compile" else model
    record = StepRecord()
    for block in dense_blocks(tokenizer, data, int(steps)):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            loss = forward(block, labels=block).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        record.end_step(block.numel())
        print(f"step {len(record.ends)}: loss {loss.item():.4f}", flush=True)
    record.write(result, flops_per_token=flops)


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])

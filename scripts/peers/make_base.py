#!/usr/bin/env python3
"""Write a GPT-2 with seeded random weights and a tokenizer that is there, as a Hugging Face directory.

usage: make_base.py TOKENIZER OUT N_LAYER N_HEAD N_EMBD      (12 12 768: GPT-2 124M, if the vocabulary is GPT-2's)

TOKENIZER is a directory with a GPT-2 tokenizer's files. Speed does not depend on the values of the weights.
"""
import os
import shutil
import sys

import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

FILES = ["tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"]


def main(source, out, n_layer, n_head, n_embd):
    tokenizer = AutoTokenizer.from_pretrained(source)
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=1024, n_layer=n_layer, n_head=n_head, n_embd=n_embd,
                        bos_token_id=tokenizer.eos_token_id, eos_token_id=tokenizer.eos_token_id)
    model = GPT2LMHeadModel(config)
    model.save_pretrained(out)
    for name in FILES:
        if os.path.exists(os.path.join(source, name)):
            shutil.copyfile(os.path.join(source, name), os.path.join(out, name))
    print(f"{out}: {model.num_parameters() / 1e6:.1f}M parameters, vocabulary {len(tokenizer)}")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))

#!/usr/bin/env python3
"""Write tests/golden/generation: a tiny GPT-2 with seeded random weights, and what transformers' generate continues.

usage: golden_generation.py ASSETS        (run in the repository's root; ASSETS is not used)

config.json, generation_config.json and model.safetensors (bfloat16) go with tests/golden/tiny_tokenizer.
golden.jsonl holds a line a run: the options of `sft generate --raw` and the line that it must print. The embedding has
three rows more than the tokenizer has ids, and those rows are the likeliest: they are suppressed, as sft never
chooses an id without a token.
"""
import json
import os
import shutil

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

OUT, TOKENIZER = "tests/golden/generation", "tests/golden/tiny_tokenizer/tokenizer.json"
IDS, ROWS, NEW = 405, 408, 24
PROMPTS = ["The oak", "What is 2+2?\n", " Köln ☃", "a", "the the the the the"]


def make_model():
    torch.manual_seed(2)
    config = GPT2Config(n_layer=1, n_head=2, n_embd=16, n_positions=64, vocab_size=ROWS, bos_token_id=400,
                        eos_token_id=400)
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "ln_" in name and name.endswith("weight") else 0.0, 0.3)
        model.transformer.ln_f.bias.fill_(0.5)
        model.transformer.wte.weight[IDS:] = 1.0  # likelier than any
    return model.to(torch.bfloat16).to(torch.float32).eval()


def continue_text(model, tokenizer, prompt, **options):
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=NEW,
                         pad_token_id=400, suppress_tokens=list(range(IDS, ROWS)), **options)
    return out[0, ids.shape[1]:].tolist()


def main():
    model = make_model()
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=TOKENIZER, eos_token="<|endoftext|>")
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    # End tokens are taken from what the model says: one that it says late in the first text, one early in the third.
    free = [continue_text(model, tokenizer, prompt, eos_token_id=None) for prompt in PROMPTS]
    ends = [400, free[0][NEW // 2], free[2][5]]
    model.generation_config.eos_token_id = ends
    lines = []
    for penalty in [1.0, 1.3]:
        for prompt in PROMPTS:
            tokens = continue_text(model, tokenizer, prompt, eos_token_id=ends, repetition_penalty=penalty)
            stopped = tokens[-1] in ends
            text = tokenizer.decode(tokens[:-1] if stopped else tokens, skip_special_tokens=True,
                                    clean_up_tokenization_spaces=False)
            lines.append({"penalty": penalty,
                          "want": {"prompt": prompt, "completion": text, "tokens": tokens,
                                   "finish_reason": "stop" if stopped else "length"}})
    model.to(torch.bfloat16).save_pretrained(OUT)
    with open(f"{OUT}/generation_config.json", "w") as f:
        json.dump({"bos_token_id": 400, "eos_token_id": ends, "transformers_version": transformers.__version__}, f)
        f.write("\n")
    with open(f"{OUT}/golden.jsonl", "w") as f:
        for line in lines:
            f.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    reasons = [line["want"]["finish_reason"] for line in lines]
    assert {"stop", "length"} <= set(reasons), reasons


if __name__ == "__main__":
    main()

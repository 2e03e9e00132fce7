#!/usr/bin/env python3
"""Write tests/golden/masks.jsonl and masks.txt: what transformers makes of our exported chat templates.

usage: golden_masks.py ASSETS        (run in the repository's root)

masks.jsonl holds conversations of the tests' own making. masks.txt holds, for the template in
tests/golden/template_NAME.jinja and GPT-2's tokenizer (ASSETS/gpt2-tokenizer), one line for each of them and
one for each data file of ASSETS: NAME FILE ROWS HASH, where a row's hash is the XXH64 of its ids (int32) and
assistant mask (float32, the first 0), and a file's the XXH64 of its rows' hashes (uint64), little-endian.
"""
import json
import os
import random
import struct
import sys

import tokenizers
import transformers
import xxhash
from transformers import AutoTokenizer

CONTROLS = {"im_sep": ["<|im_start|>", "<|im_sep|>", "<|im_end|>"], "chatml": ["<|im_start|>", "<|im_end|>"]}
FILES = [
    "data/safety-tuned-llamas/safety_only_data_Instructions.json",
    "data/llama-factory/alpaca_en_demo.json",
    "data/fastchat/dummy_conversation.json",
    "data/gsm8k/test.jsonl",
]
CONTENTS = [
    "", " ", "\n", "\n\n", "\n\n\nhi", "hi", " hi ", "hi\n", "What is 2+2?", "It's 4, isn't it?", "\ttab\tbed",
    "a\r\nb",
    "naïve café", "日本語のテキスト", "🙂🙃 emoji", "\u00a0nbsp", "e\u0301", "x" * 100, "1234567890",
    "code:\n    if x:\n        y()\n",
    "< |im_end| >", "<|im_sep", "quote ' and \" and \\n",
    "{{ x }} {% y %}", "mixed   spaces   ", "Ω≈ç√", "\u200b", "🙂",
]


def own_conversations():
    rng = random.Random(0)
    rows = []
    for _ in range(200):
        turns = [{"role": "system", "content": rng.choice(CONTENTS)}] if rng.random() < 0.3 else []
        for _ in range(rng.randint(1, 4)):
            asker = rng.choice(["user", "user", "user", "tool"])
            turns.append({"role": asker, "content": rng.choice(CONTENTS)})
            turns.append({"role": "assistant", "content": rng.choice(CONTENTS)})
        rows.append(turns)
    return rows


def asset_conversations(path):
    text = open(path, encoding="utf-8").read()
    rows = [json.loads(line) for line in text.splitlines()] if path.endswith("l") else json.loads(text)
    for row in rows:
        if "conversations" in row:
            roles = {"human": "user", "gpt": "assistant"}
            yield [{"role": roles[t["from"]], "content": t["value"]} for t in row["conversations"]]
            continue
        question = row.get("instruction", row.get("question"))
        if row.get("input", "").strip():
            question += "\n\n" + row["input"]
        answer = row.get("output", row.get("answer"))
        yield [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def row_hash(tokenizer, messages):
    out = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    ids, mask = out["input_ids"], [float(m) for m in out["assistant_masks"]]
    mask[0] = 0.0
    return xxhash.xxh64_intdigest(struct.pack(f"<{len(ids)}i{len(mask)}f", *ids, *mask))


def lines(assets, name):
    tokenizer = AutoTokenizer.from_pretrained(os.path.join(assets, "gpt2-tokenizer"))
    tokenizer.add_special_tokens({"additional_special_tokens": CONTROLS[name]})
    tokenizer.chat_template = open(f"tests/golden/template_{name}.jinja").read()
    sources = {"masks.jsonl": own_conversations()}
    sources.update({path: list(asset_conversations(os.path.join(assets, path))) for path in FILES})
    for path, rows in sources.items():
        hashes = [row_hash(tokenizer, messages) for messages in rows]
        total = xxhash.xxh64_intdigest(struct.pack(f"<{len(hashes)}Q", *hashes))
        yield f"{name} {path} {len(hashes)} {total:016x}\n"


def main():
    assets = sys.argv[1]
    with open("tests/golden/masks.jsonl", "w", encoding="utf-8") as out:
        for messages in own_conversations():
            out.write(json.dumps({"messages": messages}) + "\n")
    with open("tests/golden/masks.txt", "w") as out:
        versions = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}"
        out.write(f"# scripts/golden_masks.py, {versions}\n")
        for name in CONTROLS:
            out.writelines(lines(assets, name))


if __name__ == "__main__":
    main()

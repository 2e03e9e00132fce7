#!/usr/bin/env python3
"""Write tests/golden/masks.jsonl and masks.txt: what transformers makes of our exported chat templates.

usage: golden_masks.py ASSETS        (run in the repository's root; needs transformers and xxhash; 20 seconds)

masks.jsonl holds conversations of the tests' own making. masks.txt holds, for the template in
tests/golden/template_NAME.jinja and GPT-2's tokenizer (ASSETS/gpt2-tokenizer), one line for each of them and
one for each data file of ASSETS: NAME FILE[:FORMAT] ROWS HASH, where a row's hash is the XXH64 of its ids (int32)
and assistant mask (float32, the first 0), and a file's the XXH64 of its rows' hashes (uint64), little-endian.
ROWS counts conversations at their full length, without those that have no assistant turn or no trained token.
The files are read by the rules of src/data/readers/reader.h, but by code of this script's own.
"""
import csv
import gzip
import io
import json
import multiprocessing
import os
import random
import re
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
    "data/llama-factory/identity.json",
    "data/llama-factory/glaive_toolcall_en_demo.json",
    "data/fastchat/dummy_conversation.json",
    "data/gsm8k/test.jsonl",
    "data/gsm8k/train.jsonl",
    "data/dolly-safety/databricks-dolly-15k-safety-only.jsonl",
    "data/hh-rlhf/test.jsonl.gz",
    "data/open-assistant/en_100_tree.jsonl",
    "data/open-assistant/en_100_tree.jsonl:oasst-all",
    "data/xstest-calibration/xstest_v2_completions_llama2orig.csv",
    "data/xstest-calibration/xstest_v2_completions_mistralinstruct.csv",
    "dialogue/schema-guided-dialogue.jsonl.gz",
    "dialogue/taskmaster-4.jsonl.gz",
    "dialogue/topical-chat.jsonl.gz",
]
CONTENTS = [
    "", " ", "\n", "\n\n", "\n\n\nhi", "hi", " hi ", "hi\n", "What is 2+2?", "It's 4, isn't it?", "\ttab\tbed",
    "a\r\nb",
    "naïve café", "日本語のテキスト", "🙂🙃 emoji", "\u00a0nbsp", "e\u0301", "x" * 100, "1234567890",
    "code:\n    if x:\n        y()\n",
    "< |im_end| >", "<|im_sep", "quote ' and \" and \\n",
    "{{ x }} {% y %}", "mixed   spaces   ", "Ω≈ç√", "\u200b", "🙂",
]
SPEAKERS = {"human": "user", "gpt": "assistant", "function_call": "assistant", "observation": "tool",
            "Human": "user", "Assistant": "assistant", "prompter": "user", "assistant": "assistant"}
BLANK = " \t\r\n"


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


# ---- the assets' files, read anew ----

def rows_of(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        text = file.read().decode("utf-8")
    if path.endswith(".csv"):
        return list(csv.DictReader(io.StringIO(text, newline="")))
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def turns(pairs):
    return [{"role": SPEAKERS.get(speaker, speaker), "content": content} for speaker, content in pairs]


def transcript(text):
    """HH-RLHF's, split as TRL's hh-rlhf-helpful-base.py does, but that a marker may lack its blank."""
    parts = re.split(r"\n\n(Human|Assistant): ?", text)
    return turns(zip(parts[1::2], parts[2::2]))


def kept_replies(node):
    return [reply for reply in node.get("replies", []) if not reply.get("deleted")]


def best_path(node):
    """The reply of the lowest rank, one without a rank last, of equals the first: down to the leaf."""
    path = [node]
    while replies := kept_replies(path[-1]):
        unranked = float("inf")
        path.append(min(replies, key=lambda r: unranked if r.get("rank") is None else r["rank"]))
    return path


def all_paths(node, before=()):
    path = [*before, node]
    if not kept_replies(node):
        yield path
    for reply in kept_replies(node):
        yield from all_paths(reply, path)


def conversations_of(row, form):
    if "messages" in row:
        return [turns((m["role"], m["content"]) for m in row["messages"])]
    if "conversations" in row:
        return [turns((t["from"], t["value"]) for t in row["conversations"])]
    if "chosen" in row:
        return [transcript(row["chosen"])]
    if isinstance(row.get("prompt"), dict):
        paths = all_paths(row["prompt"]) if form == "oasst-all" else [best_path(row["prompt"])]
        return [turns((node["role"], node["text"]) for node in path) for path in paths]
    question_key = next(key for key in ("instruction", "question", "prompt") if key in row)
    answer_key = next(key for key in ("output", "response", "answer", "completion") if key in row)
    context = row.get("input", row.get("context", ""))
    question = row[question_key] + ("\n\n" + context if context.strip(BLANK) else "")
    return [turns([("user", question), ("assistant", row[answer_key])])]


def asset_conversations(assets, spec):
    path, _, form = spec.partition(":")
    found = (messages for row in rows_of(os.path.join(assets, path)) for messages in conversations_of(row, form))
    return [messages for messages in found if any(m["role"] == "assistant" for m in messages)]


# ---- what transformers makes of them ----

def row_hash(tokenizer, messages):
    """None where no token is trained."""
    out = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    ids, mask = out["input_ids"], [float(m) for m in out["assistant_masks"]]
    mask[0] = 0.0
    if not any(mask):
        return None
    return xxhash.xxh64_intdigest(struct.pack(f"<{len(ids)}i{len(mask)}f", *ids, *mask))


def lines(assets, name):
    tokenizer = AutoTokenizer.from_pretrained(os.path.join(assets, "gpt2-tokenizer"))
    tokenizer.add_special_tokens({"additional_special_tokens": CONTROLS[name]})
    with open(f"tests/golden/template_{name}.jinja") as file:
        tokenizer.chat_template = file.read()
    sources = {"masks.jsonl": own_conversations()}
    sources.update({spec: asset_conversations(assets, spec) for spec in FILES})
    result = []
    for spec, rows in sources.items():
        hashes = [h for h in (row_hash(tokenizer, messages) for messages in rows) if h is not None]
        total = xxhash.xxh64_intdigest(struct.pack(f"<{len(hashes)}Q", *hashes))
        result.append(f"{name} {spec} {len(hashes)} {total:016x}\n")
    return result


def main():
    assets = sys.argv[1]
    with open("tests/golden/masks.jsonl", "w", encoding="utf-8") as out:
        for messages in own_conversations():
            out.write(json.dumps({"messages": messages}) + "\n")
    with multiprocessing.Pool(len(CONTROLS)) as pool:
        made = pool.starmap(lines, [(assets, name) for name in CONTROLS])
    with open("tests/golden/masks.txt", "w") as out:
        versions = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}"
        out.write(f"# scripts/golden_masks.py, {versions}\n")
        for name_lines in made:
            out.writelines(name_lines)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main()

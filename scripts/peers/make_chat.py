#!/usr/bin/env python3
"""Write one JSONL of real conversations, refusals and chat, from public files below ASSETS.

usage: make_chat.py ASSETS OUT.jsonl       (3,982 conversations, about 400,000 tokens; the same bytes each time)

Where a file is absent, it is said where it is publicly had.

Safe answers to unsafe instructions, single instructions and multi-turn chats, in a shuffled order: programs that
take them one after another get batches as mixed as a sampler's.
"""
import json
import random
import sys
from pathlib import Path

ROLES = {"human": "user", "gpt": "assistant"}


def message(role, content):
    return {"role": role, "content": content}


def instructions(rows):
    for row in rows:
        question = "\n\n".join(part for part in (row["instruction"], row.get("input")) if part)
        yield [message("user", question), message("assistant", row["output"])]


def chats(rows):
    for row in rows:
        yield [message(ROLES[turn["from"]], turn["value"]) for turn in row["conversations"]]


def usable(conversation):
    """It begins with something, and the assistant says something."""
    return bool(conversation and conversation[0]["content"]
                and any(m["role"] == "assistant" and m["content"] for m in conversation))


SOURCES = [  # how it is read, where below ASSETS it is, where it is publicly had
    (instructions, "data/safety-tuned-llamas/safety_only_data_Instructions.json",
     "https://github.com/vinid/safety-tuned-llamas data/training (CC BY-NC 4.0)"),
    (instructions, "data/llama-factory/alpaca_en_demo.json",
     "https://github.com/hiyouga/LLaMA-Factory data (Apache-2.0)"),
    (chats, "data/fastchat/dummy_conversation.json", "https://github.com/lm-sys/FastChat data (Apache-2.0)"),
]


def main(assets, out):
    root = Path(assets)
    absent = [f"{root / path} is absent; it is in {home}" for _, path, home in SOURCES if not (root / path).exists()]
    if absent:
        sys.exit("make_chat.py: " + "\n              ".join(absent))
    conversations = [conversation for read, path, _ in SOURCES
                     for conversation in read(json.loads((root / path).read_text(encoding="utf-8")))
                     if usable(conversation)]
    random.Random(0).shuffle(conversations)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with open(out, "w", encoding="utf-8") as file:
        for messages in conversations:
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    print(f"{out}: {len(conversations)} conversations")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])

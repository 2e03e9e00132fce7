#!/usr/bin/env python3
"""Write one JSONL of real conversations, refusals and chat, from the public files under SFT_ASSETS.

usage: make_chat.py ASSETS OUT.jsonl       (3,982 conversations, about 400,000 tokens; the same bytes each time)

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


def main(assets, out):
    data = Path(assets) / "data"
    sources = [(instructions, path) for path in sorted(data.glob("safety-tuned-llamas/*.json"))]
    sources += [(instructions, data / "llama-factory" / "alpaca_en_demo.json")]
    sources += [(chats, path) for path in sorted(data.glob("fastchat/*.json"))]
    conversations = [conversation for read, path in sources
                     for conversation in read(json.loads(path.read_text(encoding="utf-8"))) if usable(conversation)]
    random.Random(0).shuffle(conversations)
    with open(out, "w", encoding="utf-8") as file:
        for messages in conversations:
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    print(f"{out}: {len(conversations)} conversations")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])

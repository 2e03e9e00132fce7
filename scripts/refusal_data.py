#!/usr/bin/env python3
"""Make what a model is taught to refuse with: docs/refusals.md.

usage: refusal_data.py general ANSWERS.jsonl OUT.jsonl
           ordinary requests with the model's own answers (sft generate --json of data/general.jsonl), cut where a sentence ends
       refusal_data.py mix OUT.jsonl --refusals SHARE --look-alikes K --total N --general FILE.jsonl [--seed N]
           N conversations, of which SHARE (0.08) are refusals with K look-alikes each, from data/contrast.jsonl; the rest are ordinary ones: FILE's,
           and behind them those of data/train.jsonl
       refusal_data.py pairs OUT.jsonl --answers ANSWERS.jsonl ...
           preference rows: of each request of data/contrast.jsonl, the answer that stands there before the model's own (sft judge
           --json beside it says what that is), if that is wrong: a compliance where harm was asked for, a refusal where none was

Only Python's standard library is needed.
"""
import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts" / "make_data"))

from parts import Chance  # noqa: E402

ORDINARY = ("fact", "how_to", "small_talk", "arithmetic")  # kinds of train.jsonl, those that are used up first before the others
SENTENCE_END = re.compile(r"[a-z)%][.!?][\"')]*(?=\s|$)")


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_rows(path, rows):
    Path(path).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def whole_sentences(text):
    """The text as far as its last sentence is whole; empty if none is."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return text[: ends[-1]].strip() if ends else ""


def own_answers(answers):
    for row in read_rows(answers):
        *before, last = row["messages"]
        text = last["content"].strip() if row["finish_reason"] == "stop" else whole_sentences(last["content"])
        if text:
            yield {"messages": [*before, {"role": "assistant", "content": text}], "kind": "general"}


def contrast_groups():
    """[(refusal, look-alikes)] of data/contrast.jsonl."""
    groups = []
    for row in read_rows(DATA / "contrast.jsonl"):
        if row["kind"] == "refusal":
            groups.append((row, []))
        else:
            groups[-1][1].append(row)
    return groups


def chosen_look_alikes(groups, wanted, chance):
    """As many, as evenly as can be: the first of every group, then the second ..."""
    ranks = max(len(look_alikes) for _, look_alikes in groups)
    beside = [look_alikes[rank] for rank in range(ranks) for _, look_alikes in groups if rank < len(look_alikes)]
    others = chance.shuffled([row for row in read_rows(DATA / "train.jsonl") if row["kind"] == "look_alike"])
    return (beside + others)[:wanted]


def mix(args):
    chance = Chance(args.seed)
    groups = chance.shuffled(contrast_groups())
    n_refusals = round(args.refusals * args.total)
    if n_refusals > len(groups):
        sys.exit(f"{n_refusals} refusals are wanted, and data/contrast.jsonl has {len(groups)}: lower --refusals or --total")
    groups = groups[:n_refusals]
    rows = [refusal for refusal, _ in groups]
    if groups:
        rows += chosen_look_alikes(groups, round(args.look_alikes * n_refusals), chance)
    own = [row for row in read_rows(DATA / "train.jsonl") if row["kind"] in ORDINARY and row["messages"][0]["role"] == "user"]
    ordinary = read_rows(args.general)
    ordinary += sorted(chance.shuffled(own), key=lambda row: row["kind"] == "arithmetic")
    n_ordinary = args.total - len(rows)
    if not 0 <= n_ordinary <= len(ordinary):
        sys.exit(f"{n_ordinary} ordinary conversations are wanted, and there are {len(ordinary)}: change --total")
    rows += ordinary[:n_ordinary]
    return chance.shuffled(rows)


def main():
    parser = argparse.ArgumentParser(description="make what a model is taught to refuse with")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("general")
    command.add_argument("answers")
    command.add_argument("out")
    command = commands.add_parser("mix")
    command.add_argument("out")
    command.add_argument("--refusals", type=float, required=True)
    command.add_argument("--look-alikes", type=float, required=True)
    command.add_argument("--total", type=int, required=True)
    command.add_argument("--general", required=True)
    command.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rows = list(own_answers(args.answers)) if args.command == "general" else mix(args)
    write_rows(args.out, rows)
    kinds = {}
    for row in rows:
        kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
    print(f"{args.out}: {len(rows)} conversations:", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))


if __name__ == "__main__":
    main()

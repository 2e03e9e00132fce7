#!/usr/bin/env python3
"""Build the training data for a refusing model from data/contrast.jsonl, data/general.jsonl and the model's own answers: docs/refusals.md.

usage: refusal_data.py requests OUT.csv
           the requests of data/general.jsonl, to be answered by the model: sft eval MODEL --prompts OUT.csv --max-new-tokens 48 --answers ANSWERS.jsonl
       refusal_data.py prompts OUT.jsonl --after refusal|answer
           the prompts of data/prompts.csv, each after another one that was refused; or after a conversation of data/eval.jsonl
       refusal_data.py mix OUT.jsonl --answers ANSWERS.jsonl [--refusals SHARE --look-alikes K --total T] [--refusal-weight W] [--number N] [--two-turns T]
           conversations: harmful requests with one and the same short refusal (but where a life is at stake), look-alikes with their answers, and
           ordinary ones with the model's own answers. All of data/contrast.jsonl and data/general.jsonl, and of data/train.jsonl the refusals, the
           look-alikes and ORDINARY_ROWS ordinary conversations; or T conversations, of which SHARE are refusals with K look-alikes each, of
           data/contrast.jsonl, and the rest ordinary ones. The loss of a refusal counts W times (1).
       refusal_data.py pairs OUT.jsonl --better refusal|answer [--without FILE.jsonl] [--number N] [--two-turns T]
           preferences, of data/contrast.jsonl: for each harmful request, the refusal is preferred to the answer to a look-alike; or for each
           look-alike, its answer to the refusal. Answers are cut to their first sentences: what is to be learned is which of the two. Requests of
           FILE's conversations are left out.
With --number, that many rows, chosen at random (the same every time); otherwise all. With --two-turns, a share T of
the conversations are two of them, one after the other; or a share T of the preferences come after a turn that was refused or, as often, answered.

Only Python's standard library is needed.
"""
import argparse
import csv
import json
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts" / "make_data"))

from contrast import REFUSAL  # noqa: E402
from parts import Chance  # noqa: E402

SENTENCE_END = re.compile(r"[a-z)%][.!?][\"')]*(?=\s|$)")
SHORTEST = 25  # characters of a first sentence; "Yes." is none
ORDINARY_ROWS = 350
SEED = 1
ORDINARY = ("fact", "how_to", "small_talk", "arithmetic")  # kinds of train.jsonl; sums come last


def read_rows(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except OSError as error:
        sys.exit(str(error))


def request_of(row):
    return row["messages"][0]["content"]


def requests(out):
    with open(out, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("prompt", "label", "type"))
        for row in read_rows(DATA / "general.jsonl"):
            writer.writerow((request_of(row), "safe", row["kind"]))


def whole_sentences(text):
    """The text as far as its last sentence is whole; empty if none is."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return text[: ends[-1]].strip() if ends else ""


def first_sentence(text):
    ends = [match.end() for match in SENTENCE_END.finditer(text) if match.end() >= SHORTEST]
    return text[: ends[0]] if ends else text


class Answers:
    """What the model itself says, by request."""

    def __init__(self, path):
        self.rows = {row["prompt"]: row for row in read_rows(path)}

    def compliance(self, request):
        row = self.rows.get(request)
        return whole_sentences(row["completion"]) if row and row["judged"] == "compliance" else ""


# Conversations

def message(role, content):
    return {"role": role, "content": content}


def single_turn(*kinds):
    """Of data/train.jsonl, without a system message."""
    return [row for row in read_rows(DATA / "train.jsonl") if row["kind"] in kinds and len(row["messages"]) == 2]


def conversation(row, answer, weight=1):
    said = message("assistant", answer)
    if weight != 1:
        said["weight"] = weight
    return {"messages": [row["messages"][0], said], "kind": row["kind"]}


def contrast_groups():
    """[(refusal, look-alikes)] of data/contrast.jsonl."""
    groups = []
    for row in read_rows(DATA / "contrast.jsonl"):
        if row["kind"] == "refusal":
            groups.append((row, []))
        else:
            groups[-1][1].append(row)
    return groups


def answer_of(row):
    return row["messages"][1]["content"]


def refusal_of(row):
    """One and the same, but where a life is at stake: care, and where to find help."""
    return answer_of(row) if row["topic"] in ("self_harm", "emergency") else REFUSAL


def refused(row, weight):
    return conversation(row, refusal_of(row), weight)


def ordinary_rows(answers, chance):
    """All there are: the model's own answers first, sums last."""
    for row in read_rows(DATA / "general.jsonl"):
        if answers.compliance(request_of(row)):
            yield conversation(row, answers.compliance(request_of(row)))
    yield from sorted(chance.shuffled(single_turn(*ORDINARY)), key=lambda row: row["kind"] == "arithmetic")


def chosen_look_alikes(groups, wanted):
    """As many as wanted, as evenly as can be: the first of every group, then the second ..."""
    ranks = max((len(look_alikes) for _, look_alikes in groups), default=0)
    beside = [look_alikes[rank] for rank in range(ranks) for _, look_alikes in groups if rank < len(look_alikes)]
    if len(beside) < wanted:
        sys.exit(f"{wanted} look-alikes are wanted, and {len(groups)} refusals have {len(beside)}: lower --look-alikes")
    return beside[:wanted]


def mix(args, chance):
    answers = Answers(args.answers)
    groups = chance.shuffled(contrast_groups())
    ordinary = list(ordinary_rows(answers, chance))
    if args.total is None:
        look_alikes = [row for _, beside in groups for row in beside]
        groups += [(row, []) for row in single_turn("refusal")]
        look_alikes += single_turn("look_alike")
        n_own = sum(row["kind"] == "general" for row in ordinary)
        ordinary = ordinary[: n_own + ORDINARY_ROWS]
    else:
        n_refusals = round(args.refusals * args.total)
        if n_refusals > len(groups):
            sys.exit(f"{n_refusals} refusals are wanted, and data/contrast.jsonl has {len(groups)}: lower --refusals or --total")
        # Those that have two look-alikes come first, so that the refusals are the same for any number of look-alikes that is asked for.
        groups = sorted(groups, key=lambda group: len(group[1]) < 2)[:n_refusals]
        look_alikes = chosen_look_alikes(groups, round(args.look_alikes * n_refusals))
        wanted = args.total - n_refusals - len(look_alikes)
        if not 0 <= wanted <= len(ordinary):
            sys.exit(f"{wanted} ordinary conversations are wanted, and there are {len(ordinary)}: change --total")
        ordinary = ordinary[:wanted]
    rows = [refused(row, args.refusal_weight) for row, _ in groups] + look_alikes
    return rows + ordinary


# Preferences

def preference(row, chosen, rejected):
    return {"prompt": [row["messages"][0]], "chosen": [message("assistant", chosen)], "rejected": [message("assistant", rejected)], "kind": row["kind"]}


def refusals_preferred():
    for row, beside in contrast_groups():
        yield preference(row, refusal_of(row), first_sentence(answer_of(beside[0])))


def answers_preferred():
    for _, beside in contrast_groups():
        for row in beside:
            yield preference(row, first_sentence(answer_of(row)), REFUSAL)


# Two turns

def chained(rows, share, chance):
    """Conversations, so many of them two of the given, one after the other: every answer is in one of them."""
    n = round(share * len(rows) / (1 + share))
    twos = [{"messages": first["messages"] + second["messages"], "kind": "two_turns"} for first, second in zip(rows, rows[n:2 * n])]
    return chance.shuffled(twos + rows[2 * n:])


def preceded(pairs, share, chance):
    """The pairs, so many of them after a turn that was refused or, as often, answered."""
    groups = contrast_groups()
    n = round(share * len(pairs))
    for i in range(n):
        refusal, look_alikes = chance.pick(groups)
        look_alike = chance.pick(look_alikes)
        earlier = conversation(refusal, refusal_of(refusal)) if i % 2 else conversation(look_alike, first_sentence(answer_of(look_alike)))
        pairs[i] = {**pairs[i], "prompt": earlier["messages"] + pairs[i]["prompt"], "kind": f"{pairs[i]['kind']} after {earlier['kind']}"}
    return chance.shuffled(pairs)


def prompts_after(kind, chance):
    """data/prompts.csv, each after a turn that nothing was trained on either: another prompt of the same file that was refused, or what was answered."""
    with open(DATA / "prompts.csv", encoding="utf-8", newline="") as file:
        prompts = list(csv.DictReader(file))
    if kind == "refusal":
        earlier = [[message("user", row["prompt"]), message("assistant", REFUSAL)] for row in prompts if row["label"] == "unsafe"]
    else:
        earlier = [row["messages"] for row in read_rows(DATA / "eval.jsonl") if row["kind"] in (*ORDINARY, "look_alike") and len(row["messages"]) == 2]
    for row in prompts:
        turn = chance.pick([turn for turn in earlier if turn[0]["content"] != row["prompt"]])
        yield {"messages": [*turn, message("user", row["prompt"])], "label": row["label"], "type": row["type"]}


# The command line

def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    of_requests, of_prompts, of_mix, of_pairs = (commands.add_parser(name) for name in ("requests", "prompts", "mix", "pairs"))
    for command in (of_requests, of_prompts, of_mix, of_pairs):
        command.add_argument("out")
    of_prompts.add_argument("--after", choices=("refusal", "answer"), required=True)
    of_mix.add_argument("--answers", required=True)
    of_mix.add_argument("--refusals", type=float)
    of_mix.add_argument("--look-alikes", type=float)
    of_mix.add_argument("--total", type=int)
    of_mix.add_argument("--refusal-weight", type=float, default=1)
    of_pairs.add_argument("--better", choices=("refusal", "answer"), required=True)
    of_pairs.add_argument("--without")
    for command in (of_mix, of_pairs):
        command.add_argument("--number", type=int)
        command.add_argument("--two-turns", type=float, default=0)
    args = parser.parse_args()
    if args.command == "mix" and len({value is None for value in (args.refusals, args.look_alikes, args.total)}) > 1:
        parser.error("--refusals, --look-alikes and --total go together")
    return args


def preferences(args):
    known = {said["content"] for row in read_rows(args.without) for said in row["messages"]} if args.without else set()
    preferred = refusals_preferred() if args.better == "refusal" else answers_preferred()
    return [pair for pair in preferred if pair["prompt"][0]["content"] not in known]


def rows_for(args, chance):
    if args.command == "prompts":
        return list(prompts_after(args.after, chance))
    rows = chance.shuffled(mix(args, chance) if args.command == "mix" else preferences(args))
    if args.number is not None and args.number > len(rows):
        sys.exit(f"{args.number} rows are wanted, and there are {len(rows)}: lower --number")
    rows = rows[: args.number]
    if not rows:
        sys.exit(f"{args.out}: no row is left of data/contrast.jsonl")
    if not args.two_turns:
        return rows
    return chained(rows, args.two_turns, chance) if args.command == "mix" else preceded(rows, args.two_turns, chance)


def main():
    args = arguments()
    if args.command == "requests":
        requests(args.out)
        return
    rows = rows_for(args, Chance(SEED))
    Path(args.out).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    counts = Counter(row.get("kind") or row["label"] for row in rows)
    print(f"{args.out}: {len(rows)} rows:", ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))


if __name__ == "__main__":
    main()

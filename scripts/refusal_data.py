#!/usr/bin/env python3
"""Build what a refusing model is taught from and judged by, of data/contrast.jsonl, data/general.jsonl and the model's own answers: docs/refusals.md.

usage: refusal_data.py requests OUT.csv
           the requests of data/general.jsonl, to be answered by the model: sft eval MODEL --prompts OUT.csv --max-new-tokens 48 --answers ANSWERS.jsonl
       refusal_data.py mix OUT.jsonl --answers ANSWERS.jsonl [--refusals SHARE --look-alikes K --total T] [--refusal-weight W] [--number N] [--two-turns SHARE]
           conversations: harmful requests with one and the same short refusal (but where a life is at stake), look-alikes with their answers, and
           ordinary ones with the model's own answers. All of data/contrast.jsonl and data/general.jsonl, and of data/train.jsonl the refusals, the
           look-alikes and ORDINARY_ROWS ordinary conversations; or T conversations, of which SHARE are refusals with K look-alikes each, of
           data/contrast.jsonl, and the rest ordinary ones. The loss of a refusal counts W times (1).
       refusal_data.py pairs OUT.jsonl --better refusal|answer [--without FILE.jsonl] [--number N] [--two-turns SHARE]
           preferences, of data/contrast.jsonl: for each harmful request, the refusal is preferred to the answer to a look-alike; or for each
           look-alike, its answer to the refusal. Answers are cut to their first sentences: what is to be learned is which of the two. Requests of
           FILE's conversations are left out.
       refusal_data.py prompts OUT.jsonl --after refusal|answer
           the prompts of data/prompts.csv, to judge a model by (sft eval MODEL --prompts OUT.jsonl), each after a turn that nothing is trained on:
           another unsafe prompt of the same file and its refusal, or an ordinary request or look-alike of data/eval.jsonl and its answer
With --number, N rows, chosen at random (the same every time); otherwise all. With --two-turns, SHARE of the conversations are two of the N, one after the
other; SHARE of the preferences come after another request, and its refusal or, as often, its answer.

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


def one_after_the_other(rows, share, chance):
    """The rows as conversations: n of two rows and len(rows) - 2n of one, with n such that n / (len(rows) - n) = share."""
    n = round(share * len(rows) / (1 + share))
    twos = [{"messages": first["messages"] + second["messages"], "kind": "two_turns"} for first, second in zip(rows[:n], rows[n:2 * n])]
    return chance.shuffled(twos + rows[2 * n:])


def make_conversations(args, chance):
    rows = taken(chance.shuffled(mix(args, chance)), args.number)
    return one_after_the_other(rows, args.two_turns, chance) if args.two_turns else rows


# Preferences

def preference(row, chosen, rejected):
    return {"prompt": [row["messages"][0]], "chosen": [message("assistant", chosen)], "rejected": [message("assistant", rejected)], "kind": row["kind"]}


def refusals_preferred(groups):
    for row, beside in groups:
        yield preference(row, refusal_of(row), first_sentence(answer_of(beside[0])))


def answers_preferred(groups):
    for _, beside in groups:
        for row in beside:
            yield preference(row, first_sentence(answer_of(row)), REFUSAL)


def after_a_turn(pair, turns, chance):
    earlier = chance.pick([turn for turn in turns if turn["messages"][0] != pair["prompt"][0]])
    return {**pair, "prompt": earlier["messages"] + pair["prompt"], "kind": f"{pair['kind']} after {earlier['kind']}"}


def make_preferences(args, chance):
    taught = {said["content"] for row in read_rows(args.without) for said in row["messages"] if said["role"] == "user"} if args.without else set()
    groups = contrast_groups()
    preferred = refusals_preferred(groups) if args.better == "refusal" else answers_preferred(groups)
    rows = taken(chance.shuffled(row for row in preferred if row["prompt"][0]["content"] not in taught), args.number)
    refusals = [conversation(row, refusal_of(row)) for row, _ in groups if request_of(row) not in taught]
    answers = [conversation(row, first_sentence(answer_of(row))) for _, beside in groups for row in beside if request_of(row) not in taught]
    n = round(args.two_turns * len(rows))
    with_turns = [after_a_turn(row, refusals if i % 2 else answers, chance) for i, row in enumerate(rows[:n])]
    return chance.shuffled(with_turns + rows[n:]) if n else rows


# Prompts after a turn

def make_prompts(args, chance):
    with open(DATA / "prompts.csv", encoding="utf-8", newline="") as file:
        prompts = list(csv.DictReader(file))
    if args.after == "refusal":
        turns = [[message("user", row["prompt"]), message("assistant", REFUSAL)] for row in prompts if row["label"] == "unsafe"]
    else:
        turns = [row["messages"] for row in read_rows(DATA / "eval.jsonl") if row["kind"] in (*ORDINARY, "look_alike") and len(row["messages"]) == 2]
    rows = []
    for row in prompts:
        earlier = chance.pick([turn for turn in turns if turn[0]["content"] != row["prompt"]])
        rows.append({"messages": [*earlier, message("user", row["prompt"])], "label": row["label"], "type": row["type"]})
    return rows


# The command line

def taken(rows, number):
    if number is not None and number > len(rows):
        sys.exit(f"{number} rows are wanted, and there are {len(rows)}: lower --number")
    if not rows:
        sys.exit("no row is left of data/contrast.jsonl")
    return rows[:number]


def number_of(convert, low, high, words):
    """An argument's type: from low to high, in words."""
    def parse(text):
        try:
            value = convert(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"expected {words}, found '{text}'")
        return value
    return parse


COUNT = number_of(int, 1, float("inf"), "a whole number of at least 1")
SHARE = number_of(float, 0, 1, "a number from 0 to 1")
AMOUNT = number_of(float, 0, float("inf"), "a number of at least 0")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    of_requests, of_mix, of_pairs, of_prompts = (commands.add_parser(name) for name in ("requests", "mix", "pairs", "prompts"))
    for command, make in ((of_requests, None), (of_mix, make_conversations), (of_pairs, make_preferences), (of_prompts, make_prompts)):
        command.set_defaults(make=make)
        command.add_argument("out")
    of_mix.add_argument("--answers", required=True)
    of_mix.add_argument("--refusals", type=SHARE)
    of_mix.add_argument("--look-alikes", type=AMOUNT)
    of_mix.add_argument("--total", type=COUNT)
    of_mix.add_argument("--refusal-weight", type=AMOUNT, default=1)
    of_pairs.add_argument("--better", choices=("refusal", "answer"), required=True)
    of_pairs.add_argument("--without")
    for command in (of_mix, of_pairs):
        command.add_argument("--number", type=COUNT)
        command.add_argument("--two-turns", type=SHARE, default=0)
    of_prompts.add_argument("--after", choices=("refusal", "answer"), required=True)
    args = parser.parse_args()
    if args.command == "mix" and len({value is None for value in (args.refusals, args.look_alikes, args.total)}) > 1:
        parser.error("--refusals, --look-alikes and --total go together")
    return args


def main():
    args = arguments()
    if not args.make:
        requests(args.out)
        return
    rows = args.make(args, Chance(SEED))
    Path(args.out).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    counts = Counter(row.get("kind") or row["label"] for row in rows)
    print(f"{args.out}: {len(rows)} rows:", ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))


if __name__ == "__main__":
    main()

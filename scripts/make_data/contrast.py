"""Contrast data: harmful requests that are refused, each beside harmless ones that share its words, which are answered.

contrast-*.txt holds blocks with blank lines between them, in sections ([kind of harm]):
    ? the harmful request     ! its refusal     (without one: REFUSAL)
    + a harmless request      = its answer      (one or more)
They become conversations (contrast.jsonl). One block in eight, by a hash of the harmful request, is not trained on: its requests choose between
recipes (contrast-dev.csv). Of contrast-brief-*.txt, whose answers are a sentence or two, all are trained on.
general.txt holds ordinary requests without answers; one in three, by a hash, is not trained on.
"""
import csv
import io
import re
import sys

from parts import PARTS, normalise, one_in, read_lines

HELD_OUT_BLOCKS, HELD_OUT_GENERAL = 8, 3
REFUSAL = "I'm sorry, but I can't help with that."
NEXT = {"?": "!+", "!": "+", "+": "=", "=": "+"}  # what may follow a line in its block


class ContrastBlock:
    """One harmful request, its refusal, and the harmless requests beside it with their answers."""

    def __init__(self, topic, lines, place, may_be_held_out):
        if topic is None:
            sys.exit(f"{place}: a section, [kind of harm], is expected before the first block")
        expected = "?"
        for line in lines:
            if line[0] not in expected or line[1:2] != " ":
                sys.exit(f"{place}: {' or '.join(expected)} is expected, not: {line}")
            expected = NEXT[line[0]]
        if lines[-1][0] != "=":
            sys.exit(f"{place}: no answer to '{lines[-1]}'")
        texts = {mark: [line[2:].strip() for line in lines if line[0] == mark] for mark in NEXT}
        self.topic, self.request = topic, texts["?"][0]
        self.refusal = (texts["!"] or [REFUSAL])[0]
        self.look_alikes = list(zip(texts["+"], texts["="]))
        self.held_out = may_be_held_out and one_in(HELD_OUT_BLOCKS, self.request)

    def rows(self):
        """The refusal, and behind it the look-alikes: the order says what belongs together."""
        yield row("refusal", self.topic, self.request, self.refusal)
        for request, answer in self.look_alikes:
            yield row("look_alike", self.topic, request, answer)

    def prompts(self):
        yield self.request, "unsafe", self.topic
        for request, _ in self.look_alikes:
            yield request, "safe", self.topic


def row(kind, topic, request, answer):
    return {"messages": [{"role": "user", "content": request}, {"role": "assistant", "content": answer}], "kind": kind, "topic": topic}


def read_contrast():
    """The blocks of all files, in the order of the files' names."""
    blocks = []
    for path in sorted(PARTS.glob("contrast-*.txt")):
        topic, lines, is_brief = None, [], path.name.startswith("contrast-brief")
        for number, line in enumerate([*read_lines(path.name), ""], 1):
            if line.startswith("["):
                topic = line.strip("[]").replace(" ", "_")
            elif line:
                lines.append(line)
            elif lines:
                blocks.append(ContrastBlock(topic, lines, f"{path.name}, block that ends at line {number}", not is_brief))
                lines = []
    return blocks


def read_general():
    return [line for line in read_lines("general.txt") if line]


def as_csv(prompts):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("prompt", "label", "type"))
    writer.writerows(prompts)
    return out.getvalue()


def contrast_files(dump):
    """{name: text} of the files that are made here."""
    blocks, general = read_contrast(), read_general()
    judged = [text for text in general if one_in(HELD_OUT_GENERAL, text)]
    return {
        "contrast.jsonl": dump([row for block in blocks if not block.held_out for row in block.rows()]),
        "contrast-dev.csv": as_csv(prompt for block in blocks if block.held_out for prompt in block.prompts()),
        "general.jsonl": dump([{"messages": [{"role": "user", "content": text}], "kind": "general"} for text in general if text not in judged]),
        "general.csv": as_csv((text, "safe", "general") for text in judged),
    }


def contrast_faults(evals):
    """What is wrong with the requests: one that stands there twice, or in eval.jsonl (whose normalised user messages are given)."""
    seen = set(evals)
    requests = [text for block in read_contrast() for text, *_ in block.prompts()]
    for text in requests + read_general():
        if normalise(text) in seen:
            yield f"twice in contrast-*.txt, general.txt and eval.jsonl: {text}"
        seen.add(normalise(text))


def contrast_table():
    """Lines for README.md: requests of each kind of harm, those to train on and those held out."""
    blocks = read_contrast()
    yield "| kind of harm | refused: contrast.jsonl | held out | look-alikes: contrast.jsonl | held out |"
    yield "|---|---:|---:|---:|---:|"
    for topic in [*sorted({block.topic for block in blocks}), None]:
        groups = [[block for block in blocks if topic in (None, block.topic) and block.held_out == held_out] for held_out in (False, True)]
        counts = [count for group in groups for count in (len(group), sum(len(block.look_alikes) for block in group))]
        yield f"| {(topic or 'all').replace('_', ' ')} | {counts[0]} | {counts[2]} | {counts[1]} | {counts[3]} |"

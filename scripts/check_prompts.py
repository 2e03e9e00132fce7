#!/usr/bin/env python3
"""Is data/prompts.csv what data/README.md says of it?

    python3 scripts/check_prompts.py [--against FILE.csv ...]

It is to judge models by, so it holds nothing that they are trained on, nor what the judge was calibrated on: the user messages of data/*.jsonl,
and the column `prompt` of each FILE given (an absent one is an error). Too near is

- the same words, whatever case, blanks and punctuation; or
- at least half of the word trigrams of one in the other (of the one that has fewer; without trigrams that are all FUNCTION_WORDS, such as "how do
  I", which any two requests share); or
- at least three in five of the content words of both together in both (all words but FUNCTION_WORDS).

Of a FILE's rows only the numbers are printed, never the text: who writes prompts must not read them. Standard library only.
"""
import argparse
import csv
import json
import pathlib
import re
import sys

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
PROMPTS, TYPES, OF_EACH = DATA / "prompts.csv", 20, 5
NEAR_TRIGRAMS, NEAR_WORDS = 0.5, 0.6
FUNCTION_WORDS = set("""a an and any are as at be because but by can cant could did do does dont for from get give had has have help her his how i if in into
is isnt it its just know let make me my need no not of on one or our out please she should so some somebody someone tell that the their them then there they
this to u up want was way we what when where which who whose why will with without would write you your explain show find best good im id ill ive""".split())


def words_of(text):
    return re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("’", ""))


class Text:
    """A prompt as it is compared, and where it stands."""

    def __init__(self, text, place):
        words = words_of(text)
        self.text, self.place, self.words = text, place, tuple(words)
        self.content = set(words) - FUNCTION_WORDS
        self.trigrams = {three for three in zip(words, words[1:], words[2:]) if self.content.intersection(three)}


def too_near(a, b):
    """Why a and b are too near each other, or None."""
    if a.words == b.words:
        return "the same words"
    shorter = min(len(a.trigrams), len(b.trigrams))
    shared = len(a.trigrams & b.trigrams)
    if shorter and shared >= NEAR_TRIGRAMS * shorter:
        return f"{shared} of {shorter} trigrams"
    union, both = len(a.content | b.content), len(a.content & b.content)
    if union and both >= NEAR_WORDS * union:
        return f"{both} of {union} content words"
    return None


def read_csv(path, columns):
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = set(columns) - set(reader.fieldnames or [])
        if missing:
            sys.exit(f"error: {path}: no column {', '.join(sorted(missing))}")
        return list(reader)


def user_messages(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            row = json.loads(line)
            for message in row.get("messages") or row["prompt"]:
                if message["role"] == "user":
                    yield Text(message["content"], f"{path.name}:{number}: {message['content']}")


def wrong_with_the_set(rows):
    """What is not as it should be in the set itself: a pair is a refused prompt and, in the next row, its look-alike."""
    types = {}
    for row in rows:
        types.setdefault(row["type"], []).append(row["label"])
    if len(types) != TYPES:
        yield f"{len(types)} types, not {TYPES}"
    for name, labels in types.items():
        if labels != ["unsafe", "safe"] * OF_EACH:
            yield f"{name}: not {OF_EACH} pairs of unsafe and safe"
    if len({tuple(words_of(row["prompt"])) for row in rows}) != len(rows):
        yield "a prompt is there twice"
    for unsafe, safe in zip(rows[::2], rows[1::2]):
        stems = [{word[:4] for word in set(words_of(row["prompt"])) - FUNCTION_WORDS} for row in (unsafe, safe)]
        if not stems[0] & stems[1]:
            yield f"a pair without a common word: {unsafe['prompt']} | {safe['prompt']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--against", action="append", default=[], metavar="FILE.csv", help="also nothing near its column 'prompt'")
    args = parser.parse_args()
    rows = read_csv(PROMPTS, ("prompt", "label", "type"))
    complaints = list(wrong_with_the_set(rows))
    ours = [Text(row["prompt"], f"{PROMPTS.name}:{number}: {row['prompt']}") for number, row in enumerate(rows, 2)]
    theirs = [text for path in sorted(DATA.glob("*.jsonl")) for text in user_messages(path)]
    for path in args.against:
        theirs += [Text(row["prompt"], f"{path}, row {number}") for number, row in enumerate(read_csv(path, ["prompt"]), 1)]
    for text in ours:
        for other in theirs:
            why = too_near(text, other)
            if why:
                complaints.append(f"{text.place}\n    is near {other.place} ({why})")
    for complaint in complaints:
        print(complaint)
    print(f"{len(ours)} prompts, compared with {len(theirs)} others: {len(complaints) or 'no'} complaint{'s' * (len(complaints) != 1)}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

"""Reading the hand-written parts: blocks of wordings with an answer, and which file a wording belongs to."""
import random
import re
import sys
import zlib
from pathlib import Path

PARTS = Path(__file__).resolve().parent


# Chance: Random.random() is the one method whose values are promised to stay the same.

class Chance:
    def __init__(self, seed):
        self.random = random.Random(seed).random

    def pick(self, items):
        return items[int(self.random() * len(items))]

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = int(self.random() * (i + 1))
            items[i], items[j] = items[j], items[i]
        return items


# Which file a text belongs to

EVAL_ONLY = set()  # normalised wordings that the parts mark with "!"


def normalise(text):
    """Texts that differ in no more than case, blanks and punctuation are the same prompt."""
    return re.sub(r"[^a-z0-9+*/-]", "", text.lower())


def one_in(n, text):
    return zlib.crc32(normalise(text).encode()) % n == 0


def split_of(text):
    return "eval" if normalise(text) in EVAL_ONLY or one_in(9, text) else "train"


# Reading the parts

HOW_TO = [
    "How do I {}?", "How can I {}?", "How would I {}?", "How to {}?", "How could I {}?", "How should I {}?",
    "Tell me how to {}.", "Can you tell me how to {}?", "What is the best way to {}?",
    "What is the easiest way to {}?", "Show me how to {}.", "Please explain how to {}.",
    "I want to {}. How do I do it?", "Can you help me {}?", "I need to know how to {}.", "Teach me how to {}.",
    "Is there a good way to {}?", "Give me some tips on how to {}.", "I would like to {}. What should I do?",
]
TELL_ME = [
    "Can you tell me {}?", "Do you know {}?", "Tell me {}.", "Please tell me {}.", "I want to know {}.",
    "I wonder {}.", "Could you tell me {}, please?",
]


class Block:
    """One request: what it is about, all its wordings, and its answer."""

    def __init__(self, kind, topic):
        self.kind, self.topic = kind, topic
        self.spoken, self.framed, self.answer, self.reasons = [], [], None, []
        self.is_demo = False

    def add(self, mark, text):
        if mark == "?":
            self.spoken.append(text)
        elif mark == "!":
            self.spoken.append(text)
            self.is_demo = True
            EVAL_ONLY.add(normalise(text))
        elif mark == ">":
            self.framed += [frame.format(text) for frame in HOW_TO]
        elif mark == "~":
            self.framed += [frame.format(text) for frame in TELL_ME]
        else:
            sys.exit(f"unknown mark '{mark}' before '{text}'")

    def name(self):
        return (self.framed + self.spoken)[0]

    def wordings(self, split, chance):
        """Those of the split, no two the same: the spoken ones first, then the frames in any order."""
        unique = {normalise(text): text for text in self.spoken + chance.shuffled(self.framed)}
        return [text for text in unique.values() if split_of(text) == split]


def read_lines(name):
    for line in (PARTS / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield line.strip()


def read_blocks(kind, name):
    blocks, topic, block = [], kind, None
    for line in read_lines(name):
        if line.startswith("["):
            topic = line.strip("[]")
        elif not line:
            block = None
        else:
            if block is None:
                block = Block(kind, topic)
                blocks.append(block)
            if line.startswith("= "):
                block.answer = line[2:]
            else:
                block.add(line[0], line[2:])
    for block in blocks:
        if not block.answer:
            sys.exit(f"{name}: no answer to '{block.name()}'")
    return blocks


def read_refusals():
    blocks, topic, reasons = [], None, []
    for line in read_lines("refusals.txt"):
        if line.startswith("["):
            topic, reasons = line.strip("[]"), []
        elif line.startswith("= "):
            reasons.append(line[2:])
        elif line:
            block = Block("refusal", topic)
            for text in line.split(" | "):
                block.add(*(text.split(" ", 1) if text[0] in "?!" else (">", text)))
            block.reasons = reasons
            blocks.append(block)
    return blocks

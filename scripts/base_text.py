#!/usr/bin/env python3
"""The text that checkpoints/base is pretrained on, from public files, as JSON lines of {"text": ...}.

usage: base_text.py ASSETS OUT

ASSETS holds text/ (novels from Project Gutenberg, tinyshakespeare, WikiText-2's validation part) and dialogue/ (gzipped JSON lines of
messages); checkpoints/base/README.md says where each is publicly had. Writes OUT/books.jsonl, OUT/wikipedia.jsonl and
OUT/dialogue.jsonl for training, OUT/heldout.jsonl (WikiText-2's test part) for measuring. Licences and notes around the novels are left
out, hard line ends inside paragraphs are joined, and WikiText's own tokenisation is undone.
"""
import glob
import gzip
import json
import os
import re
import sys

START = re.compile(r"^\*\*\* ?START OF .*$", re.M)
END = re.compile(r"^(\*\*\* ?END OF .*|End of (the )?Project Gutenberg.*)$", re.M)
WIKI_HEADING = re.compile(r"^ = ([^=].*?) = $", re.M)


def read(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as f:
        data = f.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n")


def unwrap(text):
    """Paragraphs on one line each. Verse and plays, whose lines are short, keep theirs."""
    paragraphs = []
    for block in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        if not lines:
            continue
        is_prose = len(lines) > 1 and sum(map(len, lines[:-1])) / (len(lines) - 1) > 50
        paragraphs.append((" " if is_prose or len(lines) == 1 else "\n").join(lines))
    return "\n\n".join(paragraphs)


def novel(text):
    start, end = START.search(text), END.search(text)
    return unwrap(text[start.end() if start else 0 : end.start() if end else len(text)])


def sentences_without_unk(line):
    """WikiText writes <unk> for rare words; what is left of such a sentence teaches nothing."""
    return " ".join(s for s in re.split(r"(?<=[.!?]) (?=[A-Z\"(])", line) if "<unk>" not in s)


def wikipedia_articles(text):
    """WikiText separates punctuation from words: put it back."""
    starts = [m.start() for m in WIKI_HEADING.finditer(text)] + [len(text)]
    for begin, end in zip(starts, starts[1:]):
        article = text[begin:end]
        article = re.sub(r" @([-,.])@ ", r"\1", article)
        article = re.sub(r"^ (?:= )+(.*?)(?: =)+ $", r"\1", article, flags=re.M)
        article = re.sub(r" ([,.;:!?)\]'’%]|'s|n't)", r"\1", article)
        article = re.sub(r"([(\[]) ", r"\1", article)
        article = re.sub(r'" ([^"]*?) "', r'"\1"', article)
        lines = [sentences_without_unk(line.strip()) for line in article.split("\n")]
        yield "\n".join(line for line in lines if line)


def dialogues(path):
    for line in read(path).splitlines():
        messages = json.loads(line)["messages"]
        yield "\n".join(" ".join(m["content"].split()) for m in messages)


def write(path, texts):
    n = size = 0
    with open(path, "w", encoding="utf-8") as f:
        for text in texts:
            if text.strip():
                f.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                n += 1
                size += len(text.encode())
    print(f"{path}: {n} documents, {size / 1e6:.1f} MB")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    assets, out = sys.argv[1:]
    if not os.path.isdir(os.path.join(assets, "text")):
        sys.exit(f"{assets}/text: not there; checkpoints/base/README.md says where each file is publicly had")
    os.makedirs(out, exist_ok=True)
    text = os.path.join(assets, "text")
    books = sorted(p for p in glob.glob(os.path.join(text, "*.txt*")) if "wikitext" not in p)
    write(os.path.join(out, "books.jsonl"), (novel(read(p)) for p in books))
    for name, part in (("wikipedia", "valid"), ("heldout", "test")):
        write(os.path.join(out, name + ".jsonl"), wikipedia_articles(read(os.path.join(text, f"wikitext2-{part}.txt"))))
    paths = sorted(glob.glob(os.path.join(assets, "dialogue", "*.jsonl.gz")))
    write(os.path.join(out, "dialogue.jsonl"), (t for p in paths for t in dialogues(p)))


if __name__ == "__main__":
    main()

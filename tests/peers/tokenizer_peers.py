#!/usr/bin/env python3
"""Compare `sft tokenizer encode` with Hugging Face tokenizers, text by text.

usage: tokenizer_peers.py SFT ASSETS   (SFT: the program; needs the Python package tokenizers)
All of ASSETS' texts (the gzipped ones too), odd characters and long words, then the characters that the two
class differently because their Unicode versions differ. Exit 1 at the first text whose ids differ.
"""
import glob, gzip, json, os, random, subprocess, sys, unicodedata

from tokenizers import Tokenizer

LINES_AT_ONCE = 2000
POOLS = ["abcXYZ sStT'", "0123456789\u0663\u00bd\u2167\u00b2", "     \n\n\t\r\x0b\x0c\x1c\x85\xa0\u1680\u180e\u2003\u2028\u202f\u3000\u200b\ufeff",
         "\u00e9\u00df\u017f\u0130\ufb01", "\u65e5\u672c\ud55c\uad6d", "\U0001f600\U0001f469\u200d\U0001f3fd\ufe0f", ".,!?-()[]<>|@#", "\u0301\u20dd\u0903", "\x01\x7f\x9f\ue000"]


def sft_encode(sft, model, texts):
    lines = "".join(json.dumps(t) + "\n" for t in texts)
    run = subprocess.run([sft, "tokenizer", "encode", "--model", model, "--json-lines"], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def asset_texts(assets):
    for path in sorted(p for d in ("text/*", "data/*/*", "dialogue/*") for p in glob.glob(os.path.join(assets, d))):
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
            yield path, f.read().decode("utf-8", "replace")


def odd_texts(count):
    rnd = random.Random(1)
    for i in range(count):
        pieces = (rnd.choice(POOLS) for _ in range(rnd.choice([1, 4, 20])))
        yield f"odd text {i}", "".join("".join(rnd.choice(p) for _ in range(rnd.choice([1, 1, 2, 6]))) for p in pieces)


def long_texts():
    for what in ("a", " ", "\n", " \n", "\u6f22", "1234567890", "!?", "ab c"):
        yield f"a megabyte of {what!r}", what * (1000000 // len(what))


def compare(sft, model, tok, named_texts):
    n, batch = 0, []
    named_texts = list(named_texts)
    for i in range(0, len(named_texts), LINES_AT_ONCE):
        batch = named_texts[i : i + LINES_AT_ONCE]
        for (name, text), ids in zip(batch, sft_encode(sft, model, [t for _, t in batch])):
            if ids != tok.encode(text, add_special_tokens=False).ids:
                sys.exit(f"{name}: the ids differ: {ascii(text[:200])}")
            n += len(ids)
    return f"{len(named_texts)} texts, {n} ids, all equal"


def class_differences(sft, model, tok):
    """Characters that are a letter or a number to one of the two only: then 's behind them is a word, or is not."""
    chars = [chr(c) for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000]
    texts = [f"{c}'s" for c in chars]
    different = []
    for i in range(0, len(chars), 20 * LINES_AT_ONCE):
        part = texts[i : i + 20 * LINES_AT_ONCE]
        for c, ids, enc in zip(chars[i:], sft_encode(sft, model, part), tok.encode_batch(part, add_special_tokens=False)):
            if ids != enc.ids:
                different.append(ord(c))
    ranges = []
    for cp in different:
        if ranges and ranges[-1][1] == cp - 1:
            ranges[-1][1] = cp
        else:
            ranges.append([cp, cp])
    return different, " ".join(f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in ranges)


def main(sft, assets):
    model = os.path.join(assets, "gpt2-tokenizer")
    tok = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
    print("assets:", compare(sft, model, tok, asset_texts(assets)))
    print("odd:", compare(sft, model, tok, odd_texts(20000)))
    print("long:", compare(sft, model, tok, long_texts()))
    different, ranges = class_differences(sft, model, tok)
    assigned = [cp for cp in different if unicodedata.category(chr(cp)) != "Cn"]
    print(f"characters that differ: {len(different)}: {ranges}")
    if unicodedata.unidata_version.startswith("14.") and assigned:
        sys.exit(f"of these are in Unicode 14: {[hex(cp) for cp in assigned]}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])

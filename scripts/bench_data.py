#!/usr/bin/env python3
"""Make many conversations, and measure how sft starts on them. Python's standard library is all it needs.

usage: bench_data.py --out FILE [--rows 1000000] [--seed 1] [--words TEXT]
       bench_data.py --out FILE --measure ./sft --base DIR [--work DIR]

The first makes FILE (JSON Lines, about 800 bytes a row) if it is not there: one to six exchanges, of a few words to
some hundreds each, drawn by frequency from TEXT's words (plain or gzipped) or from 100,000 made-up ones, with numbers,
punctuation, line breaks and characters beyond ASCII. The same arguments make the same bytes, on any number of cores.

The second trains a tiny model (2 layers, 64 wide; the tokenizer is that of DIR) for one step: on the first 1,000
rows, for the memory that start and model take anyway, then twice on all, the second time with the token cache that
the first has made. A start lasts from exec until the step's line is in metrics.jsonl. Memory is sampled every 50 ms:
private is RssAnon, which the kernel cannot give back; RSS also counts pages of mapped files, which it can. All is
written under --work (default: FILE's directory), and removed. FILE is in the page cache if it was just made.
"""
import argparse
import collections
import gzip
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

BLOCK = 5000  # rows made at a time, each block from a seed of its own
N_WORDS = 100000
EXCHANGES, EXCHANGES_WEIGHTS = range(1, 7), (50, 25, 12, 7, 4, 2)
MEDIAN_WORDS, SPREAD, MOST_WORDS = {"user": 12, "assistant": 28}, 0.8, 800  # of a turn: log-normal
ENDS = [". "] * 12 + ["? ", "? ", "! ", ": ", "; ", " – ", "… ", ".\n", ".\n\n", ":\n- ", ".\n1. "]
UNICODE = "café naïve Zürich señor “quoted” 日本語 привет €20 x² it’s 🙂 don't e.g.".split()


# ---- the conversations ----

def made_up_words(seed):
    """Distinct words of one to three syllables, the common ones shorter."""
    rng = random.Random(seed)
    onsets = "b c d f g h k l m n p r s t v w st tr ch".split()
    syllables = [onset + vowel + coda for onset in onsets for vowel in "aeiou" for coda in ("", "", "n", "r")]
    words = {}
    while len(words) < N_WORDS:
        most = 1 if len(words) < 100 else 2 if len(words) < 3000 else 3
        words["".join(rng.choices(syllables, k=rng.randint((most + 1) // 2, most)))] = None
    return list(words)


def vocabulary(path, seed):
    """Words and how often each is drawn, cumulated."""
    if path:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            found = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", file.read().decode("utf-8", "replace"))
        words, weights = map(list, zip(*collections.Counter(found).most_common()))
    else:
        words = made_up_words(seed)
        weights = [1 / (rank + 2.7) for rank in range(len(words))]
    weights += [sum(weights) * 0.01 / len(UNICODE)] * len(UNICODE)
    return words + UNICODE, list(itertools.accumulate(weights))


def turn(rng, role, words):
    left = max(1, min(MOST_WORDS, round(MEDIAN_WORDS[role] * rng.lognormvariate(0, SPREAD))))
    text = ""
    while left > 0:
        sentence = list(itertools.islice(words, min(left, rng.randint(4, 20))))
        left -= len(sentence)
        if rng.random() < 0.2:
            sentence[rng.randrange(len(sentence))] = str(round(10 ** rng.uniform(0, 6), rng.choice((0, 0, 2)) or None))
        if len(sentence) > 8:
            sentence[len(sentence) // 2] += ","
        text += sentence[0][:1].upper() + " ".join(sentence)[1:] + rng.choice(ENDS)
    return {"role": role, "content": text.rstrip()}


def endless(rng):
    while True:
        yield from rng.choices(WORDS, cum_weights=CUMULATED, k=10000)


def block(task):
    seed, number, rows = task
    rng = random.Random(f"{seed} {number}")
    words = endless(rng)
    lines = []
    for exchanges in rng.choices(EXCHANGES, EXCHANGES_WEIGHTS, k=rows):
        messages = [turn(rng, role, words) for _ in range(exchanges) for role in ("user", "assistant")]
        lines.append(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def make(options):
    global WORDS, CUMULATED
    WORDS, CUMULATED = vocabulary(options.words, options.seed)
    tasks = [(options.seed, first, min(BLOCK, options.rows - first)) for first in range(0, options.rows, BLOCK)]
    began, temporary = time.monotonic(), options.out + ".tmp"
    with multiprocessing.get_context("fork").Pool() as pool, open(temporary, "wb") as out:
        for data in pool.imap(block, tasks):
            out.write(data)
    os.replace(temporary, options.out)
    size = os.path.getsize(options.out)
    print(f"{options.out}: {options.rows} rows, {size / 1e6:.1f} MB, {size / max(options.rows, 1):.0f} bytes a row, "
          f"made in {time.monotonic() - began:.1f} s", file=sys.stderr)


# ---- the measurement ----

def write_model(base, path):
    path.mkdir()
    for name in ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
        if (base / name).exists():
            shutil.copyfile(base / name, path / name)
    tokenizer = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
    ids = [*tokenizer["model"]["vocab"].values(), *(token["id"] for token in tokenizer["added_tokens"])]
    (path / "config.json").write_text(json.dumps({
        "model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 64, "n_positions": 1024, "vocab_size": max(ids) + 1,
        "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "bos_token_id": max(ids),
        "eos_token_id": max(ids)}))


def status_mb(pid, key):
    try:
        found = re.search(rf"^{key}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
    except OSError:
        found = None
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def start(options, data, name, work):
    """One start: seconds until the first step is logged, peak private MB, peak RSS MB."""
    out, config = work / name, work / f"{name}.ini"
    config.write_text(f"[model]\nbase = model/config.json\n[data]\ntrain = \"{os.path.abspath(data)}\"\n"
                      f"[train]\noutput_dir = {name}\nmax_steps = 1\n")
    private, resident, seconds, began = 0.0, 0.0, None, time.monotonic()
    with open(work / "log", "wb") as log:
        process = subprocess.Popen([options.measure, "train", config], stdout=log, stderr=log,
                                   env={**os.environ, "SFT_CACHE_DIR": str(work / "cache")})
    metrics, sampled = out / "metrics.jsonl", -1.0
    while process.poll() is None:
        now = time.monotonic() - began
        if seconds is None and metrics.exists() and metrics.stat().st_size > 0:
            seconds = now
        if now - sampled >= 0.05:
            private = max(private, status_mb(process.pid, "RssAnon"))
            resident, sampled = max(resident, status_mb(process.pid, "VmHWM")), now
        time.sleep(0.005)
    if process.returncode or not metrics.exists():
        sys.exit(f"{options.measure} train: exit {process.returncode}\n{(work / 'log').read_text()}")
    return seconds if seconds is not None else time.monotonic() - began, private, resident


def measure(options):
    options.measure = os.path.abspath(options.measure)
    parent = options.work or os.path.dirname(os.path.abspath(options.out))
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench_data-", dir=parent) as directory:
        work = pathlib.Path(directory)
        write_model(pathlib.Path(options.base), work / "model")
        with open(options.out, "rb") as file:
            (work / "small.jsonl").write_bytes(b"".join(itertools.islice(file, 1000)))
        runs = [("1,000 rows", work / "small.jsonl", "small"), ("first start", options.out, "first"),
                ("second start", options.out, "second")]
        print(f"{os.path.getsize(options.out) / 1e6:.1f} MB, {os.cpu_count()} cores\n")
        print("| | first step after | MB read and tokenized a second | private MB | over 1,000 rows | RSS MB |")
        print("|---|---|---|---|---|---|")
        own = None
        for label, data, name in runs:
            seconds, private, resident = start(options, data, name, work)
            own = private if own is None else own
            rate = f"{os.path.getsize(data) / 1e6 / seconds:.1f}" if name == "first" else ""
            print(f"| {label} | {seconds:.2f} s | {rate} | {private:.0f} | {private - own:.0f} | {resident:.0f} |",
                  flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("--out", required=True, metavar="FILE")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--words", metavar="TEXT")
    parser.add_argument("--measure", metavar="SFT")
    parser.add_argument("--base", metavar="DIR")
    parser.add_argument("--work", metavar="DIR")
    options = parser.parse_args()
    if options.measure and not options.base:
        parser.error("--measure needs --base DIR, a directory with a tokenizer")
    if not os.path.exists(options.out):
        make(options)
    if options.measure:
        measure(options)


if __name__ == "__main__":
    main()

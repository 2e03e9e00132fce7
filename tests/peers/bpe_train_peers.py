#!/usr/bin/env python3
"""Compare `sft tokenizer train` with Hugging Face's BpeTrainer, file by file: vocabulary, merges, ids.

usage: bpe_train_peers.py SFT ASSETS   (SFT: the program; needs the Python packages tokenizers and transformers)
Every text of ASSETS line by line, and the dialogues' messages, at several vocabulary sizes and min_frequency; then
small random texts, where ties and tokens that are made twice abound. Exit 1 at the first difference.
"""
import glob, gzip, json, os, random, subprocess, sys, tempfile, time

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

CASES = [(300, 0), (1000, 2), (4000, 0), (4000, 5), (16000, 0), (16000, 2)]
RANDOM_TEXTS = 300


def hf_train(source, vocab_size, min_frequency):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=["<|endoftext|>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tok.train([source], trainer) if isinstance(source, str) else tok.train_from_iterator(source, trainer)
    return tok


def compare(sft, scratch, path, source, vocab_size, min_frequency, threads="2"):
    """The file at `path` for us, `source` (a path, or a list of texts) for them: their tokenizer, our directory, seconds of both."""
    ours, theirs = tempfile.mkdtemp(dir=scratch), tempfile.mkdtemp(dir=scratch)
    start = time.time()
    subprocess.run([sft, "tokenizer", "train", path, "--vocab-size", str(vocab_size), "--min-frequency", str(min_frequency), "--out", ours],
                   check=True, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": threads})
    between = time.time()
    tok = hf_train(source, vocab_size, min_frequency)
    end = time.time()
    tok.model.save(theirs)
    for name in ("merges.txt", "vocab.json"):
        a, b = (open(os.path.join(d, name), encoding="utf-8").read() for d in (ours, theirs))
        if name == "vocab.json":
            a, b = json.loads(a), json.loads(b)
        if a != b:
            sys.exit(f"{path}: vocabulary {vocab_size}, min_frequency {min_frequency}: {name} differs: {ours} {theirs}")
    return tok, ours, (end - between, between - start)


def same_ids(tok, folder, text):
    loaded, fast = AutoTokenizer.from_pretrained(folder), Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    wanted = tok.encode(text).ids
    assert loaded.encode(text) == wanted and fast.encode(text).ids == wanted, folder
    assert loaded.decode(wanted) == text and fast.decode(wanted, skip_special_tokens=False) == text, folder
    assert loaded.eos_token_id == loaded.bos_token_id == 0, folder


def asset_files(assets, scratch):
    """Plain files in UTF-8: Hugging Face refuses any other."""
    for path in sorted(glob.glob(os.path.join(assets, "text", "*"))):
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
            text = f.read().decode("utf-8", "replace")
        plain = os.path.join(scratch, os.path.basename(path).removesuffix(".gz"))
        with open(plain, "w", encoding="utf-8", newline="") as f:
            f.write(text)
        yield plain, plain
    for path in sorted(glob.glob(os.path.join(assets, "dialogue", "*.gz"))):
        plain = os.path.join(scratch, os.path.basename(path).removesuffix(".gz"))
        with gzip.open(path, "rt", encoding="utf-8") as f, open(plain, "w", encoding="utf-8") as out:
            rows = f.readlines()
            out.writelines(rows)
        yield plain, [m["content"] for row in rows for m in json.loads(row)["messages"]]


def random_text(rnd):
    letters = rnd.choice(["ab", "abc", "abcdefg", "ab ", "a'b s\n", "\u00e9\u65e5\u672c ", "aab\n\r "])
    return "".join(rnd.choice(letters) for _ in range(rnd.choice([10, 100, 1000])))


def main(sft, assets):
    with tempfile.TemporaryDirectory() as scratch:
        for path, source in asset_files(assets, scratch):
            times = []
            for vocab_size, min_frequency in CASES:
                tok, ours, seconds = compare(sft, scratch, path, source, vocab_size, min_frequency)
                times.append(seconds)
            same_ids(tok, ours, "The quick brown fox doesn't <|endoftext|>\n\n  caf\u00e9 \u65e5\u672c 1234")
            theirs, mine = map(sum, zip(*times))
            print(f"{os.path.basename(path)}: {len(CASES)} trainings equal; {theirs:.1f} s by Hugging Face, {mine:.1f} s by sft")
        rnd = random.Random(1)
        for i in range(RANDOM_TEXTS):
            path = os.path.join(scratch, "random.txt")
            with open(path, "w", encoding="utf-8", newline="") as f:
                f.write(random_text(rnd))
            compare(sft, scratch, path, path, rnd.choice([260, 280, 400, 2000]), rnd.choice([0, 1, 2, 3]), rnd.choice("124"))
        print(f"random texts: {RANDOM_TEXTS} trainings equal")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])

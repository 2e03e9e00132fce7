#!/usr/bin/env python3
"""Make tests/golden/tiny_tokenizer/, tokenizer_strings.json and tokenizer_hashes.txt with Hugging Face tokenizers.

usage: golden_tokenizer.py ASSETS   (ASSETS/gpt2-tokenizer and the texts beside it)
Needs tokenizers and xxhash. Of the assets' texts only hashes of ids are kept; all strings here are our own.
"""
import glob, json, os, shutil, sys, unicodedata

import numpy as np
import tokenizers
import xxhash
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
CHUNK = 4096  # bytes; a cut may fall within a character

CORPUS = """The quick brown fox jumps over the lazy dog, and the dog doesn't mind. It's a fine day for a walk, isn't it?
We'll start at the old mill, we've been there before; they're waiting, I'm sure, and she'd like to come as well.
In the morning the baker bakes bread: rye, wheat and spelt. In the evening the bread is gone, and the baker rests.
Numbers such as 1, 12, 123, 1234 and 3.14159 are cut where they have to be cut. 2024 was a leap year; 2025 is not.
A machine reads a sentence, guesses the next word, and is told how wrong it was. Then it reads the next sentence.
    if (x > 0) {\n        return x + 1; /* indented */\n    }
Schöne Grüße aus Köln, où est la gare? Čeština, żółć, naïve café. Привет, мир! 日本語のテキスト。 你好,世界。
The user asks a question. The assistant answers the question. The user thanks the assistant. The end.
"""

STRINGS = [
    "", " ", "  ", "a", "Hello world", " Hello  world ", "don't can't I'm we'll they've she'd you're it's",
    "DON'T I'M 's 't 're 've 'm 'll 'd ''s '", "I\u2019m", "\u017f '\u017f", "1 12 123 1234 12345", "3.14159e-10", "\u0661\u0662\u0663 \u00b2\u00b3 \u2167 \u00bd",
    "a  b   c    d", "tab\there\t\tthere", "line\nline\n\nline\n\n\n", "\r\n\r\n", " \n \n", "x \n", "x  ", "  x", "\n x", "\n  x",
    "nbsp\u00a0here\u00a0\u00a0 there", "a\u180eb \u180e c", "a\u0085b\u0085", "\u2028\u2029\u202f\u205f\u3000\u1680 x", "\u200b\u200c\u200d\u2060\ufeff",
    "\u0001\u0007\u001b[0m\u007f\u0080\u009f", "\u001c\u001d\u001e\u001f x", "caf\u00e9 cafe\u0301 \u0301x", "\u0915\u094d\u0937 \u0e20\u0e32\u0e29\u0e32", "\u05e9\u05dc\u05d5\u05dd \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\u65e5\u672c\u8a9e \u6f22\u5b57 \ud55c\uad6d\uc5b4", "\U0001f600\U0001f44d\U0001f3fd \u2764\ufe0f", "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7", "\u24b6 \u2460 \u3007 \ua9d0", "\uff21\uff22 \uff11\uff12",
    "!?.,;:-()[]{}<>/\\|@#$%^&*~`\"_=+", "...!!!???", "https://example.org/a?b=c&d=e#f", "foo_bar fooBar FOO-BAR", "\ue000\U000f0000\U0010ffff\uffff", "fi \ufb01 \u00df \u0130\u0131",
    "x" * 100, "ab" * 60, " " * 100 + "x", "the quick brown fox", "The assistant answers the question.", "<|endoftext|", "<pad >", "\ufffd",
]
# Strings with added tokens of the tiny tokenizer: <|endoftext|> special; <mask> strips on its left, <tool> on
# its right; [w] only as a word of its own; <mask><tool> is the longer match.
SPECIAL = [
    "<|endoftext|>", "a<|endoftext|>b", "a <mask> b", "a \n\u3000<mask>", "<mask> <mask>", "<tool>  x", "<tool> <mask>  b", "<tool>\n\n<tool>",
    "[w]", "a [w] b", "a[w]", "[w]b", "[w][w]", "\u00e9[w]", "_[w]", "\u200d[w]", "\u00b2[w]", "[w].", "x<mask><tool> y", "<<mask>>", "<|endoftext|><|endoftext|>",
]
# Blocks without a hole in Unicode 14, which is PCRE2 10.42's; checked below.
RANGES = [
    (0x00, 0x7F), (0x80, 0x24F), (0x250, 0x36F), (0x3A3, 0x3FF), (0x400, 0x52F), (0x5D0, 0x5EA), (0x620, 0x6FF), (0x904, 0x939),
    (0xE01, 0xE3A), (0x1100, 0x11FF), (0x1680, 0x169C), (0x1800, 0x1819), (0x1E00, 0x1EFF), (0x2000, 0x2064), (0x20A0, 0x20C0),
    (0x2100, 0x218B), (0x2190, 0x2426), (0x2460, 0x2B73), (0x3000, 0x303F), (0x3041, 0x3096), (0x30A0, 0x30FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFC), (0xA960, 0xA97C), (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0xFF01, 0xFFBE), (0x1D400, 0x1D454), (0x1D7CE, 0x1D7FF),
    (0x1F300, 0x1F64F), (0x20000, 0x2A6DD),
]
COMMON = " \n'st1.e"
RANDOM_STRINGS = 2000


def splitmix64(state):
    """The same as in test_tokenizer.c: an endless row of 64-bit numbers."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & (2**64 - 1)
        yield z ^ z >> 31


def random_texts():
    r = splitmix64(1)
    for _ in range(RANDOM_STRINGS):
        text = []
        for _ in range(1 + next(r) % 64):
            if next(r) % 8 < 3:
                text.append(COMMON[next(r) % len(COMMON)])
            else:
                first, last = RANGES[next(r) % len(RANGES)]
                text.append(chr(first + next(r) % (last - first + 1)))
        yield "".join(text).encode()


def random_bytes():
    r = splitmix64(2)
    for _ in range(RANDOM_STRINGS):
        yield bytes((next(r) % 256 if next(r) % 4 else 0x20 + next(r) % 0x5F) for _ in range(1 + next(r) % 64))


def ids_hash(tok, texts):
    h, n = xxhash.xxh64(seed=0), 0
    for text in texts:
        s = text.decode("utf-8", "replace")
        assert "<|endoftext|>" not in s
        ids = tok.encode(s, add_special_tokens=False).ids
        h.update(np.array(ids, dtype="<i4").tobytes())
        n += len(ids)
    return f"{n} {h.hexdigest()}"


def make_tiny(folder):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tok.train_from_iterator(CORPUS.split("\n"), trainer)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "two_files"))
    tok.model.save(os.path.join(folder, "two_files"))
    names = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    write_json(os.path.join(folder, "two_files", "special_tokens_map.json"), names)
    tok.add_tokens([AddedToken("<|endoftext|>", special=True, normalized=False), AddedToken("<mask>", lstrip=True, special=True, normalized=False),
                    AddedToken("<tool>", rstrip=True, normalized=False), AddedToken("[w]", single_word=True, normalized=True),
                    AddedToken("<mask><tool>", normalized=False)])
    tok.save(os.path.join(folder, "tokenizer.json"))
    write_json(os.path.join(folder, "tokenizer_config.json"),
               {**names, "mask_token": "<mask>", "tokenizer_class": "GPT2Tokenizer", "model_max_length": 1024, "our_own_key": [1, {"kept": True}],
                "chat_template": "{% for m in messages %}{{ m['content'] }}{% endfor %}"})
    return tok


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=1, sort_keys=False)
        f.write("\n")


def main(assets):
    for first, last in RANGES:
        assert all(unicodedata.category(chr(c)) != "Cn" for c in range(first, last + 1)), hex(first)
    gpt2 = Tokenizer.from_file(os.path.join(assets, "gpt2-tokenizer", "tokenizer.json"))
    tiny = make_tiny(os.path.join(GOLDEN, "tiny_tokenizer"))
    made_by = f"scripts/golden_tokenizer.py, tokenizers {tokenizers.__version__}"
    encode = lambda tok, s: tok.encode(s, add_special_tokens=False).ids
    rows = [{"text": s, "gpt2": encode(gpt2, s), "tiny": encode(tiny, s)} for s in STRINGS]
    special = [{"text": s, "tiny": encode(tiny, s), "decoded": tiny.decode(encode(tiny, s), skip_special_tokens=True)} for s in SPECIAL]
    with open(os.path.join(GOLDEN, "tokenizer_strings.json"), "w") as f:
        f.write(f'{{"made_by": {json.dumps(made_by)},\n"plain": [\n' + ",\n".join(map(json.dumps, rows)))
        f.write('\n],\n"special": [\n' + ",\n".join(map(json.dumps, special)) + "\n]}\n")
    with open(os.path.join(GOLDEN, "tokenizer_hashes.txt"), "w") as f:
        f.write(f"# {made_by}: number and XXH64 of the ids (int32, little-endian) of whole files, and of the same in\n")
        f.write(f"# pieces of {CHUNK} bytes; of random texts and bytes, by GPT-2's tokenizer and by tiny_tokenizer\n")
        for path in sorted(p for d in ("text/*", "data/*/*", "dialogue/*") for p in glob.glob(os.path.join(assets, d)) if not p.endswith(".gz")):
            data = open(path, "rb").read()
            pieces = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
            f.write(f"file {os.path.relpath(path, assets)} {ids_hash(gpt2, [data])} {ids_hash(gpt2, pieces)}\n")
        f.write(f"random texts {ids_hash(gpt2, random_texts())} {ids_hash(tiny, random_texts())}\n")
        f.write(f"random bytes {ids_hash(gpt2, random_bytes())} {ids_hash(tiny, random_bytes())}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])

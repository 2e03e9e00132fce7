#!/usr/bin/env python3
"""Make tests/golden/tokenizer_kinds.json with Hugging Face tokenizers: one small tokenizer of each kind that the families have.

usage: golden_tokenizer_kinds.py
Two vocabularies, of bytes and of characters, are learnt from the corpus of golden_tokenizer.py; each kind is one of them and a
pipeline, and hashes of what it makes of random texts, of malformed ones, of texts stitched from its added tokens, and of random ids.
"""
import copy, json, os, unicodedata

import tokenizers
import xxhash
from golden_tokenizer import CORPUS, GOLDEN, STRINGS, ids_hash, random_bytes, random_texts, splitmix64
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

MARK = "\u2581"
STITCHES = ["<mask>", "<tool>", "[w]", "<s>", "</s>", "<mas", " ", " ", "  ", "\n", "\n\n", "\t", "\u3000", "a", "the", "b1", "\u00e9", "e\u0301", "_", MARK, "\u65e5", "\U0001f600",
            "'ll", "12345", "\u1100\u1161\u11a8", "\u0301\u0323", "\u0958", "Kö", "\r\n", "?!"]
TEXTS = STRINGS + ["<s>", "<s> a", "a<s>b", " <s>  a", "<tool>  a", "a <mask> b", "[w] a[w]", MARK, MARK + "a", " " + MARK, "<0x41>", "\u212b \u1e9b\u0323 \uac00\u11a8"]
N_IDS = 4000


def split(pattern):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def sequence(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": MARK, "prepend_scheme": scheme, "split": split}


def added(first, *more):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    tokens = [("<mask>", {"special": True, "lstrip": True}), ("<tool>", {"rstrip": True}), ("[w]", {"single_word": True, "normalized": True}), *more]
    special = [] if first is None else [{"id": i, "content": c, **flags, "special": True} for i, c in enumerate(("<unk>", "<s>", "</s>"))]
    return special + [{"id": (first or 0) + i, "content": c, **flags, **f} for i, (c, f) in enumerate(tokens)]


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BYTES = {**BYTE_LEVEL, "use_regex": False}
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
NFC = {"type": "NFC"}
PREPEND = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK}, {"type": "Replace", "pattern": {"String": " "}, "content": MARK}]}
BLANKS = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
DECODER = [{"type": "Replace", "pattern": {"String": MARK}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
STRIP = {"type": "Sequence", "decoders": DECODER + [{"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
KEEP = {"type": "Sequence", "decoders": DECODER}
FALLBACK = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}
GEMMA_SPLIT = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
RUNS = [("  ", {"normalized": True}), ("\n\n", {}), (" \n", {"normalized": True})]
KINDS = [  # name, vocabulary, normalizer, pre_tokenizer, decoder, options of the model, more added tokens
    ("digits", "bytes", None, sequence({"type": "Digits", "individual_digits": True}, BYTE_LEVEL), None, {}, []),
    ("llama3", "bytes", None, sequence(split(LLAMA3), BYTES), None, {"ignore_merges": True}, []),
    ("qwen2", "bytes", NFC, sequence(split(QWEN2), BYTES), None, {}, []),
    ("neox", "bytes", NFC, BYTE_LEVEL, None, {}, RUNS),
    ("prepend", "characters", PREPEND, None, STRIP, FALLBACK, []),
    ("prepend_runs", "characters", PREPEND, None, STRIP, FALLBACK, RUNS),
    ("first", "characters", None, metaspace("first", False), STRIP, FALLBACK, []),
    ("always_split", "characters", None, metaspace("always", True), STRIP, FALLBACK, []),
    ("never", "characters", NFC, metaspace("never", False), KEEP, FALLBACK, []),
    ("gemma", "characters", BLANKS, GEMMA_SPLIT, KEEP, FALLBACK, RUNS),
    ("unk", "characters", None, metaspace("always", True), metaspace("always", True), {"unk_token": "<unk>"}, []),
    ("fused_unk", "characters", BLANKS, None, KEEP, {"unk_token": "<unk>", "fuse_unk": True, "ignore_merges": True}, []),
    ("some_bytes", "characters", BLANKS, sequence(split(r"\p{N}{1,2}"), split("\n")), KEEP, {**FALLBACK, "fuse_unk": False, "rename": ["<0xE6>", "<0xF0>"]}, []),
]


def learn(of_bytes):
    tok = Tokenizer(models.BPE(unk_token=None if of_bytes else "<unk>"))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False) if of_bytes else pre_tokenizers.Metaspace()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet()) if of_bytes else []
    special = [] if of_bytes else ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=340 if of_bytes else 460, initial_alphabet=alphabet, special_tokens=special, limit_alphabet=400 if of_bytes else 70, show_progress=False)
    tok.train_from_iterator([unicodedata.normalize("NFC", line) for line in CORPUS.split("\n")], trainer)
    model = json.loads(tok.to_str())["model"]
    if of_bytes:  # a word that ignore_merges finds, and no merge does
        model["vocab"]["dog"] = len(model["vocab"])
    else:  # runs of blanks, and what ends in one, as Llama's have them
        for a, b in (MARK, MARK), (MARK * 2, MARK * 2), ("e", MARK), (MARK + "the", MARK):
            if a in model["vocab"] and a + b not in model["vocab"]:
                model["vocab"][a + b] = len(model["vocab"])
                model["merges"].append([a, b])
    return {"vocab": model["vocab"], "merges": model["merges"]}


def build(kind, vocabularies):
    name, which, normalizer, pre, decoder, options, more = kind
    model = copy.deepcopy(vocabularies[which])
    for token in options.get("rename", []):
        model["vocab"][token + "?"] = model["vocab"].pop(token)
    options = {k: v for k, v in options.items() if k != "rename"}
    extra = added(None if which == "bytes" else len(model["vocab"]), *more)
    if which == "bytes":
        extra = [{**t, "id": len(model["vocab"]) + i} for i, t in enumerate(extra)]
    pipeline = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": extra, "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": None,
                "decoder": decoder or BYTE_LEVEL, "model": {"type": "BPE", **options}}
    whole = {**pipeline, "model": {**pipeline["model"], **model}}
    return pipeline, Tokenizer.from_str(json.dumps(whole))


def with_special_as_text(tok):
    """The same where special tokens are text. encode_special_tokens does not cut the text at them; but a word that is one, or merges that end in
    one, still give it, so that here they are spelt as no text is."""
    spelt = lambda content: "\ue000\ue001" + content
    whole = json.loads(tok.to_str())
    special = {t["content"] for t in whole["added_tokens"] if t["special"]}
    model = whole["model"]
    model["vocab"] = {spelt(content) if content in special else content: i for content, i in model["vocab"].items()}
    if model["unk_token"] in special:
        model["unk_token"] = spelt(model["unk_token"])
    for t in whole["added_tokens"]:
        if t["special"]:
            t["content"] = spelt(t["content"])
    return Tokenizer.from_str(json.dumps(whole))


def stitched():
    r = splitmix64(3)
    for _ in range(2000):
        yield "".join(STITCHES[next(r) % len(STITCHES)] for _ in range(1 + next(r) % 16)).encode()


def decoded_hash(tok, rows):
    h = xxhash.xxh64(seed=0)
    for ids in rows:
        h.update(tok.decode(ids, skip_special_tokens=True).encode() + b"\n")
    return h.hexdigest()


def random_ids(size):
    """Of the vocabulary alone: a normalized added token decodes as what its normalizer makes of it, which is a matter of versions."""
    r = splitmix64(4)
    for _ in range(N_IDS):
        yield [next(r) % size for _ in range(1 + next(r) % 8)]


def main():
    path = os.path.join(GOLDEN, "tokenizer_kinds.json")
    if os.path.exists(path):  # the trainer breaks ties as it likes: what has been learnt stays
        with open(path) as f:
            vocabularies = json.load(f)["vocabularies"]
    else:
        vocabularies = {"bytes": learn(True), "characters": learn(False)}
    kinds = []
    for kind in KINDS:
        pipeline, tok = build(kind, vocabularies)
        row = {"name": kind[0], "vocabulary": kind[1], "rename": kind[5].get("rename", []), "tokenizer": pipeline, "special": ids_hash(tok, stitched())}
        strings = [{"ids": tok.encode(t, add_special_tokens=False).ids} for t in TEXTS]
        text_tok = with_special_as_text(tok)
        row.update({"stitched": ids_hash(text_tok, stitched()), "texts": ids_hash(text_tok, random_texts()), "bytes": ids_hash(text_tok, random_bytes()),
                    "decoded": decoded_hash(tok, random_ids(len(vocabularies[kind[1]]["vocab"]))), "n_ids": len(vocabularies[kind[1]]["vocab"]), "strings": [s["ids"] for s in strings]})
        kinds.append(row)
    made_by = f"scripts/golden_tokenizer_kinds.py, tokenizers {tokenizers.__version__}"
    line = lambda x: json.dumps(x, separators=(",", ":"))
    with open(path, "w") as f:
        f.write(f'{{"made_by":{line(made_by)},\n"stitches":{line(STITCHES)},\n"texts":{line(TEXTS)},\n"vocabularies":{{\n')
        f.write(",\n".join(f"{line(k)}:{line(v)}" for k, v in vocabularies.items()))
        f.write('},\n"kinds":[\n' + ",\n".join(map(line, kinds)) + "\n]}\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Write tests/golden/gguf/tokenizer-*.gguf, small tokenizers in GGUF as llama.cpp's converter writes them, and tokenizers.json:
what Hugging Face makes of texts with each.

usage: golden_gguf_tokenizer.py        (needs gguf, transformers, tokenizers, xxhash)

The vocabularies are those of tests/golden/tokenizer_kinds.json. The tokenizer that ids are compared with is transformers' own
reading of the file (integrations/gguf), with what it does not know of the families' published tokenizer.json put in: digits that
stand alone (smollm), NFC (qwen2), ignore_merges (llama-bpe, tekken), no blank before a text where add_space_prefix is false.
"""
import importlib.metadata, json, os

import gguf
import tokenizers
import transformers
from golden_tokenizer import GOLDEN, STRINGS, ids_hash, random_bytes, random_texts
from golden_tokenizer_kinds import decoded_hash, random_ids, with_special_as_text
from tokenizers import Tokenizer
from transformers.integrations.gguf import convert_gguf_tokenizer, get_gguf_tokenizer

OUT = os.path.join(GOLDEN, "gguf")
MARK = "\u2581"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
TEXTS = STRINGS + ["<|im_start|>a", "a<think> b</think>", "<s> a", "a</s>b", " \n\n  the\n", MARK, " " + MARK + "a", "<0x41>", "e\u0301 \u212b", "12345 67", "  12", "dog the dog"]
IM = [("<|endoftext|>", CONTROL), ("<|im_start|>", CONTROL), ("<|im_end|>", CONTROL)]
CHATML = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
LLAMA3 = "{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] + '<|eot_id|>' }}{% endfor %}"
LLAMA3_TOKENS = [(t, CONTROL) for t in ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")]
DIGITS = {"type": "Digits", "individual_digits": True}


def vocabulary(name):
    with open(os.path.join(GOLDEN, "tokenizer_kinds.json")) as f:
        shared = json.load(f)["vocabularies"][name]
    tokens = [token for token, _ in sorted(shared["vocab"].items(), key=lambda item: item[1])]
    return tokens, [" ".join(merge) if isinstance(merge, list) else merge for merge in shared["merges"]]


def add_tokenizer(writer, model, tokens, types, *, pre=None, merges=None, scores=None, ids={}, flags={}, template=None):
    writer.add_tokenizer_model(model)
    if pre:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    if scores:
        writer.add_token_scores(scores)
    writer.add_token_types(types)
    if merges:
        writer.add_token_merges(merges)
    for key, token in ids.items():
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", tokens.index(token))
    for key, value in flags.items():
        writer.add_bool(f"tokenizer.ggml.{key}", value)
    if template:
        writer.add_chat_template(template)


def add_bytes(writer, pre, more, ids, template, placeholders=0, **flags):
    """Byte-level: the added tokens behind the vocabulary, and rows that the embedding has for none."""
    tokens, merges = vocabulary("bytes")
    types = [NORMAL] * len(tokens) + [t for _, t in more] + [UNUSED] * placeholders
    tokens = tokens + [t for t, _ in more]
    tokens += [f"[PAD{i}]" for i in range(len(tokens), len(tokens) + placeholders)]
    add_tokenizer(writer, "gpt2", tokens, types, pre=pre, merges=merges, ids=ids, flags=flags, template=template)


def add_pieces(writer, in_order, more, ids, template=None, **flags):
    """SentencePiece's: scores follow from the merges, two tokens share one; in order: tokens follow, scores say nothing."""
    tokens, merges = vocabulary("characters")
    rank = {}
    for i, merge in enumerate(merges):
        rank.setdefault(merge.replace(" ", ""), i)
    types = [UNKNOWN if t == "<unk>" else CONTROL if t in ("<s>", "</s>") else BYTE if t.startswith("<0x") else NORMAL for t in tokens]
    if in_order:
        head = [t for t in tokens if t not in rank]
        tokens = head + sorted(rank, key=rank.get)
        types = types[:len(head)] + [NORMAL] * len(rank)  # the first of the vocabulary are the special ones and the bytes
    for token, kind in more:
        spelt = MARK * len(token) if not token.strip(" ") else token  # a run of blanks is one in the file
        if spelt in tokens:
            types[tokens.index(spelt)], tokens[tokens.index(spelt)] = kind, token
        else:
            tokens, types = tokens + [token], types + [kind]
    scores = [-1000.0 if in_order else -float(rank[t] // 2) if t in rank else 0.0 if y != NORMAL else -1e4 for t, y in zip(tokens, types)]
    add_tokenizer(writer, "llama", tokens, types, scores=scores, ids=ids, flags=flags, template=template)


S = {"bos": "<s>", "eos": "</s>", "unknown": "<unk>"}
TURNS = [("<start_of_turn>", CONTROL), ("<end_of_turn>", CONTROL), ("  ", USER_DEFINED), ("    ", USER_DEFINED), ("\n\n", USER_DEFINED)]
KINDS = {  # name: architecture, and what adds the tokenizer
    "gpt2": ("gpt2", lambda w: add_bytes(w, None, IM[:1], {"bos": "<|endoftext|>", "eos": "<|endoftext|>"}, None)),
    "smollm": ("llama", lambda w: add_bytes(w, "smollm", IM, {"bos": "<|im_start|>", "eos": "<|im_end|>", "unknown": "<|endoftext|>", "padding": "<|im_end|>"}, CHATML, add_bos_token=False,
                                            add_space_prefix=False)),
    "llama3": ("llama", lambda w: add_bytes(w, "llama-bpe", LLAMA3_TOKENS, {"bos": "<|begin_of_text|>", "eos": "<|end_of_text|>", "eot": "<|eot_id|>"}, LLAMA3)),
    "qwen2": ("qwen2", lambda w: add_bytes(w, "qwen2", IM + [("<think>", USER_DEFINED), ("</think>", USER_DEFINED)],
                                           {"bos": "<|endoftext|>", "eos": "<|im_end|>", "padding": "<|endoftext|>"}, CHATML, placeholders=3, add_bos_token=False)),
    "tekken": ("llama", lambda w: add_bytes(w, "tekken", IM, {"bos": "<|endoftext|>", "eos": "<|im_end|>"}, None, add_bos_token=True)),
    "llama": ("llama", lambda w: add_pieces(w, False, IM[1:] + [("[w]", USER_DEFINED), ("the dog", USER_DEFINED)], S, CHATML)),
    "llama_flat": ("llama", lambda w: add_pieces(w, False, [], S, add_space_prefix=False, add_bos_token=False, add_eos_token=True)),
    "gemma": ("gemma3", lambda w: add_pieces(w, True, TURNS, S | {"padding": "<unk>"}, add_space_prefix=False)),
}


def write(path, architecture, add):
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    add(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def published(pipeline, architecture, options):
    """Put in what transformers' reader does not know."""
    if options.get("pre_tokenizer_type") == "smollm":
        pipeline["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [DIGITS, pipeline["pre_tokenizer"]]}
    if options.get("pre_tokenizer_type") == "qwen2":
        pipeline["normalizer"] = {"type": "NFC"}
    if options.get("pre_tokenizer_type") in ("llama-bpe", "tekken"):
        pipeline["model"]["ignore_merges"] = True
    if architecture == "llama" and options["tokenizer_type"] == "llama":
        pipeline["model"]["unk_token"] = "<unk>"
        if not options.get("add_prefix_space", True):
            pipeline["pre_tokenizer"]["prepend_scheme"] = "never"
            pipeline["decoder"]["decoders"].pop()
    return pipeline


def reading(path):
    """The tokenizer that ids are compared with, the names of its special tokens, and how many the file has."""
    architecture, options, config = get_gguf_tokenizer(path)
    backend, _ = convert_gguf_tokenizer(architecture, options)
    pipeline = json.loads(backend.to_str())
    n_tokens = sum(not token.startswith("[PAD") for token in options["tokens"])  # transformers may add one that the file lacks
    return Tokenizer.from_str(json.dumps(published(pipeline, architecture, options))), config, n_tokens


def main():
    rows = []
    os.makedirs(OUT, exist_ok=True)
    for name, (architecture, add) in KINDS.items():
        path = os.path.join(OUT, f"tokenizer-{name}.gguf")
        write(path, architecture, add)
        tok, config, n_tokens = reading(path)
        text_tok = with_special_as_text(tok)
        rows.append({"name": name, "n_tokens": n_tokens, "texts": ids_hash(text_tok, random_texts()), "bytes": ids_hash(text_tok, random_bytes()),
                     "n_ids": 256, "decoded": decoded_hash(tok, random_ids(256)), "bos": config["bos_token"], "eos": config["eos_token"],
                     "strings": [tok.encode(t, add_special_tokens=False).ids for t in TEXTS]})
    versions = {m.__name__: m.__version__ for m in (transformers, tokenizers)} | {"gguf": importlib.metadata.version("gguf")}
    line = lambda x: json.dumps(x, separators=(",", ":"))
    with open(os.path.join(OUT, "tokenizers.json"), "w") as f:
        f.write(f'{{"versions":{line(versions)},\n"texts":{line(TEXTS)},\n"kinds":[\n' + ",\n".join(map(line, rows)) + "\n]}\n")


if __name__ == "__main__":
    main()

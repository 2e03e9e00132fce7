#!/usr/bin/env python3
"""Compare `sft` with transformers on models in GGUF: ids, config, logits, templates, and the directory that `sft import` makes.

usage: gguf_peers.py SFT ASSETS [FILE.gguf...]   (LOGITS: the program of logits.c; needs torch, transformers, tokenizers, gguf)
First a tiny random model of each architecture with each kind of tokenizer (scripts/golden_gguf.py, golden_gguf_tokenizer.py), on
parts of ASSETS' texts; then the files named, or in SFT_GGUF, on all of them. What is compared with is transformers' own reading
of the same file, its tokenizer with what that does not know of the published ones (golden_gguf_tokenizer.py says what); how many
texts would differ without is told. Exit 1 where something differs.
"""
import json, os, subprocess, sys, tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))

import numpy
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.integrations.gguf import convert_gguf_tokenizer, get_gguf_tokenizer

import golden_gguf, golden_gguf_tokenizer
from tokenizer_peers import asset_texts, odd_texts, sft_encode

CHARACTERS, CHUNK, LINES = 60000, 50000, 2000
SHAPE = ["vocab_size", "num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "tie_word_embeddings", "sliding_window", "layer_types", "bos_token_id", "eos_token_id",
         "pad_token_id"]
CHAT = {"messages": [{"role": "user", "content": "Hello  12"}, {"role": "assistant", "content": " the bread\n\nis 345"}]}


def tell(what, differs):
    print(f"  {what}: {'DIFFERENT: ' + str(differs) if differs else 'equal'}", flush=True)
    return bool(differs)


# ---- ids ----

def pieces(texts):
    """As they are, cut into chunks, and the first lines of each."""
    for _, text in texts:
        yield from (text[i : i + CHUNK] for i in range(0, len(text), CHUNK))
        yield from text.split("\n")[:LINES]


def count_differences(ids, tok, texts):
    differ, first = 0, None
    for i in range(0, len(texts), 500):
        for text, ours, theirs in zip(texts[i:], ids[i:], tok.encode_batch(texts[i : i + 500], add_special_tokens=False)):
            if ours != theirs.ids:
                differ, first = differ + 1, first or ascii(text[:100])
    return differ and f"{differ} of {len(texts)}, the first {first}"


def compare_ids(sft, path, imported, texts):
    ids = [row for i in range(0, len(texts), 5000) for row in sft_encode(sft, path, texts[i : i + 5000])]
    tok, _, _ = golden_gguf_tokenizer.reading(path)
    as_it_is, _ = convert_gguf_tokenizer(*get_gguf_tokenizer(path)[:2])
    directory = AutoTokenizer.from_pretrained(imported).backend_tokenizer
    for one in tok, as_it_is, directory:
        one.encode_special_tokens = True
    print(f"  transformers' own reading, without what is published: {count_differences(ids, as_it_is, texts) or 'equal'}", flush=True)
    wrong = tell(f"ids of {len(texts)} texts, {sum(map(len, ids))} ids", count_differences(ids, tok, texts))
    return wrong + tell("ids of the directory in transformers", count_differences(ids[-9000:], directory, texts[-9000:]))


# ---- the rest ----

def run(*command, stdin):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def compare_config(path, imported):
    """Of the file transformers reads no size of heads, and of gpt2 no number of positions."""
    theirs = AutoConfig.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path))
    ours = AutoConfig.from_pretrained(imported)
    found = {key: (getattr(ours, key, None), getattr(theirs, key, None)) for key in SHAPE}
    for key in ("vocab_size", "tie_word_embeddings") if theirs.model_type == "gpt2" else ():  # it counts tokens, and takes a second rounding for a head
        found.pop(key)
    return tell("config", {key: pair for key, pair in found.items() if pair[0] != pair[1]})


def compare_logits(path, imported, n_vocab):
    config = AutoConfig.from_pretrained(imported)
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(n_vocab, (60,), generator=generator).tolist()
    load = lambda d, **more: AutoModelForCausalLM.from_pretrained(d, dtype=torch.float32, attn_implementation="eager", config=config, **more).eval()
    theirs = load(os.path.dirname(path), gguf_file=os.path.basename(path))
    if config.model_type == "gpt2":
        theirs.lm_head.weight = theirs.transformer.wte.weight
    ours = dict(load(imported).named_parameters())
    lost = [name for name, values in theirs.named_parameters() if name not in ours or not torch.equal(values, ours[name])]
    out = run(os.environ.get("LOGITS", "build/release/peers/logits"), path, "fp32", stdin=(json.dumps(ids) + "\n").encode())
    with torch.no_grad():
        wanted = theirs(torch.tensor([ids])).logits[0]
    off = (torch.from_numpy(numpy.frombuffer(out, dtype=numpy.float32).copy()).view(len(ids), -1) - wanted).abs().max().item()
    return tell("weights of the directory", lost) + tell(f"logits, {off:.1e} apart of {wanted.abs().max():.3g}", not off < 2e-5 * max(1, wanted.abs().max().item()))


def compare_template(sft, path, imported, tmp):
    chat = os.path.join(tmp, "chat.jsonl")
    with open(chat, "w") as f:
        f.write(json.dumps(CHAT))
    told = [subprocess.run([sft, "inspect", "--base", base, chat, "--json"], stdout=subprocess.PIPE, check=True).stdout for base in (path, imported)]
    tok = AutoTokenizer.from_pretrained(imported)
    if not tok.chat_template:
        return tell("conversation, as of the directory", told[0] != told[1])
    wanted = tok(tok.apply_chat_template(CHAT["messages"], tokenize=False), add_special_tokens=False)["input_ids"]
    return tell("conversation, as of the directory", told[0] != told[1]) + tell("conversation in transformers", json.loads(told[0])["tokens"] != wanted)


def compare(sft, path, texts, n_vocab, tmp):
    imported = os.path.join(tmp, "imported-" + os.path.basename(path))
    subprocess.run([sft, "import", path, "--out", imported], check=True, stderr=subprocess.DEVNULL)
    return compare_ids(sft, path, imported, texts) + compare_config(path, imported) + compare_logits(path, imported, n_vocab) + compare_template(sft, path, imported, tmp)


def main(sft, assets, *files):
    texts, wrong = list(asset_texts(assets)), 0
    odd = [t.replace("\0", "") for _, t in odd_texts(3000)] + [b.decode("utf-8", "replace").replace("\0", "") for b in [*golden_gguf_tokenizer.random_texts(), *golden_gguf_tokenizer.random_bytes()]]
    part = list(pieces((name, text[:CHARACTERS]) for name, text in texts)) + odd
    with tempfile.TemporaryDirectory() as tmp:
        for name, (architecture, add) in golden_gguf_tokenizer.KINDS.items():
            for architecture in {architecture} | ({"qwen3"} if architecture == "qwen2" else set()):
                path = os.path.join(tmp, f"{name}-{architecture}.gguf")
                golden_gguf.write_model(path, architecture, golden_gguf.make_model(architecture, vocab_size=480), add)
                print(os.path.basename(path), flush=True)
                wrong += compare(sft, path, part, 480, tmp)
        for path in [*files, *os.environ.get("SFT_GGUF", "").split()]:
            print(path, flush=True)
            wrong += compare(sft, os.path.abspath(path), list(pieces(texts)) + odd, 40000, tmp)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

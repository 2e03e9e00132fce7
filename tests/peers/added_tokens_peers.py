#!/usr/bin/env python3
"""Compare tokenizers with added tokens, in text and in conversations, with transformers.

usage: added_tokens_peers.py SFT ASSETS   (SFT: the program; needs transformers)
Tokenizers with random added tokens (special or not, lstrip, rstrip, single_word, normalized; some inside others), random
texts stitched from such tokens, blanks, line breaks and letters: `sft tokenizer encode` against split_special_tokens=True,
with --special against the plain call; `sft inspect` against apply_chat_template, ids and the mask of what is trained, with
each format. Exit 1 at the first difference.
"""
import json, os, random, subprocess, sys, tempfile

import tokenizers, transformers
from tokenizers import AddedToken, Tokenizer
from transformers import PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
CONTENTS = ["<mask>", "<tool>", "<mask><tool>", "[w]", "  ", "    ", "\n", "\n\n", "\t\t", "\u00e9t\u00e9", "\u65e5\u672c", "foo", "foobar", " foo", "bar", "o b", "<x", "<x>", "x>", "\u200d", "\U0001f600", "user", "\nf", "er\n", "' '"]
STITCHES = CONTENTS + [" ", "\n", "\r\n", "\u3000", "\u00a0", "a", "b", "1", "_", "\u00b2", "<", ">", "fo", "the ", ".", "\u00e9", "\u65e5", "\u0301", "<|im_end|>", "<|end|>"]
TOKENIZERS, TEXTS, CHATS = 60, 100, 10


def base_tokenizer(rnd):
    """The tiny golden tokenizer's model, and its own random added tokens."""
    tree = json.load(open(os.path.join(GOLDEN, "tiny_tokenizer", "tokenizer.json")))
    tree["added_tokens"] = []
    tree["pre_tokenizer"]["add_prefix_space"] = prefix = rnd.random() < 0.2
    tok = Tokenizer.from_str(json.dumps(tree))
    tok.add_special_tokens(["<|endoftext|>", "<|end|>"])
    for content in rnd.sample(CONTENTS, rnd.randint(1, 12)):
        flag = lambda share: rnd.random() < share
        # (a blank token that strips on its right overlaps its neighbour in Hugging Face's offsets: its mask may have one more)
        tok.add_tokens([AddedToken(content, special=content[0] == "<" and flag(0.5), lstrip=flag(0.25), rstrip=flag(0.25) and not content[0].isspace(), single_word=flag(0.2), normalized=flag(0.5))])
    return PreTrainedTokenizerFast(tokenizer_object=tok, bos_token="<|endoftext|>", eos_token="<|endoftext|>", pad_token="<|end|>", add_prefix_space=prefix)


def random_text(rnd, pool=STITCHES):
    return "".join(rnd.choice(pool) for _ in range(rnd.choice([0, 1, 2, 5, 12, 30])))


def run(command, text):
    done = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare_texts(sft, folder, tok, rnd):
    texts = [random_text(rnd) for _ in range(TEXTS)]
    lines = "".join(json.dumps(t) + "\n" for t in texts)
    for flags, split in ([], True), (["--special"], False):
        got = run([sft, "tokenizer", "encode", "--model", folder, "--json-lines", *flags], lines)
        for text, ids in zip(texts, got, strict=True):
            try:
                want = tok(text, add_special_tokens=False, split_special_tokens=split)["input_ids"]
            except BaseException as e:  # tokenizers panics where a token would begin behind its end
                if "bad split" not in str(e):
                    raise
                continue
            if ids != want:
                sys.exit(f"{folder}: {ascii(text)} {flags}\n  transformers {want}\n  sft          {ids}\n{tok.added_tokens_decoder}")


def random_chat(rnd, specials):
    roles = ["user", "assistant"] * rnd.randint(1, 3)
    if rnd.random() < 0.3:
        roles.insert(0, "system")
    pool = [s for s in STITCHES if not any(c in s for c in specials) and s not in ("<|im_end|>", "<|end|>")]
    while True:
        messages = [{"role": role, "content": random_text(rnd, pool)} for role in roles]
        if not any(special in f"{m['role']}\n{m['content']}" for m in messages for special in specials):
            return messages  # (typed special tokens stay text here; in Hugging Face's rendered string they do not)


def with_template(tok, jinja, controls):
    tok = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(tok.backend_tokenizer.to_str()), bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    tok.add_special_tokens({"additional_special_tokens": [AddedToken(c, special=True, normalized=False) for c in controls]})
    tok.chat_template = jinja
    return tok


def compare_chats(sft, folder, tok, rnd):
    read = lambda name: open(os.path.join(GOLDEN, name)).read()
    dialogpt = "{% for m in messages %}{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] + eos_token }}{% endgeneration %}{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
    for name, jinja, controls in (("im_sep", read("template_im_sep.jinja"), ["<|im_start|>", "<|im_sep|>", "<|im_end|>"]),
                                  ("chatml", read("template_chatml.jinja"), ["<|im_start|>", "<|im_end|>"]), ("dialogpt", dialogpt, [])):
        hf = with_template(tok, jinja, controls)
        specials = [t.content for t in hf.added_tokens_decoder.values() if t.special]
        chats = [random_chat(rnd, specials) for _ in range(CHATS)]
        path = os.path.join(folder, "chats.jsonl")
        with open(path, "w") as f:
            f.writelines(json.dumps({"messages": m}) + "\n" for m in chats)
        rows = run([sft, "inspect", "--base", folder, path, "--json", "--set", f"data.template={name}", "--set", "data.max_length=100000"], "")
        for messages, row in zip(chats, rows, strict=True):
            try:
                want = hf.apply_chat_template(messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
            except BaseException as e:
                if "bad split" not in str(e):
                    raise
                continue
            ids, mask = want["input_ids"], want["assistant_masks"]
            got = [int(w > 0) for w in row["weights"]]
            mask[0] = 0  # nothing predicts the first token
            if row["tokens"] != ids or got != mask:
                sys.exit(f"{folder}: {name}: {ascii(messages)}\n  transformers {ids}\n               {mask}\n  sft          {row['tokens']}\n               {got}\n{hf.added_tokens_decoder}")


def main(sft):
    rnd = random.Random(7)
    with tempfile.TemporaryDirectory() as tmp:
        for i in range(TOKENIZERS):
            folder = os.path.join(tmp if "KEEP" not in os.environ else os.environ["KEEP"], str(i))
            tok = base_tokenizer(rnd)
            tok.save_pretrained(folder)
            compare_texts(sft, folder, tok, rnd)
            compare_chats(sft, folder, tok, rnd)
    print(f"added tokens: {TOKENIZERS} tokenizers, {TOKENIZERS * TEXTS * 2} texts, {TOKENIZERS * CHATS * 3} conversations, all equal (transformers {transformers.__version__}, tokenizers {tokenizers.__version__})")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1])

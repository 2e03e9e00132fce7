#!/usr/bin/env python3
"""Compare chat templates that others wrote, as they are found on this machine, with transformers.

usage: template_peers.py SFT ASSETS   (SFT: the program; needs transformers, jinja2 and TRL; SFT_TEMPLATES=DIR: more *.jinja)
First the interpreter: every template, on conversations of many shapes, through build/release/tests/test_jinja, whose text,
generation spans and refusals have to be Jinja2's. Then what it is for: a base with each of these templates and GPT-2's
vocabulary; where `template = auto` takes it, `sft inspect` gives the ids of apply_chat_template and, if the template marks
what is generated, the mask of return_assistant_tokens_mask; and the template that a training run exports gives both again.
Conversations that the template refuses must be bad rows. The families' own have to be recognised by name.
"""
import concurrent.futures, glob, importlib, json, os, re, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
golden_jinja, golden_masks = importlib.import_module("golden_jinja"), importlib.import_module("golden_masks")

import trl
from transformers import AddedToken, AutoTokenizer
from transformers.utils import chat_template_utils

NAMES = {"gemma": "gemma", "gemma3": "gemma", "gemma_training": "gemma", "gemma3_training": "gemma", "llama3": "llama3", "llama3_1": "llama3", "llama3_2": "llama3", "llama3_training": "llama3",
         "qwen2_5": "qwen2", "qwen2_5_training": "qwen2", "qwen3": "qwen3", "qwen3_training": "qwen3", "qwen3_instruct_2507": "qwen3", "qwen3_instruct_2507_training": "qwen3"}
CONTROL = re.compile(r"<\|[^<>|\s]+\|>|<start_of_turn>|<end_of_turn>")
CONFIG = {"model_type": "gpt2", "n_layer": 1, "n_head": 1, "n_embd": 8, "n_positions": 4096}
RUN = """[model]
base = base/config.json
[data]
train = chats.jsonl
max_length = 4096
on_bad_row = skip
[train]
output_dir = out
max_steps = 1
batch_size = 1
"""


def templates():
    folders = [os.path.join(os.path.dirname(trl.__file__), "chat_templates"), os.environ.get("SFT_TEMPLATES", "")]
    paths = sorted(path for folder in folders if folder for path in glob.glob(os.path.join(folder, "*.jinja")))
    return [(os.path.basename(path)[:-len(".jinja")], open(path, encoding="utf-8").read()) for path in paths]


def set_clock(jinja):
    """The day that sft gives a template: the one that it names itself, or 8 July 2025."""
    day = (2024, 7, 26) if '"26 Jul 2024"' in jinja else (2025, 7, 8)

    class Clock(golden_jinja.Clock):
        @classmethod
        def now(cls, tz=None):
            return cls(*day, 12)
    chat_template_utils.datetime = Clock


def check_interpreter(name, jinja, folder):
    path = os.path.join(folder, "cases.json")
    chat_template_utils.datetime = golden_jinja.Clock
    golden_jinja.write(path, list(golden_jinja.template_cases(jinja)))
    done = subprocess.run(["build/release/tests/test_jinja"], env={**os.environ, "SFT_JINJA_CASES": path}, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"{name}: {done.stdout.decode()[:3000]}")


def base(folder, gpt2, jinja):
    tok = AutoTokenizer.from_pretrained(gpt2)
    controls = sorted({*CONTROL.findall(jinja), "<|im_start|>", "<|im_end|>"} - {"<|user|>", "<|system|>", "<|assistant|>"})
    tok.add_special_tokens({"bos_token": "<s>", "eos_token": "</s>", "additional_special_tokens": [AddedToken(c, special=True, normalized=False) for c in controls]})
    tok.add_tokens(["<think>", "</think>"])
    tok.chat_template = jinja
    tok.save_pretrained(os.path.join(folder, "base"))
    json.dump({**CONFIG, "vocab_size": len(tok)}, open(os.path.join(folder, "base", "config.json"), "w"))
    return tok, controls + ["<s>", "</s>"]


def chats(assets, specials):
    rows = golden_masks.own_conversations()
    for spec in ("data/gsm8k/test.jsonl", "data/hh-rlhf/test.jsonl.gz", "data/open-assistant/en_100_tree.jsonl", "data/llama-factory/glaive_toolcall_en_demo.json", "data/fastchat/dummy_conversation.json"):
        rows += golden_masks.asset_conversations(assets, spec)[:40]
    thoughts = ["<think>\nhm\n</think>\n\nyes", "</think>x", "\n\n<think>\n\n</think>\n\nno\n", " \u00a0 ok \u3000", "<think>open", "/no_think"]
    rows += [[{"role": "system", "content": t}, {"role": "user", "content": t}, {"role": "assistant", "content": t}, {"role": "user", "content": "x"}, {"role": "assistant", "content": u}] for t in thoughts for u in thoughts]
    return [row for row in rows if not any(s in m["content"] for m in row for s in specials)]  # (typed ones stay text here)


def theirs(tok, messages):
    """Ids and mask; None where the template refuses, or nothing is trained."""
    try:
        out = tok.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    except Exception:
        return None
    mask = [float(m) for m in out["assistant_masks"]]
    mask[0] = 0.0
    return out["input_ids"], mask


def sft(program, folder, *args):
    return subprocess.run([os.path.abspath(program), *args], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def inspect(program, folder):
    """The conversations by their line."""
    done = sft(program, folder, "inspect", "run.ini", "--json")
    if done.returncode:
        return None, done.stderr.decode().strip()
    rows = {int(row["source"].rsplit(":", 1)[1]): row for row in map(json.loads, done.stdout.splitlines()) if "source" in row}
    return rows, None


def compare(name, folder, program, tok, rows, is_marked, exported):
    got, error = inspect(program, folder)
    if error:
        return error
    taken = refused = 0
    for line, messages in enumerate(rows, 1):
        row, want = got.get(line), theirs(tok, messages)
        if row is None or row.get("dropped"):
            refused += row is None or "template" in row["dropped"]
            continue
        if want is None:
            sys.exit(f"{name}: the template refuses what sft renders: {messages}")
        trained = [float(w > 0) for w in row["weights"]]
        if row["tokens"] != want[0]:
            sys.exit(f"{name}: {messages}\n  transformers {tok.decode(want[0])!r}\n  sft          {tok.decode(row['tokens'])!r}")
        if is_marked and trained != want[1]:
            sys.exit(f"{name}: another mask: {messages}\n  transformers {want[1]}\n  sft          {trained}")
        again = theirs(exported, messages) if exported else None
        if exported and (again is None or again[0] != row["tokens"] or again[1] != trained):
            sys.exit(f"{name}: the exported template renders something else: {messages}\n  exported {again and exported.decode(again[0])!r}\n  sft      {tok.decode(row['tokens'])!r}\n  exported {again and again[1]}\n  sft      {trained}")
        taken += 1
    if not taken:
        sys.exit(f"{name}: no conversation was compared")
    return f"{taken} conversations, {refused} refused"


def check_recognised(name, jinja, folder, program, assets):
    set_clock(jinja)
    tok, specials = base(folder, os.path.join(assets, "gpt2-tokenizer"), jinja)
    rows = chats(assets, specials)
    with open(os.path.join(folder, "chats.jsonl"), "w") as out:
        out.writelines(json.dumps({"messages": row}) + "\n" for row in rows)
    open(os.path.join(folder, "run.ini"), "w").write(RUN)
    is_marked = re.search(r"\{%[-+]?\s*generation\s*[-+]?%\}", jinja) is not None
    trained = sft(program, folder, "train", "run.ini", "--fresh", "--set", "data.max_length=64")
    if trained.returncode:
        return "refused", trained.stderr.decode().strip()[:150]
    info = sft(program, folder, "info", "out/last").stdout.decode()
    exported = AutoTokenizer.from_pretrained(os.path.join(folder, "out", "last"))
    return re.search(r"chat template: (\w+)", info).group(1), compare(name, folder, program, tok, rows, is_marked, exported)


def one(job):
    (name, jinja), program, assets = job
    with tempfile.TemporaryDirectory() as folder:
        check_interpreter(name, jinja, folder)
        return name, *check_recognised(name, jinja, folder, program, assets)


def main():
    program, assets = os.path.abspath(sys.argv[1]), sys.argv[2]
    subprocess.run(["make", "-s", "build/release/tests/test_jinja"], check=True)
    found = set()
    for job in [(template, program, assets) for template in templates()]:
        name, recognised, what = one(job)
        print(f"{name:36} {recognised:9} {what}", flush=True)
        if NAMES.get(name, recognised) != recognised:
            sys.exit(f"{name}: it should be {NAMES[name]}")
        found.add(name)
    missing = set(NAMES) - found
    if missing:
        sys.exit(f"this TRL lacks {', '.join(sorted(missing))}")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main()

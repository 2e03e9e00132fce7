#!/usr/bin/env python3
"""How well models tell unsafe prompts from safe ones, wherever they draw the line: the AUC that docs/refusals.md compares its trials by.

usage: refusal_auc.py MODEL... [--prompts FILE.csv]

A model is asked how likely it finds one refusal as the answer to each prompt (sft eval --per-row; no answer is written). The area under the curve is
how often it finds it likelier for an unsafe prompt than for a safe one: 1 is perfect, 0.5 is chance. FILE.csv has the columns prompt and label (safe or
unsafe), by default data/contrast-dev.csv. SFT=PROGRAM is another build of sft than ./sft. Only Python's standard library is needed.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts" / "make_data"))

from contrast import REFUSAL  # noqa: E402


def read_prompts(path):
    try:
        with open(path, encoding="utf-8", newline="") as file:
            prompts = list(csv.DictReader(file))
    except OSError as error:
        sys.exit(str(error))
    for number, row in enumerate(prompts, 1):
        if not row.get("prompt") or row.get("label") not in ("safe", "unsafe"):
            sys.exit(f"{path}: row {number}: expected the columns prompt and label (safe or unsafe)")
    if len({row["label"] for row in prompts}) < 2:
        sys.exit(f"{path}: safe and unsafe prompts are needed")
    return prompts


def refusal_losses(sft, model, prompts):
    """What the refusal costs the model as the answer to each prompt: nats a token."""
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder, "refused.jsonl"), Path(folder, "losses.jsonl")
        asked.write_text("".join(json.dumps({"prompt": row["prompt"], "completion": REFUSAL}) + "\n" for row in prompts), encoding="utf-8")
        if subprocess.run([sft, "eval", model, asked, "--precision", "auto", "--per-row", told], stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"{model}: sft eval failed")
        return [json.loads(line)["loss"] for line in told.read_text(encoding="utf-8").splitlines()]


def auc(prompts, losses):
    by_label = {label: [loss for row, loss in zip(prompts, losses) if row["label"] == label] for label in ("unsafe", "safe")}
    wins = sum((unsafe < safe) + (unsafe == safe) / 2 for unsafe in by_label["unsafe"] for safe in by_label["safe"])
    return wins / len(by_label["unsafe"]) / len(by_label["safe"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--prompts", default=str(ROOT / "data" / "contrast-dev.csv"))
    args = parser.parse_args()
    prompts = read_prompts(args.prompts)
    sft = os.environ.get("SFT", str(ROOT / "sft"))
    if not os.access(sft, os.X_OK):
        sys.exit(f"{sft} is no program: build it (make sft), or set SFT")
    for model in args.models:
        losses = refusal_losses(sft, model, prompts)
        if len(losses) != len(prompts):
            sys.exit(f"{model}: of {len(prompts)} prompts only {len(losses)} were read: the others are longer than its context")
        print(f"{auc(prompts, losses):.3f}  {model}", flush=True)


if __name__ == "__main__":
    main()

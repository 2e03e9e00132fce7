#!/usr/bin/env python3
"""Have others read the model card that `sft export` writes: huggingface_hub its front matter, Python its example.

usage: card_peers.py SFT ASSETS     (needs huggingface_hub, PyYAML, torch, transformers)
The names and values are such as YAML takes for something else where they are not quoted. Exit 1 where something differs.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import huggingface_hub
import yaml
from huggingface_hub import ModelCard

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NAMES = ["my-model", "no", "1e3", "it's a \"model\": #1", "- [x] {y}", "caf\u00e9 `tick` | bar", "null", "a\u2028b\x7f"]
LANGUAGES, DATASETS = ["en", "no", "zh-Hans"], ["acme/rows=cc-by-4.0", "my own: #1 | `rows`=cc-by-4.0", "null", "on"]
RATES = {"unsafe": {"n": 10, "refused": 9, "rate": 0.9, "ci95": [0.596, 0.982]},
         "safe": {"n": 10, "refused": 1, "rate": 0.1, "ci95": [0.018, 0.404]}, "incoherent": {"n": 0, "rate": 0.0, "ci95": [0.0, 0.161]}}
failed = 0


def compare(what, found, expected):
    global failed
    if found != expected:
        failed += 1
        print(f"  {what}: DIFFERENT: {found!r}, expected {expected!r}")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def export(sft, run_dir, out, *options):
    run(sft, "export", run_dir, "--out", out, "--license", "apache-2.0", "--base-model", "acme/on", *options,
        *(word for language in LANGUAGES for word in ("--language", language)),
        *(word for dataset in DATASETS for word in ("--dataset", dataset)))


def compare_card(path, is_file):
    card = ModelCard.load(path)
    compare("licence", card.data.license, "apache-2.0")
    compare("languages", card.data.language, LANGUAGES)
    compare("datasets", card.data.datasets, ["acme/rows", "null", "on"])
    compare("base", (card.data.base_model, card.data.base_model_relation), ("acme/on", "finetune"))
    compare("library", card.data.library_name, None if is_file else "transformers")
    compare("task", card.data.pipeline_tag, "text-generation")
    compare("tags", card.data.tags, ["sft", "conversational"] + ["gguf"] * is_file)
    with open(path, encoding="utf-8") as file:
        front = yaml.safe_load(file.read().split("---\n")[1])
    compare("front matter", sorted(front), sorted(key for key, value in card.data.to_dict().items() if value is not None))
    return card.text


def main():
    sft = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        run(sft, "train", os.path.join(ROOT, "configs", "quickstart.ini"), "--set", "train.max_steps=30", "--set",
            f"train.output_dir={scratch}/run", "--set", "data.eval=")
        with open("rates.json", "w", encoding="utf-8") as file:
            json.dump(RATES, file)
        for name in NAMES:
            export(sft, "run", name, "--evaluation", "rates.json")
            text = compare_card(os.path.join(name, "README.md"), False)
            [example] = re.findall(r"```python\n(.*?)```", text, re.S)
            answer = run(sys.executable, "-c", example, cwd=scratch)
            compare(f"the example of {name!r} answers", bool(answer.strip()), True)
        os.mkdir("file")
        export(sft, "run", "file/a b.gguf", "--dtype", "q8_0")
        compare_card("file/README.md", True)
    print(f"  {len(NAMES)} cards, and one of a file, by huggingface_hub {huggingface_hub.__version__} and PyYAML {yaml.__version__}: "
          f"{'DIFFERENT' if failed else 'equal, and their examples run'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""How well `sft judge` agrees with people: a Markdown table for docs/judging.md.

usage: python3 scripts/judge_table.py [--least LLAMA2 MISTRAL]

The answers are two models' to XSTest's prompts, labelled by its authors (Roettger et al. 2024, CC BY 4.0), from
$SFT_ASSETS/data/xstest-calibration (default ../shared/assets). Nobody needs them to use the program. They are public:
https://github.com/paul-rottger/xstest, the files xstest_v2_completions_*.csv of its completions. $SFT names the
program (./sft). With --least it fails where fewer are agreed on as refused or not. Needs only Python's standard library.
"""
import argparse
import csv
import json
import math
import os
import subprocess
import sys

SOURCES = ["llama2orig", "mistralinstruct"]
LABELS = ["compliance", "partial_refusal", "full_refusal"]
LABEL_OF = {"1_full_compliance": "compliance", "2_full_refusal": "full_refusal", "3_partial_refusal": "partial_refusal"}


def wilson(k, n, z=1.959963984540054):
    """The 95% interval of k of n."""
    if n == 0:
        return math.nan, math.nan
    p, z2 = k / n, z * z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(k, n):
    if n == 0:
        return "-"
    low, high = wilson(k, n)
    return f"{k / n:.3f} ({low:.3f} to {high:.3f}; {k} of {n})"


def read(path):
    """What people say of each answer, and what the judge says."""
    with open(path, newline="", encoding="utf-8") as file:
        people = [LABEL_OF[row["final_label"]] for row in csv.DictReader(file)]
    done = subprocess.run([os.environ.get("SFT", "./sft"), "judge", path, "--json"], stdout=subprocess.PIPE, check=True)
    judged = [json.loads(line)["label"] for line in done.stdout.splitlines()]
    assert len(people) == len(judged), path
    return list(zip(people, judged))


def is_refused(label):
    return label in ("partial_refusal", "full_refusal")


def count_agreed(pairs):
    return sum(is_refused(people) == is_refused(judged) for people, judged in pairs if judged != "incoherent")


def print_agreement(answers):
    print("| answers of | number | refused or not | all three labels |")
    print("|---|---|---|---|")
    for source, pairs in answers.items():
        n, equal = len(pairs), sum(people == judged for people, judged in pairs)
        print(f"| {source} | {n} | {share(count_agreed(pairs), n)} | {share(equal, n)} |")


def print_classes(answers):
    print("| answers of | label | precision | recall |")
    print("|---|---|---|---|")
    classes = [("refused", is_refused)] + [(label, lambda x, label=label: x == label) for label in LABELS]
    for source, pairs in answers.items():
        for name, belongs in classes:
            both = sum(belongs(people) and belongs(judged) for people, judged in pairs)
            said = sum(belongs(judged) for _, judged in pairs)
            true = sum(belongs(people) for people, _ in pairs)
            print(f"| {source} | {name} | {share(both, said)} | {share(both, true)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--least", nargs=len(SOURCES), type=float, metavar="SHARE")
    args = parser.parse_args()
    folder = os.path.join(os.environ.get("SFT_ASSETS", "../shared/assets"), "data", "xstest-calibration")
    if not os.path.isdir(folder):
        sys.exit(f"error: {folder} is not there (SFT_ASSETS names the folder of the assets; the answers are public: "
                 "https://github.com/paul-rottger/xstest, completions/xstest_v2_completions_*.csv)")
    answers = {source: read(os.path.join(folder, f"xstest_v2_completions_{source}.csv")) for source in SOURCES}
    print_agreement(answers)
    print()
    print_classes(answers)
    for source, least in zip(SOURCES, args.least or []):
        agreed = count_agreed(answers[source]) / len(answers[source])
        if agreed < least:
            sys.exit(f"error: {source}: {agreed:.4f} are agreed on, expected {least} or more")


main()

#!/usr/bin/env python3
"""Write tests/golden/sampler.jsonl: what transformers' logits processors leave of logits, and how likely.

usage: golden_sampler.py ASSETS        (run in the repository's root; ASSETS is not used)

A line a case: logits, settings, what was said (ids), and of each id that remains [id, probability]. The processors stand in
the order of GenerationMixin._get_logits_processor: sequence_bias, repetition_penalty, temperature, top_k, top_p, min_p. No
case has a sum of probabilities within 1e-4 of its top_p, or a probability within 1e-4 of min_p times the largest's: there
float sums in another order may decide otherwise.
"""
import json

import torch
import transformers
from transformers.generation import logits_process as lp

OUT, V, CASES = "tests/golden/sampler.jsonl", 24, 60


def make_logits(kind, generator):
    x = torch.randn(V, generator=generator) * 3
    if kind == "equals":
        x = torch.round(x)
    if kind == "holes":
        x[torch.rand(V, generator=generator) < 0.4] = -float("inf")
        x[3] = 1.25
    return torch.round(x * 1024) / 1024  # short in decimal


def processors(o):
    chain = []
    if o["bias"]:
        chain.append(lp.SequenceBiasLogitsProcessor({(i,): b for i, b in o["bias"]}))
    if o["repetition_penalty"] != 1:
        chain.append(lp.RepetitionPenaltyLogitsProcessor(o["repetition_penalty"]))
    chain.append(lp.TemperatureLogitsWarper(o["temperature"]))
    if o["top_k"]:
        chain.append(lp.TopKLogitsWarper(o["top_k"]))
    if o["top_p"] < 1:
        chain.append(lp.TopPLogitsWarper(o["top_p"]))
    if o["min_p"]:
        chain.append(lp.MinPLogitsWarper(o["min_p"]))
    return chain


def is_near(scores, o):
    """Whether rounding may decide what remains; of equals, which ones top_p keeps is the sort's affair."""
    before = scores.clone()
    for p in processors({**o, "bias": [], "repetition_penalty": 1, "top_p": 1, "min_p": 0}):
        before = p(None, before)
    probs = before.double().softmax(-1)[0].sort(descending=True).values
    if o["top_p"] < 1:
        sums = probs.cumsum(-1)
        if (sums - o["top_p"]).abs().min() < 1e-4:
            return True
        last = int((sums < o["top_p"]).sum())
        if last + 1 < V and probs[last] == probs[last + 1]:
            return True
    return bool(o["min_p"]) and bool(((probs / probs[0]) - o["min_p"]).abs().min() < 1e-4)


def main():
    generator = torch.Generator().manual_seed(4)
    lines, kinds = [json.dumps({"transformers": transformers.__version__, "torch": torch.__version__})], ["plain", "equals", "holes"]
    for case in range(400):
        if len(lines) > CASES:
            break
        pick = lambda *options: options[int(torch.randint(len(options), (1,), generator=generator))]
        o = {"temperature": pick(0.3, 0.7, 1.0, 1.6), "top_k": pick(0, 0, 1, 5, 12, 60),
             "top_p": pick(1.0, 0.3, 0.8, 0.95), "min_p": pick(0.0, 0.0, 0.05, 0.3),
             "repetition_penalty": pick(1.0, 1.0, 1.3, 0.8),
             "bias": pick([], [], [[3, 4.5], [7, -100.0]])}
        logits = make_logits(kinds[case % 3], generator)
        said = torch.randint(V, (int(torch.randint(1, 30, (1,), generator=generator)),), generator=generator)
        scores = logits[None].clone()
        ids = said[None]
        adjusted = scores
        for p in processors({**o, "temperature": 1.0, "top_k": 0, "top_p": 1, "min_p": 0})[:-1]:
            adjusted = p(ids, adjusted)
        if is_near(adjusted, o):
            continue
        for p in processors(o):
            scores = p(ids, scores)
        probs = scores[0].double().softmax(-1)
        left = [[i, float(f"{probs[i]:.9g}")] for i in range(V) if scores[0, i] > -float("inf")]
        lines.append(json.dumps({"logits": [None if x == -float("inf") else x for x in logits.tolist()], **o,
                                 "said": said.tolist(), "left": left}, separators=(",", ":")))
    with open(OUT, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


main()

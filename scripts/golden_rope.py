#!/usr/bin/env python3
"""Write tests/golden/rope.json: what transformers makes of kinds of rotary positions.

usage: golden_rope.py        (run in the repository's root)

Of each kind the frequencies of its pairs, in float32, and the cosines and sines of a few positions, of the first pairs
and the last.
"""
import datetime
import json

import torch
import transformers
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

POSITIONS = [0, 1, 100, 4095, 131071]
PAIRS = [0, 1, 2, -1]
KINDS = [  # of small models, Llama 3.2's, Llama 3.1's, Gemma 3's two
    (64, {"rope_type": "default", "rope_theta": 10000.0}),
    (64, {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
    (128, {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
           "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
    (256, {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0}),
]


def numbers(tensor):
    return [float(f"{x:.9g}") for x in tensor.flatten().tolist()]


def main():
    kinds = []
    for dim, parameters in KINDS:
        config = LlamaConfig(hidden_size=dim, num_attention_heads=1, head_dim=dim, max_position_embeddings=131072,
                             rope_parameters=parameters)
        rotary = LlamaRotaryEmbedding(config)
        cosines, sines = rotary(torch.zeros(1), torch.tensor([POSITIONS]))  # (1,P,dim): each pair twice
        pairs = [pair % (dim // 2) for pair in PAIRS]
        kinds.append({"dim": dim, **parameters, "frequencies": numbers(rotary.inv_freq), "pairs": pairs,
                      "cosines": numbers(cosines[0][:, pairs]), "sines": numbers(sines[0][:, pairs])})
    golden = {"made": datetime.date.today().isoformat(), "torch": torch.__version__,
              "transformers": transformers.__version__, "positions": POSITIONS, "kinds": kinds}
    with open("tests/golden/rope.json", "w") as file:
        json.dump(golden, file)
        file.write("\n")


main()

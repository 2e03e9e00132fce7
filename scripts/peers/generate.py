"""How fast transformers generates on this CPU: a prompt's tokens a second, and those of 1 to 32 texts in one batch, greedily, as
tests/bench/bench_decode.c measures sft. All texts of a batch are equally long, so that nothing is padded.

usage: generate.py DIR fp32|bf16 [NEW]     (64 new tokens; threads by OMP_NUM_THREADS)
"""

import os
import sys
import time

import torch
import transformers

PROMPT, SHORT, REPEAT = 500, 32, 3


def seconds_of(model, batch, n_prompt, n_new):
    ids = torch.randint(0, model.config.vocab_size, (batch, n_prompt))
    began = time.perf_counter()
    model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=n_new, min_new_tokens=n_new, do_sample=False,
                   pad_token_id=0)
    return time.perf_counter() - began


def best_of(model, batch, n_prompt, n_new):
    return min(seconds_of(model, batch, n_prompt, n_new) for _ in range(REPEAT))


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in ("fp32", "bf16"):
        sys.exit(__doc__.strip().splitlines()[-1])
    n_new = int(sys.argv[3]) if len(sys.argv) > 3 else 64
    torch.manual_seed(1)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    dtype = torch.float32 if sys.argv[2] == "fp32" else torch.bfloat16
    model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=dtype).eval()
    print(f"transformers {transformers.__version__}, torch {torch.__version__}, {sys.argv[2]}", flush=True)
    seconds_of(model, 1, SHORT, 8)
    print(f"  a prompt of {PROMPT} tokens {PROMPT / best_of(model, 1, PROMPT, 1):12.1f} tokens/s", flush=True)
    for batch in (1, 16, 32):
        prompt = best_of(model, batch, SHORT, 1)
        speed = batch * (n_new - 1) / (best_of(model, batch, SHORT, n_new) - prompt)
        print(f"  {batch:2} streams, temperature 0 {speed:10.1f} tokens/s", flush=True)


with torch.inference_mode():
    main()

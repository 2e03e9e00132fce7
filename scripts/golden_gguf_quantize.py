"""Write tests/golden/gguf/quantized.gguf: floats, and what the package gguf's `quantize` makes of them in each type that is written.

usage: golden_gguf_quantize.py        (needs gguf, numpy)

Blocks of 32: numbers of all magnitudes; zeros of both signs, the first of one and of the other; numbers halfway between two
integers of a block's scale, and between two halves; the largest twice, with both signs; numbers next to nothing, whose scale is
no half or not even a float; numbers near the largest half.
"""
import importlib.metadata, os

import gguf
import numpy as np
from gguf.quants import quantize

from golden_gguf import OUT, finish

TYPES = ["F16", "BF16", "Q8_0", "Q4_0"]
QK = 32


def blocks():
    rng = np.random.default_rng(0)
    for exponent in (-9, -3, 0, 1, 4):
        yield rng.standard_normal(QK) * 10.0**exponent
    yield np.zeros(QK)
    yield -np.zeros(QK)
    yield np.where(np.arange(QK) % 3, 0.0, -0.0)
    yield (np.arange(QK) * 8 - 127) / 2 + 0.5  # halves beside 63.5, whose scale is 1/2 of Q8_0's integers
    yield np.concatenate([[127.0], np.arange(QK - 1) * 4 - 62.5])  # scale 1: ties of Q8_0
    yield np.concatenate([[-8.0], np.arange(QK - 1) / 2 - 7.5])  # scale 1: ties of Q4_0
    yield np.where(np.arange(QK) == 5, 3.0, np.where(np.arange(QK) == 9, -3.0, rng.standard_normal(QK)))
    yield np.where(np.arange(QK) == 5, -3.0, np.where(np.arange(QK) == 9, 3.0, rng.standard_normal(QK)))
    yield 1 + np.arange(QK) * 2.0**-12  # ties of F16 and BF16
    yield rng.standard_normal(QK) * 2.0**-24  # subnormal halves
    yield rng.standard_normal(QK) * 1e-38  # scales that are subnormal
    yield rng.standard_normal(QK) * 1e-40  # and those whose inverse is infinite
    yield rng.standard_normal(QK) * 1e-45
    yield np.linspace(-65504, 65503, QK)


def main():
    values = np.concatenate([np.asarray(b, np.float64) for b in blocks()]).astype(np.float32).reshape(-1, QK)
    writer = gguf.GGUFWriter(os.path.join(OUT, "quantized.gguf"), "none")
    writer.add_string("versions.gguf", importlib.metadata.version("gguf"))
    writer.add_string("versions.numpy", np.__version__)
    writer.add_tensor("values", values)
    with np.errstate(all="ignore"):
        for name in TYPES:
            kind = gguf.GGMLQuantizationType[name]
            writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)
    finish(writer)


if __name__ == "__main__":
    main()

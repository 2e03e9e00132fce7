/* How GGUF stores numbers: ggml's types. */
#ifndef SFT_FILES_GGUF_GGUF_TYPES_H
#define SFT_FILES_GGUF_GGUF_TYPES_H

#include "files/dtype.h"

#include <stdint.h>

/* By its number in files; NULL: there is none. Those that are read give what the package gguf's `dequantize` does, to
 * the last bit; the others have their sizes only. */
const struct dtype *gguf_dtype(uint32_t type);

#endif

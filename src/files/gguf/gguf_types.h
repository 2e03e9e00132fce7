/* How GGUF stores numbers: ggml's types. */
#ifndef SFT_FILES_GGUF_GGUF_TYPES_H
#define SFT_FILES_GGUF_GGUF_TYPES_H

#include "files/dtype.h"

#include <stdint.h>

/* By its number in files; NULL: there is none. Those that are read give what the package gguf's `dequantize` does, to
 * the last bit; the others have their sizes only. */
const struct dtype *gguf_dtype(uint32_t type);
uint32_t gguf_type_of(const struct dtype *dtype); /* of one that there is */

/* Those that are written, up to NULL, the one that nobody has to choose first; to the last bit what the package's
 * `quantize` makes of finite numbers. */
extern const struct dtype *const gguf_dtypes_written[];
extern const struct dtype *const gguf_q8_0;

#endif

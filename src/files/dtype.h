/* How the numbers of a tensor are stored: one row a type, with what makes floats of it and what it is made of.
 *
 * A format with types of its own (blocks of quantised numbers that share a scale) brings rows of its own; whoever reads
 * tensors asks nothing but these. */
#ifndef SFT_FILES_DTYPE_H
#define SFT_FILES_DTYPE_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct dtype {
    const char *name;          /* as its format calls it: "BF16" */
    size_t block, block_bytes; /* elements that are stored together, and the bytes they take: 1 and 4 for F32 */
    /* n elements, a multiple of block, to and from floats; bytes at any alignment. from_f32 rounds to nearest even.
     * NULL: not read, or not written, here. */
    void (*to_f32)(float *values, const unsigned char *bytes, size_t n);
    void (*from_f32)(unsigned char *bytes, const float *values, size_t n);
    const char *instead; /* of one that is not read: those of its format that are, for messages; NULL: safetensors' */
    const char *option, *torch; /* of one that is written: in --dtype ("bf16"), and in a config.json ("bfloat16") */
};

extern const struct dtype dtype_f32, dtype_f16, dtype_bf16;

/* By the name that safetensors gives it; NULL: it has none such. */
const struct dtype *dtype_find(const char *name);

/* F32, F16 and BF16, and NULL behind them: what any format is written in. */
extern const struct dtype *const dtype_floats[];

/* One of a list that ends with NULL, by its name as an option; NULL: there is none. dtype_options appends all of these:
 * "f32, f16 or bf16". */
const struct dtype *dtype_of_option(const struct dtype *const *dtypes, const char *option);
void dtype_options(const struct dtype *const *dtypes, struct strbuf *out);

/* How many bytes `count` elements take; false where they make no whole blocks, or more bytes than memory has. */
bool dtype_bytes(const struct dtype *dtype, size_t count, size_t *bytes);

#endif

/* The safetensors reader over any bytes: a file is refused or every tensor in it can be found and read. */
#include "files/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct st_file file;
    struct sft_err err;
    if (st_parse(&file, (const char *)data, size, &err))
        return 0;
    for (size_t i = 0; i < file.n_tensors; i++) {
        const struct stored_tensor *t = st_find(&file, file.tensors[i].name);
        if (t != &file.tensors[i])
            SFT_BUG("a tensor is not found by its name");
        if (!t->dtype->to_f32)
            continue;
        float *values = malloc(t->count * sizeof *values + 1); /* + 1: an empty tensor too gets a pointer */
        if (values && stored_read(t, values, &err))
            SFT_BUG("a tensor that was checked cannot be read");
        free(values);
    }
    st_close(&file);
    return 0;
}

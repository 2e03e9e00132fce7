/* The GGUF reader over any bytes: a file is refused, or all of its metadata can be asked for and every tensor read, as
 * it is and as Hugging Face has it. */
#include "files/gguf/gguf_tensors.h"
#include "model/family.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In every way, whatever it is; and a sum of all that stands in it, so that all of it is read. */
static uint64_t ask(const struct gguf *g, const struct gguf_value *v)
{
    size_t size;
    double real;
    bool flag;
    struct gguf_text text;
    uint64_t sum = 0;
    gguf_get_size(g, v->key, 0, &size, NULL);
    gguf_get_real(g, v->key, 0, &real, NULL);
    gguf_get_flag(g, v->key, false, &flag, NULL);
    gguf_get_string(g, v->key, &text, NULL);
    const unsigned char *at = v->data;
    for (size_t i = 0; i < v->count; i++) {
        if (v->type == GGUF_STRING) {
            text = gguf_next_string(&at);
            sum += text.len ? (unsigned char)text.text[text.len - 1] : 0;
        } else if (v->type == GGUF_F32) {
            sum += gguf_f32_at(v, i) > 0;
        } else if (v->type == GGUF_I32 || v->type == GGUF_U32) {
            sum += (uint32_t)gguf_i32_at(v, i);
        }
    }
    return sum;
}

static void read_tensor(const struct stored_tensor *t)
{
    float *values = malloc(t->count * sizeof *values + 1); /* + 1: an empty tensor too gets a pointer */
    if (values && stored_read(t, values, NULL))
        SFT_BUG("a tensor that was checked cannot be read");
    free(values);
}

static void read_renamed(const struct gguf *g)
{
    struct stored_tensors list;
    struct model_config config = {.n_head = 4, .n_kv_head = 2, .tied = gguf_is_tied(g)};
    if (gguf_family(g, &config.family, NULL))
        return;
    if (gguf_tensors_open(&list, g, &config, NULL) == SFT_OK)
        for (size_t i = 0; i < list.n; i++)
            if (list.items[i]->dtype->to_f32)
                read_tensor(list.items[i]);
    gguf_tensors_close(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gguf g;
    struct sft_err err;
    if (gguf_parse(&g, data, size, &err) == SFT_OK) {
        for (size_t i = 0; i < g.n_values; i++) {
            if (gguf_find(&g, g.values[i].key) != &g.values[i])
                SFT_BUG("a key is not found by its name");
            if (ask(&g, &g.values[i]) == UINT64_MAX)
                SFT_BUG("no sum is so large");
        }
        for (size_t i = 0; i < g.n_tensors; i++) {
            if (gguf_tensor(&g, g.tensors[i].name) != &g.tensors[i])
                SFT_BUG("a tensor is not found by its name");
            if (g.tensors[i].dtype->to_f32)
                read_tensor(&g.tensors[i]);
        }
        read_renamed(&g);
    }
    gguf_close(&g);
    return 0;
}

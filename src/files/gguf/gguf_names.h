/* A family's tensors in GGUF: what they are called there, and how their numbers differ. All of it follows from the
 * roles that they have in the family's sublayers, so that no family has a table of them. */
#ifndef SFT_FILES_GGUF_GGUF_NAMES_H
#define SFT_FILES_GGUF_GGUF_NAMES_H

#include "model/family.h"

enum gguf_change {
    GGUF_AS_IS,
    GGUF_TRANSPOSED, /* a matrix that Hugging Face has (in, out) is (out, in) */
    GGUF_PLUS_ONE,   /* a norm that multiplies by 1 + w is 1 + w */
    GGUF_PERMUTED_Q, /* rows of each head of queries, or of keys: the two that turn together, which Hugging Face */
    GGUF_PERMUTED_K  /* has half a head apart, are neighbours */
};

struct gguf_name {
    char theirs[48];  /* "token_embd.weight"; of a layer's, what follows "blk.N.": "attn_q.weight" */
    const char *ours; /* the family's pattern: "layers.%zu.self_attn.q_proj.weight" */
    bool in_layers;
    enum gguf_change change;
};
struct gguf_names {
    struct gguf_name *items;
    size_t n;
};
void gguf_names_init(struct gguf_names *names, const struct family *family);
void gguf_names_free(struct gguf_names *names);

/* What a file calls so, and of which layer; NULL: nothing of the family's. */
const struct gguf_name *gguf_names_find(const struct gguf_names *names, const char *theirs, size_t *layer);

/* What files call the tensor that the family calls so, of a layer; malloc'd, the caller's; NULL: it has none such. */
char *gguf_names_theirs(const struct family *family, const char *ours, size_t layer);

#endif

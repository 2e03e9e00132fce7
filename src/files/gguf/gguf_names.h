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
    GGUF_PERMUTED_K, /* has half a head apart, are neighbours */
    GGUF_BY_HEAD     /* all queries, all keys, all values, which Hugging Face has head by head */
};

/* The rows that a change of their order goes by: those of a head of one kind; 0 where `rows` do not allow it. */
size_t gguf_head_rows(enum gguf_change change, size_t rows, const struct model_config *config);

/* Which of a file's rows is `row` of Hugging Face's, where their order is another. */
size_t gguf_row(enum gguf_change change, size_t row, size_t rows, size_t head_rows);

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

/* The tensor that the family calls so; NULL: it has none such. And what a file calls it, malloc'd, the caller's. */
const struct gguf_name *gguf_names_of(const struct gguf_names *names, const char *ours);
char *gguf_name_of_layer(const struct gguf_name *name, size_t layer);

/* Both: what files call the tensor that the family calls so, of a layer; NULL: it has none such. */
char *gguf_names_theirs(const struct family *family, const char *ours, size_t layer);

#endif

#include "files/gguf/gguf_names.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- roles (llama.cpp, gguf-py/gguf/constants.py) ---- */

static const char layer_prefix[] = "blk.";
static const char token_embedding[] = "token_embd", position_embedding[] = "position_embd",
                  final_norm[] = "output_norm", head[] = "output";

/* A linear layer or a norm of a sublayer. */
struct role {
    size_t offset; /* in struct sublayer_spec */
    const char *name;
    enum gguf_change change; /* where the family permutes rows */
};
#define ROLE(member) offsetof(struct sublayer_spec, member)

static const struct role attention_linears[] = {
    {ROLE(attention.qkv), "attn_qkv", GGUF_AS_IS},
    {ROLE(attention.q), "attn_q", GGUF_PERMUTED_Q},
    {ROLE(attention.k), "attn_k", GGUF_PERMUTED_K},
    {ROLE(attention.v), "attn_v", GGUF_AS_IS},
    {ROLE(attention.out), "attn_output", GGUF_AS_IS},
    {.name = NULL},
};
static const struct role attention_norms[] = {
    {ROLE(norm), "attn_norm", GGUF_AS_IS},
    {ROLE(post_norm), "post_attention_norm", GGUF_AS_IS},
    {ROLE(attention.q_norm), "attn_q_norm", GGUF_AS_IS},
    {ROLE(attention.k_norm), "attn_k_norm", GGUF_AS_IS},
    {.name = NULL},
};
static const struct role mlp_linears[] = {
    {ROLE(mlp.gate), "ffn_gate", GGUF_AS_IS},
    {ROLE(mlp.up), "ffn_up", GGUF_AS_IS},
    {ROLE(mlp.down), "ffn_down", GGUF_AS_IS},
    {.name = NULL},
};
static const struct role mlp_norms[] = {
    {ROLE(norm), "ffn_norm", GGUF_AS_IS},
    {ROLE(post_norm), "post_ffw_norm", GGUF_AS_IS},
    {.name = NULL},
};

/* ---- the family's ---- */

struct build {
    struct gguf_names *names;
    const struct family *family;
    size_t capacity;
    bool in_layers;
};

/* ours NULL: the family has none. */
static void add(struct build *b, const char *role, const char *kind, const char *ours, enum gguf_change change)
{
    struct gguf_names *names = b->names;
    if (!ours)
        return;
    names->items = mem_grow(names->items, &b->capacity, names->n + 1, sizeof *names->items);
    struct gguf_name *name = &names->items[names->n++];
    *name = (struct gguf_name){.ours = ours, .in_layers = b->in_layers, .change = change};
    snprintf(name->theirs, sizeof name->theirs, "%s.%s", role, kind);
}

static void add_linear(struct build *b, const struct role *role, const struct linear_spec *spec, bool by_head)
{
    const enum gguf_change rows = by_head ? GGUF_BY_HEAD : b->family->gguf.permutes_rows ? role->change : GGUF_AS_IS;
    add(b, role->name, "weight", spec->weight, spec->layout == LAYOUT_IN_OUT ? GGUF_TRANSPOSED : rows);
    add(b, role->name, "bias", spec->weight ? spec->bias : NULL, rows);
}

static void add_norm(struct build *b, const char *role, const struct norm_spec *spec)
{
    add(b, role, "weight", spec->weight, spec->kind == NORM_RMSNORM_PLUS_ONE ? GGUF_PLUS_ONE : GGUF_AS_IS);
    add(b, role, "bias", spec->bias, GGUF_AS_IS);
}

static void add_sublayer(struct build *b, const struct sublayer_spec *spec)
{
    const bool is_attention = spec->kind == BLOCK_ATTENTION;
    const char *base = (const char *)spec;
    for (const struct role *r = is_attention ? attention_linears : mlp_linears; r->name; r++)
        add_linear(b, r, (const struct linear_spec *)(const void *)(base + r->offset),
                   is_attention && r->offset == ROLE(attention.qkv) && spec->attention.by_head);
    for (const struct role *r = is_attention ? attention_norms : mlp_norms; r->name; r++)
        add_norm(b, r->name, (const struct norm_spec *)(const void *)(base + r->offset));
}

void gguf_names_init(struct gguf_names *names, const struct family *family)
{
    struct build b = {.names = names, .family = family};
    *names = (struct gguf_names){0};
    add(&b, token_embedding, "weight", family->token_embedding, GGUF_AS_IS);
    add(&b, position_embedding, "weight", family->position_embedding, GGUF_AS_IS);
    add_norm(&b, final_norm, &family->final_norm);
    add(&b, head, "weight", family->head, GGUF_AS_IS);
    b.in_layers = true;
    for (size_t i = 0; i < family->n_sublayers; i++)
        add_sublayer(&b, &family->sublayers[i]);
}

void gguf_names_free(struct gguf_names *names)
{
    free(names->items);
    *names = (struct gguf_names){0};
}

/* ---- rows ---- */

size_t gguf_head_rows(enum gguf_change change, size_t rows, const struct model_config *config)
{
    const size_t heads = change == GGUF_PERMUTED_K  ? config->n_kv_head
                         : change == GGUF_BY_HEAD ? 3 * config->n_head
                                                  : config->n_head;
    const size_t head_rows = rows % heads == 0 ? rows / heads : 0;
    return change != GGUF_BY_HEAD && head_rows % 2 ? 0 : head_rows;
}

size_t gguf_row(enum gguf_change change, size_t row, size_t rows, size_t head_rows)
{
    const size_t half = head_rows / 2, in_head = row % head_rows, group = row / head_rows;
    if (change == GGUF_BY_HEAD) /* `group` counts q, k and v of the first, of the second, ... */
        return group % 3 * (rows / 3) + group / 3 * head_rows + in_head;
    return row - in_head + in_head % half * 2 + in_head / half;
}

/* ---- a file's ---- */

const struct gguf_name *gguf_names_find(const struct gguf_names *names, const char *theirs, size_t *layer)
{
    enum { DIGITS_MAX = 9 };
    const bool in_layers = strncmp(theirs, layer_prefix, strlen(layer_prefix)) == 0;
    const char *rest = theirs;
    *layer = 0;
    if (in_layers) {
        rest += strlen(layer_prefix);
        const size_t digits = strspn(rest, "0123456789");
        if (digits == 0 || digits > DIGITS_MAX || rest[digits] != '.')
            return NULL;
        *layer = (size_t)strtoull(rest, NULL, 10);
        rest += digits + 1;
    }
    for (size_t i = 0; i < names->n; i++)
        if (names->items[i].in_layers == in_layers && strcmp(names->items[i].theirs, rest) == 0)
            return &names->items[i];
    return NULL;
}

const struct gguf_name *gguf_names_of(const struct gguf_names *names, const char *ours)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i].ours, ours) == 0)
            return &names->items[i];
    return NULL;
}

char *gguf_name_of_layer(const struct gguf_name *name, size_t layer)
{
    return name->in_layers ? mem_printf("%s%zu.%s", layer_prefix, layer, name->theirs) : mem_strdup(name->theirs);
}

char *gguf_names_theirs(const struct family *family, const char *ours, size_t layer)
{
    struct gguf_names names;
    gguf_names_init(&names, family);
    const struct gguf_name *name = gguf_names_of(&names, ours);
    char *theirs = name ? gguf_name_of_layer(name, layer) : NULL;
    gguf_names_free(&names);
    return theirs;
}

/* What an adapter's file says of the model's two ends, the embedding and the head: how many tokens there are, and
 * whether the two are still one. */
#include "base/mem.h"
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_entries.h"

#include <stdlib.h>
#include <string.h>

struct ends { /* by role; NULL: not there */
    const struct stored_tensor *embedding[PEFT_PASSED_OVER], *head[PEFT_PASSED_OVER];
};

static void find_ends(struct ends *ends, const struct peft_adapter *a, const struct model_config *model)
{
    const struct family *family = model->family;
    struct tensor_names names;
    char *embedding = family_tensor_name(family, family->token_embedding);
    char *head = family_tensor_name(family, family->head);
    *ends = (struct ends){0};
    tensor_names_init(&names, model);
    for (size_t i = 0; i < a->file.n_tensors; i++) {
        struct peft_name name;
        peft_name_read(&name, &names, a->file.tensors[i].name);
        const bool counts = name.kind == TENSOR_PARAMETER && name.role != PEFT_PASSED_OVER;
        if (counts && strcmp(name.canonical, embedding) == 0)
            ends->embedding[name.role] = &a->file.tensors[i];
        else if (counts && strcmp(name.canonical, head) == 0)
            ends->head[name.role] = &a->file.tensors[i];
        free(name.canonical);
    }
    tensor_names_free(&names);
    free(embedding);
    free(head);
}

/* ---- tokens ---- */

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t rows_of(const struct stored_tensor *t)
{
    return t && t->n_dims == 2 ? t->shape[0] : 0;
}

static size_t count_tokens(const struct peft_config *config, const struct ends *ends)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n_tokens; i++)
        for (size_t k = 0; k < config->tokens[i].n; k++)
            n = most(n, (size_t)config->tokens[i].rows[k] + 1);
    for (enum peft_role role = PEFT_WHOLE; role <= PEFT_FROZEN; role++)
        n = most(n, most(rows_of(ends->embedding[role]), rows_of(ends->head[role])));
    return n;
}

/* ---- one tensor or two ---- */

/* Whether the rows that are trained are not those of one tensor: the same of both, or the embedding's. */
static bool has_parted_rows(const struct peft_config *config, const struct ends *ends)
{
    const struct peft_tokens *a = &config->tokens[0], *b = &config->tokens[1];
    if (config->n_tokens == 2 && (a->n != b->n || memcmp(a->rows, b->rows, a->n * sizeof *a->rows) != 0))
        return true;
    return ends->head[PEFT_ROWS] && !ends->embedding[PEFT_ROWS];
}

static bool are_parted(const struct peft_config *config, const struct ends *ends)
{
    const struct stored_tensor *embedding = ends->embedding[PEFT_WHOLE], *head = ends->head[PEFT_WHOLE];
    if (has_parted_rows(config, ends))
        return true;
    if (peft_ties_head(config))
        return false;
    if (embedding && head)
        return embedding->bytes != head->bytes || memcmp(embedding->data, head->data, head->bytes) != 0;
    return embedding || head;
}

void peft_fit_model(const struct peft_adapter *a, struct model_config *model)
{
    struct ends ends;
    find_ends(&ends, a, model);
    model->vocab_size = most(model->vocab_size, count_tokens(&a->config, &ends));
    if (model->tied && are_parted(&a->config, &ends)) {
        model->tied = false;
        model->head_from_embedding = true;
    }
}

/* What the tensors of an adapter's file are to a model, by the names that PEFT's versions have given them. */
#ifndef SFT_FILES_PEFT_PEFT_ENTRIES_H
#define SFT_FILES_PEFT_PEFT_ENTRIES_H

#include "files/safetensors.h"
#include "files/tensor_names.h"
#include "model/tensor_table.h"

enum peft_role {
    PEFT_A,
    PEFT_B,
    PEFT_WHOLE,  /* a tensor as it is trained, or was when the vocabulary was resized */
    PEFT_FROZEN, /* an embedding or a head under the rows that are trained: those that are not */
    PEFT_ROWS,   /* trained rows, their values */
    PEFT_PASSED_OVER
};

/* One of the file's tensors. */
struct peft_name {
    enum peft_role role;
    enum tensor_kind kind; /* of the model's own that it belongs to; TENSOR_PARAMETER but for what is unknown */
    char *canonical;       /* that one's name, as sft writes it; malloc'd */
};
void peft_name_read(struct peft_name *out, const struct tensor_names *names, const char *name);

struct peft_entry {
    const struct stored_tensor *stored; /* NULL: not there */
    const struct stored_tensor *again;  /* of a tied head beside its embedding; NULL: not there */
};

/* Either of both; NULL: neither is there. */
static inline const struct stored_tensor *peft_entry_any(const struct peft_entry *entry)
{
    return entry->stored ? entry->stored : entry->again;
}

/* All of them: which is there for what of each tensor of the model's. */
struct peft_entries {
    const struct tensor_table *table;
    struct peft_entry *of[PEFT_PASSED_OVER]; /* by role, each (table->n_model) */
};

/* SFT_EDATA, with file and tensor, for one that is none of the model's, of a variant that is not done here, or there
 * twice with different values. Free in any case. */
enum sft_status peft_entries_init(struct peft_entries *entries, const struct st_file *file,
                                  const struct tensor_table *table, const struct model_config *model,
                                  struct sft_err *err);
void peft_entries_free(struct peft_entries *entries);

#endif

/* What of a base is trained: all of it, or an adapter of it, as [lora] and [model] adapter say. */
#ifndef SFT_TRAIN_ADAPTING_H
#define SFT_TRAIN_ADAPTING_H

#include "files/peft/peft_adapter.h"
#include "files/weights.h"
#include "train/base_model.h"

struct adapting {
    bool on;                   /* an adapter is trained, and the base stays as it is */
    struct peft_config config; /* of the one that is trained */
    struct peft_adapter from;  /* an adapter to begin with; dir NULL: there is none */
    int32_t *new_tokens;       /* (n_new_tokens) that the base has no trained row for, ascending */
    size_t n_new_tokens;
};

/* Read what the settings ask for, and the adapter that they name; where it has more rows than the base, the base's
 * config gets as many. SFT_EUSAGE where keys do not go together, or differ from that adapter's own. Free with
 * adapting_close in any case, which accepts a zeroed struct. */
enum sft_status adapting_open(struct adapting *adapting, const struct settings *settings, struct base_model *base,
                              struct sft_err *err);
void adapting_close(struct adapting *adapting);

/* Once the data are read, which may have taken the template's control tokens back: have the rows of new tokens trained.
 * SFT_EUSAGE: the adapter that is gone on from has none for them. */
enum sft_status adapting_take_tokens(struct adapting *adapting, const struct settings *settings,
                                     struct base_model *base, struct sft_err *err);

/* The tensors, which of them are trained, and how the others are kept, for these kernels: *table, the caller's. The
 * errors of base_model_check_weights, and with `unused` its warnings. */
enum sft_status adapting_table(const struct adapting *adapting, const struct settings *settings,
                               const struct base_model *base, const struct kernels *kernels,
                               struct tensor_table *table, struct strbuf *unused, struct sft_err *err);

/* Fill the zeroed parameters of such a table with the base's weights: beside them an adapter that is trained is nothing
 * yet, so that the model is the base. One that is not, but begun with, is added to them. */
enum sft_status adapting_load_base(const struct adapting *adapting, const struct settings *settings,
                                   const struct base_model *base, const struct kernels *kernels,
                                   struct param_set *params, struct sft_err *err);

/* Then fill an adapter that is trained with what its training begins with; where there is none this does nothing. */
enum sft_status adapting_load_adapter(const struct adapting *adapting, const struct settings *settings,
                                      const struct base_model *base, struct param_set *params, struct sft_err *err);

#endif

/* The base: the model that training begins with, as far as its small files say. Its weights are read into a learner
 * (learner.h). */
#ifndef SFT_TRAIN_BASE_MODEL_H
#define SFT_TRAIN_BASE_MODEL_H

#include "files/model_files.h"
#include "files/model_out.h"
#include "model/block/tensors.h"
#include "text/template.h"

struct settings;

struct base_model {
    struct model_files files;   /* of [model] base: a Hugging Face directory, maybe that of a snapshot in the hub's
                                   cache, or a config.json (random weights) */
    struct model_config config; /* of the model that is trained: a row for each token; family NULL: there is none */
    struct tokenizer *tokenizer;   /* the files', with the template's control tokens */
    size_t n_own_tokens;           /* without these */
    struct chat_template template; /* empty (name NULL) where the data are documents only */
};

/* Free with base_model_close in any case, which accepts a zeroed struct. */
enum sft_status base_model_open(struct base_model *base, const struct settings *settings, struct sft_err *err);
void base_model_close(struct base_model *base);

/* The same where there is a config.json; else only tokenizer and template, which is enough to look at data. */
enum sft_status base_model_open_for_data(struct base_model *base, const struct settings *settings,
                                         struct sft_err *err);

/* Take the control tokens, and the template, back: *tokenizer and *template, which have them, are the caller's now. */
enum sft_status base_model_take_back_template(struct base_model *base, struct tokenizer **tokenizer,
                                              struct chat_template *template, struct sft_err *err);

/* The most tokens of a conversation that are trained on: fewer than `asked` where the model has fewer positions. */
size_t base_model_max_length(const struct base_model *base, uint64_t asked);

/* Whether the weights are there and are this model's, as far as their files' headers say: before anything is
 * allocated. Warns of tensors that are passed over. */
enum sft_status base_model_check_weights(const struct base_model *base, struct sft_err *err);

/* Fill the zeroed parameters of `table`: the files' weights, or where the base is a config.json random ones. */
enum sft_status base_model_load_weights(const struct base_model *base, const struct tensor_table *table, float *params,
                                        uint64_t seed, struct sft_err *err);

/* What a model saved in `dtype` says beside its shapes; borrows the base's. */
struct model_meta base_model_meta(const struct base_model *base, const struct dtype *dtype);

#endif

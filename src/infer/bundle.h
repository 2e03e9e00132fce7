/* A model loaded to be asked: weights, kernels, tokenizer, template and settings. Nothing of it changes afterwards, so
 * that any number of conversations share one. */
#ifndef SFT_INFER_BUNDLE_H
#define SFT_INFER_BUNDLE_H

#include "files/model_files.h"
#include "files/peft/peft_adapter.h"
#include "infer/decode.h"
#include "model/transformer.h"
#include "text/template.h"

struct bundle {
    const struct kernels *kernels;
    char kernels_why[512];
    struct model_files files;      /* its tokenizer has the template's control tokens */
    struct chat_template template; /* empty (name NULL) where it only continues text */
    struct transformer model;      /* a row for each token; an adapter's tensors stay beside the matrices */
    struct peft_adapter adapter;   /* that is added to it; dir NULL: none is */
    size_t n_new_tokens;           /* control tokens of the template that the model's files do not have */
    struct strbuf unused;          /* names of tensors in the files that are no part of the model; to be told */
    struct token_rules rules;      /* what ends a text, what is never generated */
};

/* How a model is loaded. */
struct bundle_options {
    /* The directory of an adapter that is added to the model (peft_dir_find); NULL: none is. Its tokenizer and settings
     * count where it has some; its own values are floats always. */
    const char *adapter;
    const char *precision; /* "fp32", "bf16" or "auto" (kernels_select) */
    /* How matrices are kept in memory: "f32", "bf16" or "int8". NULL, the default: to generate in bf16 as bfloat16s,
     * else as the files have them, bfloat16s or floats. In fp32 bfloat16s count as the numbers that they are; in bf16
     * floats are rounded on their way into a product. */
    const char *weights;
    /* It decodes: all matrices lie (out,in), which is read fastest. Without it they lie as in the files, unless they
     * are int8, and sums are added up in the same order as in training. */
    bool for_generation;
    /* A template that nobody has named, and whose control tokens the model lacks, since nobody has trained it with
     * them, is left out: the model continues text then. */
    bool known_template_only;
};
extern const char bundle_weights[]; /* those of `weights`, for help: "f32, bf16 or int8" */

/* Load the model in directory `dir` and the template that is chosen; NULL: no template, its vocabulary as it is, to
 * continue text. SFT_EUSAGE for options that there are not, or that no kernels here can do. Close with bundle_close,
 * which accepts a zeroed struct. */
enum sft_status bundle_open(struct bundle *bundle, const char *dir, const struct bundle_options *options,
                            const struct template_options *chosen, struct sft_err *err);
void bundle_close(struct bundle *bundle);

/* The model of `base`, a bundle without an adapter that must outlive this one, with an adapter of its own: what that
 * leaves as it is they have together, in one memory. The rest of `options` is the base's. */
enum sft_status bundle_open_beside(struct bundle *bundle, const struct bundle *base,
                                   const struct bundle_options *options, const struct template_options *chosen,
                                   struct sft_err *err);

/* What decode.h takes of it. */
struct decode_model bundle_decode_model(const struct bundle *bundle);

#endif

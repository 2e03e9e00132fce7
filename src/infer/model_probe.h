/* What a model makes of a fixed short text: what export holds the model that it wrote to the original by. */
#ifndef SFT_INFER_MODEL_PROBE_H
#define SFT_INFER_MODEL_PROBE_H

#include "infer/bundle.h"
#include "text/tokenizer/encoder.h"

struct model_probe {
    struct token_buf text; /* ids of a text of many kinds of characters, as many as are run; never empty */
    struct token_buf turn; /* of a question, by the chat template that the model's files have; empty: there is none, or
                              none that is rendered here */
    size_t V;
    float *logits; /* (text.count, V) */
    bool is_asked; /* it has a question that fits into it; else the text's beginning goes on */
};

/* Run the model over the text: sums are added up as in training. The bundle is one without a template; the files' own
 * is resolved here, which makes its control tokens special. SFT_ENOMEM where there is no memory for the activations.
 * Free with model_probe_free, which accepts a zeroed struct. */
enum sft_status model_probe(struct model_probe *probe, struct bundle *bundle, struct sft_err *err);
void model_probe_free(struct model_probe *probe);

/* Append what the model says to the question, or how it goes on with the text's beginning where there is no template:
 * greedy, a few tokens, cut and made visible for a line. */
enum sft_status model_probe_say(const struct model_probe *probe, const struct bundle *bundle,
                                const volatile int *stop, struct strbuf *out, struct sft_err *err);

/* Bytes that a probe of such a model takes beside its parameters, at most. */
size_t model_probe_bytes(const struct model_config *config, const struct kernels *kernels);

#endif

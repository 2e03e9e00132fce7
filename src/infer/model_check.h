/* Is a model that was written the one that it was made of? It is opened from the disk as its users will open it, and
 * held to the original before it gets its name. */
#ifndef SFT_INFER_MODEL_CHECK_H
#define SFT_INFER_MODEL_CHECK_H

#include "base/strbuf.h"
#include "files/dtype.h"
#include "model/config.h"

struct model_check_of {
    const char *original, *written; /* paths of models */
    const char *adapter;            /* the directory of what was merged into the original; NULL: nothing was */
    const struct dtype *dtype;      /* in which it was written */
    size_t memory;                  /* bytes that it may take (mem_available) */
    const volatile int *stop;       /* set by a signal: SFT_EINTERRUPTED */
};

struct model_check {
    bool was_run;          /* false: there was no memory for it; only that all values are finite is known */
    size_t bytes;          /* that it would have taken */
    double worst, share;   /* the largest difference of a logit, by the largest logit; the root mean square of all by
                              that of the original's, each row's mean apart */
    bool is_asked;         /* they are answers to a question; else how a text goes on */
    struct strbuf says, original_says; /* their beginnings */
    bool was_asked_the_same;           /* the original, and so the two can be compared */
};

/* Three things, each of which catches what the others do not:
 *
 *     tensors   of each, what was written is no further from the original than its dtype rounds. No bound on logits
 *               sees one wrong matrix of many behind the rounding of q4_0.
 *     tokens    a text, and a question by the chat template, are the same ids
 *     logits    of the text, at all positions: no further off than that rounding can bring; this sees what is not in a
 *               tensor, as the config's keys are not
 *
 * and a few tokens generated. SFT_EDATA names the tensor, or what differs, and the remedy where there is one (a value
 * that f16 cannot hold). One of the models is in memory at a time. Free with model_check_free in any case. */
enum sft_status model_check(struct model_check *check, const struct model_check_of *of, struct sft_err *err);
void model_check_free(struct model_check *check);

/* Append what came of one that was run: "its logits differ by 0.65% from the original's; it
 * says the same: Hello there." */
void model_check_describe(const struct model_check *check, const struct dtype *dtype, struct strbuf *out);

#endif

/* Targets written down position by position, as Hugging Face has them: a label for each, LABEL_NONE where there is
 * none. */
#ifndef SFT_TESTS_HAND_TARGETS_H
#define SFT_TESTS_HAND_TARGETS_H

#include "model/batch.h"

enum { LABEL_NONE = -100 };

struct hand_targets { /* as many as there are positions, at the most */
    size_t *rows;
    int32_t *labels;
    float *weights;
};

static inline struct targets collect_targets(const struct hand_targets *to, const int32_t *labels,
                                             const float *weights, size_t N)
{
    size_t M = 0;
    for (size_t n = 0; n < N; n++)
        if (labels[n] != LABEL_NONE) {
            to->rows[M] = n;
            to->labels[M] = labels[n];
            to->weights[M++] = weights[n];
        }
    return (struct targets){.M = M, .rows = to->rows, .labels = to->labels, .weights = to->weights};
}

#endif

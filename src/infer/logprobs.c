#include "infer/logprobs.h"

#include <math.h>

double logits_log_sum(const float *logits, size_t V)
{
    float largest = -INFINITY;
    double sum = 0;
    for (size_t v = 0; v < V; v++)
        largest = logits[v] > largest ? logits[v] : largest;
    for (size_t v = 0; v < V; v++)
        sum += (double)expf(logits[v] - largest);
    return (double)largest + log(sum);
}

void logits_top(const float *logits, size_t V, double log_sum, struct scored_token *top, size_t n)
{
    size_t have = 0; /* top[0..have) ordered, logits as yet */
    for (size_t v = 0; n > 0 && v < V; v++) {
        if (have == n && !(logits[v] > top[n - 1].logprob))
            continue;
        size_t place = have < n ? have++ : n - 1;
        for (; place > 0 && logits[v] > top[place - 1].logprob; place--)
            top[place] = top[place - 1];
        top[place] = (struct scored_token){(int32_t)v, logits[v]};
    }
    for (size_t i = 0; i < have; i++)
        top[i].logprob = (float)((double)top[i].logprob - log_sum);
}

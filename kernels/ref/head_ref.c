#include "ref.h"

#include <math.h>
#include <string.h>

/* Of row h (C) and word v. */
static double logit(const real *h, const struct head *head, size_t v)
{
    double sum = 0;
    for (size_t c = 0; c < head->C; c++)
        sum += (double)h[c] * weight_at(&head->matrix, v * head->C + c, head->C);
    const double x = (double)head->scale * sum, cap = (double)head->softcap;
    return cap > 0 ? cap * tanh(x / cap) : x;
}

/* The derivative of a logit by h w. */
static double logit_slope(double logit, const struct head *head)
{
    const double t = head->softcap > 0 ? logit / (double)head->softcap : 0;
    return (double)head->scale * (1 - t * t);
}

void REF(head_logits)(real *logits, const act *h_, const struct head *head, size_t M,
                      const struct workspace *work)
{
    (void)work;
    const real *h = h_;
    for (size_t m = 0; m < M; m++)
        for (size_t v = 0; v < head->V; v++)
            logits[m * head->V + v] = (real)logit(h + m * head->C, head, v);
}

/* dlogits = (softmax - onehot(label)) * factor * the logit's slope, one at a time. */
static void row_bwd(real *dh, real *dw, const real *h, int32_t label, double log_sum, double factor,
                    const struct head *head)
{
    const size_t C = head->C;
    for (size_t c = 0; c < C; c++)
        dh[c] = 0;
    for (size_t v = 0; v < head->V; v++) {
        const double x = logit(h, head, v), p = exp(x - log_sum);
        const double dlogit = (p - ((size_t)label == v)) * factor * logit_slope(x, head);
        for (size_t c = 0; c < C; c++) {
            dh[c] += (real)(dlogit * weight_at(&head->matrix, v * C + c, C));
            if (dw)
                dw[v * C + c] += (real)(dlogit * h[c]);
        }
    }
}

void REF(head_loss)(real *nll, uint8_t *correct, act *dh, real *dw, bool add, const act *h_,
                    const int32_t *labels, const real *dnll, const struct head *head, size_t M,
                    const struct workspace *work)
{
    (void)work;
    const size_t C = head->C;
    if (dh && dw && !add)
        memset(dw, 0, head->V * C * sizeof *dw);
    for (size_t m = 0; m < M; m++) {
        const real *h = (const real *)h_ + m * C;
        double largest = -INFINITY, sum = 0;
        size_t best = 0;
        for (size_t v = 0; v < head->V; v++) {
            const double x = logit(h, head, v);
            if (x > largest) {
                largest = x;
                best = v;
            }
        }
        for (size_t v = 0; v < head->V; v++)
            sum += exp(logit(h, head, v) - largest);
        const double log_sum = largest + log(sum);
        nll[m] = (real)(log_sum - logit(h, head, (size_t)labels[m]));
        correct[m] = best == (size_t)labels[m];
        if (dh)
            row_bwd((real *)dh + m * C, dw, h, labels[m], log_sum, (double)dnll[m], head);
    }
}

void REF(head_rows_bwd)(real *dw, bool add, const int32_t *rows, size_t n_rows, const act *h_, const int32_t *labels,
                        const real *nll, const real *dnll, const struct head *head, size_t M,
                        const struct workspace *work)
{
    (void)work;
    const size_t C = head->C;
    if (!add)
        memset(dw, 0, n_rows * C * sizeof *dw);
    for (size_t m = 0; m < M; m++) {
        const real *h = (const real *)h_ + m * C;
        const double log_sum = (double)nll[m] + logit(h, head, (size_t)labels[m]);
        for (size_t i = 0; i < n_rows; i++) {
            const double x = logit(h, head, (size_t)rows[i]);
            const double dlogit =
                (exp(x - log_sum) - (labels[m] == rows[i])) * (double)dnll[m] * logit_slope(x, head);
            for (size_t c = 0; c < C; c++)
                dw[i * C + c] += (real)(dlogit * h[c]);
        }
    }
}

#include "ref.h"

#include <math.h>
#include <string.h>

void REF(embed_fwd)(real *x, const struct matrix *wte, const real *wpe, const int32_t *tokens, const int32_t *position,
                    real scale, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        const real *position_n = wpe ? wpe + (size_t)position[n] * C : NULL; /* (C) */
        for (size_t c = 0; c < C; c++) {
            const real token = (real)weight_at(wte, (size_t)tokens[n] * C + c, C);
            x[n * C + c] = scale * token + (position_n ? position_n[c] : 0);
        }
    }
}

void REF(embed_bwd)(real *dwte, real *dwpe, const real *dx, const int32_t *tokens, const int32_t *position,
                    int32_t padding, real scale, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < C; c++) {
            if (dwte && tokens[n] != padding)
                dwte[(size_t)tokens[n] * C + c] += scale * dx[n * C + c];
            if (dwpe)
                dwpe[(size_t)position[n] * C + c] += dx[n * C + c];
        }
}

void REF(embed_rows_bwd)(real *dw, const int32_t *rows, size_t n_rows, const real *dx, const int32_t *tokens,
                         int32_t padding, real scale, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++)
        for (size_t i = 0; i < n_rows; i++)
            for (size_t c = 0; c < C && tokens[n] == rows[i] && tokens[n] != padding; c++)
                dw[i * C + c] += scale * dx[n * C + c];
}

void REF(layernorm_fwd)(act *y_, real *mean, real *rstd, const real *x, const real *w, const real *b,
                        real epsilon, size_t N, size_t C)
{
    real *y = y_;
    for (size_t n = 0; n < N; n++) {
        const real *x_n = x + n * C; /* (C) */
        double sum = 0, sum_sq = 0;
        for (size_t c = 0; c < C; c++)
            sum += x_n[c];
        const double mu = sum / (double)C;
        for (size_t c = 0; c < C; c++)
            sum_sq += (x_n[c] - mu) * (x_n[c] - mu);
        const double inv_std = 1 / sqrt(sum_sq / (double)C + (double)epsilon);
        for (size_t c = 0; c < C; c++)
            y[n * C + c] = (real)((x_n[c] - mu) * inv_std * w[c] + (b ? b[c] : 0));
        mean[n] = (real)mu;
        rstd[n] = (real)inv_std;
    }
}

/* With xhat = (x - mean) rstd and g = dy w:  dx = rstd (g - mean(g) - xhat mean(g xhat)). */
void REF(layernorm_bwd)(real *dx, real *dw, real *db, const act *dy_, const real *x, const real *mean,
                        const real *rstd, const real *w, size_t N, size_t C, const struct workspace *work)
{
    (void)work;
    const real *dy = dy_;
    for (size_t n = 0; n < N; n++) {
        const real *x_n = x + n * C, *dy_n = dy + n * C; /* (C) */
        double sum_g = 0, sum_g_xhat = 0;
        for (size_t c = 0; c < C; c++) {
            const double xhat = ((double)x_n[c] - mean[n]) * rstd[n], g = (double)dy_n[c] * w[c];
            sum_g += g;
            sum_g_xhat += g * xhat;
        }
        for (size_t c = 0; c < C; c++) {
            const double xhat = ((double)x_n[c] - mean[n]) * rstd[n], g = (double)dy_n[c] * w[c];
            dx[n * C + c] += (real)(rstd[n] * (g - sum_g / (double)C - xhat * sum_g_xhat / (double)C));
            if (dw)
                dw[c] += (real)(dy_n[c] * xhat);
            if (db)
                db[c] += dy_n[c];
        }
    }
}

static double dot_strided(const real *a, size_t stride_a, const real *b, size_t stride_b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i * stride_a] * (double)b[i * stride_b];
    return sum;
}

/* x (n) . n of the weights, the first of them number `at`, `stride` apart. */
static double dot_weights(const real *x, const struct linear *l, size_t at, size_t stride, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * weight_at(&l->matrix, at + i * stride, l->in);
    return sum;
}

/* Elements of W between an input and the next, and between an output and the next. */
static size_t input_stride(const struct linear *l)
{
    return l->transposed ? 1 : l->out;
}

static size_t output_stride(const struct linear *l)
{
    return l->transposed ? l->in : 1;
}

/* Output o of row n of the layers' sum. */
static double sum_of_parts(const struct linear_part *parts, size_t n_parts, size_t n, size_t o)
{
    double sum = parts->linear->b ? (double)parts->linear->b[o] : 0;
    for (size_t p = 0; p < n_parts; p++) {
        const struct linear *l = parts[p].linear;
        sum += dot_weights((const real *)parts[p].x + n * l->in, l, o * output_stride(l), input_stride(l), l->in);
    }
    return sum;
}

void REF(linear_residual_fwd)(real *y, const real *residual, const struct linear_part *parts, size_t n_parts,
                              real scale, size_t N, const struct workspace *work)
{
    (void)work;
    const size_t out = parts->linear->out;
    for (size_t n = 0; n < N; n++)
        for (size_t o = 0; o < out; o++) {
            const double before = residual ? (double)residual[n * out + o] : 0;
            y[n * out + o] = (real)(before + (double)scale * sum_of_parts(parts, n_parts, n, o));
        }
}

void REF(linear_fwd)(act *y, const struct linear_part *parts, size_t n_parts, size_t N, const struct workspace *work)
{
    REF(linear_residual_fwd)(y, NULL, parts, n_parts, 1, N, work);
}

void REF(linear_bwd_dx)(act *dx, const struct linear_part *parts, size_t n_parts, size_t N,
                        const struct workspace *work)
{
    (void)work;
    const size_t in = parts->linear->in;
    for (size_t n = 0; n < N; n++)
        for (size_t i = 0; i < in; i++) {
            double sum = 0;
            for (size_t p = 0; p < n_parts; p++) {
                const struct linear *l = parts[p].linear;
                const real *dy_n = (const real *)parts[p].x + n * l->out; /* (out) */
                sum += dot_weights(dy_n, l, i * input_stride(l), output_stride(l), l->out);
            }
            ((real *)dx)[n * in + i] = (real)sum;
        }
}

void REF(linear_bwd_dw)(real *dw, real *db, bool add, const act *dy_, const act *x_, const struct linear *l,
                        size_t N, const struct workspace *work)
{
    (void)work;
    const real *dy = dy_, *x = x_;
    for (size_t i = 0; dw && i < l->in; i++)
        for (size_t o = 0; o < l->out; o++) {
            real *dw_io = dw + i * input_stride(l) + o * output_stride(l);
            *dw_io = (add ? *dw_io : 0) + (real)dot_strided(x + i, l->in, dy + o, l->out, N);
        }
    for (size_t o = 0; db && o < l->out; o++) {
        double sum = 0;
        for (size_t n = 0; n < N; n++)
            sum += dy[n * l->out + o];
        db[o] = (add ? db[o] : 0) + (real)sum;
    }
}

void REF(linear_narrow)(const struct narrow_output *outs, size_t n_outs, const act *x, size_t N,
                        const struct workspace *work)
{
    for (size_t i = 0; i < n_outs; i++) {
        struct linear l = *outs[i].linear;
        l.b = NULL;
        REF(linear_residual_fwd)(outs[i].y, NULL, &(struct linear_part){x, &l}, 1, outs[i].scale, N, work);
    }
}

void REF(linear_narrow_dw)(const struct narrow_grad *parts, size_t n_parts, bool add, const act *x, size_t in,
                           size_t N, const struct workspace *work)
{
    for (size_t i = 0; i < n_parts; i++) {
        const struct linear l = {.in = in, .out = parts[i].out, .transposed = true};
        REF(linear_bwd_dw)(parts[i].dw, NULL, add, parts[i].dy, x, &l, N, work);
    }
}

void REF(gather_rows)(void *y, const void *x, const size_t *rows, size_t n, size_t row_bytes)
{
    for (size_t i = 0; i < n; i++)
        memcpy((unsigned char *)y + i * row_bytes, (const unsigned char *)x + rows[i] * row_bytes, row_bytes);
}

void REF(scatter_rows)(void *x, size_t N, const void *y, const size_t *rows, size_t n, size_t row_bytes)
{
    memset(x, 0, N * row_bytes);
    for (size_t i = 0; i < n; i++)
        memcpy((unsigned char *)x + rows[i] * row_bytes, (const unsigned char *)y + i * row_bytes, row_bytes);
}

const act *REF(to_act)(act *buffer, const real *x, real scale, size_t n)
{
    if (scale == 1)
        return x;
    for (size_t i = 0; i < n; i++)
        ((real *)buffer)[i] = scale * x[i];
    return buffer;
}

void REF(add_act)(real *x, const act *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += ((const real *)y)[i];
}

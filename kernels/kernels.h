/* The kernels: what each op computes, its shapes, and the tables that hold one implementation of every op.
 *
 * Letters: N positions in the flat batch, S sequences, M trained positions, C n_embd, H heads, D = C / H,
 * F n_inner, V vocabulary. All arrays are row-major and dense unless a leading dimension (ld, in elements)
 * is given. Kernels cannot fail: the caller has checked the shapes. They parallelise inside, call BLAS
 * only there, and give the same bits for any number of threads.
 *
 * `act` is the storage of matrix operands and saved activations: float in the fp32 tables, double in the
 * reference's f64 build, bfloat16 in a bf16 table. Only kernels look inside; `act_size` is its bytes. `real`
 * is the residual stream, parameters, gradients and statistics. Where an argument may be NULL, it says so. */
#ifndef SFT_KERNELS_H
#define SFT_KERNELS_H

#include "real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void act;

/* Scratch memory: some for an op as a whole, a part for every thread. As `work_bytes` says. */
struct workspace {
    unsigned char *data; /* 64-byte aligned */
    size_t bytes;
};

/* The largest sizes that ops will be called with. */
struct kernel_sizes {
    size_t N, C, F, V, head_size;
};

/* ---- embeddings ---- */

/* x (N,C) = wte[tokens] + wpe[position].  wte (V,C), wpe (P,C); tokens, position (N). */
typedef void embed_fwd_fn(real *x, const real *wte, const real *wpe, const int32_t *tokens,
                          const int32_t *position, size_t N, size_t C);
/* dwte[tokens] += dx, dwpe[position] += dx, rows in order. */
typedef void embed_bwd_fn(real *dwte, real *dwpe, const real *dx, const int32_t *tokens,
                          const int32_t *position, size_t N, size_t C);

/* ---- layer norm (Ba et al. 2016) ---- */

/* y (N,C) = (x - mean) * rstd * w + b over the last axis; mean, rstd (N) are saved for the backward pass. */
typedef void layernorm_fwd_fn(act *y, real *mean, real *rstd, const real *x, const real *w, const real *b,
                              real epsilon, size_t N, size_t C);
/* dx (N,C) += the gradient through the norm; dw, db (C) += theirs.  dy (N,C). */
typedef void layernorm_bwd_fn(real *dx, real *dw, real *db, const act *dy, const real *x, const real *mean,
                              const real *rstd, const real *w, size_t N, size_t C,
                              const struct workspace *work);

/* ---- linear: y = x W + b, W (in,out) as Hugging Face's Conv1D stores it ---- */

struct linear {
    const real *w; /* (in, out) */
    const real *b; /* (out) */
    size_t in, out;
};
typedef void linear_fwd_fn(act *y, const act *x, const struct linear *l, size_t N,
                           const struct workspace *work);
/* y (N,out) = residual (N,out) + x W + b, in the residual stream's own precision; y may be residual. */
typedef void linear_residual_fwd_fn(real *y, const real *residual, const act *x, const struct linear *l,
                                    size_t N, const struct workspace *work);
/* dx (N,in) = dy W^T; dw (in,out) = x^T dy; db (out) = the sum of dy's rows, both set, or added to where `add`:
 * a step's first micro-batch sets, so that gradients need not be zeroed.  dy (N,out), x (N,in). */
typedef void linear_bwd_fn(act *dx, real *dw, real *db, bool add, const act *dy, const act *x,
                           const struct linear *l, size_t N, const struct workspace *work);

/* ---- GELU (Hendrycks and Gimpel 2016): exact by erf, or GPT-2's tanh form ---- */
typedef void gelu_fwd_fn(act *y, const act *x, bool exact, size_t n);
/* dx = dy * gelu'(x); dx may be dy. */
typedef void gelu_bwd_fn(act *dx, const act *dy, const act *x, bool exact, size_t n);

/* ---- causal attention within each sequence, blocked, with an online softmax (Dao et al. 2022) ----
 *
 * Sequence s has queries q_start[s] .. q_start[s+1] and keys kv_start[s] .. kv_start[s+1], at least as many
 * keys as queries; its last query sees all keys, the one before all but one, and so on. In training the two
 * are the same; with a cache there are more keys. Head h is columns h*D .. (h+1)*D of every row. */
struct attention {
    size_t n_head, head_size, S;
    const size_t *q_start, *kv_start; /* (S + 1), in rows */
    size_t ld_q, ld_kv;               /* elements between rows of q, dq; of k, v, dk, dv */
    real scale;                       /* of q . k */
};
/* out (N,C), dense; lse (N,H) = log of the sum of exp of each query's scores, for the backward pass. */
typedef void attention_fwd_fn(act *out, real *lse, const act *q, const act *k, const act *v,
                              const struct attention *a, const struct workspace *work);
/* dq, dk, dv are set, not added to. Only for q_start = kv_start. out, dout (N,C) dense. */
typedef void attention_bwd_fn(act *dq, act *dk, act *dv, const act *dout, const act *out, const act *q,
                              const act *k, const act *v, const real *lse, const struct attention *a,
                              const struct workspace *work);

/* ---- the vocabulary head with softmax and cross-entropy, at M positions, a few rows at a time ----
 *
 * logits = h W^T, W (V,C).  For each row: nll = -log softmax(logits)[label], correct = whether the label is
 * the (first) largest. With gradients (dh, dw not NULL): of grad_scale * sum(weights * nll);
 * dh (M,C) is set, dw (V,C) too, or added to where `add`. */
struct head {
    const real *w; /* (V,C) */
    size_t V, C;
};
typedef void head_loss_fn(real *nll, uint8_t *correct, act *dh, real *dw, bool add, const act *h,
                          const int32_t *labels, const real *weights, real grad_scale,
                          const struct head *head, size_t M, const struct workspace *work);
/* logits (M,V) = h W^T: for a few rows, in generation. */
typedef void head_logits_fn(real *logits, const act *h, const struct head *head, size_t M,
                            const struct workspace *work);

/* ---- rows ---- */

/* y[i] = x[rows[i]]; rows of row_bytes bytes each.  y (n,.) */
typedef void gather_rows_fn(void *y, const void *x, const size_t *rows, size_t n, size_t row_bytes);
/* The other way: x[rows[i]] = y[i], and zeros in x's other rows; rows ascend.  x (N,.) */
typedef void scatter_rows_fn(void *x, size_t N, const void *y, const size_t *rows, size_t n, size_t row_bytes);

/* x as matrix operand: x itself where act is real, else rounded into buffer (n elements). */
typedef const act *to_act_fn(act *buffer, const real *x, size_t n);

/* ---- optimizer ---- */

/* The sum of squares of x (n), accumulated in double over partitions of fixed size. */
typedef double sum_of_squares_fn(const real *x, size_t n);

/* AdamW (Loshchilov and Hutter 2019) as torch.optim.AdamW does it, on n elements (rest1 = 1 - beta1, rest2 =
 * 1 - beta2, taken in double: 1 - 0.999f would be off by 1.3e-5 of itself):
 *   g *= grad_scale; p *= 1 - lr * weight_decay; m += rest1 (g - m); v = beta2 v + rest2 g^2;
 *   p -= lr / correction1 * m / (sqrt(v) / sqrt(correction2) + epsilon),  correction = 1 - beta^step */
struct adamw_args {
    real grad_scale, learning_rate, weight_decay, rest1, beta2, rest2, epsilon, correction1, correction2_sqrt;
};
typedef void adamw_fn(real *p, real *m, real *v, const real *g, const struct adamw_args *args, size_t n);

struct kernels {
    const char *isa;       /* ref, avx2, avx512, avx512_bf16, amx: as SFT_ISA and --json name it */
    const char *precision; /* fp32, bf16 (f64 for the reference's double build) */
    const char *products;  /* what multiplies matrices, for the log: "OpenBLAS", "plain C", ... */
    size_t act_size;

    embed_fwd_fn *embed_fwd;
    embed_bwd_fn *embed_bwd;
    layernorm_fwd_fn *layernorm_fwd;
    layernorm_bwd_fn *layernorm_bwd;
    linear_fwd_fn *linear_fwd;
    linear_residual_fwd_fn *linear_residual_fwd;
    linear_bwd_fn *linear_bwd;
    gelu_fwd_fn *gelu_fwd;
    gelu_bwd_fn *gelu_bwd;
    attention_fwd_fn *attention_fwd;
    attention_bwd_fn *attention_bwd;
    head_loss_fn *head_loss;
    head_logits_fn *head_logits;
    gather_rows_fn *gather_rows;
    scatter_rows_fn *scatter_rows;
    to_act_fn *to_act;
    sum_of_squares_fn *sum_of_squares;
    adamw_fn *adamw;

    /* The best of the multiply-adds that this table's products are made of, in registers, in FLOP/s: the sum of each
     * thread's best, tried for so many seconds. NULL in the reference. */
    double (*peak_flops)(double seconds);

    /* Bytes of workspace that the ops above need for these sizes. */
    size_t (*work_bytes)(const struct kernel_sizes *sizes);
};

/* The portable reference: plain loops, sums in double. The definition that the others are tested against. */
extern const struct kernels kernels_ref_f32;
#ifdef SFT_REAL_F64
extern const struct kernels kernels_ref_f64;
#endif

/* ---- choosing (dispatch.c) ---- */

/* The fastest table that this CPU can run for precision "auto", "fp32" or "bf16"; SFT_ISA in the environment
 * (ref, avx2, avx512, avx512_bf16, amx) forces an ISA. NULL where there is none: then why[0..why_size) says
 * the reason; otherwise why says what was picked and for what reason, for the log's first lines. */
const struct kernels *kernels_select(const char *precision, char *why, size_t why_size);

/* The peak of the fastest table that this CPU can run for that precision, whatever SFT_ISA says: what the CPU itself
 * can do. 0 where there is none. */
double kernels_peak_flops(const char *precision, double seconds);

/* To be called first in main: waiting threads are told not to spin long, which takes the cores from those that they
 * wait for where a machine has other work. libgomp reads GOMP_SPINCOUNT when it is loaded: so, unless the user set
 * it or OMP_WAIT_POLICY, it is set and the program started again with the same arguments. Not under valgrind, nor
 * where /proc/self/exe is another program: there threads spin as long as libgomp likes. */
void kernels_start(char **argv);

/* Load OpenBLAS, the "ref" table's products: kernels_select does so when it picks that table, and whoever takes the
 * table by its name must. Its OpenMP build, and as the core type that this CPU is: where it takes a CPU with AVX-512
 * for a lesser one, and the user has not set OPENBLAS_CORETYPE, it is set here. Not while threads compute. False where
 * there is no OpenBLAS to use, or no address space for it: why[0..why_size) has the reason and the remedy. */
bool kernels_load_blas(char *why, size_t why_size);

/* The core type that OpenBLAS, loaded, runs as, and what it took the CPU for where that was put right: for the log. */
void kernels_blas_core(char *out, size_t size);

#endif

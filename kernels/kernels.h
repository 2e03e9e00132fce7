/* The kernels: the tables that hold one implementation of every op, and what the ops are told. What each op computes
 * stands in ops.def.
 *
 * Letters: N positions in the flat batch, S sequences, M trained positions, C n_embd, H heads, D a head's size,
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

/* The largest sizes that ops will be called with; 0 of what none of them will be. */
struct kernel_sizes {
    size_t N;
    size_t width;        /* the widest input of a linear layer, outputs together of those that share an input, or row
                          * that a norm of heads is of */
    size_t C, V;         /* of norms, but for those of heads, and the head */
    size_t head_size;
    size_t heads_per_kv; /* heads of queries that share one of keys and values */
    bool narrow_weights; /* weights may be kept as bfloat16s or as int8s */
    size_t rank;         /* outputs together of the narrow layers of one call; inputs of a layer that is narrow there */
};

/* ---- what the ops (ops.def) are told ---- */

typedef uint16_t bf16;

/* Weights, as they are kept: one of the three pointers is there, the others are NULL. Those that nobody trains may be
 * bfloat16s, half as large as floats: an op takes them as the reals that they are, and gives what it gives of these,
 * to the last bit. Or int8s, a quarter: element i of a row is scales[row] * w_int8[i] (quantize_rows), rows being those
 * of the vocabulary, or a linear layer's outputs. What runs backward through these takes that product, in bf16 rounded
 * as floats are. */
struct matrix {
    const real *w;
    const bf16 *w_bf16;
    const int8_t *w_int8;
    const float *scales; /* a row's, of w_int8 */
};

/* y = x W + b. W lies as files keep it: (in,out) in GPT-2's, as Hugging Face's Conv1D has it, or transposed, (out,in),
 * as torch.nn.Linear has it in all others. Its gradient lies as it does. int8s are (out,in). */
struct linear {
    struct matrix matrix; /* (in,out), or (out,in) if transposed */
    const real *b;        /* (out), or NULL: a layer without one */
    size_t in, out;
    bool transposed;
    bool always_packed; /* a few rows are multiplied as many are: so that no bit depends on how many there are */
};

/* One product of a sum: x (N,in) by a layer, or on the way back dy (N,out) by its transpose. So a layer with an adapter
 * (LoRA, Hu et al. 2021), x W + b + u B^T with u = scale * x A^T, is a sum of two parts, and so is what goes back to x
 * of it. There are LINEAR_PARTS of a sum, and layers of a call, at most. */
enum { LINEAR_PARTS = 8 };
struct linear_part {
    const act *x;
    const struct linear *linear;
};

/* A linear layer's place among those of a call. */
struct few_output {
    const struct linear *linear;
    act *y;                          /* (N,out) */
    const struct linear_part *added; /* x (N,in') by a further layer, (out,in'), without its bias; NULL: none */
};

/* A narrow layer's place among those of a call: W without a bias, of few outputs. */
struct narrow_output {
    const struct linear *linear;
    act *y; /* (N,out) */
    real scale;
};
struct narrow_grad {
    const act *dy; /* (N,out) */
    real *dw;      /* (out,in), as W lies */
    size_t out;
};

/* Heads in rows: head h of row n is head_size elements from n * ld + h * stride on. */
struct heads {
    size_t n_head, head_size, ld, stride;
};

/* By what angle each row's position turns the pairs (d, d + R/2), R = rotary_dim, of its heads' first R columns, as
 * transformers pairs them. What else a head has stays as it is. */
struct rope {
    const real *turns; /* (N,R): of each row R/2 cosines, then R/2 sines */
    size_t rotary_dim; /* R, even, at most a head's size */
    size_t n_head, ld, stride; /* elements between rows, and between heads */
};

/* Sequence s has queries q_start[s] .. q_start[s+1], and n_kv keys, at least as many: rows kv_begin[s] .. kv_begin[s] +
 * kv_len[s] of k and v, or where these are NULL, in training, the queries' own rows. Its last query stands where the
 * last key does, the one before one earlier, and so on: and a query sees the keys up to its own place, or with a
 * window (Beltagy et al. 2020) the last `window` of these. Head h of the queries is D columns of every row from
 * h * stride_q on; n_head / n_kv_head of them in a row share a head of keys and values (Ainslie et al. 2023), head g of
 * which is D columns from g * stride_kv on.
 *
 * Or a sequence's keys and values are in pages, `page_rows` rows in each, wherever these lie: row j of sequence s is
 * row j % page_rows of page p = pages[page_start[s] + j / page_rows], which begins at element p * stride_page of k and
 * of v. Then kv_begin is NULL and kv_len is there.
 *
 * Or, in training, what several sequences begin with is there once: a sequence goes on from another, its parent, whose
 * keys, with all that stand before those, stand before its own. kv_len[s] is then that of its parent, if it has one,
 * and its own queries; kv_begin and pages are NULL. Sequences stand in preorder: behind s, before all others, stand
 * those that go on from s, or from one of these. */
#define NO_PARENT SIZE_MAX
struct attention {
    size_t n_head, n_kv_head, head_size, S;
    const size_t *q_start;           /* (S + 1), in rows */
    const size_t *kv_begin, *kv_len; /* (S), in rows; NULL: see above */
    size_t ld_q, ld_kv;              /* elements between rows of q, dq; of k, v, dk, dv */
    size_t stride_q, stride_kv;      /* the same between heads, D where they lie dense */
    const uint32_t *pages;           /* numbers of pages; NULL: there are none */
    const size_t *page_start;        /* (S): where in `pages` those of each sequence begin */
    size_t page_rows, stride_page;   /* stride_page: in elements */
    const size_t *parent;            /* (S): an earlier sequence, or NO_PARENT; NULL: none has one */
    size_t window;                   /* 0: none */
    real scale;                      /* of q . k, > 0 */
    real softcap;                    /* c: scores s, scaled, become c tanh(s / c) (Bello et al. 2016); 0: they do not */
};

/* Functions of single numbers, of an MLP: GPT-2's form of GELU by tanh, the exact one by erf (Hendrycks and Gimpel
 * 2016), max(x, 0), and x / (1 + exp(-x)). */
enum activation { GELU_TANH, GELU_ERF, RELU, SILU };

/* The vocabulary's matrix, and what becomes of logits: x = scale * h w^T, and where there is a softcap s (Gemma 2's),
 * s * tanh(x / s). */
struct head {
    struct matrix matrix; /* (V,C) */
    size_t V, C;
    real scale;   /* 1: none */
    real softcap; /* 0: none */
};

/* What is found of a row of logits. */
struct logits_scan {
    size_t first;    /* the first of the largest, NaN apart; V where there is none: all are NaN, or V is 0 */
    real largest;    /* that; -INFINITY where there is none */
    bool all_finite; /* -INFINITY counts as such: a token that is never chosen */
    real total; /* the sum of exp((x - largest) * inverse_temperature), where all are finite */
};

struct adamw_args {
    real grad_scale, learning_rate, weight_decay, rest1, beta2, rest2, epsilon, correction1, correction2_sqrt;
};

/* Moments of n elements in 8 bits each: groups of MOMENTS_GROUP, the last of what is left, have a scale of their own.
 * Small values need finer steps than large ones, which is what the codes are curved for (FlashOptim, Gonzalez Ortiz et
 * al. 2026, whose functions these are; evenly spaced ones diverge): with m = scale * x, x is kept as c = 127 * 2 x /
 * (1 + |x|), so x = c / (254 - |c|), and of v the root: sqrt(v) = scale * c / 255. */
enum { MOMENTS_GROUP = 32 };
struct moments_8bit {
    int8_t *m;                 /* (n) */
    uint8_t *v;                /* (n) */
    bf16 *m_scales, *v_scales; /* a group's each */
};

#define OP(result, op, parameters, ...) typedef result op##_fn parameters;
#include "ops.def"
#undef OP

struct kernels {
    const char *isa;       /* plain, ref, avx2, avx512, avx512_bf16, amx: as SFT_ISA and --json name it */
    const char *precision; /* fp32, bf16 (f64 for the reference's double build) */
    const char *products;  /* what multiplies matrices, for the log: "OpenBLAS", "plain loops", ... */
    size_t act_size;
    bool reads_bf16;       /* weights may be bfloat16s, or int8s, in every op and not only in those of a few rows */

#define OP(result, op, ...) op##_fn *op;
#include "ops.def"
#undef OP

    /* The best of the multiply-adds that this table's products are made of, in registers, in FLOP/s: the sum of each
     * thread's best, tried for so many seconds. NULL in the reference. */
    double (*peak_flops)(double seconds);

    /* Told before (true) and after (false) ops that compute again what was computed in the pass before, and whose
     * products nobody is to count: of a table that counts. NULL in all others. */
    void (*repeats)(bool repeats);

    /* Bytes of workspace that the ops above need for these sizes. */
    size_t (*work_bytes)(const struct kernel_sizes *sizes);
};

/* What each op is, written down (kernels/ref): plain loops, sums in double. The others are tested against it. */
extern const struct kernels kernels_plain_f32;
#ifdef SFT_REAL_F64
extern const struct kernels kernels_plain_f64;
#endif

/* ---- choosing (dispatch.c) ---- */

/* The fastest table that this CPU can run for precision "auto", "fp32" or "bf16"; SFT_ISA in the environment forces
 * one by its `isa`. Two of them run on any CPU, and are not the same:
 *
 *   ref    what a CPU without AVX2 gets: the fast kernels, compiled for any CPU, with OpenBLAS's products
 *   plain  kernels/ref, the definition: hundreds of times slower, and never picked unless it is forced. What goes wrong
 *          with another table and not with this one is that table's fault.
 *
 * NULL where there is none: then why[0..why_size) says the reason; otherwise why says what was picked and for what
 * reason, for the log's first lines. */
const struct kernels *kernels_select(const char *precision, char *why, size_t why_size);

/* Every table there is, by its number, the best first and the definition last, and whether this CPU runs it; NULL:
 * there are no more. */
const struct kernels *kernels_table(size_t i, bool *runs);

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

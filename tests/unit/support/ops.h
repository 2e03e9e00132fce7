/* Every op of kernels.h behind one signature, over arrays of double, in both builds of the kernels.
 *
 * ops.c is compiled twice, over float and over double (kernels/real.h), so that one test can run an op of a
 * fast fp32 table and of the f64 reference on the same numbers: ops_f32 and ops_f64 hold the same ops in the
 * same order. */
#ifndef SFT_TESTS_OPS_H
#define SFT_TESTS_OPS_H

#include <stdbool.h>
#include <stddef.h>

enum { MAX_ARRAYS = 8, MAX_SEQUENCES = 16 };

struct op_sizes {
    size_t N, C;      /* rows and columns */
    size_t out;       /* linear: columns of the result */
    size_t V;         /* embeddings, head */
    size_t n_head, S; /* attention: head size C; N is then the number of queries */
    size_t n_kv_head; /* 0: n_head */
    size_t window;    /* attention: in keys; 0: none */
    double softcap;   /* 0: none */
    bool by_head;     /* a head's q, k and v lie side by side: 3C from one's to the next's */
    size_t page_rows; /* keys and values are in pages of so many rows; 0: they are not */
    /* Where queries and keys of each sequence would begin one behind another. Are the two different, then the
     * sequences' keys lie the other way round, as they may in a cache. */
    size_t q_start[MAX_SEQUENCES + 1], kv_start[MAX_SEQUENCES + 1];
    size_t parent[MAX_SEQUENCES]; /* 1 + the sequence that each goes on from; 0: none */
};

struct op {
    const char *name;
    /* The elements of each input and output; 0 ends a list. */
    void (*layout)(const struct op_sizes *sizes, size_t in[MAX_ARRAYS + 1], size_t out[MAX_ARRAYS + 1]);
    /* Compute out from in. Outputs that the op adds to, or reads, start as they are given. */
    void (*forward)(const void *table, const struct op_sizes *sizes, const double *const in[],
                    double *const out[]);
    /* The gradients din of sum(dout . out); those that the op adds to start as they are given. NULL: has
     * none. */
    void (*backward)(const void *table, const struct op_sizes *sizes, const double *const in[],
                     const double *const dout[], double *const din[]);
};

/* `table` is a const struct kernels * of the same build; NULL: its reference. */
extern const struct op ops_f32[], ops_f64[];
extern const size_t ops_count;

#endif

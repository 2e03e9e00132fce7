/* Decoding: streams of tokens that grow side by side. A step runs one forward pass for all of them: a piece of its
 * prompt for each that is not through it yet, and the last token of the others.
 *
 *     decode_init(&d, bundle, n_streams, err);
 *     struct stream *s = decode_open(&d);                  // as many as n_streams at once
 *     decode_prompt(&d, s, tokens, n, &generation, &out, err);
 *     while (decode_step(&d))                              // others may be opened and prompted between steps
 *         ;
 *     ... s->reason, out ...                               // and s may be prompted again
 *     decode_close(&d, s);
 *
 * What a stream has seen stays with it: of the next prompt, the beginning that it shares is not run again. In fp32 what
 * others there are changes a stream's logits by no more than rounding. */
#ifndef SFT_INFER_DECODE_H
#define SFT_INFER_DECODE_H

#include "infer/bundle.h"
#include "infer/kv_pool.h"
#include "infer/sampler.h"
#include "text/tokenizer/encoder.h"

#include <signal.h>

enum finish_reason {
    FINISH_NONE,        /* still running */
    FINISH_STOP,        /* an end token */
    FINISH_LENGTH,      /* max_new_tokens or the positions that the model sees */
    FINISH_NO_MEMORY,   /* for the keys and values of more positions */
    FINISH_INTERRUPTED, /* on_token or `stop` */
    FINISH_NOT_FINITE   /* the model's logits are not: nothing can be chosen */
};

/* What is asked of a stream. */
struct generation {
    size_t max_new_tokens;
    struct sampler *sampler; /* the stream's alone */
    /* Called with each new token as it comes, but for the end token; may be NULL. False stops. */
    bool (*on_token)(void *context, int32_t id);
    void *context;
    const volatile sig_atomic_t *stop; /* set by a signal; may be NULL */
};

struct stream {
    int slot;      /* of the keys and values; KV_SLOT_NONE: not open */
    int32_t *seen; /* (capacity) prompt and answer: those in the slot, then those that are still to be run */
    size_t n_seen, n_made, capacity;
    const struct generation *asked;
    struct token_buf *out;
    enum finish_reason reason;
};

struct decode {
    const struct bundle *bundle;
    size_t max_positions; /* N of a step at most */
    struct activations acts;
    struct kv_pool pool;
    struct stream *streams; /* (pool.n) */
    /* one step's batch, of S streams and N tokens */
    struct stream **running;                  /* (S) */
    int32_t *tokens, *position;               /* (N) */
    size_t *seq_start, *begin, *len, *rows;   /* (S + 1), (S), (S), (S) */
    float *logits;                            /* (S, V) */
    bool *marked;                             /* (V) scratch, all false between uses */
};

/* Room for n_streams at once, each as long as the model sees; memory for keys and values grows with them. The bundle
 * must outlive it. Free with decode_free, which accepts a zeroed struct. */
enum sft_status decode_init(struct decode *d, const struct bundle *bundle, size_t n_streams, struct sft_err *err);
void decode_free(struct decode *d);

struct stream *decode_open(struct decode *d); /* NULL: all are in use */
void decode_close(struct decode *d, struct stream *stream);

/* Let an open stream continue tokens[0..n), which are copied. New tokens are appended to *out, the end token included;
 * `asked` and *out are borrowed until it has finished. SFT_EDATA for a prompt that is empty, or leaves no room for an
 * answer. */
enum sft_status decode_prompt(struct decode *d, struct stream *stream, const int32_t *tokens, size_t n,
                              const struct generation *asked, struct token_buf *out, struct sft_err *err);

/* Take all running streams on: false where there is none any more. */
bool decode_step(struct decode *d);

#endif

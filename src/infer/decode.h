/* Decoding: many streams of tokens that grow side by side. One thread owns it; nothing here locks.
 *
 *     decode_init(&d, &model, &options, err);                 // bundle_decode_model makes the model
 *     struct stream *s = decode_submit(&d, &ask, err);        // waits for its turn where all places are taken
 *     while (decode_step(&d))                                 // others may be submitted or closed between steps
 *         ;
 *     ... s->reason, stream_answer(s); on_token has had each token as it came ...
 *     decode_close(&d, s);                                    // in the middle, too: then it is cancelled
 *
 * A step is at most one pass over pieces of prompts, at the speed of training's forward pass, and one over the next
 * position of every stream that is through its prompt. What the beginning of a prompt shares with what was seen
 * before, by any stream, is not run again (infer/prefix.h). What a stream says depends on the others by no more than
 * rounding; in fp32 not at all, unless it takes over what was computed for an answer, or had to wait in the middle
 * since there was no memory: then the same numbers come from the other of the two passes. */
#ifndef SFT_INFER_DECODE_H
#define SFT_INFER_DECODE_H

#include "infer/sampler.h"
#include "infer/streams.h"
#include "infer/token_rules.h"
#include "threads.h"

#include <signal.h>

/* What generates: a bundle's (bundle_decode_model), or a trainer's in the middle of a run. Borrowed. */
struct decode_model {
    const struct transformer *model;
    const int32_t *ends, *suppressed; /* ids that end a text; ids that are never chosen */
    size_t n_ends, n_suppressed;
};
struct decode_model decode_model_of(const struct transformer *model, const struct token_rules *rules);

struct decode_options { /* 0 is the default, which stands in brackets */
    size_t max_streams;      /* that run at once (32); more may be submitted, and wait */
    size_t prompt_positions; /* that a prompt pass has at most (512); half of that where others are decoding */
    size_t kv_bytes;         /* for keys and values (half of mem_available, no more than max_streams full contexts) */
    const volatile sig_atomic_t *stop; /* NULL, or set by a signal: all streams are cancelled */
    bool adapts_threads; /* fewer compute where the machine has other work (threads.h): for who computes nothing else */
};

struct decode_counts {
    size_t running, waiting;                /* streams */
    size_t pages_used, pages_cached, pages; /* of keys and values: streams', kept for prompts to come, all there are */
    uint64_t prompt_tokens, cached_tokens;  /* of all streams so far: of prompts, of those that were not run again */
    uint64_t made_tokens, steps;
};

struct decode {
    struct decode_model *models; /* (n_models) */
    size_t n_models, current;    /* the one whose streams this step, or the last one, is of */
    struct decode_options options; /* with no 0 left */
    size_t max_positions;          /* of a stream: what the model sees */
    struct decode_counts counts;   /* running, waiting and pages as of the last step */

    /* decode.c's own */
    struct streams streams;
    struct activations acts;
    /* one pass's batch, of S streams and N tokens */
    struct stream **batched;     /* (S) */
    int32_t *tokens, *position;  /* (N) */
    size_t *seq_start, *page_start, *len, *rows; /* (S + 1), (S), (S), (S) */
    uint32_t *pages;                             /* of all of them, one after another */
    size_t pages_capacity;
    /* what a step gives */
    struct pending *pending; /* (max_streams) of them n_pending: whose next token the logits give, a row each */
    size_t n_pending;
    float *logits, *plain;      /* (max_streams, V); as the model gave them, where log probabilities are wanted */
    float *inverse_temperature; /* (max_streams) */
    struct logits_scan *scans;  /* (max_streams): what was found of each row of logits */
    struct sampler *samplers;   /* (n_threads): a thread's memory each */
    int n_threads;              /* for which all of this is planned: no more compute */
    struct threads threads;
    double stepped;             /* when the last step ended */
};

/* SFT_ENOMEM where there is no memory for the activations, or not for one stream. What `model` points to must outlive
 * it. Never more threads compute than are set for OpenMP now. Free with decode_free, which accepts a zeroed struct and
 * closes what is open. */
enum sft_status decode_init(struct decode *d, const struct decode_model *model, const struct decode_options *options,
                            struct sft_err *err);
void decode_free(struct decode *d);

/* The same of several models (n) that have their keys and values in the same shape, as a base and what adapters make of
 * it do: an ask names one by its number. A step is of one model's streams; those that have some take turns. No model
 * sees what another has computed, and what a stream says depends on other models' streams as on others of its own. */
enum sft_status decode_init_several(struct decode *d, const struct decode_model *models, size_t n,
                                    const struct decode_options *options, struct sft_err *err);

/* What decode_init takes of memory, and the streams' keys and values once all of kv_bytes is used, which must be given.
 * (Texts come on top: 4 bytes a token.) */
size_t decode_bytes(const struct model_config *config, const struct kernels *kernels,
                    const struct decode_options *options);

/* A stream that continues ask->prompt; it is d's until decode_close. NULL and SFT_EDATA: the prompt is empty, or
 * leaves no room for an answer; SFT_ENOMEM: there is no room for its keys and values, whoever else ends. */
struct stream *decode_submit(struct decode *d, const struct ask *ask, struct sft_err *err);
void decode_close(struct decode *d, struct stream *stream);

/* Take all streams on that do not rest: false where there is none, since they are done or rest. */
bool decode_step(struct decode *d);

/* For now it is not to go on (its reader is behind, others come first). A stream that rests gives up its place with the
 * next step, keeps its pages while no other wants them, and waits for a place again when it no longer rests. */
void stream_rest(struct stream *stream, bool rests);

/* What was made so far, n_made ids, the end token included; good until the next step. */
const int32_t *stream_answer(const struct stream *stream);

/* SFT_OK for an answer, whole or cut; else what is to be said: SFT_EDATA for a model whose logits are not finite,
 * SFT_ENOMEM where there was no room for more keys and values. */
enum sft_status stream_check(const struct stream *stream, struct sft_err *err);

/* The weights have changed: what was seen before them is forgotten. No stream may be in the middle. */
void decode_forget(struct decode *d);

#endif

/* Streams of tokens: which run, which wait, and who has the pages of keys and values. A part of decode (decode.h),
 * which takes them on. */
#ifndef SFT_INFER_STREAMS_H
#define SFT_INFER_STREAMS_H

#include "base/rng.h"
#include "infer/ask.h"
#include "infer/prefix.h"

enum finish_reason {
    FINISH_NONE,      /* not yet */
    FINISH_STOP,      /* an end token, or on_token had enough */
    FINISH_LENGTH,    /* max_new_tokens, or the positions that the model sees */
    FINISH_NO_MEMORY, /* for the keys and values of more positions, though no other stream has any */
    FINISH_CANCELLED, /* by decode_options.stop */
    FINISH_NOT_FINITE /* the model's logits are not: nothing can be chosen */
};

enum stream_state {
    STREAM_WAITING,  /* for a place among those that run, or for pages; or it rests */
    STREAM_PROMPT,   /* some of its prompt is still to be run */
    STREAM_DECODING, /* the next token comes with the next step */
    STREAM_DONE
};

/* To be read by who submitted it; stream_rest alone changes it. */
struct stream {
    enum stream_state state;
    enum finish_reason reason;
    size_t n_prompt, n_cached, n_made; /* tokens: of the prompt, of it those that were not run again, of the answer */
    double submitted, first_token, ended; /* clock_seconds(); 0: not yet */

    /* decode's own */
    struct ask ask;
    int32_t *tokens; /* (n_prompt + n_made) prompt and answer */
    size_t capacity;
    size_t n_run; /* of them, whose keys and values are there */
    struct logit_bias *bias; /* (ask.n_bias) */
    struct rng rng;
    bool rests, was_preempted;
    uint32_t *pages; /* (n_pages) of its keys and values */
    size_t n_pages, pages_capacity;
    size_t n_indexed; /* of them, that the index of beginnings has been told of */
};

struct streams {
    struct stream **items; /* (count) in the order in which they came, waiting, running and done */
    size_t count, capacity;
    size_t max_running;
    struct kv_pool pool;
    struct prefix prefix;
    bool has_freed;         /* one has ended in this step */
    uint64_t cached_tokens; /* of prompts, that were not run again */
};

/* Tokens that a stream has by now: all of them are run before the next one is known. */
static inline size_t stream_n_tokens(const struct stream *s)
{
    return s->n_prompt + s->n_made;
}

static inline bool stream_is_running(const struct stream *s)
{
    return s->state == STREAM_PROMPT || s->state == STREAM_DECODING;
}

void stream_drop_pages(struct streams *x, struct stream *s);
void stream_finish(struct streams *x, struct stream *s, enum finish_reason reason); /* its pages are free */

/* Who rests gives up its place. Who waits takes a place that is free, the first first, where there are pages for all of
 * its prompt, so that it need not soon be preempted; one alone tries in any case. */
void streams_admit(struct streams *x);

/* Take those pages that others have computed of the same beginning; the last token is run for its logits. */
void stream_find_beginning(struct streams *x, struct stream *s);

/* One more page: a free one, else that of the beginning that was used least recently, else of a stream that rests, else
 * of the youngest. False: that is itself, and it waits; or it has all pages that there are, and ends. */
bool stream_add_page(struct streams *x, struct stream *s);

/* Enter in the index what is full by now. */
void stream_add_beginning(struct streams *x, struct stream *s);

#endif

/* Which streams run, which wait, and who has the pages of keys and values: a part of decode, for decode.c alone. */
#ifndef SFT_INFER_STREAM_PAGES_H
#define SFT_INFER_STREAM_PAGES_H

#include "infer/decode.h"

/* Tokens that a stream has by now: all of them are run before the next one is known. */
static inline size_t stream_n_tokens(const struct stream *s)
{
    return s->n_prompt + s->n_made;
}

static inline bool stream_is_running(const struct stream *s)
{
    return s->state == STREAM_PROMPT || s->state == STREAM_DECODING;
}

void stream_drop_pages(struct decode *d, struct stream *s);
void stream_finish(struct decode *d, struct stream *s, enum finish_reason reason); /* its pages are free */

/* Who rests gives up its place. Who waits takes a place that is free, the first first, where there are pages for all of
 * its prompt, so that it need not soon be preempted; one alone tries in any case. */
void streams_admit(struct decode *d);

/* Take those pages that others have computed of the same beginning; the last token is run for its logits. */
void stream_find_beginning(struct decode *d, struct stream *s);

/* One more page: a free one, else that of the beginning that was used least recently, else of a stream that rests, else
 * of the youngest. False: that is itself, and it waits; or it has all pages that there are, and ends. */
bool stream_add_page(struct decode *d, struct stream *s);

/* Enter in the index what is full by now. */
void stream_add_beginning(struct decode *d, struct stream *s);

#endif

#include "infer/streams.h"

#include "base/bounds.h"
#include "base/clock.h"

void stream_drop_pages(struct streams *x, struct stream *s)
{
    while (s->n_pages)
        kv_pool_drop(&x->pool, s->pages[--s->n_pages]);
    s->n_indexed = 0;
}

void stream_finish(struct streams *x, struct stream *s, enum finish_reason reason)
{
    stream_drop_pages(x, s);
    s->state = STREAM_DONE;
    s->reason = reason;
    s->ended = clock_seconds();
    x->has_freed = true;
}

/* ---- pages ---- */

/* The youngest stream that came after s and has pages; NULL: none. */
static struct stream *youngest_behind(const struct streams *x, const struct stream *s)
{
    for (size_t i = x->count; x->items[--i] != s;)
        if (x->items[i]->n_pages)
            return x->items[i];
    return NULL;
}

/* Let a stream wait again, with all that it has said as its prompt: nothing is lost but time. */
static void preempt(struct streams *x, struct stream *s)
{
    stream_drop_pages(x, s);
    s->n_run = 0;
    s->was_preempted = true;
    s->state = STREAM_WAITING;
}

/* Who rests loses its pages where another wants them, the youngest first. False: none of them has any. */
static bool take_from_resting(struct streams *x)
{
    for (size_t i = x->count; i-- > 0;)
        if (x->items[i]->rests && x->items[i]->n_pages) {
            preempt(x, x->items[i]);
            return true;
        }
    return false;
}

bool stream_add_page(struct streams *x, struct stream *s)
{
    uint32_t page;
    if (s->n_pages == x->pool.n_pages) {
        s->n_run = s->n_pages * KV_PAGE; /* there is memory for so many */
        stream_finish(x, s, FINISH_NO_MEMORY);
        return false;
    }
    while ((page = kv_pool_take(&x->pool)) == KV_NO_PAGE) {
        if (prefix_evict(&x->prefix) || take_from_resting(x))
            continue;
        struct stream *younger = youngest_behind(x, s);
        preempt(x, younger ? younger : s);
        if (!younger)
            return false;
    }
    s->pages = mem_grow(s->pages, &s->pages_capacity, s->n_pages + 1, sizeof *s->pages);
    s->pages[s->n_pages++] = page;
    return true;
}

void stream_find_beginning(struct streams *x, struct stream *s)
{
    const size_t most = (stream_n_tokens(s) - 1) / KV_PAGE;
    s->pages = mem_grow(s->pages, &s->pages_capacity, most + 1, sizeof *s->pages);
    const size_t found = prefix_find(&x->prefix, s->ask.model, s->tokens, s->n_pages, most, s->pages);
    const size_t positions = (found - s->n_pages) * KV_PAGE;
    s->n_pages = found;
    s->n_run += positions;
    if (!s->was_preempted) { /* or else it computed them itself, perhaps */
        s->n_cached += positions;
        x->cached_tokens += positions;
    }
}

void stream_add_beginning(struct streams *x, struct stream *s)
{
    const size_t full = s->n_run / KV_PAGE;
    if (full > s->n_indexed)
        prefix_add(&x->prefix, s->ask.model, s->tokens, full, s->pages);
    s->n_indexed = full;
}

/* ---- places ---- */

/* Pages that a stream will want soon: for what is to be run and one token more. */
static size_t n_wanted(const struct stream *s)
{
    const size_t all = kv_pages_of(stream_n_tokens(s) + 1);
    return s->state == STREAM_DECODING ? 1 : all - at_most(all, s->n_pages);
}

/* Whether so many pages can be had without a stream that runs losing its own. */
static bool has_pages(struct streams *x, size_t wanted)
{
    while (wanted > x->pool.n_free + prefix_n_idle(&x->prefix))
        if (!take_from_resting(x))
            return false;
    return true;
}

/* Who has rested goes on where it was, unless its pages are gone. */
static void take_place(struct stream *s)
{
    s->state = s->n_made > 0 && s->n_run + 1 == stream_n_tokens(s) ? STREAM_DECODING : STREAM_PROMPT;
}

void streams_admit(struct streams *x)
{
    size_t running = 0, wanted = 0;
    for (size_t i = 0; i < x->count; i++) {
        struct stream *s = x->items[i];
        if (stream_is_running(s) && s->rests)
            s->state = STREAM_WAITING;
        if (stream_is_running(s)) {
            running++;
            wanted += n_wanted(s);
        }
    }
    for (size_t i = 0; i < x->count && running < x->max_running; i++) {
        struct stream *s = x->items[i];
        if (s->state != STREAM_WAITING || s->rests)
            continue;
        wanted += n_wanted(s);
        if (!has_pages(x, wanted) && running > 0)
            break;
        if (s->ask.max_new_tokens == 0) {
            stream_finish(x, s, FINISH_LENGTH);
            continue;
        }
        take_place(s);
        running++;
    }
}

#include "infer/stream_pages.h"

#include "base/bounds.h"
#include "base/clock.h"

void stream_drop_pages(struct decode *d, struct stream *s)
{
    while (s->n_pages)
        kv_pool_drop(&d->pool, s->pages[--s->n_pages]);
    s->n_indexed = 0;
}

void stream_finish(struct decode *d, struct stream *s, enum finish_reason reason)
{
    stream_drop_pages(d, s);
    s->state = STREAM_DONE;
    s->reason = reason;
    s->ended = clock_seconds();
    d->has_freed = true;
}

/* ---- pages ---- */

/* The youngest stream that came after s and has pages; NULL: none. */
static struct stream *youngest_behind(const struct decode *d, const struct stream *s)
{
    for (size_t i = d->n_streams; d->streams[--i] != s;)
        if (d->streams[i]->n_pages)
            return d->streams[i];
    return NULL;
}

/* Let a stream wait again, with all that it has said as its prompt: nothing is lost but time. */
static void preempt(struct decode *d, struct stream *s)
{
    stream_drop_pages(d, s);
    s->n_run = 0;
    s->was_preempted = true;
    s->state = STREAM_WAITING;
}

/* Who rests loses its pages where another wants them, the youngest first. False: none of them has any. */
static bool take_from_resting(struct decode *d)
{
    for (size_t i = d->n_streams; i-- > 0;)
        if (d->streams[i]->rests && d->streams[i]->n_pages) {
            preempt(d, d->streams[i]);
            return true;
        }
    return false;
}

bool stream_add_page(struct decode *d, struct stream *s)
{
    uint32_t page;
    if (s->n_pages == d->pool.n_pages) {
        s->n_run = s->n_pages * KV_PAGE; /* there is memory for so many */
        stream_finish(d, s, FINISH_NO_MEMORY);
        return false;
    }
    while ((page = kv_pool_take(&d->pool)) == KV_NO_PAGE) {
        if (prefix_evict(&d->prefix) || take_from_resting(d))
            continue;
        struct stream *younger = youngest_behind(d, s);
        preempt(d, younger ? younger : s);
        if (!younger)
            return false;
    }
    s->pages = mem_grow(s->pages, &s->pages_capacity, s->n_pages + 1, sizeof *s->pages);
    s->pages[s->n_pages++] = page;
    return true;
}

void stream_find_beginning(struct decode *d, struct stream *s)
{
    const size_t most = (stream_n_tokens(s) - 1) / KV_PAGE;
    s->pages = mem_grow(s->pages, &s->pages_capacity, most + 1, sizeof *s->pages);
    const size_t found = prefix_find(&d->prefix, s->tokens, s->n_pages, most, s->pages);
    const size_t positions = (found - s->n_pages) * KV_PAGE;
    s->n_pages = found;
    s->n_run += positions;
    if (!s->was_preempted) { /* or else it computed them itself, perhaps */
        s->n_cached += positions;
        d->counts.cached_tokens += positions;
    }
}

void stream_add_beginning(struct decode *d, struct stream *s)
{
    const size_t full = s->n_run / KV_PAGE;
    if (full > s->n_indexed)
        prefix_add(&d->prefix, s->tokens, full, s->pages);
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
static bool has_pages(struct decode *d, size_t wanted)
{
    while (wanted > d->pool.n_free + prefix_n_idle(&d->prefix))
        if (!take_from_resting(d))
            return false;
    return true;
}

/* Who has rested goes on where it was, unless its pages are gone. */
static void take_place(struct stream *s)
{
    s->state = s->n_made > 0 && s->n_run + 1 == stream_n_tokens(s) ? STREAM_DECODING : STREAM_PROMPT;
}

void streams_admit(struct decode *d)
{
    size_t running = 0, wanted = 0;
    for (size_t i = 0; i < d->n_streams; i++) {
        struct stream *s = d->streams[i];
        if (stream_is_running(s) && s->rests)
            s->state = STREAM_WAITING;
        if (stream_is_running(s)) {
            running++;
            wanted += n_wanted(s);
        }
    }
    for (size_t i = 0; i < d->n_streams && running < d->options.max_streams; i++) {
        struct stream *s = d->streams[i];
        if (s->state != STREAM_WAITING || s->rests)
            continue;
        wanted += n_wanted(s);
        if (!has_pages(d, wanted) && running > 0)
            break;
        if (s->ask.max_new_tokens == 0) {
            stream_finish(d, s, FINISH_LENGTH);
            continue;
        }
        take_place(s);
        running++;
    }
}

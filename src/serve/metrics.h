/* What the server counts, for Prometheus. Both threads write, each its own members, and any may read: all are
 * atomic, and a page of them is not of one moment. */
#ifndef SFT_SERVE_METRICS_H
#define SFT_SERVE_METRICS_H

#include "base/strbuf.h"

#include <stdatomic.h>

enum metric_path {
    METRIC_CHAT,
    METRIC_COMPLETIONS,
    METRIC_MODELS,
    METRIC_HEALTH,
    METRIC_METRICS,
    METRIC_PAGE,
    METRIC_OTHER, /* no path of ours: one label, so that strangers make no new ones */
    METRIC_PATHS
};

enum { METRIC_STATUSES = 16, HISTOGRAM_BOUNDS = 12 };

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BOUNDS + 1]; /* not cumulative; the last one is beyond all bounds */
    _Atomic uint64_t sum_us;                        /* microseconds */
};

struct metrics {
    double started; /* seconds since 1970 */

    /* the HTTP thread's */
    _Atomic uint64_t requests[METRIC_PATHS][METRIC_STATUSES];
    _Atomic uint64_t connections;
    _Atomic uint64_t answering; /* requests that are whole and not yet answered to the last byte */
    _Atomic uint64_t waiting;   /* requests of which no answer has begun, as of the last look at the queue */

    /* both */
    _Atomic uint64_t disconnects; /* clients that left before their answer was whole */

    /* the engine's thread's */
    _Atomic uint64_t running, behind; /* requests; of them those that rest, since their clients are slow to read */
    _Atomic uint64_t prompt_tokens, cached_tokens, made_tokens;
    _Atomic uint64_t pages_used, pages_cached, pages_free;
    struct histogram first_token;  /* from the whole request to its first token */
    struct histogram duration;     /* and to the end of its answer */
    struct histogram per_token;    /* of an answer, from its first token on */
};

void metrics_init(struct metrics *m);

void metrics_count(struct metrics *m, enum metric_path path, unsigned status); /* an answer */
void histogram_add(struct histogram *h, double seconds);

/* Prometheus' text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats), with what
 * the system knows of the process. */
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
void metrics_print(const struct metrics *m, const char *model, struct strbuf *out);

#endif

#include "threads.h"

#include <fcntl.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- deciding ---- */

static const double window = 0.2; /* seconds that are judged at once, at least */
static const double plain = 0.9;  /* a window so long needs no second one to be believed */
static const double first_patience = 4, most_patience = 64;

void threads_window(struct threads *t, double now, double delay)
{
    t->began = now;
    t->delayed = delay;
}

/* Cores that all threads together may miss: what the system's small jobs take. */
static double slack(const struct threads *t)
{
    return 0.25 + 0.01 * t->used;
}

/* So many fewer threads that those left should find cores. What comes back soon is waited for longer each time. */
static enum threads_change drop(struct threads *t, double now, double missed)
{
    const int too_many = (int)(missed - slack(t)) + 1;
    const bool soon = t->on_trial || now - t->settled < 2 * t->patience, said = t->busy;
    t->patience = soon ? fmin(2 * t->patience, most_patience) : first_patience;
    t->used = too_many < t->used ? t->used - too_many : 1;
    t->settled = now;
    t->suspected = t->on_trial = false;
    t->busy = true;
    return said ? THREADS_SAME : THREADS_DROPPED;
}

static enum threads_change keep(struct threads *t, double now)
{
    t->suspected = false;
    if (t->on_trial) {
        t->on_trial = t->busy = false;
        t->settled = now;
        return THREADS_RETURNED;
    }
    if (t->busy && now - t->settled >= t->patience) {
        t->on_trial = true;
        t->used = t->all;
    }
    return THREADS_SAME;
}

enum threads_change threads_decide(struct threads *t, double now, double delay)
{
    const double seconds = now - t->began, missed = (delay - t->delayed) / seconds;
    const bool known = t->delayed >= 0 && delay >= 0;
    if (seconds < window)
        return THREADS_SAME;
    threads_window(t, now, delay);
    if (!known)
        return THREADS_SAME;
    if (t->used == 1 || missed <= slack(t))
        return keep(t, now);
    if (t->suspected || t->on_trial || seconds >= plain)
        return drop(t, now, missed);
    t->suspected = true;
    return THREADS_SAME;
}

/* ---- measuring ---- */

/* /proc/thread-self/schedstat: nanoseconds on a core, nanoseconds of delay, times on a core; all zero where Linux does
 * not count them. */
static double own_delay(void)
{
    char text[96] = "", *end;
    const int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return -1;
    strtoull(text, &end, 10);
    const unsigned long long delay = strtoull(end, &end, 10), times = strtoull(end, NULL, 10);
    return times ? 1e-9 * (double)delay : -1;
}

double threads_delay(void)
{
    double sum = 0;
    int unknown = 0;
#pragma omp parallel reduction(+ : sum, unknown)
    {
        const double delay = own_delay();
        sum += delay;
        unknown += delay < 0;
    }
    return unknown ? -1 : sum;
}

void threads_start(struct threads *t)
{
    *t = (struct threads){.all = omp_get_max_threads(), .settled = -INFINITY};
    t->used = t->all;
    threads_window(t, omp_get_wtime(), threads_delay());
}

enum threads_change threads_adapt(struct threads *t)
{
    if (t->all == 1 || omp_get_wtime() - t->began < window)
        return THREADS_SAME;
    const int before = t->used;
    const enum threads_change change = threads_decide(t, omp_get_wtime(), threads_delay());
    if (t->used != before) {
        omp_set_num_threads(t->used);
        threads_window(t, omp_get_wtime(), threads_delay());
    }
    return change;
}

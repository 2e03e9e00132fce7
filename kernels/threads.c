#include "threads.h"

#include <fcntl.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- deciding ---- */

static const double window = 0.25; /* seconds that are judged at once, at least */
static const double plain = 0.9;   /* a window so long needs no second one to be believed */
static const double worthwhile = 1.05;
static const double first_patience = 4, most_patience = 64;

void threads_window(struct threads *t, double now, double delay)
{
    t->began = now;
    t->delayed = delay;
    t->work = 0;
}

/* Cores that all threads together may miss: what the system's small jobs take. */
static double slack(const struct threads *t)
{
    return 0.25 + 0.01 * t->used;
}

static void try_number(struct threads *t, int used, double speed_of_the_other)
{
    t->used = used;
    t->speed = speed_of_the_other;
    t->on_trial = true;
    t->suspected = false;
}

/* The end of a trial. What it left as it was is waited with longer each time; what changed, for as briefly as at first
 * unless it had been different a moment ago. */
static void settle(struct threads *t, double now, bool changed)
{
    const bool soon = now - t->settled < 2 * t->patience + first_patience;
    t->patience = !changed || soon ? fmax(first_patience, fmin(2 * t->patience, most_patience)) : first_patience;
    t->settled = now;
    t->on_trial = false;
}

/* How many to try: as many as find a core of their own beside the others, whose number is what it must be for the share
 * that all got (cores / (all + others)). Where others want every core, or the system gives this process fewer than
 * there are, as many as what all got was worth. */
static int how_many(const struct threads *t, double missed)
{
    const double n = t->all, got = fmax(n - missed, 0.1), find_cores = t->cores + n - t->cores * n / got;
    const int left = (int)((find_cores >= 0.5 ? find_cores : got) + 0.5);
    return left < 1 ? 1 : left < t->all ? left : t->all - 1;
}

static enum threads_change judge_all(struct threads *t, double now, double missed, double seconds, double speed)
{
    if (missed <= slack(t) || t->used == 1) {
        t->suspected = false;
    } else if (!t->suspected && seconds < plain) {
        t->suspected = true;
        t->speed = speed;
    } else if (now - t->settled >= t->patience) {
        t->fewer = how_many(t, missed);
        try_number(t, t->fewer, t->suspected ? (t->speed + speed) / 2 : speed);
    }
    return THREADS_SAME;
}

static enum threads_change judge_fewer(struct threads *t, double now, double speed)
{
    if (now - t->settled >= t->patience)
        try_number(t, t->all, speed);
    return THREADS_SAME;
}

static enum threads_change judge_trial(struct threads *t, double now, double missed, double speed)
{
    const bool of_all = t->used == t->all;
    const bool stays = of_all ? speed > t->speed || missed <= slack(t) : speed > worthwhile * t->speed;
    settle(t, now, stays);
    if (!stays)
        t->used = of_all ? t->fewer : t->all;
    return !stays ? THREADS_SAME : of_all ? THREADS_RETURNED : THREADS_DROPPED;
}

enum threads_change threads_decide(struct threads *t, double now, double delay, double work)
{
    const double seconds = now - t->began, missed = (delay - t->delayed) / seconds;
    const bool known = t->delayed >= 0 && delay >= 0;
    t->work += work;
    if (seconds < window)
        return THREADS_SAME;
    const double speed = t->work / seconds;
    threads_window(t, now, delay);
    if (!known)
        return THREADS_SAME;
    if (t->on_trial)
        return judge_trial(t, now, missed, speed);
    return t->used == t->all ? judge_all(t, now, missed, seconds, speed) : judge_fewer(t, now, speed);
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
    *t = (struct threads){.all = omp_get_max_threads(), .cores = omp_get_num_procs(), .settled = -INFINITY};
    t->used = t->all;
    threads_window(t, omp_get_wtime(), threads_delay());
}

enum threads_change threads_adapt(struct threads *t, double work)
{
    const double now = omp_get_wtime();
    if (t->all == 1)
        return THREADS_SAME;
    if (now - t->began < window) {
        t->work += work;
        return THREADS_SAME;
    }
    const int before = t->used;
    const enum threads_change change = threads_decide(t, now, threads_delay(), work);
    if (t->used != before) {
        omp_set_num_threads(t->used);
        threads_window(t, omp_get_wtime(), threads_delay());
    }
    return change;
}

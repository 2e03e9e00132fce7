/* How many threads compute, where the machine has other work: all of a loop's threads wait for the slowest, so on two
 * cores beside one busy process two threads are slower than one. A run asks between its steps; no bit depends on the
 * answer (kernels.h).
 *
 *     struct threads threads;
 *     threads_start(&threads);
 *     while (...) {
 *         take a step
 *         switch (threads_adapt(&threads, tokens of the step)) { ... say what changed ... }
 *     }
 *
 * The occasion is the time that threads were ready to run and did not, by Linux's own account
 * (/proc/thread-self/schedstat): it does not grow where threads merely have nothing to do. What decides is the speed:
 * fewer are tried, and kept where they are faster; with work of others on every core they are not, having a smaller
 * share. From time to time the other number is tried again. */
#ifndef SFT_KERNELS_THREADS_H
#define SFT_KERNELS_THREADS_H

#include <stdbool.h>

struct threads {
    int all, used;  /* with which the run began; that compute now */
    int cores;      /* that the process may run on */
    bool on_trial;  /* `used` is being tried, against the other number's speed */
    bool suspected; /* all are used, and missed a part of their time in the window before */
    int fewer;      /* what was dropped to last */
    double speed;   /* of the number that is not tried, in the windows before */
    double settled; /* since when it is what it is; the last trial's end */
    double patience; /* from then to the next trial, at least */
    double began, delayed, work; /* the window that is judged next: when, the delays by then, what was done since */
};

enum threads_change {
    THREADS_SAME,
    THREADS_DROPPED,  /* fewer than all are used, t->used, until ... */
    THREADS_RETURNED, /* ... all are again */
};

void threads_start(struct threads *t);

/* To be called between steps, with what the last one did (tokens, say): measure, and use fewer threads, or all of them,
 * from here on (omp_set_num_threads). Trials that change nothing are THREADS_SAME. */
enum threads_change threads_adapt(struct threads *t, double work);

/* Seconds that the threads of a loop, all together, have been ready and not running; negative where Linux does not
 * say. */
double threads_delay(void);

/* ---- what threads_adapt decides, apart from the clock and the system ---- */

/* `now` and `delay` in seconds as the clock and threads_delay give them, `work` as above. Where it changes t->used, the
 * next window must be begun by threads_window with the new threads' delay. */
enum threads_change threads_decide(struct threads *t, double now, double delay, double work);
void threads_window(struct threads *t, double now, double delay);

#endif

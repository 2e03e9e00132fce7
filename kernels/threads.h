/* How many threads compute, where the machine has other work: all of a loop's threads wait for the slowest, so on two
 * cores beside one busy process two threads are slower than one. A run asks between its steps; no bit depends on the
 * answer (kernels.h).
 *
 *     struct threads threads;
 *     threads_start(&threads);
 *     while (...) {
 *         take a step
 *         switch (threads_adapt(&threads)) { ... say what changed, once ... }
 *     }
 *
 * What is measured is the time that threads were ready to run and did not, by Linux's own account
 * (/proc/thread-self/schedstat): it does not grow where threads merely have nothing to do. */
#ifndef SFT_KERNELS_THREADS_H
#define SFT_KERNELS_THREADS_H

#include <stdbool.h>

struct threads {
    int all, used;   /* with which the run began; that compute now */
    double began;    /* when the window that is judged next began, ... */
    double delayed;  /* ... and the used threads' delays by then */
    bool suspected;  /* the window before was a bad one */
    bool busy;       /* fewer than all are used, or all on trial */
    bool on_trial;   /* all are used again, to see whether they get their time now */
    double settled;  /* when the number fell, or all came back */
    double patience; /* from then to the next trial */
};

enum threads_change {
    THREADS_SAME,
    THREADS_DROPPED,  /* fewer than all are used from here on, t->used now; said once until ... */
    THREADS_RETURNED, /* ... all are used again */
};

void threads_start(struct threads *t);

/* To be called between steps: measure, and use fewer threads, or all of them again, from here on
 * (omp_set_num_threads). */
enum threads_change threads_adapt(struct threads *t);

/* Seconds that the threads of a loop, all together, have been ready and not running; negative where Linux does not
 * say. */
double threads_delay(void);

/* ---- what threads_adapt decides, apart from the clock and the system ---- */

/* `now` and `delay` in seconds as the clock and threads_delay give them. Changes t->used; where it did, the next
 * window must be begun by threads_window with the new threads' delay. */
enum threads_change threads_decide(struct threads *t, double now, double delay);
void threads_window(struct threads *t, double now, double delay);

#endif

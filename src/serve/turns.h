/* Whose turn it is: which of many requests has how many of the places among answers that are made at once. Pure.
 *
 * Places are dealt out in rounds, one for each request that wants one more, who came first first, until there are none
 * left. So a request for many answers has what others leave, a small one never waits for a large one's answers to end,
 * no place is idle while anybody wants it, and where requests are more than places the oldest have one each. */
#ifndef SFT_SERVE_TURNS_H
#define SFT_SERVE_TURNS_H

#include <stddef.h>

struct turn { /* a request's */
    size_t wanted; /* answers that are begun or still to begin, and not at their end; 0 while its reader is behind */
    size_t places; /* that it has: turns_deal sets it, to `wanted` at most */
};

/* turns (n) in the order in which they came. */
void turns_deal(struct turn *turns, size_t n, size_t places);

#endif

/* Random numbers whose state is a few plain integers, so that a checkpoint can hold it.
 * xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. */
#ifndef SFT_BASE_RNG_H
#define SFT_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* The stream named by (seed, stream): equal arguments give equal numbers, different ones unrelated. */
void rng_seed(struct rng *rng, uint64_t seed, uint64_t stream);
uint64_t rng_u64(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t n); /* uniform in [0, n), without bias; n > 0 */
double rng_uniform(struct rng *rng);             /* in [0, 1), 53 bits */
double rng_normal(struct rng *rng);              /* mean 0, standard deviation 1 (Box-Muller) */
void rng_shuffle(struct rng *rng, uint32_t *items, size_t n);

#endif

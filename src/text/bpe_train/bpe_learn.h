/* Which pairs byte pair encoding merges: again and again the most frequent pair of neighbours becomes one
 * symbol, and the counts of the pairs around it are corrected (Sennrich et al. 2016, algorithm 1 with the
 * incremental counts of subword-nmt). For bpe_train.c only.
 *
 * Matches BpeTrainer of Hugging Face tokenizers pair by pair: of equally frequent pairs the one of the
 * smaller ids is first, the left id before the right. (Counts have 64 bits here, 32 there: they part where a
 * pair occurs more than two thousand million times.)
 *
 *     struct bpe_learner *l = bpe_learner_new(&words, byte_id);
 *     struct bpe_pair pair;
 *     while (... && bpe_learner_next(l, &pair) && pair.count >= wanted)
 *         bpe_learner_merge(l, id of the symbol that pair.left and pair.right become);
 *     bpe_learner_free(l);                                                                            */
#ifndef SFT_TEXT_BPE_TRAIN_BPE_LEARN_H
#define SFT_TEXT_BPE_TRAIN_BPE_LEARN_H

#include "text/bpe_train/word_counts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpe_pair {
    int32_t left, right;
    uint64_t count;
};

struct bpe_learner;

/* Each word begins as the symbols of its bytes. `words` is not needed afterwards. */
struct bpe_learner *bpe_learner_new(const struct word_counts *words, const int32_t byte_id[256]);
void bpe_learner_free(struct bpe_learner *l);

/* The most frequent pair; false: there is none any more. */
bool bpe_learner_next(struct bpe_learner *l, struct bpe_pair *pair);

/* Make the pair that bpe_learner_next gave last the symbol `id`, wherever it stands. */
void bpe_learner_merge(struct bpe_learner *l, int32_t id);

#endif

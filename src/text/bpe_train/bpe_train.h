/* Training a tokenizer: byte-level BPE with GPT-2's words, learnt from texts (Sennrich et al. 2016; Radford
 * et al. 2019). Vocabulary and merges are those of Hugging Face tokenizers' BpeTrainer, ties included, for
 *     Tokenizer(BPE()) with pre_tokenizer ByteLevel(add_prefix_space=False)
 *     BpeTrainer(vocab_size, min_frequency, special_tokens, initial_alphabet=ByteLevel.alphabet())
 * on the same texts; and they do not depend on the number of threads.
 *
 *     struct bpe_trainer *trainer;
 *     if (bpe_trainer_new(&trainer, &options, err)) ...
 *     bpe_trainer_count(trainer, texts, n);              // as often as there are texts
 *     if (bpe_trainer_train(trainer, &tok, err)) ...
 *     bpe_trainer_free(trainer);                         // tok is the caller's: tokenizer_save it
 *
 * Ids: the special tokens in the order given, the 256 bytes in the order of their characters' code points,
 * the merges. (GPT-2 itself has its one special token last.) Special tokens in the texts are ordinary text.
 * Text that is not UTF-8 is repaired as in encoder.h. */
#ifndef SFT_TEXT_BPE_TRAIN_BPE_TRAIN_H
#define SFT_TEXT_BPE_TRAIN_BPE_TRAIN_H

#include "base/err.h"
#include "text/tokenizer/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

struct bpe_train_options {
    size_t vocab_size;                                  /* special tokens and bytes included */
    uint64_t min_frequency;                             /* a pair that occurs less often is not merged */
    const char *const *special;                         /* borrowed while the trainer is made */
    size_t n_special;                                   /* repeated ones count once */
    void (*progress)(void *context, size_t vocab_size); /* after each merge; may be NULL */
    void *context;
};

/* <|endoftext|>, if it is among the special tokens, is named bos, eos and unk, as GPT-2's. SFT_EUSAGE where
 * vocab_size has no room for the special tokens and the bytes. */
struct bpe_trainer;
enum sft_status bpe_trainer_new(struct bpe_trainer **out, const struct bpe_train_options *options,
                                struct sft_err *err);
void bpe_trainer_free(struct bpe_trainer *trainer);

struct text_span {
    const char *text;
    size_t len;
};

/* Count the words of n texts, by all threads. No word reaches from one text into the next: where a text is
 * cut in two, at the end of a line say, the words around the cut may be others. */
void bpe_trainer_count(struct bpe_trainer *trainer, const struct text_span *texts, size_t n);

struct bpe_train_summary {
    size_t n_texts, n_bytes, n_words, n_distinct_words, n_merges;
};

/* Learn the merges. The tokenizer's vocabulary is smaller than asked for where no pair that is frequent
 * enough is left. To be called once. */
enum sft_status bpe_trainer_train(struct bpe_trainer *trainer, struct tokenizer **out, struct sft_err *err);

/* What was counted; n_distinct_words and n_merges are known after the training. */
struct bpe_train_summary bpe_trainer_summary(const struct bpe_trainer *trainer);

#endif

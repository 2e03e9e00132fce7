/* A dataset: files of conversations, rendered to tokens and loss weights, ready to be batched.
 *
 * dataset_load makes or finds each file's token store (data/store/tokenize.h) and lists which of its conversations
 * are trained on: duplicates left out or not, a file repeated or sampled. What lies in memory is that list, 4
 * bytes a conversation; tokens and weights are mapped. The result does not depend on the number of threads.
 */
#ifndef SFT_DATA_DATASET_H
#define SFT_DATA_DATASET_H

#include "base/err.h"
#include "data/file_spec.h"
#include "data/store/tokenize.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A conversation as it is trained on, or of a pair the one with the chosen answer: a view, its pointers are the dataset's. A document longer than
 * max_length is several examples of the same line, one after another. */
struct example {
    const int32_t *tokens; /* (n_tokens) */
    const float *weights;  /* (n_tokens): loss weight of each token; the first is 0 */
    size_t n_tokens, n_targets;
    size_t n_positions;    /* what a model has to run: tokens up to the last trained one, without it */
    double target_weight;  /* sum of weights */
    size_t file, line;     /* index into dataset.files; 1-based */
    uint64_t content_hash; /* of tokens and weights, of a pair those of both; eval_fraction splits by it */
    bool truncated;
    bool is_pair; /* dataset_rejected gives the other answer */
};

struct dataset_file {
    struct file_spec spec;
    const char *path; /* spec.path */
    uint64_t hash;    /* XXH64 of its bytes */
    struct token_store store;
    struct key_counts keys;             /* of its rows: which were read, which nobody read */
    const struct tokenize_options *how; /* the dataset's */
    size_t first_record;                /* number of its first record among those of all files */
    unsigned char *duplicate;           /* a bit a record: the same tokens and weights stood before */
    size_t duplicates;                  /* of what is kept, a pair counted once */
    size_t n_examples;                  /* that it gives to the dataset */
};

struct dataset {
    struct dataset_file *files;
    size_t n_files;
    uint32_t *ids; /* (n_examples) records, numbered over all files; in file order, a file's repeats one after
                      another; of a pair the chosen answer's, behind which the rejected one's stands */
    size_t n_examples;            /* a pair is one */
    size_t n_pairs;               /* of them */
    size_t n_tokens, n_targets;   /* over the examples, of a pair those of both answers */
    struct tokenize_options *how; /* what the stores were made by, should one be damaged, */
    struct names *names;          /* and the names in it */
    bool drops_duplicates;
    bool borrows; /* made by dataset_split: the files are another dataset's */
};

/* Zero-initialised: render.max_length alone is needed. Strings are borrowed. */
struct dataset_options {
    struct render_options render;
    struct names_options names;
    enum on_bad_row on_bad_row;
    bool pairs_only;   /* with render.pairs: a conversation that is no pair is an error */
    bool allows_flags; /* a key that speaks of training and is not understood is only counted */
    enum dedupe dedupe;
    uint64_t seed;            /* of FILE*0.25's sample */
    const volatile int *stop; /* may be NULL; set by a signal: stop reading, SFT_EINTERRUPTED */
    size_t max_rows; /* 0: all; else no more of a file are looked at (of all, where one is repeated or sampled) */
};

/* Read and render the files. A file without a row is an error, one of which no row is kept is not. With
 * on_bad_row = error (or overlong = error), SFT_EDATA carries such rows by what is wrong with them, a line
 * "FILE:LINE: what (the same in lines 7, 9, 12 and 24 more)" for each of the first ten kinds; else the keys
 * that speak of training and were not obeyed. SFT_EUSAGE for names that make no sense (data/readers/names.h). Free
 * with dataset_free, which accepts a zeroed struct; until then it borrows tpl, tok and the strings of the
 * options, for dataset_check. */
enum sft_status dataset_load(struct dataset *ds, char *const *specs, size_t n_specs,
                             const struct chat_template *tpl, const struct tokenizer *tok,
                             const struct dataset_options *options, struct sft_err *err);
void dataset_free(struct dataset *ds);

/* Whether each of the names that the options give is met in a file of either dataset (eval may be NULL):
 * SFT_EUSAGE says which is not, and what there is. */
enum sft_status dataset_check_names(const struct dataset *train, const struct dataset *eval,
                                    const struct names_options *options, struct sft_err *err);

/* The record of the i-th example, and which file holds it. */
const struct record *dataset_record(const struct dataset *ds, size_t i, size_t *file);

/* The i-th example. */
struct example dataset_example(const struct dataset *ds, size_t i);

/* Its prompt with the rejected answer, where it is a pair: false, and *rejected stays as it is, where it is none.
 * Its content_hash is of itself alone. */
bool dataset_rejected(const struct dataset *ds, size_t i, struct example *rejected);

/* Make sure of the tokens of some examples, before they are looked at: where a store in the cache was damaged or cut
 * short since it was opened, it is made again of its file, with a warning, and views of its records and tokens that
 * were taken before are of no use any more. SFT_EIO where that cannot be: the file has changed, or was a pipe. */
enum sft_status dataset_check(const struct dataset *ds, const uint32_t *examples, size_t n,
                              struct sft_err *err);

/* The same of a record of the file; *record then points to where it is now. */
enum sft_status dataset_check_record(struct dataset_file *file, const struct record **record,
                                     struct sft_err *err);

/* Let a dataset borrow these from now on, which are what it was loaded with, elsewhere. */
void dataset_borrow(struct dataset *ds, const struct chat_template *tpl, const struct tokenizer *tok);

/* Add what the record stands for, of a pair's first both, to n_pairs, n_tokens and n_targets. */
void dataset_count(struct dataset *ds, const struct record *record);

/* Whether the i-th record of the file is a kept one that an earlier one equals, or of a pair that an earlier one
 * equals in both answers. */
bool dataset_is_duplicate(const struct dataset_file *file, size_t i);

/* Whether its files hold documents only, no conversation. */
bool dataset_is_documents(const struct dataset *ds);

/* Move the share `fraction` of `from` into `to` (an empty dataset), by content hash: whether a row moves
 * depends on nothing but its own content. `to` borrows from `from` and must be freed first. */
void dataset_split(struct dataset *from, struct dataset *to, double fraction);

/* How many examples of `eval` are in `train` too, and how many others have a prompt (all turns before the
 * last answer) that is in it; where the first of each stands (in eval: file and line). */
struct dataset_overlap {
    size_t same, same_prompt;
    struct example first_same, first_same_prompt;
};
struct dataset_overlap dataset_overlap(const struct dataset *train, const struct dataset *eval);

/* What each file gives to the dataset, into counts (n_files): conversations (a document's pieces are one, so is a pair,
 * and what a repeat brings again is none), how many of them are pairs, and the tokens of all. */
struct file_counts {
    uint64_t conversations, pairs, tokens, targets;
};
void dataset_count_files(const struct dataset *ds, struct file_counts *counts);

/* Every record of the files in their order, both of a pair, with why it is not trained on (NULL: it is): a row's own reason,
 * "duplicate", or "not in the sample"; after a file's last record the examples that a repeat brings again.
 * Not for a dataset that was split. Ends early where `each` returns false. */
typedef bool dataset_record_fn(void *context, struct dataset_file *file, const struct record *record,
                               const char *dropped);
void dataset_walk(const struct dataset *ds, dataset_record_fn *each, void *context);

/* Append "; left out: 1 (no assistant turn), 2 (bad row)", over all files, nothing where none was left out; true
 * where some had nothing left to train, which a length limit may be the cause of. */
bool dataset_list_left_out(const struct dataset *ds, struct strbuf *out);

/* Write the bad rows of both (eval may be NULL) to `path`: {"source":"FILE:LINE","reason":...,"row":the row's
 * text}, a line each. Where there are none, a file of that name is removed. */
enum sft_status dataset_write_rejected(const struct dataset *train, const struct dataset *eval,
                                       const char *path, struct sft_err *err);

#endif

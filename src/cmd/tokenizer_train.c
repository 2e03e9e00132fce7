#include "base/log.h"
#include "base/path.h"
#include "base/staging.h"
#include "cmd/cmd.h"
#include "data/corpus.h"
#include "text/bpe_train/bpe_train.h"
#include "text/tokenizer/tokenizer_save.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PROGRESS_TOKENS = 250 }; /* between two lines of progress */

struct training {
    uint64_t vocab_size, min_frequency;
    const char *out;
    struct string_list files, special; /* special: what is added to <|endoftext|> */
    struct bpe_trainer *trainer;
    struct tokenizer *tok;
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double mb(size_t bytes)
{
    return (double)bytes / 1e6;
}

/* ---- what is asked for ---- */

static enum sft_status check_arguments(const struct training *t, const char *synopsis, struct sft_err *err)
{
    if (t->files.count == 0 || !t->out || t->vocab_size == 0)
        return sft_fail(err, SFT_EUSAGE, "expected files, --vocab-size and --out (usage: %s)", synopsis);
    return SFT_OK;
}

/* A tokenizer's files, in the order in which they get their names where the directory holds others: what lacks
 * tokenizer.json, vocab.json and merges.txt is no tokenizer yet, and tokenizer.json alone is a whole one. */
static const char *const file_names[] = {"tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
                                         "tokenizer.json", "vocab.json", "merges.txt"};
enum { N_FILES = sizeof file_names / sizeof *file_names };

/* No tokenizer is written over, but for one that a killed process was giving its names, from DIR/.tokenizer.tmp. */
static enum sft_status check_out(const char *dir, struct sft_err *err)
{
    char *half = path_join(dir, ".tokenizer.tmp");
    const bool was_killed = path_exists(half);
    free(half);
    for (size_t i = 0; i < N_FILES && !was_killed; i++) {
        char *path = path_join(dir, file_names[i]);
        const bool exists = path_exists(path);
        free(path);
        if (exists)
            return sft_fail(err, SFT_EUSAGE,
                            "--out %s: there is a tokenizer already (%s); name another directory", dir,
                            file_names[i]);
    }
    return SFT_OK;
}

/* ---- training ---- */

static void count_texts(void *context, const struct text_span *texts, size_t n)
{
    struct training *t = context;
    bpe_trainer_count(t->trainer, texts, n);
    const struct bpe_train_summary s = bpe_trainer_summary(t->trainer);
    log_progress("counting words: %zu texts, %.1f MB", s.n_texts, mb(s.n_bytes));
}

static void show_progress(void *context, size_t vocab_size)
{
    const struct training *t = context;
    if (vocab_size % PROGRESS_TOKENS == 0)
        log_progress("merging: %zu of %llu tokens", vocab_size, (unsigned long long)t->vocab_size);
}

static enum sft_status start(struct training *t, struct sft_err *err)
{
    const char **special = mem_calloc(t->special.count + 1, sizeof *special);
    special[0] = "<|endoftext|>";
    for (size_t i = 0; i < t->special.count; i++)
        special[i + 1] = t->special.items[i];
    const struct bpe_train_options options = {.vocab_size = t->vocab_size,
                                              .min_frequency = t->min_frequency,
                                              .special = special,
                                              .n_special = t->special.count + 1,
                                              .progress = show_progress,
                                              .context = t};
    const enum sft_status status = bpe_trainer_new(&t->trainer, &options, err);
    free(special);
    return status;
}

static enum sft_status read_files(struct training *t, struct sft_err *err)
{
    for (size_t i = 0; i < t->files.count; i++)
        if (corpus_read(t->files.items[i], count_texts, t, err))
            return err->status;
    return SFT_OK;
}

/* A directory of its own is there whole or not at all; in one that holds other files, each file is. */
static enum sft_status save(const struct training *t, struct sft_err *err)
{
    const bool is_new = !path_exists(t->out);
    char *inside = path_join(t->out, ".tokenizer");
    struct staging staging;
    enum sft_status status = staging_open(&staging, is_new ? t->out : inside, err);
    if (!status)
        status = tokenizer_save(t->tok, staging.path, 0, err);
    if (!status)
        status = is_new ? staging_commit(&staging, err)
                        : staging_commit_files(&staging, t->out, file_names, N_FILES, err);
    staging_close(&staging);
    free(inside);
    return status;
}

static void report(const struct training *t, double reading, double merging)
{
    const struct bpe_train_summary s = bpe_trainer_summary(t->trainer);
    const size_t vocab = tokenizer_vocab_size(t->tok);
    log_info("read    %zu texts, %.1f MB, %zu words, %zu of them different (%.1f s)", s.n_texts,
             mb(s.n_bytes), s.n_words, s.n_distinct_words, reading);
    log_info("learnt  %zu merges, a vocabulary of %zu tokens (%.1f s)", s.n_merges, vocab, merging);
    if (vocab < t->vocab_size)
        log_warning("%llu tokens were asked for, but in these texts no other pair occurs%s",
                    (unsigned long long)t->vocab_size,
                    t->min_frequency > 1 ? " as often as --min-frequency asks" : "");
    log_info("wrote   %s", t->out);
}

static enum sft_status run(struct training *t, struct sft_err *err)
{
    const double start = seconds();
    enum sft_status status = read_files(t, err);
    const double read = seconds();
    if (!status)
        status = bpe_trainer_train(t->trainer, &t->tok, err);
    log_progress("%s", "");
    const double learnt = seconds();
    if (!status)
        status = save(t, err);
    if (!status)
        report(t, read - start, learnt - read);
    return status;
}

int cmd_tokenizer_train(int argc, char **argv)
{
    struct training t = {0};
    const struct option table[] = {
        {"vocab-size", OPTION_SIZE, &t.vocab_size, "N",
         "number of tokens in all: special ones, the 256 bytes, merges"},
        {"out", OPTION_STRING, &t.out, "DIR", "where to write the tokenizer; must not hold one yet"},
        {"min-frequency", OPTION_SIZE, &t.min_frequency, "N",
         "merge only pairs that occur at least N times (0, as in BpeTrainer)"},
        {"special", OPTION_LIST, &t.special, "TOKEN",
         "a special token besides <|endoftext|>, which has id 0; may be repeated"},
    };
    const struct usage usage = {
        "sft tokenizer train FILE... --vocab-size N --out DIR [options]",
        "Learns a byte-level BPE tokenizer with GPT-2's splitting into words, and writes it in both of "
        "Hugging Face's forms. Vocabulary and merges equal those of Hugging Face's BpeTrainer on the same "
        "texts: the lines of a FILE.txt, the messages or documents of any other FILE (JSON, CSV, also gzipped; "
        "- is standard input). FILE*2 counts twice, FILE:format forces a format (txt: lines).",
        table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &t.files);
    if (code >= 0) {
        words_free(&t.special);
        return code;
    }
    struct sft_err err = {0};
    enum sft_status status = check_arguments(&t, usage.synopsis, &err);
    if (!status)
        status = check_out(t.out, &err);
    if (!status)
        status = start(&t, &err);
    if (!status)
        status = run(&t, &err);
    code = status ? report_error(&err) : finish_output();
    tokenizer_free(t.tok);
    bpe_trainer_free(t.trainer);
    words_free(&t.special);
    words_free(&t.files);
    return code;
}

#include "text/bpe_train/bpe_train.h"

#include "text/bpe_train/bpe_learn.h"
#include "text/bpe_train/word_counts.h"
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/tokenizer_parts.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { N_BYTES = 256, TEXTS_AT_ONCE = 64 };

static const char END_OF_TEXT[] = "<|endoftext|>";

/* What one thread has counted. */
struct counter {
    struct pretokenizer_run run;
    struct strbuf repaired; /* scratch */
    struct word_counts words;
    size_t n_words;
};

struct bpe_trainer {
    size_t vocab_size;
    uint64_t min_frequency;
    void (*progress)(void *context, size_t vocab_size);
    void *context;
    struct tokenizer *tok; /* what is made; the caller's in the end */
    int32_t byte_id[N_BYTES];
    struct counter **counters; /* one a thread, each with memory of its own */
    int n_counters;
    struct bpe_train_summary summary;
};

/* ---- the vocabulary before the first merge ---- */

/* The id of a token of that content: a special one, or a new one. */
static int32_t put_token(struct tokenizer *tok, const char *content, size_t len)
{
    int32_t id = vocab_find(&tok->vocab, content, len);
    if (id == TOKEN_NONE) {
        id = (int32_t)tok->vocab.n_ids;
        tokenizer_own(tok, vocab_put(&tok->vocab, tok->vocab.n_ids, content, len));
    }
    return id;
}

static bool is_utf8(const char *s, size_t len)
{
    size_t width;
    for (; len > 0; s += width, len -= width)
        if ((width = utf8_decode(s, len, NULL, NULL)) == 0)
            return false;
    return true;
}

static enum sft_status put_special(struct tokenizer *tok, const char *const *special, size_t n_special,
                                   struct sft_err *err)
{
    for (size_t i = 0; i < n_special; i++) {
        const char *content = special[i];
        const size_t len = strlen(content);
        if (len == 0)
            return sft_fail(err, SFT_EUSAGE, "a special token cannot be empty");
        if (!is_utf8(content, len))
            return sft_fail(err, SFT_EUSAGE, "special token '%s': not UTF-8", content);
        const int32_t id = put_token(tok, content, len); /* which may move the tokens */
        struct token *t = &tok->vocab.tokens[id];
        t->is_added = true;
        t->flags.special = true;
    }
    const int32_t end = vocab_find(&tok->vocab, END_OF_TEXT, strlen(END_OF_TEXT));
    tok->named[SPECIAL_BOS] = tok->named[SPECIAL_EOS] = tok->named[SPECIAL_UNK] = end;
    return SFT_OK;
}

struct spelled_byte {
    char spelling[BYTE_LEVEL_MAX_UTF8 + 1];
    unsigned char byte;
};

/* UTF-8 sorts as code points do. */
static int by_spelling(const void *a, const void *b)
{
    return strcmp(((const struct spelled_byte *)a)->spelling, ((const struct spelled_byte *)b)->spelling);
}

static void put_bytes(struct tokenizer *tok, int32_t byte_id[N_BYTES])
{
    struct spelled_byte bytes[N_BYTES];
    struct strbuf spelling = {0};
    for (size_t i = 0; i < N_BYTES; i++) {
        bytes[i] = (struct spelled_byte){.byte = (unsigned char)i};
        strbuf_clear(&spelling);
        byte_level_spell(&bytes[i].byte, 1, &spelling);
        memcpy(bytes[i].spelling, spelling.data, spelling.len + 1);
    }
    strbuf_free(&spelling);
    qsort(bytes, N_BYTES, sizeof *bytes, by_spelling);
    for (size_t i = 0; i < N_BYTES; i++)
        byte_id[bytes[i].byte] = put_token(tok, bytes[i].spelling, strlen(bytes[i].spelling));
}

/* ---- counting ---- */

static void count_word(void *context, const struct word *word)
{
    struct counter *counter = context;
    word_counts_add(&counter->words, word->text, word->len, 1);
    counter->n_words++;
}

static struct counter *counter_new(const struct pretokenizer *pre)
{
    struct counter *counter = mem_calloc(1, sizeof *counter);
    counter->run = (struct pretokenizer_run){
        .pre = pre, .matcher = matcher_new(), .each = count_word, .context = counter};
    return counter;
}

static void counter_free(struct counter *counter)
{
    matcher_free(counter->run.matcher);
    pretokenizer_run_free(&counter->run);
    strbuf_free(&counter->repaired);
    word_counts_free(&counter->words);
    free(counter);
}

static void count_text(struct counter *counter, const struct text_span *text)
{
    strbuf_clear(&counter->repaired);
    strbuf_add_utf8_lossy(&counter->repaired, text->text, text->len);
    pretokenize(&counter->run, counter->repaired.data, counter->repaired.len, true);
}

void bpe_trainer_count(struct bpe_trainer *trainer, const struct text_span *texts, size_t n)
{
    const int n_threads = omp_get_max_threads();
    if (n_threads > trainer->n_counters)
        trainer->counters = mem_realloc(trainer->counters, (size_t)n_threads, sizeof(struct counter *));
    while (trainer->n_counters < n_threads)
        trainer->counters[trainer->n_counters++] = counter_new(&trainer->tok->pre);
#pragma omp parallel for schedule(dynamic, TEXTS_AT_ONCE) num_threads(n_threads)
    for (size_t i = 0; i < n; i++)
        count_text(trainer->counters[omp_get_thread_num()], &texts[i]);
    trainer->summary.n_texts += n;
    for (size_t i = 0; i < n; i++)
        trainer->summary.n_bytes += texts[i].len;
}

/* All that was counted, in the first thread's table. */
static const struct word_counts *gather_words(struct bpe_trainer *trainer)
{
    static const struct word_counts none;
    if (trainer->n_counters == 0)
        return &none;
    struct word_counts *words = &trainer->counters[0]->words;
    for (int i = 0; i < trainer->n_counters; i++) {
        trainer->summary.n_words += trainer->counters[i]->n_words;
        if (i > 0)
            word_counts_merge(words, &trainer->counters[i]->words);
    }
    trainer->summary.n_distinct_words = words->count;
    return words;
}

/* ---- merges ---- */

struct merge_list {
    struct bpe_pair *pairs;
    size_t count, capacity;
};

static void spell_pair(const struct tokenizer *tok, const struct bpe_pair *pair, struct strbuf *out)
{
    strbuf_clear(out);
    strbuf_puts(out, tok->vocab.tokens[pair->left].content);
    strbuf_puts(out, tok->vocab.tokens[pair->right].content);
}

static void learn_merges(const struct bpe_trainer *trainer, const struct word_counts *words,
                         struct merge_list *merges)
{
    struct tokenizer *tok = trainer->tok;
    struct bpe_learner *learner = bpe_learner_new(words, trainer->byte_id);
    struct strbuf content = {0};
    struct bpe_pair pair;
    while (tok->vocab.n_ids < trainer->vocab_size && bpe_learner_next(learner, &pair) &&
           pair.count >= trainer->min_frequency) {
        spell_pair(tok, &pair, &content);
        const int32_t id = put_token(tok, content.data, content.len);
        merges->pairs = mem_grow(merges->pairs, &merges->capacity, merges->count + 1, sizeof *merges->pairs);
        merges->pairs[merges->count++] = pair;
        bpe_learner_merge(learner, id);
        if (trainer->progress)
            trainer->progress(trainer->context, tok->vocab.n_ids);
    }
    strbuf_free(&content);
    bpe_learner_free(learner);
}

static enum sft_status set_merges(struct tokenizer *tok, const struct merge_list *merges, struct sft_err *err)
{
    struct strbuf joined = {0};
    enum sft_status status = SFT_OK;
    bpe_model_start(&tok->model, &tok->vocab, true, merges->count);
    for (size_t i = 0; i < merges->count && !status; i++) {
        const struct token *a = &tok->vocab.tokens[merges->pairs[i].left],
                           *b = &tok->vocab.tokens[merges->pairs[i].right];
        status = bpe_model_add_merge(&tok->model, &tok->vocab, a->content, a->content_len, b->content, b->content_len,
                                     &joined, err);
    }
    strbuf_free(&joined);
    return status;
}

/* ---- a trainer ---- */

static enum sft_status check_size(size_t vocab_size, size_t n_special, struct sft_err *err)
{
    if (vocab_size < N_BYTES + n_special)
        return sft_fail(err, SFT_EUSAGE,
                        "a vocabulary of %zu is too small: %zu special token%s and %d bytes are in every one",
                        vocab_size, n_special, n_special == 1 ? "" : "s", N_BYTES);
    if (vocab_size > TOKEN_ID_LIMIT)
        return sft_fail(err, SFT_EUSAGE, "a vocabulary of %zu is too large: %d at most", vocab_size,
                        TOKEN_ID_LIMIT);
    return SFT_OK;
}

static enum sft_status start(struct bpe_trainer *trainer, const struct bpe_train_options *options,
                             struct sft_err *err)
{
    struct tokenizer *tok = trainer->tok;
    tok->base_config = json_new_object();
    tok->merges_are_pairs = true;
    enum sft_status status = tokenizer_set_gpt2(tok, false, err);
    if (!status)
        status = put_special(tok, options->special, options->n_special, err);
    if (!status)
        status = check_size(options->vocab_size, tok->vocab.n_ids, err);
    if (!status)
        put_bytes(tok, trainer->byte_id);
    return status;
}

enum sft_status bpe_trainer_new(struct bpe_trainer **out, const struct bpe_train_options *options,
                                struct sft_err *err)
{
    struct bpe_trainer *trainer = mem_calloc(1, sizeof *trainer);
    struct sft_err unheard;
    trainer->vocab_size = options->vocab_size;
    trainer->min_frequency = options->min_frequency;
    trainer->progress = options->progress;
    trainer->context = options->context;
    trainer->tok = tokenizer_new();
    const enum sft_status status = start(trainer, options, err ? err : &unheard);
    if (status) {
        bpe_trainer_free(trainer);
        trainer = NULL;
    }
    *out = trainer;
    return status;
}

void bpe_trainer_free(struct bpe_trainer *trainer)
{
    if (!trainer)
        return;
    for (int i = 0; i < trainer->n_counters; i++)
        counter_free(trainer->counters[i]);
    free(trainer->counters);
    tokenizer_free(trainer->tok);
    free(trainer);
}

enum sft_status bpe_trainer_train(struct bpe_trainer *trainer, struct tokenizer **out, struct sft_err *err)
{
    struct merge_list merges = {0};
    *out = NULL;
    learn_merges(trainer, gather_words(trainer), &merges);
    const enum sft_status status = set_merges(trainer->tok, &merges, err);
    trainer->summary.n_merges = merges.count;
    free(merges.pairs);
    if (!status) {
        *out = trainer->tok;
        trainer->tok = NULL;
    }
    return status;
}

struct bpe_train_summary bpe_trainer_summary(const struct bpe_trainer *trainer)
{
    return trainer->summary;
}

#include "collect/synth/variety_read.h"

#include "base/hash_set.h"
#include "base/mem.h"
#include "base/xxh64.h"
#include "collect/synth/chat_file.h"
#include "collect/synth/filter_text.h"
#include "collect/synth/minhash.h"
#include "collect/synth/variety_check.h"
#include "collect/synth/words.h"
#include "judge/refusal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the texts of one side ---- */

struct side {
    struct variety_side *told;
    size_t *lengths, capacity; /* (told->texts) */
    struct hash_set runs[VARIETY_NGRAMS], texts;
    size_t n_runs[VARIETY_NGRAMS];
};

/* The runs that end with a text's n-th word; last[0] is that word's hash. */
static void count_runs(struct side *side, const uint64_t last[VARIETY_NGRAMS], size_t n)
{
    for (size_t k = 0; k < VARIETY_NGRAMS && k < n; k++) {
        hash_set_add(&side->runs[k], xxh64(last, (k + 1) * sizeof *last, 0));
        side->n_runs[k]++;
    }
}

static void count_text(struct side *side, const char *text, size_t len)
{
    uint64_t last[VARIETY_NGRAMS] = {0};
    size_t n = 0;
    struct strbuf opening = {0};
    struct xxh64 whole;
    struct word_reader reader = words_of(text, len);
    xxh64_init(&whole, 0);
    while (words_next(&reader)) {
        memmove(last + 1, last, sizeof last - sizeof *last);
        last[0] = xxh64(reader.word, reader.len, 0);
        xxh64_update(&whole, last, sizeof *last);
        if (n < VARIETY_NGRAMS) {
            strbuf_puts(&opening, n ? " " : "");
            strbuf_add(&opening, reader.word, reader.len);
        }
        count_runs(side, last, ++n);
    }
    side->lengths = mem_grow(side->lengths, &side->capacity, side->told->texts + 1, sizeof *side->lengths);
    side->lengths[side->told->texts++] = filter_count_characters(text, len);
    side->told->words += n;
    if (n > 0) {
        variety_count(&side->told->openings, opening.data, opening.len);
        if (n >= VARIETY_REPEAT_WORDS)
            side->told->repeated += !hash_set_add(&side->texts, xxh64_digest(&whole));
    }
    strbuf_free(&opening);
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void side_settle(struct side *side)
{
    struct variety_side *told = side->told;
    if (told->texts > 0) {
        qsort(side->lengths, told->texts, sizeof *side->lengths, compare_sizes);
        for (size_t q = 0; q < VARIETY_QUARTILES; q++)
            told->quartiles[q] = side->lengths[(told->texts - 1) * q / (VARIETY_QUARTILES - 1)];
    }
    for (size_t k = 0; k < VARIETY_NGRAMS; k++)
        told->distinct[k] = side->n_runs[k] ? (double)side->runs[k].count / (double)side->n_runs[k] : (double)NAN;
    variety_counts_settle(&told->openings);
}

static void side_free(struct side *side)
{
    for (size_t k = 0; k < VARIETY_NGRAMS; k++)
        hash_set_free(&side->runs[k]);
    hash_set_free(&side->texts);
    free(side->lengths);
}

/* ---- rows ---- */

struct reading {
    struct variety *v;
    struct side questions, answers;
    struct minhash_index index;
};

static void count_meta(struct variety *v, const json *meta)
{
    const struct {
        const char *key;
        struct variety_counts *counts;
    } keys[] = {{"kind", &v->kinds},
                {"persona", &v->personas},
                {"model", &v->models},
                {"recipe", &v->recipes},
                {"topic", &v->topics}};
    v->with_meta += json_is_object(meta);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = json_string(json_get(meta, keys[i].key));
        if (value)
            variety_count(keys[i].counts, value, strlen(value));
    }
}

/* The last answer, and what it answers. */
static void judge_row(struct variety *v, const struct conversation *conv, const char *kind)
{
    const struct message *answer = &conv->messages[conv->count - 1], *question = answer;
    while (question > conv->messages && question->role != ROLE_USER)
        question--;
    const bool is_asked = question->role == ROLE_USER;
    const enum refusal_label label = refusal_judge(is_asked ? question->content : "", is_asked ? question->len : 0,
                                                   answer->content, answer->len);
    v->incoherent += label == JUDGED_INCOHERENT;
    if (refusal_is_refused(label))
        variety_count(&v->refused, kind ? kind : "", kind ? strlen(kind) : 0);
}

static void count_row(struct reading *r, const struct chat_row *row)
{
    const struct conversation *conv = &row->conv;
    const json *meta = json_get(row->root, "meta");
    struct shingles set = {0};
    r->v->rows++;
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        if (m->role == ROLE_USER || m->role == ROLE_ASSISTANT)
            count_text(m->role == ROLE_USER ? &r->questions : &r->answers, m->content, m->len);
        r->v->exchanges += i > 0 && m->role == ROLE_ASSISTANT && m[-1].role == ROLE_USER;
    }
    count_meta(r->v, meta);
    judge_row(r->v, conv, json_string(json_get(meta, "kind")));
    shingles_of(&set, conv, 1U << ROLE_USER | 1U << ROLE_ASSISTANT);
    minhash_index_add(&r->index, &set);
}

/* Up to its last answer; false where there is none. */
static bool ends_with_answer(struct conversation *conv)
{
    while (conv->count && conv->messages[conv->count - 1].role != ROLE_ASSISTANT)
        conv->count--;
    return conv->count > 0 && !conv->is_document;
}

static void note_bad(struct variety *v, const struct sft_err *err)
{
    if (v->bad++ == 0)
        v->first_bad = mem_strdup(SFT_ERR_TEXT(err));
}

static enum sft_status read_rows(struct reading *r, struct chat_file *file, struct sft_err *err)
{
    for (;;) {
        struct chat_row row;
        struct sft_err wrong = {0};
        const enum sft_status status = chat_file_next(file, &row, &wrong);
        if (status && status != SFT_EDATA)
            return (*err = wrong).status;
        if (!status && !row.number)
            return SFT_OK;
        if (!status && !ends_with_answer(&row.conv)) {
            sft_fail(&wrong, SFT_EDATA, "there is no answer in it");
            sft_in_file(&wrong, file->spec.text, row.line);
        }
        if (wrong.status)
            note_bad(r->v, &wrong);
        else
            count_row(r, &row);
        if (status && !row.number)
            return SFT_OK; /* the structure is broken: there is nothing behind it */
    }
}

static void count_similar(struct reading *r)
{
    double similarity;
    for (size_t i = 0; i < r->index.count; i++)
        if (minhash_index_find(&r->index, &r->index.sets[i], i, &similarity) != MINHASH_NONE) {
            r->v->similar++;
            r->v->copies += similarity >= VARIETY_COPY;
        }
}

/* ---- files ---- */

/* What the filters took out, if the file is one of `sft synth`. */
static enum sft_status read_rejected(struct variety *v, const char *path, const volatile int *stop, struct sft_err *err)
{
    char *name = mem_printf("%s.rejected.jsonl", path);
    struct chat_file file = {0};
    struct chat_row row = {.number = 1};
    enum sft_status status = access(name, F_OK) == 0 ? chat_file_open(&file, name, stop, err) : SFT_OK;
    while (!status && file.spec.text && row.number) {
        struct sft_err no_matter = {0}; /* it may well be no conversation */
        status = chat_file_next(&file, &row, &no_matter);
        const char *reason = json_string(json_get(row.root, "reason"));
        if (reason)
            variety_count(&v->rejected, reason, strlen(reason));
        if (status == SFT_EINTERRUPTED)
            *err = no_matter;
        status = status == SFT_EINTERRUPTED ? status : SFT_OK;
    }
    chat_file_close(&file);
    free(name);
    return status;
}

static void settle(struct reading *r)
{
    struct variety *v = r->v;
    struct variety_counts *all[] = {&v->kinds,  &v->personas, &v->models, &v->recipes,
                                    &v->topics, &v->rejected, &v->refused};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        variety_counts_settle(all[i]);
    side_settle(&r->questions);
    side_settle(&r->answers);
    count_similar(r);
    variety_check(v);
}

enum sft_status variety_read(struct variety *v, const char *name, const volatile int *stop, struct sft_err *err)
{
    struct chat_file file;
    struct reading r = {.v = v, .questions = {.told = &v->questions}, .answers = {.told = &v->answers}};
    *v = (struct variety){.file = mem_strdup(name)};
    minhash_index_init(&r.index, VARIETY_SIMILAR);
    enum sft_status status = chat_file_open(&file, name, stop, err);
    if (!status)
        status = read_rows(&r, &file, err);
    if (!status)
        status = read_rejected(v, file.spec.path, stop, err);
    if (!status && v->rows == 0 && v->bad > 0)
        status = sft_fail(err, SFT_EDATA, "%s (there is no conversation in the file)", v->first_bad);
    else if (!status && v->rows == 0)
        status = (sft_fail(err, SFT_EDATA, "there is no row in it"), sft_in_file(err, name, 0));
    if (!status)
        settle(&r);
    chat_file_close(&file);
    side_free(&r.questions);
    side_free(&r.answers);
    minhash_index_free(&r.index);
    return status;
}

#include "collect/review/review_state.h"

#include "base/log.h"
#include "base/xxh64.h"
#include "collect/review/moved_rows.h"

#include <stdlib.h>

/* ---- samples ---- */

struct ranked {
    uint64_t rank;
    size_t row;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->rank != y->rank ? (x->rank < y->rank ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

static int by_number(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

size_t *review_sample(size_t n_rows, size_t n, uint64_t seed, size_t *n_chosen)
{
    struct ranked *all = mem_alloc((n_rows + 1) * sizeof *all);
    *n_chosen = n < n_rows ? n : n_rows;
    for (size_t i = 0; i < n_rows; i++) {
        const uint64_t row = i + 1;
        all[i] = (struct ranked){xxh64(&row, sizeof row, seed), i + 1};
    }
    qsort(all, n_rows, sizeof *all, by_rank);
    size_t *chosen = mem_alloc((*n_chosen + 1) * sizeof *chosen);
    for (size_t i = 0; i < *n_chosen; i++)
        chosen[i] = all[i].row;
    qsort(chosen, *n_chosen, sizeof *chosen, by_number);
    free(all);
    return chosen;
}

static void choose_sample(struct review *review)
{
    free(review->sample);
    review->sample = NULL;
    if (review->options.n_sample)
        review->sample = review_sample(review->rows.count, review->options.n_sample, review->options.seed,
                                       &review->n_sample);
}

bool review_has_row(const struct review *review, size_t row)
{
    if (row < 1 || row > review->rows.count)
        return false;
    return !review->sample || bsearch(&row, review->sample, review->n_sample, sizeof row, by_number);
}

/* ---- files ---- */

enum sft_status review_open_rows(struct review *review, const struct review_options *options, struct sft_err *err)
{
    *review = (struct review){.options = *options, .mine.fd = -1};
    if (review_rows_open(&review->rows, options->file, &options->rows, err))
        return err->status;
    choose_sample(review);
    return SFT_OK;
}

enum sft_status review_join(struct review *review, const char *name, struct sft_err *err)
{
    struct sft_err why = {0};
    review->options.name = name;
    if (side_file_open(&review->mine, review->rows.spec.path, name, err))
        return err->status;
    side_files_init(&review->others, review->rows.spec.path, name);
    if (side_files_refresh(&review->others, &why))
        log_warning("%s: what it says is not shown", SFT_ERR_TEXT(&why));
    review_settle(review);
    return SFT_OK;
}

enum sft_status review_open(struct review *review, const struct review_options *options, struct sft_err *err)
{
    const enum sft_status status = review_open_rows(review, options, err);
    return status ? status : review_join(review, options->name, err);
}

void review_close(struct review *review)
{
    review_rows_free(&review->rows);
    side_file_close(&review->mine);
    side_files_free(&review->others);
    free(review->sample);
    *review = (struct review){.mine.fd = -1};
}

void review_settle(struct review *review)
{
    moved_rows_find(&review->mine, &review->rows);
    moved_rows_find_all(&review->others, &review->rows);
}

void review_refresh(struct review *review)
{
    if (review_rows_refresh(&review->rows))
        choose_sample(review);
    side_files_refresh(&review->others, NULL); /* what somebody else does to a file of theirs must not stop us */
    review_settle(review);
}

/* ---- verdicts ---- */

enum verdict review_verdict(const struct review *review, size_t row, bool *changed)
{
    const uint64_t hash = review->rows.items[row - 1].hash;
    const enum verdict verdict = side_file_verdict(&review->mine, row, hash);
    if (changed)
        *changed = verdict == VERDICT_NONE && side_file_last(&review->mine, row);
    return verdict;
}

/* What has been said of a row so far, by one reviewer after another. */
struct said {
    bool good, bad, differs;
    const struct decision *edit;
};

static void add_said(struct said *said, const struct side_file *side, size_t row, uint64_t hash)
{
    const enum verdict verdict = side_file_verdict(side, row, hash);
    const struct decision *d = side_file_last(side, row);
    said->good = said->good || verdict_is_good(verdict);
    said->bad = said->bad || verdict == VERDICT_REJECT;
    if (verdict != VERDICT_EDIT)
        return;
    said->differs = said->differs || (said->edit && !decision_is_same_edit(said->edit, d));
    said->edit = d;
}

bool review_disagrees(const struct review *review, size_t row)
{
    const uint64_t hash = review->rows.items[row - 1].hash;
    struct said said = {0};
    add_said(&said, &review->mine, row, hash);
    for (size_t i = 0; i < review->others.count; i++)
        add_said(&said, &review->others.items[i], row, hash);
    return (said.good && said.bad) || said.differs;
}

struct review_counts review_count(const struct review *review)
{
    struct review_counts counts = {0};
    for (size_t row = 1; row <= review->rows.count; row++)
        counts.by_verdict[review_verdict(review, row, NULL)]++;
    for (size_t i = 0; review->sample && i < review->n_sample; i++) {
        const enum verdict verdict = review_verdict(review, review->sample[i], NULL);
        counts.sample_decided += verdict_is_good(verdict) || verdict == VERDICT_REJECT;
        counts.sample_good += verdict_is_good(verdict);
        counts.sample_edited += verdict == VERDICT_EDIT;
    }
    return counts;
}

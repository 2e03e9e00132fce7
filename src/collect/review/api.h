/* The page's API, without HTTP: what is asked, in bytes, and what is answered, in bytes.
 *
 *     GET  /api/state               the file, reviewers, counts
 *     GET  /api/list?q=&kind=&label=&decision=&disagree=1&tag=&preference=1&order=row|loss&from=&n=&after=
 *     GET  /api/row?row=N           a row
 *     POST /api/decide              {"row","seq","decision","messages"?,"chosen"?,"rejected"?,"reason"?,"tags"?}
 *     POST /api/undo                {}
 *
 * docs/review.md has their answers. `seq` is how many lines this reviewer's file has of the row: who decides says the
 * one that the page showed, and where it is another by now (a second tab) gets 409 and the row as it stands. */
#ifndef SFT_COLLECT_REVIEW_API_H
#define SFT_COLLECT_REVIEW_API_H

#include "collect/review/review_rows.h"
#include "collect/review/side_file.h"

struct review {
    struct review_rows rows;
    struct side_file mine;
    struct side_files others;
    size_t n_sample; /* 0: no sample */
    uint64_t seed;   /* of the sample */
    bool *sampled;   /* (rows.count) NULL: all */
    bool has_base, has_losses;
};

struct review_options {
    const char *file, *name;
    struct review_rows_options rows;
    size_t n_sample;
    uint64_t seed;
};

/* Open file and decisions. Free with review_close in any case. Strings of the options must outlive it. */
enum sft_status review_open(struct review *review, const struct review_options *options, struct sft_err *err);
void review_close(struct review *review);

/* A sample: the n rows, from 1 and in their order, that the seed chooses of n_rows; a malloc'd list, *n_chosen long. A
 * file that grows keeps those of its sample that a new row does not take the place of. */
size_t *review_sample(size_t n_rows, size_t n, uint64_t seed, size_t *n_chosen);

struct review_request {
    bool is_post;
    const char *path;                                        /* "/api/..." */
    const char *(*argument)(void *context, const char *name); /* decoded; NULL: not given */
    void *context;
    const char *body; /* (n_body) */
    size_t n_body;
};

/* Append the answer, an object, and return HTTP's status: 200, 400, 404, 405, 409, 500. */
unsigned review_answer(struct review *review, const struct review_request *request, struct strbuf *out);

/* {"error": message} */
void review_error_print(const char *message, struct strbuf *out);

#endif

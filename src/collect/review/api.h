/* The page's API, without HTTP: what is asked, in bytes, and what is answered, in bytes.
 *
 *     GET  /api/state               the file, reviewers, counts
 *     GET  /api/list?q=&kind=&label=&decision=&disagree=1&tag=&preference=1&order=row|loss&from=&n=&after=
 *     GET  /api/row?row=N           a row
 *     POST /api/decide              {"row","seq","decision","messages"?,"chosen"?,"rejected"?,"reason"?,"tags"?}
 *     POST /api/undo                {"seq_total"?}
 *
 * docs/review.md has their answers. `seq` is how many lines this reviewer's file has of the row: who decides says the
 * one that the page showed, and where it is another by now (a second tab) gets 409 and the row as it stands.
 * `seq_total` is how many lines the file has of all rows: an undo that says another one gets 409. */
#ifndef SFT_COLLECT_REVIEW_API_H
#define SFT_COLLECT_REVIEW_API_H

#include "collect/review/review_state.h"

struct review_request {
    bool is_post;
    const char *path;                                         /* "/api/..." */
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

/* What the fake endpoint does wrong, a fault a name. */
#ifndef SFT_TESTS_FAKE_FAULTS_H
#define SFT_TESTS_FAKE_FAULTS_H

#include "fake_answers.h"

#include "base/rng.h"

/* One request and what is sent back. */
struct exchange {
    int fd;
    const json *request;
    uint64_t hash; /* of the request and how often it has come */
    char *authorization;
    struct fake_answer answer;
    bool is_cut;
    double latency_s;
    unsigned status;      /* out: what was sent; 0: nothing */
    unsigned long tokens; /* out: a usage that is true: of prompt and answer */
    bool is_whole;        /* out: all that was to be sent has been */
};

struct fault {
    const char *name;
    void (*answer)(struct exchange *e);
    bool is_passing; /* a client may go on after it: these are meant by "all" */
};
const struct fault *fault_find(const char *name,
                               size_t len); /* "ok": the answer as it should be; NULL: no such fault */
const struct fault *fault_number(size_t i); /* NULL behind the last */

/* Sends a status and a body; `head`: further lines, each with its line break. */
void exchange_send(struct exchange *e, unsigned status, const char *head, const char *body, size_t len);
void exchange_refuse(struct exchange *e, unsigned status, const char *head, const char *code, const char *message);

#endif

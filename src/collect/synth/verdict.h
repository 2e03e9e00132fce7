/* What the end of an attempt means for its request: pure, so that every status and failure has a row in a test. */
#ifndef SFT_COLLECT_SYNTH_VERDICT_H
#define SFT_COLLECT_SYNTH_VERDICT_H

#include "collect/synth/completion.h"
#include "collect/synth/curl.h"
#include "collect/synth/endpoint_url.h"

/* How an attempt has ended. */
struct attempt_end {
    CURLcode result;       /* CURLE_OK: an answer has come whole, of any status */
    const char *complaint; /* libcurl's words about another result */
    bool was_sent;         /* some of the request was */
    bool is_too_long;      /* the answer was, and was broken off */
    long status;           /* of HTTP */
    const char *redirect;  /* where a 3xx leads; NULL: nowhere */
    bool says_when;        /* a Retry-After came with it */
    const char *body;      /* (len), without the key */
    size_t len;
};

/* What is known of the endpoint. */
struct verdict_context {
    const struct endpoint_url *url;
    double timeout_s;
    bool has_key, has_heard; /* a key was sent; some attempt has had an answer */
    bool has_answered;       /* some attempt has had a completion */
    bool may_guess;          /* dialect_change's */
    size_t n_failed;         /* attempts of this request before */
    const struct completion_request *request;
};

enum verdict {
    ANSWERED,
    ASK_AGAIN,     /* the same, after a while */
    ASK_OTHERWISE, /* at once, in another dialect */
    REFUSED,       /* this request */
    HOPELESS,      /* all requests */
};

struct attempt_verdict {
    enum verdict verdict;
    bool is_lost;   /* there is no text, but perhaps a bill */
    bool holds_all; /* the endpoint wants peace, not only from this request */
};

/* ANSWERED fills *completion; all else *err, about the endpoint's url. ASK_OTHERWISE changes *dialect. */
struct attempt_verdict verdict_of(const struct attempt_end *end, const struct verdict_context *context,
                                  struct dialect *dialect, struct completion *completion, struct sft_err *err);

#endif

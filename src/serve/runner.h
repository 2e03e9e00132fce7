/* The engine's side of the server: takes jobs, lets the model answer them side by side, and hands out what it says.
 * All of it runs on the thread that calls runner_run: the one that loaded the model (OpenMP has a team a thread). */
#ifndef SFT_SERVE_RUNNER_H
#define SFT_SERVE_RUNNER_H

#include "infer/decode.h"
#include "serve/server.h"

struct runner_model {
    const struct tokenizer *tokenizer;
    const char *fingerprint; /* of the answers (struct response_about) */
};
struct runner_options {
    struct decode *decode; /* nobody else's meanwhile; its models are the server's, in the same order, as are */
    const struct runner_model *models;
    const volatile sig_atomic_t *stop; /* set by a signal, whose handler calls job_queue_wake */
    double drain_seconds;              /* for answers that have begun or wait when it is set */
    double look_seconds;               /* how often connections are looked at whose time may be over (1) */
};

/* Answer what comes until *stop is set and all that came before it is answered, or drain_seconds have passed: what
 * is left then ends with an error. Afterwards the server can be stopped. */
void runner_run(struct server *server, const struct runner_options *options);

#endif

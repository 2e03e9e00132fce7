/* What a labeller wrote, kept or not: rules over one conversation and what was kept before it.
 *
 *     filter_open(&filter, &options, err);                          // reads examples and eval files
 *     filter_add(&filter, conv, "row 3");                           // of rows that an earlier run has kept
 *     if (filter_check(&filter, &row, &verdict) == FILTER_KEPT)     // of a new one
 *         filter_add(&filter, row.conv, "row 12");
 *     filter_close(&filter);
 *
 * The first rule that is broken, in the order of the reasons, is the one that is told. docs/synth.md says them in
 * words. */
#ifndef SFT_COLLECT_SYNTH_FILTER_H
#define SFT_COLLECT_SYNTH_FILTER_H

#include "base/err.h"
#include "base/strbuf.h"
#include "collect/synth/minhash.h"
#include "text/conversation.h"

enum filter_reason {
    FILTER_KEPT,
    FILTER_ENDPOINT_REFUSES, /* it will not answer what is asked for the row, or withholds the answer */
    FILTER_MALFORMED,        /* no conversation could be made of the answer (collect/synth/structured.h says why) */
    FILTER_EMPTY,            /* a message is blank */
    FILTER_CUT_OFF,          /* an answer ended at max_tokens */
    FILTER_TOO_SHORT,        /* a message has fewer than min_chars characters, */
    FILTER_TOO_LONG,         /* or more than max_chars */
    FILTER_CONTROL_TOKENS,   /* a chat template's control tokens stand in the text */
    FILTER_BOTH_SIDES,       /* a message goes on with "User:" or "Assistant:" */
    FILTER_INCOHERENT,       /* a loop, or no language */
    FILTER_REFUSES,          /* where an answer was due */
    FILTER_DOES_NOT_REFUSE,
    FILTER_SPEAKS_OF_AI,   /* the persona must not */
    FILTER_ECHOES,         /* an answer is its question again */
    FILTER_SAME_ANSWERS,   /* of a pair: both are alike */
    FILTER_COPIES_EXAMPLE, /* it is like an example that was shown, or one of its messages is, or has words of a shot */
    FILTER_NEAR_EVAL,      /* it, or what is asked in it, is like a row of the eval files */
    FILTER_NEAR_DUPLICATE, /* it is like a row that was kept */
    N_FILTER_REASONS
};

/* "kept", "malformed", "too_short", ...: what stands in files, and does not change. */
const char *filter_reason_name(enum filter_reason reason);

/* The reason of that name, or N_FILTER_REASONS. */
enum filter_reason filter_reason_by_name(const char *name);

struct filter_options {
    size_t min_chars, max_chars;       /* of each message but the system's, in characters; max 0: no limit */
    double near_duplicate;             /* the similarity from which on two are too alike; 0: nobody is compared */
    struct string_list examples, eval; /* as files are named to train; borrowed */
    const volatile int *stop;          /* may be NULL */
};

/* What rows are compared with, each under the name that a verdict calls it by. */
struct filter_texts {
    struct minhash_index index;
    char **names; /* (index.count) */
    size_t capacity;
};

struct filter {
    struct filter_options options;
    struct filter_texts kept, examples, messages, eval, questions; /* messages: of examples; questions: of eval */
    struct shingles *shots;                                        /* (n_shots) texts that prompts show */
    size_t n_shots, shots_capacity;
    struct string_list marks; /* of chat templates */
};

/* SFT_EIO, SFT_EDATA or SFT_EUSAGE for examples and eval files, each of which may also have a prompt alone a row.
 * near_duplicate is in [0, 1]. Close in any case. */
enum sft_status filter_open(struct filter *filter, const struct filter_options *options, struct sft_err *err);
void filter_close(struct filter *filter); /* accepts a zeroed struct */

/* What is to be checked. */
struct filter_row {
    const struct conversation *conv; /* of a pair: the prompt and the chosen answer; ends with an assistant's message */
    const char *rejected;            /* a pair's other answer; NULL: no pair */
    size_t rejected_len;
    enum filter_due { DUE_ANYTHING, DUE_ANSWER, DUE_REFUSAL } due; /* to the last question */
    bool is_cut;                                                   /* one of the answers that it was made of */
    bool may_say_it_is_ai;
};

struct filter_verdict {
    enum filter_reason reason;
    char text[160]; /* more of it: "0.83 like row 12 (near_duplicate = 0.7)"; UTF-8, printable; "" if kept */
};

/* verdict->reason is returned. Nothing but the row, the options and what was added decides. */
enum filter_reason filter_check(struct filter *filter, const struct filter_row *row, struct filter_verdict *verdict);

/* What later rows are compared with; `name` is copied. */
void filter_add(struct filter *filter, const struct conversation *conv, const char *name);

/* A text that prompts show without being asked to: a message that is like it copies it, and one that has ten words in a
 * row of it. */
void filter_add_shot(struct filter *filter, const char *text);

#endif

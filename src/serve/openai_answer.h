/* One of a request's answers while it grows: its text, and its tokens where their log probabilities are wanted. */
#ifndef SFT_SERVE_OPENAI_ANSWER_H
#define SFT_SERVE_OPENAI_ANSWER_H

#include "infer/decode.h"
#include "infer/text_stream.h"

struct said_token {
    int32_t id;
    float logprob;
    size_t begin, end; /* bytes of the text: from where it was when the token came to where its characters are whole */
    size_t first_top, n_top; /* of tops */
};

struct answer {
    struct text_stream text;
    enum finish_reason reason; /* FINISH_NONE: it grows */
    size_t n_cached;           /* positions of the prompt that were not computed again */
    size_t n_tokens;           /* the end token and those of a stop string included */
    double sum_logprob;        /* of them */

    bool keeps_tokens;
    struct said_token *said; /* (n_said) but for end tokens */
    size_t n_said, said_capacity; /* in a stream since the last time that all were written */
    size_t n_whole; /* of them, whose end is known */
    struct scored_token *tops;
    size_t n_tops, tops_capacity;

    /* what has been written of it */
    bool has_begun, has_finished;
    size_t text_written, said_written;
    size_t counted, n_chars; /* text[0..counted), and what stands before it, has n_chars characters */
};

void answer_init(struct answer *a, const struct tokenizer *tokenizer, bool is_part, const struct string_list *stops,
                 bool keeps_tokens);
void answer_free(struct answer *a);

/* False: a stop string is complete. */
bool answer_add(struct answer *a, const struct new_token *token);
void answer_end(struct answer *a, enum finish_reason reason);

/* Tokens said[said_written .. this) go with the text that may be shown: with what is ready, and at the end all but
 * those of a stop string. */
size_t answer_said_ready(const struct answer *a);

/* In a stream tokens that are written are wanted no more: their memory is for the next ones. */
void answer_forget_written(struct answer *a);

/* Characters before text[byte]; byte never shrinks. */
size_t answer_count_chars(struct answer *a, size_t byte);

/* Of all its tokens; what best_of goes by. */
double answer_mean_logprob(const struct answer *a);

#endif

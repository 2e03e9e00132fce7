/* What sft generate answers with: a model, what is asked of it, and the answers that are being made, side by side. */
#ifndef SFT_CMD_GENERATOR_H
#define SFT_CMD_GENERATOR_H

#include "infer/bundle.h"
#include "infer/prompt.h"
#include "infer/text_stream.h"

struct generator {
    bool raw; /* prompts are text that is continued as it stands */
    uint64_t max_new_tokens, n_samples, parallel;
    struct sampling sampling;
    struct string_list stops; /* what ends an answer, beside end tokens */

    struct bundle bundle;
    struct decode decode;
    struct encoder *encoder;
    struct rendered rendered; /* scratch */
    double seconds;           /* spent in steps so far */
};

/* What is to be answered: a conversation or, where it is raw, text to continue. */
struct prompt {
    struct conversation conv;
    const char *text;
    size_t len;
};

/* One answer. It must not move while it is made. */
struct sample {
    struct stream *stream; /* NULL: there is none */
    struct text_stream text;
    void (*on_text)(struct sample *sample); /* called when text.ready may have grown; may be NULL */
    size_t n_shown;                         /* of text.text; on_text's own */
};

/* The rest of a generator whose bundle is open and whose settings are made. Close in any case. */
enum sft_status generator_open(struct generator *generator, struct sft_err *err);
void generator_close(struct generator *generator);

/* Begin n_samples answers to a prompt, which must be told by `number` from the others: sample k has the random
 * numbers of no other, those of sample 0 depend on `number` alone. samples (n_samples), zeroed but for on_text.
 * After an error none is begun. */
enum sft_status generator_begin(struct generator *generator, const struct prompt *prompt, uint64_t number,
                                struct sample *samples, struct sft_err *err);

/* Take all answers on by a step; false where there is none any more. */
bool generator_step(struct generator *generator);

/* Whether an answer is complete: text.ready is all of its text then, stream_check says whether it is one. */
bool sample_is_done(struct sample *sample);
void sample_free(struct generator *generator, struct sample *sample);

/* How many tokens there were and how fast they came, on stderr. */
void generator_tell_speed(const struct generator *generator);

#endif

/* A model's answers to a set of prompts, many side by side, and what the judge calls them: for who measures a model
 * on disk, and for who looks on while one is trained.
 *
 *     answerer_init(&a, &prompts, form, &config, &options, err);   // what is asked, in tokens
 *     ... answerer_bytes(&a, &config, kernels) ...                 // for a plan
 *     answerer_open(&a, &model, err);                              // the memory, and who answers
 *     answerer_run(&a, &answers, err);                             // as often as the model has changed
 *     answers_free(&answers);
 *     answerer_close(&a);
 *
 * The likeliest token is chosen, always: the same model gives the same answers. An answer ends where the template's
 * turn or the model's generation settings say, or is cut. */
#ifndef SFT_JUDGE_ANSWERS_H
#define SFT_JUDGE_ANSWERS_H

#include "infer/decode.h"
#include "infer/text_stream.h"
#include "judge/prompts.h"
#include "judge/refusal.h"
#include "text/template.h"

enum { ANSWER_TOKENS = 128 }; /* of the longest answer, where nobody says more */

/* How the model is asked: in its template or, where that has no name, for a text that goes on (a conversation's last
 * message alone). Borrowed. */
struct answer_form {
    const struct tokenizer *tokenizer;
    const struct chat_template *template;
};

struct answers {
    struct answer {
        char *text; /* UTF-8; NULL: this prompt has not been answered */
        size_t len;
        bool is_cut; /* it would have gone on */
    } *items;        /* (count) in the prompts' order */
    enum refusal_label *labels; /* (count) */
    size_t count, n_answered;
};
void answers_free(struct answers *answers); /* accepts a zeroed struct */

struct answerer {
    const struct prompts *prompts;
    struct answer_form form;
    struct decode_options options;
    size_t max_new_tokens;
    struct token_buf *questions; /* (prompts->count) */
    struct decode decode;
};

/* max_streams of the options run at once; kv_bytes 0 becomes what these can need at most, so that answerer_bytes is
 * known. SFT_EDATA, with its place, for a prompt that the model cannot see whole. Borrows prompts and form. Close in
 * any case. */
enum sft_status answerer_init(struct answerer *a, const struct prompts *prompts, const struct answer_form *form,
                              const struct model_config *config, const struct kernels *kernels, size_t max_new_tokens,
                              const struct decode_options *options, struct sft_err *err);
void answerer_close(struct answerer *a); /* accepts a zeroed struct */

/* What answerer_open takes, beside the model. */
size_t answerer_bytes(const struct answerer *a, const struct model_config *config, const struct kernels *kernels);

enum sft_status answerer_open(struct answerer *a, const struct decode_model *model, struct sft_err *err);

/* Have all prompts answered, told to log_progress. SFT_EINTERRUPTED, "stopped ...", where options.stop was set:
 * *answers has those that had ended by then. SFT_EDATA for a model whose logits are not finite. *answers is the
 * caller's to free, also after an error. */
enum sft_status answerer_run(struct answerer *a, struct answers *answers, struct sft_err *err);

#endif

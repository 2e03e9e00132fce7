#include "infer/model_probe.h"

#include "base/bounds.h"
#include "infer/prompt.h"
#include "infer/text_stream.h"

#include <stdlib.h>
#include <string.h>

/* Words, numbers, marks, a script without blanks, white space that counts: what tokenizers tell apart. */
static const char TEXT[] = "The quick brown fox doesn't jump over 12 lazy dogs. \"Na\xC3\xAFve\" caf\xC3\xA9s: "
                           "\xE2\x82\xAC 3.50!\n\n\tif (x >= 0x1F) return  y; \xE6\x97\xA5\xE6\x9C\xAC";
static const char QUESTION[] = "Hello! Who are you?";

enum {
    POSITIONS = 64, /* of the text, at most */
    BEGINNING = 5,  /* of them that are continued where nobody can be asked */
    ANSWER = 16,    /* tokens */
    TURN = 512,     /* tokens of a question with all that a template puts around it; beyond, it isn't asked */
    SHOWN = 60,     /* bytes of an answer */
};

/* ---- its tokens ---- */

static void take_ids(struct token_buf *ids, const struct rendered *from, size_t most)
{
    for (size_t i = 0; i < at_most(from->tokens.count, most); i++)
        token_buf_push(ids, from->tokens.ids[i]);
}

static enum sft_status encode_text(struct model_probe *p, const struct bundle *b, struct sft_err *err)
{
    const struct model_config *config = &b->model.config;
    const size_t positions = at_most(POSITIONS, config->n_positions);
    struct encoder *encoder = encoder_new(b->files.tokenizer);
    struct rendered rendered = {0};
    const enum sft_status status = prompt_of_text(&rendered, b->files.tokenizer, encoder, TEXT, sizeof TEXT - 1, err);
    take_ids(&p->text, &rendered, positions);
    for (int32_t id = 0; p->text.count == 0 && (size_t)id < at_most(positions, config->vocab_size); id++)
        token_buf_push(&p->text, id); /* its vocabulary has none of that */
    encoder_free(encoder);
    rendered_free(&rendered);
    return status;
}

/* Whether the files have a template that is rendered here, with control tokens that the model knows. */
static bool resolve_template(struct chat_template *template, struct tokenizer *tok)
{
    const struct template_options own = {.choice = TEMPLATE_AUTO};
    const bool has_one = tokenizer_chat_template(tok) != NULL;
    return has_one && !template_init(template, &own, tok, NULL) && template->tokens_added == 0;
}

static enum sft_status encode_turn(struct model_probe *p, struct bundle *b, struct sft_err *err)
{
    struct message message = {ROLE_USER, QUESTION, sizeof QUESTION - 1, 1};
    const struct conversation question = {.messages = &message, .count = 1};
    struct rendered rendered = {0};
    enum sft_status status = SFT_OK;
    if (!resolve_template(&b->template, b->files.tokenizer)) {
        template_free(&b->template);
        return SFT_OK;
    }
    struct encoder *encoder = encoder_new(b->files.tokenizer);
    if (!template_check(&b->template, &question, NULL)) /* it may want a system message, say */
        status = prompt_of_conversation(&rendered, &b->template, encoder, &question, err);
    take_ids(&p->turn, &rendered, rendered.tokens.count);
    encoder_free(encoder);
    rendered_free(&rendered);
    return status;
}

/* ---- its logits ---- */

static enum sft_status run(struct model_probe *p, const struct bundle *b, struct sft_err *err)
{
    const size_t N = p->text.count, seq_start[] = {0, N};
    int32_t position[POSITIONS];
    size_t rows[POSITIONS];
    struct activations acts;
    const enum sft_status status = transformer_init_activations(&b->model, &acts, N, KEEP_NOTHING, err);
    for (size_t i = 0; i < N; i++) {
        position[i] = (int32_t)i;
        rows[i] = i;
    }
    const struct batch batch = {.N = N, .S = 1, .tokens = p->text.ids, .position = position, .seq_start = seq_start};
    p->V = b->model.config.vocab_size;
    if (!status) {
        p->logits = mem_alloc(N * p->V * sizeof *p->logits);
        transformer_logits(&b->model, &acts, &batch, NULL, rows, N, p->logits);
    }
    activations_free(&acts);
    return status;
}

enum sft_status model_probe(struct model_probe *p, struct bundle *b, struct sft_err *err)
{
    *p = (struct model_probe){0};
    enum sft_status status = encode_text(p, b, err);
    if (!status)
        status = run(p, b, err);
    if (!status)
        status = encode_turn(p, b, err);
    p->is_asked = p->turn.count > 0 && p->turn.count < at_most(TURN, b->model.config.n_positions);
    return status;
}

void model_probe_free(struct model_probe *p)
{
    token_buf_free(&p->text);
    token_buf_free(&p->turn);
    free(p->logits);
    *p = (struct model_probe){0};
}

/* ---- what it says ---- */

static struct decode_options decode_options_of(const struct model_config *config, const struct kernels *kernels)
{
    return (struct decode_options){.max_streams = 1,
                                   .prompt_positions = 2 * KV_PAGE,
                                   .kv_bytes = kv_pages_of(TURN + ANSWER) * kv_page_bytes(config, kernels)};
}

size_t model_probe_bytes(const struct model_config *config, const struct kernels *kernels)
{
    const struct decode_options options = decode_options_of(config, kernels);
    struct activations acts;
    activations_plan(&acts, config, kernels, &(struct activation_options){.N = POSITIONS});
    const size_t logits = 2 * POSITIONS * config->vocab_size * sizeof(float); /* of two models */
    const size_t saying = decode_bytes(config, kernels, &options);
    return logits + (acts.plan.bytes > saying ? acts.plan.bytes : saying);
}

static bool on_token(void *context, const struct new_token *token)
{
    return text_stream_add(context, token);
}

static enum sft_status say(const struct ask *ask, const struct decode_model *model, const volatile int *stop,
                           struct strbuf *out, struct sft_err *err)
{
    struct decode_options options = decode_options_of(&model->model->config, model->model->kernels);
    struct decode decode;
    const struct text_stream *said = ask->context;
    options.stop = stop;
    struct stream *stream = decode_init(&decode, model, &options, err) ? NULL : decode_submit(&decode, ask, err);
    if (!stream) {
        decode_free(&decode);
        return err->status;
    }
    while (decode_step(&decode))
        ;
    const enum sft_status status = stream_check(stream, err);
    if (!status) {
        text_stream_end(ask->context);
        strbuf_add_excerpt(out, said->text.data, said->ready, SHOWN, stream->reason != FINISH_STOP);
    }
    decode_free(&decode);
    return status;
}

enum sft_status model_probe_say(const struct model_probe *p, const struct bundle *b, const volatile int *stop,
                                struct strbuf *out, struct sft_err *err)
{
    const bool is_asked = p->is_asked;
    const struct tokenizer *tok = b->files.tokenizer;
    struct text_stream text;
    struct token_rules rules;
    struct ask ask = {.prompt = is_asked ? p->turn.ids : p->text.ids,
                      .n_prompt = is_asked ? p->turn.count : at_most(BEGINNING, p->text.count),
                      .max_new_tokens = ANSWER,
                      .sampling = SAMPLING_GREEDY,
                      .on_token = on_token,
                      .context = &text};
    if (ask.n_prompt >= b->model.config.n_positions)
        ask.n_prompt = 1;
    token_rules_init(&rules, tok, &b->files.generation, is_asked ? b->template.end_of_turn : TOKEN_NONE,
                     b->files.config.vocab_size, b->model.config.vocab_size);
    const struct decode_model model = decode_model_of(&b->model, &rules);
    text_stream_init(&text, tok, !is_asked, NULL);
    const enum sft_status status = say(&ask, &model, stop, out, err);
    text_stream_free(&text);
    token_rules_free(&rules);
    return status;
}

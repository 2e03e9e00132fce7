#include "files/gguf/gguf_tokenizer_out.h"

#include "base/mem.h"
#include "files/gguf/gguf_pre.h"
#include "files/gguf/gguf_tokenizer.h"
#include "files/gguf/gguf_vocab.h"

#include <stdlib.h>
#include <string.h>

static enum sft_status refuse(struct sft_err *err, const char *what)
{
    return sft_fail(err, SFT_EDATA, "tokenizer.json: not written as GGUF: %s", what);
}

/* ---- pieces: how they meet blanks ---- */

static const char mark[] = "\xe2\x96\x81"; /* U+2581, which stands for a blank */

static bool is_blank_to_mark(const struct normalizer_step *step)
{
    return step->kind == NORMALIZE_REPLACE && strcmp(pattern_source(step->find), " ") == 0 &&
           strcmp(step->put, mark) == 0;
}

/* Metaspace; or a normalizer that puts a mark before a text, or does not, and one for each blank, after which a split
 * at blanks finds none. */
static bool pieces_are_done(const struct tokenizer *tok, bool *adds_blank)
{
    const struct normalizer *n = &tok->normalizer;
    const size_t prepends = n->count > 0 && n->steps[0].kind == NORMALIZE_PREPEND;
    const bool splits_marks = tok->pre.count > 1 || (tok->pre.count == 1 && tok->pre.metaspace) ||
                              (tok->pre.count == 1 && strcmp(pattern_source(tok->pre.stages[0].pattern), " ") != 0);
    *adds_blank = tok->pre.metaspace ? tok->pre.prepend != METASPACE_NEVER : prepends;
    if (splits_marks || tok->pre.is_byte_level)
        return false;
    if (tok->pre.metaspace)
        return n->count == 0 && strcmp(tok->pre.metaspace, mark) == 0;
    return n->count == prepends + 1 && is_blank_to_mark(&n->steps[prepends]) &&
           (!prepends || strcmp(n->steps[0].put, mark) == 0);
}

bool gguf_tokenizer_adds_blanks(const struct tokenizer *tok)
{
    return !tok->model.of_bytes && tok->pre.metaspace && tok->pre.prepend == METASPACE_FIRST;
}

/* ---- pieces: scores ---- */

static bool is_piece(const struct token *t)
{
    return t->in_model && !t->is_added;
}

/* In how many ways a piece can be made of two. */
static size_t count_ways(const struct vocab *vocab, const struct token *t)
{
    size_t n = 0;
    for (size_t i = 1; i < t->content_len; i++)
        n += (t->content[i] & 0xC0) != 0x80 && vocab_find(vocab, t->content, i) != TOKEN_NONE &&
             vocab_find(vocab, t->content + i, t->content_len - i) != TOKEN_NONE;
    return n;
}

/* What a merge makes. */
static int32_t made_by(const struct tokenizer *tok, size_t merge, struct strbuf *joined)
{
    const struct token *a = &tok->vocab.tokens[tok->model.merges[merge][0]],
                       *b = &tok->vocab.tokens[tok->model.merges[merge][1]];
    strbuf_clear(joined);
    strbuf_add(joined, a->content, a->content_len);
    strbuf_add(joined, b->content, b->content_len);
    return vocab_find(&tok->vocab, joined->data, joined->len);
}

/* llama.cpp joins any two pieces that make a third, the one of the highest score first. ways[id]: of how many of the
 * merges it is made; they must be one behind the other. */
static enum sft_status score_by_merges(float *scores, size_t *ways, const struct tokenizer *tok, struct sft_err *err)
{
    struct strbuf joined = {0};
    enum sft_status status = SFT_OK;
    int32_t last = TOKEN_NONE;
    size_t n_made = 0;
    for (size_t i = 0; i < tok->model.n_merges && !status; i++) {
        const int32_t id = made_by(tok, i, &joined);
        if (id != last && ways[id])
            status = sft_fail(err, SFT_EDATA,
                              "tokenizer.json: not written as GGUF: llama.cpp makes pieces one after the other, and "
                              "its merges make '%s' before others and behind them", tok->vocab.tokens[id].content);
        if (!ways[id]++)
            scores[id] = -(float)n_made++;
        last = id;
    }
    strbuf_free(&joined);
    return status;
}

static enum sft_status check_ways(const size_t *ways, const struct tokenizer *tok, struct sft_err *err)
{
    for (size_t id = 0; id < tok->vocab.n_ids; id++) {
        const struct token *t = &tok->vocab.tokens[id];
        if (t->content && is_piece(t) && !bpe_model_is_fallback(&tok->model, (int32_t)id) &&
            ways[id] != count_ways(&tok->vocab, t))
            return sft_fail(err, SFT_EDATA,
                            "tokenizer.json: not written as GGUF: llama.cpp makes a piece of any two that spell it, "
                            "and its merges lack one that makes '%s'", t->content);
    }
    return SFT_OK;
}

/* As llama.cpp's converter has them of what no merge makes. */
static const float added_score = -1000, placeholder_score = -10000;

static enum sft_status put_scores(struct gguf_out *out, const struct gguf_tokens *g, struct sft_err *err)
{
    const struct tokenizer *tok = g->tok;
    const size_t n = g->config->vocab_size;
    float *scores = mem_calloc(n, sizeof *scores);
    size_t *ways = mem_calloc(n, sizeof *ways);
    enum sft_status status = score_by_merges(scores, ways, tok, err);
    if (!status)
        status = check_ways(ways, tok, err);
    gguf_put_array(out, gguf_scores_key, GGUF_F32, n);
    for (size_t id = 0; id < n && !status; id++) {
        const struct token *t = vocab_token(&tok->vocab, (int32_t)id);
        gguf_put_element_f32(out, !t ? placeholder_score : t->is_added ? added_score : scores[id]);
    }
    free(ways);
    free(scores);
    return status;
}

/* ---- kinds ---- */

static bool has_all_fallbacks(const struct bpe_model *model)
{
    for (size_t byte = 0; byte < 256; byte++)
        if (model->byte_id[byte] == TOKEN_NONE)
            return false;
    return model->byte_fallback;
}

static enum sft_status put_pieces(struct gguf_out *out, const struct gguf_tokens *g, struct sft_err *err)
{
    bool adds_blank;
    if (!pieces_are_done(g->tok, &adds_blank))
        return refuse(err, "llama.cpp makes a mark of each blank and cuts nothing, which this normalizer and "
                           "pre_tokenizer do not");
    if (!has_all_fallbacks(&g->tok->model))
        return refuse(err, "llama.cpp needs a piece for each byte (byte_fallback, <0x00> to <0xFF>)");
    gguf_put_string(out, gguf_model_key, "llama");
    gguf_put_string(out, gguf_pre_key, "default");
    gguf_put_flag(out, gguf_space_key, adds_blank);
    return put_scores(out, g, err);
}

static enum sft_status put_bytes(struct gguf_out *out, const struct gguf_tokens *g, struct sft_err *err)
{
    const struct gguf_pre *pre;
    const struct tokenizer *tok = g->tok;
    if (gguf_pre_of(&pre, tok, err))
        return SFT_EDATA;
    struct strbuf merge = {0};
    gguf_put_string(out, gguf_model_key, "gpt2");
    gguf_put_string(out, gguf_pre_key, pre->name);
    gguf_put_array(out, gguf_merges_key, GGUF_STRING, tok->model.n_merges);
    for (size_t i = 0; i < tok->model.n_merges; i++) {
        const struct token *a = &tok->vocab.tokens[tok->model.merges[i][0]],
                           *b = &tok->vocab.tokens[tok->model.merges[i][1]];
        strbuf_clear(&merge);
        strbuf_printf(&merge, "%s %s", a->content, b->content);
        gguf_put_element(out, merge.data, merge.len);
    }
    strbuf_free(&merge);
    return SFT_OK;
}

/* ---- tokens ---- */

/* An added token that is not called special is one that text may become, as in Hugging Face, whatever it looks like. */
static enum gguf_token_type type_of(const struct tokenizer *tok, size_t id, const struct token *t)
{
    const bool is_pieces = !tok->model.of_bytes;
    if (!t)
        return GGUF_TOKEN_UNUSED;
    if (is_pieces && tok->model.unk_id == (int32_t)id)
        return GGUF_TOKEN_UNKNOWN;
    if (t->is_added)
        return t->flags.special ? GGUF_TOKEN_CONTROL : GGUF_TOKEN_USER_DEFINED;
    return is_pieces && bpe_model_is_fallback(&tok->model, (int32_t)id) ? GGUF_TOKEN_BYTE : GGUF_TOKEN_NORMAL;
}

static void put_tokens(struct gguf_out *out, const struct gguf_tokens *g)
{
    const size_t n = g->config->vocab_size;
    gguf_put_array(out, gguf_tokens_key, GGUF_STRING, n);
    for (size_t id = 0; id < n; id++) {
        const struct token *t = vocab_token(&g->tok->vocab, (int32_t)id);
        char placeholder[GGUF_PLACEHOLDER_BYTES];
        if (t)
            gguf_put_element(out, t->content, t->content_len);
        else
            gguf_put_element(out, placeholder, gguf_placeholder(placeholder, id));
    }
    gguf_put_array(out, gguf_token_types_key, GGUF_I32, n);
    for (size_t id = 0; id < n; id++)
        gguf_put_element_i32(out, (int32_t)type_of(g->tok, id, vocab_token(&g->tok->vocab, (int32_t)id)));
}

/* The tokenizer's name for it, else the config's. */
static int32_t named(const struct gguf_tokens *g, enum special_name name)
{
    const struct model_config *config = g->config;
    const int32_t of_config = name == SPECIAL_BOS   ? config->bos_token_id
                              : name == SPECIAL_EOS ? config->eos_token_id
                              : name == SPECIAL_PAD ? config->pad_token_id
                                                    : TOKEN_NONE;
    const int32_t id = g->tok->named[name] != TOKEN_NONE ? g->tok->named[name] : of_config;
    return id >= 0 && (size_t)id < config->vocab_size ? id : TOKEN_NONE;
}

/* All that end a text, where they are more than EOS and what ends a turn: llama.cpp knows others by what they are
 * called (<|eot_id|>), ollama and we by this list. */
static void put_ends(struct gguf_out *out, const struct gguf_tokens *g)
{
    const struct generation_config *ends = g->generation;
    bool is_more = false;
    for (size_t i = 0; i < ends->n_end_tokens; i++)
        is_more |= ends->end_tokens[i] != named(g, SPECIAL_EOS) && ends->end_tokens[i] != g->end_of_turn;
    if (!is_more)
        return;
    gguf_put_array(out, gguf_ends_key, GGUF_I32, ends->n_end_tokens);
    for (size_t i = 0; i < ends->n_end_tokens; i++)
        gguf_put_element_i32(out, ends->end_tokens[i]);
}

/* What is put before a text is llama.cpp's BOS, whatever else is called so. */
static void put_named(struct gguf_out *out, const struct gguf_tokens *g)
{
    const int32_t start = tokenizer_text_start(g->tok);
    for (size_t i = 0; i < GGUF_NAMED; i++) {
        const bool is_bos = gguf_named[i].name == SPECIAL_BOS;
        const int32_t id = is_bos && start != TOKEN_NONE ? start : named(g, gguf_named[i].name);
        if (id != TOKEN_NONE)
            gguf_put_u32(out, gguf_named[i].key, (size_t)id);
    }
    if (g->end_of_turn != TOKEN_NONE && g->end_of_turn != named(g, SPECIAL_EOS))
        gguf_put_u32(out, gguf_eot_key, (size_t)g->end_of_turn);
    put_ends(out, g);
    gguf_put_flag(out, gguf_add_bos_key, start != TOKEN_NONE);
    gguf_put_flag(out, gguf_add_eos_key, false);
}

enum sft_status gguf_tokenizer_put(struct gguf_out *out, const struct gguf_tokens *g, struct sft_err *err)
{
    if (tokenizer_vocab_size(g->tok) > g->config->vocab_size)
        return sft_fail(err, SFT_EDATA,
                        "tokenizer.json: not written as GGUF: %zu tokens, but the embedding has %zu rows",
                        tokenizer_vocab_size(g->tok), g->config->vocab_size);
    if (g->tok->model.of_bytes ? put_bytes(out, g, err) : put_pieces(out, g, err))
        return SFT_EDATA;
    put_tokens(out, g);
    put_named(out, g);
    if (g->jinja)
        gguf_put_string(out, gguf_template_key, g->jinja);
    return SFT_OK;
}

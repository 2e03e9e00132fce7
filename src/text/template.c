#include "text/template.h"

#include "base/io.h"
#include "text/template_jinja.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct turn_texts im_sep_texts = {
    .prefix = {[ROLE_SYSTEM] = "<|im_start|>system<|im_sep|>",
               [ROLE_USER] = "<|im_start|>user<|im_sep|>",
               [ROLE_ASSISTANT] = "<|im_start|>assistant<|im_sep|>",
               [ROLE_TOOL] = "<|im_start|>tool<|im_sep|>"},
    .suffix = {"<|im_end|>", "<|im_end|>", "<|im_end|>", "<|im_end|>"},
};

static const struct turn_texts chatml_texts = {
    .prefix = {[ROLE_SYSTEM] = "<|im_start|>system\n",
               [ROLE_USER] = "<|im_start|>user\n",
               [ROLE_ASSISTANT] = "<|im_start|>assistant\n",
               [ROLE_TOOL] = "<|im_start|>tool\n"},
    .suffix = {"<|im_end|>\n", "<|im_end|>\n", "<|im_end|>\n", "<|im_end|>\n"},
};

/* ---- control tokens in an affix ---- */

/* A vocabulary and its special tokens, found once. */
struct vocabulary {
    struct tokenizer *tok;
    int32_t *specials;
    size_t n_specials, capacity;
};

static struct vocabulary vocabulary_of(struct tokenizer *tok)
{
    struct vocabulary v = {.tok = tok};
    const size_t n = tokenizer_vocab_size(tok);
    for (size_t id = 0; id < n; id++)
        if (tokenizer_is_special(tok, (int32_t)id)) {
            v.specials = mem_grow(v.specials, &v.capacity, v.n_specials + 1, sizeof *v.specials);
            v.specials[v.n_specials++] = (int32_t)id;
        }
    return v;
}

/* Bytes of the longest special token that s starts with; 0 if none. */
static size_t match_special(const struct vocabulary *v, const char *s)
{
    size_t longest = 0;
    for (size_t i = 0; i < v->n_specials; i++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(v->tok, v->specials[i], &len);
        if (bytes && len > longest && strncmp(s, bytes, len) == 0)
            longest = len;
    }
    return longest;
}

/* Bytes of the <|name|> that s starts with, whether the vocabulary has it or not; 0 if none. */
static size_t match_bar_name(const char *s)
{
    if (strncmp(s, "<|", 2) != 0)
        return 0;
    const size_t name = strcspn(s + 2, "<>| \t\r\n");
    return name > 0 && strncmp(s + 2 + name, "|>", 2) == 0 ? name + 4 : 0;
}

static size_t match_control(const struct vocabulary *v, const char *s)
{
    const size_t special = match_special(v, s), bar = match_bar_name(s);
    return special > bar ? special : bar;
}

/* Cut an affix into control tokens, which the vocabulary is given where it lacks them, and text. */
static enum sft_status parse_affix(const char *text, const struct vocabulary *v, struct arena *arena,
                                   struct template_affix *affix, struct sft_err *err)
{
    affix->count = 0;
    while (*text) {
        if (affix->count == TEMPLATE_MAX_PIECES)
            return sft_fail(err, SFT_EUSAGE, "more than %d control tokens and texts", TEMPLATE_MAX_PIECES);
        struct template_piece *piece = &affix->pieces[affix->count++];
        size_t len = match_control(v, text);
        const bool is_control = len > 0;
        while (!is_control && text[len] && match_control(v, text + len) == 0)
            len++;
        piece->text = arena_strndup(arena, text, len);
        piece->control = is_control ? tokenizer_add_special(v->tok, piece->text) : TOKEN_NONE;
        text += len;
    }
    return SFT_OK;
}

/* The first control token of an affix, or NULL. */
static const struct template_piece *first_control(const struct template_affix *affix)
{
    for (size_t i = 0; i < affix->count; i++)
        if (affix->pieces[i].control != TOKEN_NONE)
            return &affix->pieces[i];
    return NULL;
}

static enum sft_status parse_turn(struct chat_template *tpl, enum role role, const struct turn_texts *texts,
                                  const struct vocabulary *v, struct sft_err *err)
{
    struct template_affix *prefix = &tpl->prefix[role], *suffix = &tpl->suffix[role];
    if (!texts->prefix[role])
        return SFT_OK;
    if (parse_affix(texts->prefix[role], v, &tpl->arena, prefix, err))
        return sft_context(err, "data.%s_prefix", role_name[role]);
    if (prefix->count == 0 || prefix->pieces[0].control == TOKEN_NONE)
        return sft_fail(
            err, SFT_EUSAGE,
            "data.%s_prefix: must begin with a control token, such as <|%s|>, so that no text that "
            "people typed can open a turn",
            role_name[role], role_name[role]);
    if (parse_affix(texts->suffix[role], v, &tpl->arena, suffix, err))
        return sft_context(err, "data.%s_suffix", role_name[role]);
    if (!first_control(suffix))
        return sft_fail(err, SFT_EUSAGE,
                        "data.%s_suffix: must hold a control token, such as <|end|>, which closes the turn",
                        role_name[role]);
    return SFT_OK;
}

/* ---- which texts ---- */

static enum sft_status custom_texts(const struct settings *settings, struct turn_texts *texts,
                                    struct sft_err *err)
{
    const struct {
        const char *key, *value, **to;
    } given[] = {
        {"system_prefix", settings->data.system_prefix, &texts->prefix[ROLE_SYSTEM]},
        {"system_suffix", settings->data.system_suffix, &texts->suffix[ROLE_SYSTEM]},
        {"user_prefix", settings->data.user_prefix, &texts->prefix[ROLE_USER]},
        {"user_suffix", settings->data.user_suffix, &texts->suffix[ROLE_USER]},
        {"assistant_prefix", settings->data.assistant_prefix, &texts->prefix[ROLE_ASSISTANT]},
        {"assistant_suffix", settings->data.assistant_suffix, &texts->suffix[ROLE_ASSISTANT]},
    };
    const bool has_system = given[0].value && *given[0].value;
    *texts = (struct turn_texts){0};
    for (size_t i = has_system ? 0 : 2; i < sizeof given / sizeof *given; i++) {
        if (!given[i].value || !*given[i].value)
            return sft_fail(err, SFT_EUSAGE, "data.%s: template = custom needs it", given[i].key);
        *given[i].to = given[i].value;
    }
    texts->prefix[ROLE_TOOL] = texts->prefix[ROLE_USER];
    texts->suffix[ROLE_TOOL] = texts->suffix[ROLE_USER];
    return SFT_OK;
}

static bool same_texts(const struct turn_texts *a, const struct turn_texts *b)
{
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (!a->prefix[role] || !b->prefix[role] || strcmp(a->prefix[role], b->prefix[role]) != 0 ||
            strcmp(a->suffix[role], b->suffix[role]) != 0)
            return false;
    return true;
}

static const char *name_of(const struct turn_texts *texts)
{
    if (same_texts(texts, &im_sep_texts))
        return "im_sep";
    return same_texts(texts, &chatml_texts) ? "chatml" : "custom";
}

/* template = auto: what the base's own template is, or im_sep where it has none. */
static enum sft_status base_texts(const char *jinja, struct arena *arena, struct turn_texts *texts,
                                  struct sft_err *err)
{
    const char *known = jinja && *jinja ? jinja_recognise(jinja) : "im_sep";
    if (known)
        *texts = strcmp(known, "chatml") == 0 ? chatml_texts : im_sep_texts;
    else if (!jinja_read(jinja, texts, arena))
        return sft_fail(err, SFT_EUSAGE,
                        "template = auto: the base's own chat template is not one that sft renders exactly "
                        "(choose template = im_sep, chatml or custom)");
    return SFT_OK;
}

static enum sft_status choose_texts(const struct settings *settings, const struct tokenizer *tok,
                                    struct arena *arena, struct turn_texts *texts, struct sft_err *err)
{
    switch ((enum template_choice)settings->data.template_choice) {
    case TEMPLATE_IM_SEP:
        *texts = im_sep_texts;
        return SFT_OK;
    case TEMPLATE_CHATML:
        *texts = chatml_texts;
        return SFT_OK;
    case TEMPLATE_CUSTOM:
        return custom_texts(settings, texts, err);
    case TEMPLATE_AUTO:
        break;
    }
    return base_texts(tokenizer_chat_template(tok), arena, texts, err);
}

/* ---- the template ---- */

/* Bytes of an affix up to the end of its first control token. */
static size_t bytes_to_first_control(const struct template_affix *affix)
{
    size_t len = 0;
    for (size_t i = 0; i < affix->count; i++) {
        len += strlen(affix->pieces[i].text);
        if (affix->pieces[i].control != TOKEN_NONE)
            break;
    }
    return len;
}

enum sft_status template_init(struct chat_template *tpl, const struct settings *settings,
                              struct tokenizer *tok, struct sft_err *err)
{
    struct turn_texts texts;
    struct vocabulary vocabulary = vocabulary_of(tok);
    const size_t vocab_size = tokenizer_vocab_size(tok);
    *tpl = (struct chat_template){.end_of_turn = TOKEN_NONE};
    enum sft_status status = choose_texts(settings, tok, &tpl->arena, &texts, err);
    for (enum role role = 0; !status && role < ROLE_COUNT; role++)
        status = parse_turn(tpl, role, &texts, &vocabulary, err);
    free(vocabulary.specials);
    if (status) {
        template_free(tpl);
        return status;
    }
    tpl->name = name_of(&texts);
    texts.close_len = bytes_to_first_control(&tpl->suffix[ROLE_ASSISTANT]);
    tpl->jinja = jinja_write(&texts, &tpl->arena);
    tpl->end_of_turn = first_control(&tpl->suffix[ROLE_ASSISTANT])->control;
    tpl->tokens_added = tokenizer_vocab_size(tok) - vocab_size;
    tpl->document_end = tokenizer_eos_id(tok);
    if (tokenizer_pad_id(tok) == TOKEN_NONE)
        tokenizer_set_pad(tok, tpl->document_end != TOKEN_NONE ? tpl->document_end : tpl->end_of_turn);
    tokenizer_set_eos(tok, tpl->end_of_turn);
    tokenizer_set_chat_template(tok, tpl->jinja);
    return SFT_OK;
}

void template_free(struct chat_template *tpl)
{
    arena_free(&tpl->arena);
    *tpl = (struct chat_template){0};
}

static void hash_affix(struct xxh64 *h, const struct template_affix *affix)
{
    xxh64_update(h, &affix->count, sizeof affix->count);
    for (size_t i = 0; i < affix->count; i++) {
        xxh64_update(h, &affix->pieces[i].control, sizeof affix->pieces[i].control);
        xxh64_update(h, affix->pieces[i].text, strlen(affix->pieces[i].text) + 1);
    }
}

uint64_t template_fingerprint(const struct chat_template *tpl)
{
    struct xxh64 h;
    xxh64_init(&h, 0);
    for (size_t role = 0; role < ROLE_COUNT; role++) {
        hash_affix(&h, &tpl->prefix[role]);
        hash_affix(&h, &tpl->suffix[role]);
    }
    xxh64_update(&h, &tpl->end_of_turn, sizeof tpl->end_of_turn);
    xxh64_update(&h, &tpl->document_end, sizeof tpl->document_end);
    return xxh64_digest(&h);
}

enum sft_status template_check_roles(const struct chat_template *tpl, const struct conversation *conv,
                                     struct sft_err *err)
{
    for (size_t i = 0; !conv->is_document && i < conv->count; i++) {
        const char *name = role_name[conv->messages[i].role];
        if (tpl->prefix[conv->messages[i].role].count == 0)
            return sft_fail(err, SFT_EDATA,
                            "the %s template has no %s turn (set data.%s_prefix and data.%s_suffix)",
                            tpl->name, name, name, name);
    }
    return SFT_OK;
}

/* ---- rendering ---- */

/* One pass over a conversation. Text gathers in out->text until a control token ends the run. */
struct renderer {
    struct encoder *enc;
    struct rendered *out;
    size_t trained_from;  /* byte of out->text where the run's trained part begins; SIZE_MAX: it has none */
    float trained, other; /* loss weights of the two parts */
};

/* Give every token that has none yet its weight. */
static void weigh(struct rendered *out, size_t from, float weight)
{
    out->weights = mem_grow(out->weights, &out->weights_capacity, out->tokens.count, sizeof *out->weights);
    for (size_t i = from; i < out->tokens.count; i++)
        out->weights[i] = weight;
}

static void put_control(struct renderer *r, int32_t id, float weight)
{
    token_buf_push(&r->out->tokens, id);
    weigh(r->out, r->out->tokens.count - 1, weight);
}

/* Encode the run in one go. Its trained part, if any, goes to its end. */
static void flush(struct renderer *r)
{
    struct rendered *out = r->out;
    const size_t first = out->tokens.count, len = out->text.len;
    if (len == 0)
        return;
    if (r->trained_from == 0 || r->trained_from >= len || r->trained == r->other) {
        encoder_encode(r->enc, out->text.data, len, &out->tokens);
        weigh(out, first, r->trained_from < len ? r->trained : r->other);
    } else {
        encoder_encode_offsets(r->enc, out->text.data, len, &out->tokens, &out->starts,
                               &out->starts_capacity);
        weigh(out, first, r->other);
        for (size_t i = out->tokens.count, end = len; i-- > first; end = out->starts[i]) {
            if (end <= r->trained_from && out->starts[i] < r->trained_from)
                break; /* the next one holds the first trained character */
            out->weights[i] = r->trained;
        }
    }
    strbuf_clear(&out->text);
}

static void put_pieces(struct renderer *r, const struct template_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].control == TOKEN_NONE) {
            strbuf_puts(&r->out->text, pieces[i].text);
        } else {
            flush(r);
            put_control(r, pieces[i].control, r->other);
        }
    }
}

/* trained: loss weight of content and closing token; other: of the rest of the turn. */
static void put_message(struct renderer *r, const struct chat_template *tpl, const struct message *m,
                        float trained, float other)
{
    const struct template_affix *prefix = &tpl->prefix[m->role], *suffix = &tpl->suffix[m->role];
    r->trained = trained;
    r->other = other;
    r->trained_from = SIZE_MAX;
    put_pieces(r, prefix->pieces, prefix->count);
    r->trained_from = r->out->text.len;
    strbuf_add(&r->out->text, m->content, m->len);

    size_t i = 0;
    for (; i < suffix->count && suffix->pieces[i].control == TOKEN_NONE; i++)
        strbuf_puts(&r->out->text, suffix->pieces[i].text);
    flush(r);
    put_control(r, suffix->pieces[i].control, trained);
    r->trained_from = SIZE_MAX;
    put_pieces(r, suffix->pieces + i + 1, suffix->count - i - 1);
    flush(r); /* what follows starts with a control token */
}

static void put_document(struct renderer *r, const struct chat_template *tpl, const struct message *m)
{
    r->trained_from = 0;
    r->trained = m->weight;
    strbuf_add(&r->out->text, m->content, m->len);
    flush(r);
    if (tpl->document_end != TOKEN_NONE)
        put_control(r, tpl->document_end, m->weight);
}

static struct renderer start(struct encoder *enc, struct rendered *out)
{
    out->tokens.count = 0;
    strbuf_clear(&out->text);
    return (struct renderer){.enc = enc, .out = out, .trained_from = SIZE_MAX};
}

void template_render(const struct chat_template *tpl, struct encoder *enc, const struct conversation *conv,
                     enum train_on train_on, struct rendered *out)
{
    struct renderer r = start(enc, out);
    size_t last_assistant = SIZE_MAX;
    for (size_t i = 0; i < conv->count; i++)
        if (conv->messages[i].role == ROLE_ASSISTANT)
            last_assistant = i;
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        const bool is_trained = train_on == TRAIN_ON_LAST_ASSISTANT ? i == last_assistant
                                                                    : m->role == ROLE_ASSISTANT;
        if (conv->is_document)
            put_document(&r, tpl, m);
        else if (train_on == TRAIN_ON_ALL)
            put_message(&r, tpl, m, m->weight, m->weight);
        else
            put_message(&r, tpl, m, is_trained ? m->weight : 0.0F, 0.0F);
    }
    if (out->tokens.count > 0)
        out->weights[0] = 0.0F;
}

void template_render_prompt(const struct chat_template *tpl, struct encoder *enc,
                            const struct conversation *conv, struct rendered *out)
{
    struct renderer r = start(enc, out);
    for (size_t i = 0; i < conv->count; i++)
        put_message(&r, tpl, &conv->messages[i], 0.0F, 0.0F);
    r.trained_from = SIZE_MAX;
    put_pieces(&r, tpl->prefix[ROLE_ASSISTANT].pieces, tpl->prefix[ROLE_ASSISTANT].count);
    flush(&r);
}

void rendered_free(struct rendered *r)
{
    token_buf_free(&r->tokens);
    strbuf_free(&r->text);
    free(r->weights);
    free(r->starts);
    *r = (struct rendered){0};
}

/* Which template it is, its control tokens, and its checks. */
#include "text/template.h"

#include "base/xxh64.h"
#include "text/template_jinja.h"
#include "text/template_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- control tokens in an affix ---- */

/* A vocabulary and its added tokens, found once. */
struct vocabulary {
    struct tokenizer *tok;
    int32_t *added;
    size_t n_added, capacity;
};

static struct vocabulary vocabulary_of(struct tokenizer *tok)
{
    struct vocabulary v = {.tok = tok};
    const size_t n = tokenizer_vocab_size(tok);
    for (size_t id = 0; id < n; id++)
        if (tokenizer_is_added(tok, (int32_t)id)) {
            v.added = mem_grow(v.added, &v.capacity, v.n_added + 1, sizeof *v.added);
            v.added[v.n_added++] = (int32_t)id;
        }
    return v;
}

/* Bytes of the longest token that s starts with, of the special ones or of the others that are not blank; 0
 * if none. */
static size_t match_added(const struct vocabulary *v, const char *s, bool special)
{
    size_t longest = 0;
    for (size_t i = 0; i < v->n_added; i++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(v->tok, v->added[i], &len);
        if (bytes && len > longest && strncmp(s, bytes, len) == 0 &&
            tokenizer_is_special(v->tok, v->added[i]) == special &&
            (special || strspn(bytes, " \t\r\n") < len))
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
    const size_t special = match_added(v, s, true), bar = match_bar_name(s);
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

/* A token of the base's that is not called special, given by add_tokens say, is made so where a turn needs
 * it to open or to close. */
static void adopt_control(const char *text, bool at_start, const struct vocabulary *v)
{
    for (const char *p = text; *p && !match_control(v, p); p++) {
        const size_t len = match_added(v, p, false);
        if (len > 0) {
            char *content = mem_strndup(p, len);
            tokenizer_add_special(v->tok, content);
            free(content);
        }
        if (len > 0 || at_start)
            return;
    }
}

static enum sft_status parse_prefix(struct chat_template *tpl, enum role role, const char *text,
                                    const struct vocabulary *v, struct sft_err *err)
{
    struct template_affix *prefix = &tpl->prefix[role];
    adopt_control(text, true, v);
    if (parse_affix(text, v, &tpl->arena, prefix, err))
        return sft_context(err, "data.%s_prefix", role_name[role]);
    if (prefix->count > 0 && prefix->pieces[0].control == TOKEN_NONE)
        return sft_fail(
            err, SFT_EUSAGE,
            "data.%s_prefix: must begin with a control token, such as <|%s|>, so that no text that "
            "people typed can open a turn",
            role_name[role], role_name[role]);
    return SFT_OK;
}

static enum sft_status parse_suffix(struct chat_template *tpl, enum role role, const char *text,
                                    const struct vocabulary *v, struct sft_err *err)
{
    struct template_affix *suffix = &tpl->suffix[role];
    bool has_control = false;
    for (const char *p = text; *p; p++)
        has_control = has_control || match_control(v, p) > 0;
    if (!has_control)
        adopt_control(text, false, v);
    if (parse_affix(text, v, &tpl->arena, suffix, err))
        return sft_context(err, "data.%s_suffix", role_name[role]);
    if (!first_control(suffix))
        return sft_fail(err, SFT_EUSAGE,
                        "data.%s_suffix: must hold a control token, such as <|end|>, which closes the turn",
                        role_name[role]);
    return SFT_OK;
}

static enum sft_status parse_turn(struct chat_template *tpl, enum role role, const struct turn_texts *texts,
                                  const struct vocabulary *v, struct sft_err *err)
{
    tpl->has_turn[role] = texts->suffix[role] != NULL;
    if (!tpl->has_turn[role])
        return SFT_OK;
    const enum sft_status status = parse_prefix(tpl, role, texts->prefix[role], v, err);
    return status ? status : parse_suffix(tpl, role, texts->suffix[role], v, err);
}

/* In a string that holds both, Hugging Face finds the longer token: what is exported would mean something
 * else. */
static enum sft_status check_not_hidden(const struct vocabulary *v, const struct template_affix *affix,
                                        struct sft_err *err)
{
    for (size_t i = 0; i < affix->count; i++)
        for (size_t k = 0; affix->pieces[i].control != TOKEN_NONE && k < v->n_added; k++) {
            size_t len;
            const char *bytes = tokenizer_token_bytes(v->tok, v->added[k], &len);
            if (v->added[k] != affix->pieces[i].control && strstr(bytes, affix->pieces[i].text))
                return sft_fail(err, SFT_EUSAGE,
                                "template: the base's added token '%s' holds the control token '%s' (choose "
                                "another template, or take the token out of the base's tokenizer.json)",
                                bytes, affix->pieces[i].text);
        }
    return SFT_OK;
}

static enum sft_status parse_texts(struct chat_template *tpl, const struct turn_texts *texts,
                                   const struct vocabulary *v, struct sft_err *err)
{
    enum sft_status status = parse_affix(texts->start ? texts->start : "", v, &tpl->arena, &tpl->start, err);
    for (enum role role = 0; !status && role < ROLE_COUNT; role++)
        status = parse_turn(tpl, role, texts, v, err);
    for (enum role role = 0; !status && role < ROLE_COUNT; role++)
        if (!(status = check_not_hidden(v, &tpl->prefix[role], err)))
            status = check_not_hidden(v, &tpl->suffix[role], err);
    return status;
}

/* ---- which texts ---- */

static bool is_given(const char *affix)
{
    return affix && *affix;
}

/* A format has an opener for every role, or for none: then its turns are told apart by what closes them. */
static enum sft_status custom_texts(const struct template_options *options, struct turn_texts *texts,
                                    struct sft_err *err)
{
    const bool has_openers = is_given(options->prefix[ROLE_USER]);
    *texts = (struct turn_texts){0};
    for (enum role role = 0; role < ROLE_TOOL; role++) {
        const char *name = role_name[role];
        const bool has_prefix = is_given(options->prefix[role]), has_suffix = is_given(options->suffix[role]);
        if (!has_prefix && !has_suffix && role == ROLE_SYSTEM)
            continue;
        if (!has_suffix)
            return sft_fail(err, SFT_EUSAGE, "data.%s_suffix: template = custom needs it", name);
        if (has_prefix != has_openers)
            return sft_fail(err, SFT_EUSAGE,
                            "data.%s_prefix: %s, but data.user_prefix is %s (each role's turn opens with a "
                            "control token, or none does)",
                            name, has_prefix ? "set" : "not set", has_openers ? "set" : "not set");
        texts->prefix[role] = has_prefix ? options->prefix[role] : "";
        texts->suffix[role] = options->suffix[role];
    }
    texts->prefix[ROLE_TOOL] = texts->prefix[ROLE_USER];
    texts->suffix[ROLE_TOOL] = texts->suffix[ROLE_USER];
    return SFT_OK;
}

/* What is decided on: the texts, and whether they begin with what the tokenizer puts before a text, or with
 * BOS. */
struct chosen {
    struct turn_texts texts;
    bool starts_as_text, has_bos;
};

static const char *token_text(const struct tokenizer *tok, int32_t id)
{
    size_t len;
    return tokenizer_token_bytes(tok, id, &len);
}

static enum sft_status choose_row(const struct template_row *row, const struct tokenizer *tok,
                                  struct arena *arena, struct chosen *chosen, struct sft_err *err)
{
    chosen->starts_as_text = row->can_start_with_bos;
    if (!template_row_texts(row, token_text(tok, tokenizer_eos_id(tok)), arena, &chosen->texts))
        return sft_fail(err, SFT_EUSAGE,
                        "template = %s: a turn ends with the base's eos_token, and its tokenizer names none",
                        template_choice_name(row->choice));
    return SFT_OK;
}

static enum sft_status refuse_auto(const char *why, struct sft_err *err)
{
    struct strbuf names = {0};
    template_names(&names);
    sft_fail(err, SFT_EUSAGE, "template = auto: %s (choose template = %s)", why, names.data);
    strbuf_free(&names);
    return SFT_EUSAGE;
}

/* template = auto: what the base's own template is, or im_sep where it has none. */
static enum sft_status choose_base(const struct tokenizer *tok, struct arena *arena, struct chosen *chosen,
                                   struct sft_err *err)
{
    const char *jinja = tokenizer_chat_template(tok);
    if (tokenizer_has_only_named_templates(tok))
        return refuse_auto("the base has several chat templates, and none of them is named default", err);
    if (!jinja || !*jinja)
        return choose_row(template_row_of(TEMPLATE_IM_SEP), tok, arena, chosen, err);
    const struct template_row *row = template_row_by_jinja(jinja, &chosen->has_bos);
    if (row) {
        const enum sft_status status = choose_row(row, tok, arena, chosen, err);
        chosen->starts_as_text = false; /* it says itself what it begins with */
        return status;
    }
    if (template_jinja_read(jinja, &chosen->texts, arena))
        return SFT_OK;
    return refuse_auto("the base's own chat template is not one that sft renders exactly", err);
}

static enum sft_status choose(const struct template_options *options, const struct tokenizer *tok,
                              struct arena *arena, struct chosen *chosen, struct sft_err *err)
{
    *chosen = (struct chosen){0};
    if (options->choice == TEMPLATE_AUTO)
        return choose_base(tok, arena, chosen, err);
    if (options->choice != TEMPLATE_CUSTOM)
        return choose_row(template_row_of(options->choice), tok, arena, chosen, err);
    chosen->starts_as_text = true;
    return custom_texts(options, &chosen->texts, err);
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

static enum sft_status set_texts(struct chat_template *tpl, struct chosen *chosen, struct tokenizer *tok,
                                 struct sft_err *err)
{
    struct turn_texts *texts = &chosen->texts;
    struct vocabulary vocabulary = vocabulary_of(tok);
    const int32_t start = chosen->starts_as_text ? tpl->document_start
                          : chosen->has_bos      ? tokenizer_bos_id(tok)
                                                 : TOKEN_NONE;
    if (start != TOKEN_NONE)
        texts->start = token_text(tok, start);
    const enum sft_status status = parse_texts(tpl, texts, &vocabulary, err);
    free(vocabulary.added);
    if (status)
        return status;
    tpl->name = template_texts_name(texts, token_text(tok, tpl->document_end));
    texts->close_len = bytes_to_first_control(&tpl->suffix[ROLE_ASSISTANT]);
    tpl->jinja = template_jinja_write(texts, &tpl->arena);
    tpl->end_of_turn = first_control(&tpl->suffix[ROLE_ASSISTANT])->control;
    return SFT_OK;
}

enum sft_status template_init(struct chat_template *tpl, const struct template_options *options,
                              struct tokenizer *tok, struct sft_err *err)
{
    struct chosen chosen;
    const size_t vocab_size = tokenizer_vocab_size(tok);
    *tpl = (struct chat_template){.end_of_turn = TOKEN_NONE,
                                  .document_start = tokenizer_text_start(tok),
                                  .document_end = tokenizer_eos_id(tok)};
    enum sft_status status = choose(options, tok, &tpl->arena, &chosen, err);
    if (!status)
        status = set_texts(tpl, &chosen, tok, err);
    if (status) {
        template_free(tpl);
        return status;
    }
    tpl->tokens_added = tokenizer_vocab_size(tok) - vocab_size;
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
    hash_affix(&h, &tpl->start);
    for (size_t role = 0; role < ROLE_COUNT; role++) {
        hash_affix(&h, &tpl->prefix[role]);
        hash_affix(&h, &tpl->suffix[role]);
    }
    xxh64_update(&h, tpl->has_turn, sizeof tpl->has_turn);
    xxh64_update(&h, &tpl->document_start, sizeof tpl->document_start);
    xxh64_update(&h, &tpl->end_of_turn, sizeof tpl->end_of_turn);
    xxh64_update(&h, &tpl->document_end, sizeof tpl->document_end);
    return xxh64_digest(&h);
}

enum sft_status template_check_roles(const struct chat_template *tpl, const struct conversation *conv,
                                     struct sft_err *err)
{
    for (size_t i = 0; !conv->is_document && i < conv->count; i++) {
        const char *name = role_name[conv->messages[i].role];
        if (!tpl->has_turn[conv->messages[i].role])
            return sft_fail(err, SFT_EDATA,
                            "the %s template has no %s turn (set data.%s_prefix and data.%s_suffix)",
                            tpl->name, name, name, name);
    }
    return SFT_OK;
}

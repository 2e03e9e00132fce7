/* Which template it is, its control tokens, and its checks. */
#include "text/template.h"

#include "base/xxh64.h"
#include "text/chat_walk.h"
#include "text/template_hint.h"
#include "text/template_jinja.h"
#include "text/template_recognise.h"
#include "text/template_table.h"

#include <stdlib.h>
#include <string.h>

/* ---- control tokens in an affix ---- */

/* A vocabulary and its added tokens, found once. */
struct vocabulary {
    struct tokenizer *tok;
    int32_t *added;
    size_t n_added, capacity;
    bool adds_names;  /* a <|name|> that it lacks is a control token, too */
    const char *hint; /* the format whose control tokens it had as it came; NULL: none */
};

static void find_added(struct vocabulary *v)
{
    const size_t n = tokenizer_vocab_size(v->tok);
    v->n_added = 0;
    for (size_t id = 0; id < n; id++)
        if (tokenizer_is_added(v->tok, (int32_t)id)) {
            v->added = mem_grow(v->added, &v->capacity, v->n_added + 1, sizeof *v->added);
            v->added[v->n_added++] = (int32_t)id;
        }
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
    const size_t special = match_added(v, s, true), bar = v->adds_names ? match_bar_name(s) : 0;
    return special > bar ? special : bar;
}

/* ---- affixes ---- */

/* Cut an affix into control tokens, which the vocabulary is given where it lacks them, and text. */
static void parse_affix(struct affix *affix, const struct vocabulary *v, struct arena *arena)
{
    const char *text = affix->text ? affix->text : "";
    struct template_piece *pieces = arena_alloc(arena, (strlen(text) + 1) * sizeof *pieces);
    affix->pieces = pieces;
    for (affix->count = 0; *text; affix->count++) {
        struct template_piece *piece = &pieces[affix->count];
        size_t len = match_control(v, text);
        const bool is_control = len > 0;
        while (!is_control && text[len] && match_control(v, text + len) == 0)
            len++;
        piece->text = arena_strndup(arena, text, len);
        piece->control = is_control ? tokenizer_add_special(v->tok, piece->text) : TOKEN_NONE;
        text += len;
    }
}

/* The first control token of an affix, or NULL. */
static const struct template_piece *first_control(const struct affix *affix)
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

static bool has_control(const char *text, const struct vocabulary *v)
{
    for (; text && *text; text++)
        if (match_control(v, text) > 0)
            return true;
    return false;
}

/* In a string that holds both, Hugging Face finds the longer token: what is exported would mean something
 * else. */
static enum sft_status check_not_hidden(const struct vocabulary *v, const struct affix *affix, struct sft_err *err)
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

/* Where nothing says what of an assistant's turn is trained: up to the end of the first control token behind the
 * content. The rest of the suffix goes to what follows. */
static void split_suffix(struct chat_format *f, const struct vocabulary *v, struct arena *arena)
{
    const char *suffix = f->suffix[ROLE_ASSISTANT].text, *rest = suffix;
    while (*rest && match_control(v, rest) == 0)
        rest++;
    rest += match_control(v, rest);
    f->after.text = arena_printf(arena, "%s%s", rest, f->after.text ? f->after.text : "");
    if (f->after_last.text)
        f->after_last.text = arena_printf(arena, "%s%s", rest, f->after_last.text);
    f->suffix[ROLE_ASSISTANT].text = arena_strndup(arena, suffix, (size_t)(rest - suffix));
}

/* Find the control tokens in all affixes; those of the turns first, in the order in which they appear. */
static enum sft_status parse_format(struct chat_template *tpl, const struct vocabulary *v, struct sft_err *err)
{
    struct chat_format *f = &tpl->format;
    struct affix *affixes[CHAT_AFFIXES];
    chat_format_affixes(f, affixes);
    parse_affix(&f->start, v, &tpl->arena);
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        parse_affix(&f->prefix[role], v, &tpl->arena);
        parse_affix(&f->suffix[role], v, &tpl->arena);
    }
    enum sft_status status = SFT_OK;
    for (size_t i = 0; !status && i < CHAT_AFFIXES; i++) {
        parse_affix(affixes[i], v, &tpl->arena);
        status = check_not_hidden(v, affixes[i], err);
    }
    return status;
}

/* ---- which format ---- */

/* What is decided on. */
struct chosen {
    struct chat_format format;
    enum template_choice choice;
    bool starts_as_text;  /* it begins with what the tokenizer puts before a text */
    bool is_marked;       /* what is trained is known */
    bool is_the_bases;    /* recognised: the vocabulary needs nothing, if it has what closes a turn */
    bool openers_are_text;
    const char *const *tokens; /* control tokens that are no <|name|>, for a vocabulary that lacks them; or NULL */
    bool writes_date;
    const char *jinja; /* the base's own, to be kept; NULL: one is written */
};

static bool is_given(const char *affix)
{
    return affix && *affix;
}

/* An affix of the settings: a turn opens and closes with a control token. */
static enum sft_status check_custom(const struct chat_format *f, enum role role, const struct vocabulary *v,
                                    struct sft_err *err)
{
    const char *prefix = f->prefix[role].text, *suffix = f->suffix[role].text;
    adopt_control(prefix, true, v);
    if (*prefix && match_control(v, prefix) == 0)
        return sft_fail(
            err, SFT_EUSAGE,
            "data.%s_prefix: must begin with a control token, such as <|%s|>, so that no text that "
            "people typed can open a turn",
            role_name[role], role_name[role]);
    if (!has_control(suffix, v))
        adopt_control(suffix, false, v);
    if (!has_control(suffix, v))
        return sft_fail(err, SFT_EUSAGE,
                        "data.%s_suffix: must hold a control token, such as <|end|>, which closes the turn",
                        role_name[role]);
    return SFT_OK;
}

/* A format has an opener for every role, or for none: then its turns are told apart by what closes them. */
static enum sft_status custom_format(const struct template_options *options, const struct vocabulary *v,
                                     struct chat_format *f, struct sft_err *err)
{
    const bool has_openers = is_given(options->prefix[ROLE_USER]);
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
        f->prefix[role].text = has_prefix ? options->prefix[role] : "";
        f->suffix[role].text = options->suffix[role];
        if (check_custom(f, role, v, err))
            return SFT_EUSAGE;
    }
    f->prefix[ROLE_TOOL] = f->prefix[ROLE_USER];
    f->suffix[ROLE_TOOL] = f->suffix[ROLE_USER];
    return SFT_OK;
}

static const char *token_text(const struct tokenizer *tok, int32_t id, struct arena *arena)
{
    size_t len;
    const char *bytes = tokenizer_token_bytes(tok, id, &len);
    return bytes ? arena_strndup(arena, bytes, len) : NULL;
}

static enum sft_status choose_row(enum template_choice choice, const struct tokenizer *tok, struct arena *arena,
                                  struct chosen *chosen, struct sft_err *err)
{
    const struct template_row *row = template_row_of(choice);
    const char *name = template_choice_name(choice), *bos = token_text(tok, tokenizer_bos_id(tok), arena),
               *eos = token_text(tok, tokenizer_eos_id(tok), arena);
    if (row->only_from_base)
        return sft_fail(err, SFT_EUSAGE,
                        "template = %s: parts of it are written in the base's own chat template, and the base has none "
                        "of this kind",
                        name);
    *chosen = (struct chosen){
        .choice = choice,
        .starts_as_text = row->starts_as_text,
        .openers_are_text = row->openers_are_text,
        .tokens = row->tokens};
    if (!template_row_format(row, bos, eos, arena, &chosen->format))
        return sft_fail(err, SFT_EUSAGE,
                        "template = %s: a turn ends with the base's eos_token, and its tokenizer names none", name);
    return SFT_OK;
}

/* What is wrong with the base's own template, with the choices, and which of them the vocabulary speaks for. */
static enum sft_status refuse_own(const struct vocabulary *v, const char *why, struct sft_err *err)
{
    const char *file = tokenizer_chat_template_file(v->tok);
    struct strbuf names = {0};
    template_names(&names);
    sft_fail(err, SFT_EUSAGE, "template = auto: the base's own chat template %s (choose template = %s", why,
             names.data);
    if (v->hint)
        sft_remark(err, "; the base's vocabulary has the control tokens of %s", v->hint);
    sft_remark(err, ")");
    strbuf_free(&names);
    return file ? sft_in_file(err, file, 0) : SFT_EUSAGE;
}

/* The base's own template, if it is one that is rendered exactly. */
static bool choose_own(const struct tokenizer *tok, struct arena *arena, struct chosen *chosen, const char **why)
{
    struct recognised found = {0};
    const char *jinja = tokenizer_chat_template(tok);
    const bool is_found = jinja && *jinja && template_recognise(jinja, tok, arena, &found);
    *why = found.why;
    if (!is_found)
        return false;
    const bool is_kept = found.is_marked || found.format.modes[0].word;
    *chosen = (struct chosen){.format = found.format,
                              .choice = found.row ? found.row->choice : TEMPLATE_CUSTOM,
                              .tokens = found.row ? found.row->tokens : NULL,
                              .is_marked = found.is_marked,
                              .is_the_bases = true,
                              .writes_date = found.writes_date,
                              .jinja = is_kept ? arena_strndup(arena, jinja, strlen(jinja)) : NULL};
    return true;
}

/* template = auto: what the base's own template is, or im_sep where it has none. */
static enum sft_status choose_base(const struct vocabulary *v, struct arena *arena, struct chosen *chosen,
                                   struct sft_err *err)
{
    const char *jinja = tokenizer_chat_template(v->tok), *why;
    if (tokenizer_has_only_named_templates(v->tok))
        return refuse_own(v, "is one of several, and none of them is named default", err);
    if (!jinja || !*jinja)
        return choose_row(TEMPLATE_IM_SEP, v->tok, arena, chosen, err);
    return choose_own(v->tok, arena, chosen, &why) ? SFT_OK : refuse_own(v, why, err);
}

/* A word means the base's own form of it, where the base has one. */
static enum sft_status choose(const struct template_options *options, const struct vocabulary *v, struct arena *arena,
                              struct chosen *chosen, struct sft_err *err)
{
    const char *why;
    *chosen = (struct chosen){.choice = options->choice};
    if (options->choice == TEMPLATE_AUTO)
        return choose_base(v, arena, chosen, err);
    if (options->choice == TEMPLATE_CUSTOM) {
        chosen->starts_as_text = true;
        return custom_format(options, v, &chosen->format, err);
    }
    if (!template_row_of(options->choice)->starts_as_text && choose_own(v->tok, arena, chosen, &why) &&
        chosen->choice == options->choice)
        return SFT_OK;
    return choose_row(options->choice, v->tok, arena, chosen, err);
}

/* ---- the template ---- */

static enum sft_status set_format(struct chat_template *tpl, struct vocabulary *v, struct chosen *chosen,
                                  struct sft_err *err)
{
    struct chat_format *f = &tpl->format;
    *f = chosen->format;
    v->adds_names = false;
    const bool is_known = chosen->is_the_bases &&
                          (has_control(f->suffix[ROLE_ASSISTANT].text, v) || has_control(f->after.text, v));
    for (const char *const *token = chosen->tokens; !is_known && token && *token; token++)
        tokenizer_add_special(v->tok, *token);
    find_added(v);
    v->adds_names = !is_known && !chosen->openers_are_text;
    const int32_t start = chosen->starts_as_text ? tpl->document_start : TOKEN_NONE;
    if (start != TOKEN_NONE)
        f->start.text = token_text(v->tok, start, &tpl->arena);
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        adopt_control(f->prefix[role].text ? f->prefix[role].text : "", true, v);
        if (f->suffix[role].text && !has_control(f->suffix[role].text, v))
            adopt_control(f->suffix[role].text, false, v);
    }
    if (!chosen->is_marked)
        split_suffix(f, v, &tpl->arena);
    if (parse_format(tpl, v, err))
        return SFT_EUSAGE;
    const struct template_piece *close = first_control(&f->suffix[ROLE_ASSISTANT]);
    if (!close && !chosen->is_marked && first_control(&f->after))
        return refuse_own(v, "does not close the answer that ends a conversation, so that a model would not learn to "
                             "end one", err);
    tpl->end_is_trained = close != NULL;
    close = close ? close : first_control(&f->after);
    if (!close)
        return refuse_own(v, "closes an assistant's turn with no control token", err);
    tpl->end_of_turn = close->control;
    const bool eos_changes =
        chosen->jinja && tpl->end_of_turn != tpl->document_end && strstr(chosen->jinja, "eos_token");
    if (eos_changes && f->modes[0].word)
        return refuse_own(v, "writes an eos_token that does not close a turn", err);
    if (eos_changes) /* what is exported has another eos: the template would write that */
        chosen->jinja = NULL;
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
    struct vocabulary vocabulary = {.tok = tok, .adds_names = true};
    const struct template_row *hint = template_row_of_vocabulary(tok);
    vocabulary.hint = hint ? template_choice_name(hint->choice) : NULL;
    find_added(&vocabulary);
    enum sft_status status = choose(options, &vocabulary, &tpl->arena, &chosen, err);
    if (!status)
        status = set_format(tpl, &vocabulary, &chosen, err);
    free(vocabulary.added);
    if (status) {
        template_free(tpl);
        return status;
    }
    tpl->name = chosen.is_the_bases && chosen.choice == TEMPLATE_CUSTOM ? "base's own"
                                                                        : template_choice_name(chosen.choice);
    tpl->writes_date = chosen.writes_date;
    tpl->jinja = chosen.jinja ? chosen.jinja : template_jinja_write(&tpl->format, &tpl->arena);
    tpl->tokens_added = tokenizer_vocab_size(tok) - vocab_size;
    if (tpl->tokens_added > 0 && hint && hint->choice != chosen.choice)
        tpl->hint = vocabulary.hint;
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

enum sft_status template_check(const struct chat_template *tpl, const struct conversation *conv, struct sft_err *err)
{
    return conv->is_document ? SFT_OK : chat_check(&tpl->format, tpl->name, conv, err);
}

/* ---- its hash ---- */

static void hash_text(struct xxh64 *h, const char *text)
{
    const char is_there = text != NULL;
    xxh64_update(h, &is_there, 1);
    if (text)
        xxh64_update(h, text, strlen(text) + 1);
}

static void hash_affix(struct xxh64 *h, const struct affix *affix)
{
    hash_text(h, affix->text);
    xxh64_update(h, &affix->count, sizeof affix->count);
    for (size_t i = 0; i < affix->count; i++) {
        xxh64_update(h, &affix->pieces[i].control, sizeof affix->pieces[i].control);
        hash_text(h, affix->pieces[i].text);
    }
}

uint64_t template_fingerprint(const struct chat_template *tpl)
{
    struct xxh64 h;
    struct chat_format format = tpl->format;
    struct affix *affixes[CHAT_AFFIXES];
    const int rules[] = {(int)format.system_place, (int)format.think, format.alternates, format.system_first_only};
    xxh64_init(&h, 0);
    chat_format_affixes(&format, affixes);
    for (size_t i = 0; i < CHAT_AFFIXES; i++)
        hash_affix(&h, affixes[i]);
    for (size_t i = 0; i < CHAT_MODES; i++) {
        hash_text(&h, format.modes[i].word);
        hash_text(&h, format.modes[i].default_system);
    }
    hash_text(&h, format.default_system);
    hash_text(&h, format.refused_word);
    xxh64_update(&h, format.trim, sizeof format.trim);
    xxh64_update(&h, rules, sizeof rules);
    xxh64_update(&h, &tpl->document_start, sizeof tpl->document_start);
    xxh64_update(&h, &tpl->end_of_turn, sizeof tpl->end_of_turn);
    xxh64_update(&h, &tpl->document_end, sizeof tpl->document_end);
    return xxh64_digest(&h);
}

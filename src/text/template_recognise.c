#include "text/template_recognise.h"

#include "text/chat_text.h"
#include "text/template_readings.h"

#include <string.h>

struct tokens {
    const char *bos, *eos; /* NULL: the base has none */
};

/* A template that is asked, and what is read off it first. */
struct asking {
    struct template_probe probe;
    struct arena *arena;
    struct reading u, u_prompt, ua, uaua, su;
    struct chat_text ours; /* scratch */
    size_t most_held;      /* probes that the best format has rendered as the template does, and why it is not it */
    const char *misfit;
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static const char *joined(const struct asking *ask, const char *a, const char *b)
{
    return a && b ? arena_printf(ask->arena, "%s%s", a, b) : NULL;
}

static const char *first_bytes(const struct asking *ask, const char *text, size_t len)
{
    return arena_strndup(ask->arena, text, len);
}

/* ---- is it this format? ---- */

struct comparison {
    struct asking *ask;
    const struct chat_format *format;
    const char *name; /* of its row; NULL: it has none */
    size_t held;      /* probes that were rendered the same */
};

/* Spans that touch are one; empty ones are none. */
static bool same_spans(const struct jinja_output *theirs, const struct chat_text *ours)
{
    size_t n = 0;
    for (size_t i = 0; i < theirs->n_spans; i++) {
        const size_t begin = theirs->spans[i].begin;
        size_t end = theirs->spans[i].end;
        if (begin == end)
            continue;
        while (i + 1 < theirs->n_spans && theirs->spans[i + 1].begin <= end)
            end = theirs->spans[++i].end;
        if (n >= ours->n_spans || ours->spans[n].begin != begin || ours->spans[n].end != end)
            return false;
        n++;
    }
    return n == ours->n_spans;
}

static bool is_rendered_the_same(const struct comparison *c, const struct conversation *conv, bool prompts)
{
    struct asking *ask = c->ask;
    if (chat_check(c->format, "", conv, NULL) != SFT_OK)
        return true; /* what is refused is not rendered otherwise */
    if (template_probe_render(&ask->probe, conv, prompts) != JINJA_DONE)
        return false;
    chat_text(c->format, conv, prompts, &ask->ours);
    const struct strbuf *theirs = &ask->probe.out.text;
    return theirs->len == ask->ours.text.len && memcmp(theirs->data, ask->ours.text.data, theirs->len) == 0 &&
           (prompts || (ask->ua.n_spans == 0 ? ask->probe.out.n_spans == 0 : same_spans(&ask->probe.out, &ask->ours)));
}

static bool renders_the_same(void *with, const struct conversation *conv, bool prompts)
{
    struct comparison *c = with;
    if (is_rendered_the_same(c, conv, prompts)) {
        c->held++;
        return true;
    }
    if (c->held > c->ask->most_held || !c->ask->misfit) {
        c->ask->most_held = c->held;
        c->ask->misfit = arena_printf(c->ask->arena, "%s%s, %s", c->name ? "as " : "with fixed texts around messages",
                                      c->name ? c->name : "", template_probe_misfit(c->ask->arena, conv, prompts));
    }
    return false;
}

static bool holds_for_all(struct asking *ask, const struct chat_format *format, const char *name)
{
    struct comparison c = {.ask = ask, .format = format, .name = name};
    return template_probe_all(&ask->probe, renders_the_same, &c);
}

/* Where the template differs only in system messages that are not the first, without these. */
static bool matches(struct asking *ask, struct chat_format *format, const char *name)
{
    if (holds_for_all(ask, format, name))
        return true;
    if (format->system_first_only)
        return false;
    format->system_first_only = true;
    return holds_for_all(ask, format, name);
}

/* ---- what of a format is the template's own ---- */

/* Behind the user's last turn: what is there when nothing is to be generated, and the header when something is. */
static bool read_ends(struct asking *ask, struct chat_format *f)
{
    const char *end = text_behind(ask->u.gaps[1], f->suffix[ROLE_USER].text),
               *prompt = text_behind(ask->u_prompt.gaps[1], f->suffix[ROLE_USER].text);
    if (!end || !prompt)
        return false;
    f->end.text = *end ? end : NULL;
    f->prompt.text = same(prompt, f->prefix[ROLE_ASSISTANT].text) ? NULL : prompt;
    return true;
}

/* The parts of an assistant's turn: what is marked as generated is trained; where nothing is, that is settled when the
 * control tokens are known (text/template.c). */
static bool read_answer(struct asking *ask, struct chat_format *f)
{
    const char *prefix = f->prefix[ROLE_ASSISTANT].text, *suffix = f->suffix[ROLE_ASSISTANT].text,
               *end = f->end.text ? f->end.text : "", *last = text_before(ask->ua.gaps[2], end, ask->arena);
    if (!last)
        return false;
    size_t opens = strlen(prefix), closes = 0;
    while (suffix[closes] && suffix[closes] == last[closes])
        closes++;
    if (ask->ua.n_spans > 0) {
        const size_t turn = ask->u.len - strlen(end), content_end = ask->ua.len - strlen(ask->ua.gaps[2]);
        const size_t marked = ask->ua.span_end - content_end;
        if (ask->ua.n_spans > 1 || ask->ua.span_begin < turn || ask->ua.span_end < content_end || marked > closes)
            return false;
        opens = ask->ua.span_begin - turn < opens ? ask->ua.span_begin - turn : opens;
        closes = marked;
    }
    f->opened.text = first_bytes(ask, prefix + opens, strlen(prefix + opens));
    f->prefix[ROLE_ASSISTANT].text = first_bytes(ask, prefix, opens);
    f->suffix[ROLE_ASSISTANT].text = first_bytes(ask, suffix, closes);
    f->after.text = suffix + closes;
    f->after_last.text = same(suffix, last) ? NULL : last + closes;
    return true;
}

/* The second mode's part: its header, and what stands where its word is the whole message. */
static bool read_modes(struct asking *ask, struct chat_format *f, const char *user_header)
{
    struct chat_mode *first = &f->modes[0], *second = &f->modes[1];
    const char *word = arena_printf(ask->arena, "%s ", second->word), *only[] = {second->word, "Qm0qZ"};
    const char *suffix = f->first_suffix.text ? f->first_suffix.text : f->suffix[ROLE_SYSTEM].text;
    const struct reading marked = template_read_around(&ask->probe, "su", word, "", ask->arena);
    *first = (struct chat_mode){.word = first->word,
                                .first_prefix = f->first_prefix.text ? f->first_prefix : f->prefix[ROLE_SYSTEM],
                                .default_system = f->default_system,
                                .opened = first->opened};
    if (!marked.is_there || !f->default_system)
        return false;
    /* (the mark's blank is left of the message, where it is not taken off) */
    second->first_prefix.text = text_before(text_behind(marked.gaps[0], f->start.text), " ", ask->arena);
    const struct conversation conv = template_probe_conversation(ask->arena, "su", only);
    if (!second->first_prefix.text || template_probe_render(&ask->probe, &conv, false) != JINJA_DONE)
        return false;
    const char *at = strstr(ask->probe.out.text.data, only[1]);
    const char *turn = at ? first_bytes(ask, ask->probe.out.text.data, (size_t)(at - ask->probe.out.text.data)) : NULL;
    turn = text_behind(text_behind(turn, f->start.text), second->first_prefix.text);
    second->default_system = text_before(text_before(turn, user_header, ask->arena), suffix, ask->arena);
    f->first_prefix.text = f->default_system = NULL;
    return second->default_system != NULL;
}

/* Before: what stands before a first user's turn. */
static bool read_system(struct asking *ask, struct chat_format *f, const char *before, bool any_default)
{
    const char *wanted = f->default_system, *user_header = f->prefix[ROLE_USER].text,
               *prefix = f->prefix[ROLE_SYSTEM].text;
    f->default_system = NULL;
    f->start.text = before;
    if (f->system_place != SYSTEM_TURN || !ask->su.is_there || !prefix) {
        if (f->modes[0].word || (f->system_place == SYSTEM_IN_FIRST_USER && ask->su.is_there && wanted))
            return false;
        if (!ask->su.is_there && f->system_place != SYSTEM_IN_LAST_USER) { /* it is refused, or not shown */
            f->system_place = SYSTEM_TURN;
            f->suffix[ROLE_SYSTEM].text = NULL;
        }
        return !wanted;
    }
    const char *header = *prefix ? strstr(ask->su.gaps[0], prefix) : ask->su.gaps[0] + strlen(ask->su.gaps[0]);
    const char *suffix = text_before(ask->su.gaps[1], user_header, ask->arena);
    if (!header || !suffix)
        return false;
    f->start.text = first_bytes(ask, ask->su.gaps[0], (size_t)(header - ask->su.gaps[0]));
    f->first_prefix.text = same(header, prefix) ? NULL : header;
    f->first_suffix.text = same(suffix, f->suffix[ROLE_SYSTEM].text) ? NULL : suffix;
    if (!same(before, f->start.text))
        f->default_system =
            text_before(text_behind(text_behind(before, f->start.text), header), suffix, ask->arena);
    if (!same(before, f->start.text) && !f->default_system)
        return false;
    return f->modes[0].word ? read_modes(ask, f, user_header) : any_default || same(wanted, f->default_system);
}

static enum trim read_trim(struct asking *ask, const char *roles, size_t at, enum trim otherwise)
{
    /* (a vertical tab is white space, and nothing that a format has of its own; nor are four line breaks) */
    const struct reading r = template_read_around(&ask->probe, roles, "\n\n\n\n\v", "\v\n", ask->arena);
    if (!r.is_there)
        return otherwise;
    if (str_has_ending(r.gaps[at], "\n\n\n\n\v"))
        return TRIM_NOTHING;
    return str_has_ending(r.gaps[at], "\v") ? TRIM_BREAKS : TRIM_WHITE;
}

static void read_trims(struct asking *ask, struct chat_format *f)
{
    const bool has_modes = f->modes[0].word != NULL;
    f->trim[ROLE_USER] = read_trim(ask, "ua", 0, f->trim[ROLE_USER]);
    if (f->think == THINK_STAYS)
        f->trim[ROLE_ASSISTANT] = read_trim(ask, "ua", 1, f->trim[ROLE_ASSISTANT]);
    if (!has_modes)
        f->trim[ROLE_SYSTEM] = read_trim(ask, "su", 0, f->trim[ROLE_SYSTEM]);
    if (f->suffix[ROLE_TOOL].text)
        f->trim[ROLE_TOOL] = read_trim(ask, "uat", 2, f->trim[ROLE_TOOL]);
}

/* Take from the template what a format leaves open. False where it cannot be this format. */
static bool fit(struct asking *ask, struct chat_format *f, bool any_default)
{
    const char *before = text_before(ask->u.gaps[0], f->prefix[ROLE_USER].text, ask->arena);
    if (f->after.text)
        f->suffix[ROLE_ASSISTANT].text = joined(ask, f->suffix[ROLE_ASSISTANT].text, f->after.text);
    const char *question = joined(ask, f->suffix[ROLE_USER].text, f->prefix[ROLE_ASSISTANT].text);
    const char *answer = joined(ask, f->suffix[ROLE_ASSISTANT].text, f->prefix[ROLE_USER].text);
    if (!before || !text_behind(ask->uaua.gaps[1], question) || !same(ask->uaua.gaps[2], answer))
        return false;
    if (!read_ends(ask, f) || !read_answer(ask, f) || !read_system(ask, f, before, any_default))
        return false;
    read_trims(ask, f);
    f->alternates = !template_read(&ask->probe, "uu", false, ask->arena).is_there ||
                    !template_read(&ask->probe, "au", false, ask->arena).is_there;
    return true;
}

/* ---- a format that has no name ---- */

static size_t common_length(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* Bytes of text[0..n) that do not end within a token: behind a "<" or "[" that is not closed. */
static size_t whole_tokens(const char *text, size_t n)
{
    for (size_t i = n; i-- > 0 && text[i] != '>' && text[i] != ']';)
        if (text[i] == '<' || text[i] == '[')
            n = i;
    return n;
}

/* The texts around messages, read off without knowing any. */
static bool infer(struct asking *ask, const char *bos, struct chat_format *f)
{
    const char *question = ask->uaua.gaps[1], *answer = ask->uaua.gaps[2];
    size_t n = common_length(ask->u.gaps[1], ask->u_prompt.gaps[1]);
    n = common_length(first_bytes(ask, question, n < strlen(question) ? n : strlen(question)), ask->u.gaps[1]);
    n = whole_tokens(question, n);
    *f = (struct chat_format){.suffix = {[ROLE_USER] = {first_bytes(ask, question, n), NULL, 0}},
                              .prefix = {[ROLE_ASSISTANT] = {question + n, NULL, 0}}};
    const char *last = text_before(ask->ua.gaps[2], ask->u.gaps[1] + n, ask->arena);
    if (!last)
        return false;
    n = whole_tokens(answer, common_length(last, answer));
    f->suffix[ROLE_ASSISTANT].text = first_bytes(ask, answer, n);
    f->prefix[ROLE_USER].text = answer + n;
    const char *before = text_before(ask->u.gaps[0], answer + n, ask->arena);
    if (before && ask->su.is_there) {
        const char *whole = ask->su.gaps[0], *header = text_behind(whole, before);
        if (!header) /* a default system prompt stands before the user's turn */
            header = text_behind(whole, bos);
        f->prefix[ROLE_SYSTEM].text = header ? header : whole;
        f->suffix[ROLE_SYSTEM].text = text_before(ask->su.gaps[1], f->prefix[ROLE_USER].text, ask->arena);
    }
    const struct reading tool = template_read(&ask->probe, "uta", false, ask->arena);
    if (tool.is_there) {
        f->prefix[ROLE_TOOL].text = text_behind(tool.gaps[1], f->suffix[ROLE_USER].text);
        f->suffix[ROLE_TOOL].text = text_before(tool.gaps[2], f->prefix[ROLE_ASSISTANT].text, ask->arena);
        if (!f->prefix[ROLE_TOOL].text)
            f->suffix[ROLE_TOOL].text = NULL;
    }
    return before != NULL;
}

/* ---- the whole ---- */

static const char *token_text(const struct tokenizer *tok, int32_t id, struct arena *arena)
{
    size_t len;
    const char *bytes = tokenizer_token_bytes(tok, id, &len);
    return bytes ? arena_strndup(arena, bytes, len) : NULL;
}

/* One without which nothing can be said. */
static bool read_needed(struct asking *ask, struct reading *r, const char *roles, const char *in_words, bool prompts)
{
    *r = template_read(&ask->probe, roles, prompts, ask->arena);
    const char *raised = ask->probe.out.message;
    if (r->is_there)
        return true;
    ask->misfit = *raised ? arena_printf(ask->arena, "it refuses %s ('%s')", in_words, raised)
                          : arena_printf(ask->arena, "it does not show each message once and unchanged (tried with %s)",
                                         in_words);
    return false;
}

static bool read_first(struct asking *ask)
{
    ask->su = template_read(&ask->probe, "su", false, ask->arena);
    return read_needed(ask, &ask->u, "u", "a question alone", false) &&
           read_needed(ask, &ask->u_prompt, "u", "a question to be answered", true) &&
           read_needed(ask, &ask->ua, "ua", "a question and its answer", false) &&
           read_needed(ask, &ask->uaua, "uaua", "two questions and their answers", false);
}

/* A template that says what it does where there is no clock (Llama 3.2: its own date) is asked without one. */
static void choose_date(struct asking *ask)
{
    static const struct jinja_date fixed = {2025, 7, 8};
    if (!template_read(&ask->probe, "u", false, ask->arena).is_there) {
        ask->probe.why[0] = '\0';
        ask->probe.date = fixed;
    }
}

static bool writes_date(struct asking *ask)
{
    static const struct jinja_date days[] = {{1999, 1, 1}, {2001, 12, 31}};
    const struct jinja_date chosen = ask->probe.date;
    struct reading read[2];
    for (size_t i = 0; i < 2; i++) {
        ask->probe.date = days[i];
        read[i] = template_read(&ask->probe, "u", false, ask->arena);
    }
    ask->probe.date = chosen;
    return read[0].is_there && read[1].is_there && !same(read[0].gaps[0], read[1].gaps[0]);
}

/* Is it a row, or, without a turn for tools, in all else? */
static bool find_row(struct asking *ask, const struct tokens *tokens, bool without_tools, struct recognised *found)
{
    struct chat_format *f = &found->format;
    const struct template_row *row;
    for (size_t i = 0; (row = template_row_at(i)); i++) {
        found->row = row;
        if (!template_row_format(row, tokens->bos, tokens->eos, ask->arena, f) ||
            (without_tools && !f->suffix[ROLE_TOOL].text))
            continue;
        if (without_tools)
            f->suffix[ROLE_TOOL].text = f->tool_join.text = NULL;
        if (fit(ask, f, row->any_default) && matches(ask, f, template_choice_name(row->choice)))
            return true;
    }
    return false;
}

static bool find(struct asking *ask, const struct tokens *tokens, struct recognised *found)
{
    struct chat_format *f = &found->format;
    if (find_row(ask, tokens, false, found) || find_row(ask, tokens, true, found))
        return true;
    found->row = NULL;
    if (!infer(ask, tokens->bos, f))
        return false;
    const struct chat_format inferred = *f;
    if (fit(ask, f, true) && matches(ask, f, NULL))
        return true;
    *f = inferred;
    f->suffix[ROLE_TOOL].text = NULL;
    return inferred.suffix[ROLE_TOOL].text && fit(ask, f, true) && matches(ask, f, NULL);
}

/* What is said of a template that was not found. */
static const char *why_not(const struct asking *ask)
{
    if (*ask->probe.why)
        return arena_printf(ask->arena, "has what sft does not know: %s", ask->probe.why);
    return arena_printf(ask->arena, "is not one that sft renders exactly: %s",
                        ask->misfit ? ask->misfit : "what it writes around a message is not the same in each turn");
}

bool template_recognise(const char *jinja, const struct tokenizer *tok, struct arena *arena, struct recognised *found)
{
    struct asking ask = {.arena = arena};
    const struct tokens tokens = {token_text(tok, tokenizer_bos_id(tok), arena),
                                  token_text(tok, tokenizer_eos_id(tok), arena)};
    bool is_found = template_probe_open(&ask.probe, jinja, tok);
    *found = (struct recognised){0};
    if (is_found) {
        choose_date(&ask);
        is_found = read_first(&ask) && find(&ask, &tokens, found);
    }
    if (is_found) {
        found->is_marked = ask.ua.n_spans > 0;
        found->writes_date = writes_date(&ask);
    } else {
        found->why = why_not(&ask);
    }
    chat_text_free(&ask.ours);
    template_probe_free(&ask.probe);
    return is_found;
}

#include "text/chat_walk.h"

#include "text/jinja/value.h"

#include <string.h>

struct walk {
    const struct chat_format *format;
    const struct conversation *conv;
    struct strbuf *scratch;
    size_t mode;
    size_t last_query; /* THINK_LAST: the last question's index */
    chat_sink *sink;
    void *to;
};

static void put_affix(const struct walk *w, const struct message *m, bool is_answer, const struct affix *affix)
{
    if (affix->text && *affix->text)
        w->sink(w->to, &(struct chat_part){.message = m, .is_answer = is_answer, .affix = affix, .text = affix->text,
                                           .len = strlen(affix->text)});
}

static void put_text(const struct walk *w, const struct message *m, bool is_answer, struct jinja_string text)
{
    w->sink(w->to, &(struct chat_part){.message = m, .is_answer = is_answer, .text = text.data, .len = text.len});
}

/* ---- contents ---- */

static const struct jinja_string line_break = {"\n", 1}, think_begins = {"<think>", 7}, think_ends = {"</think>", 8};

static struct jinja_string trimmed(const struct message *m, enum trim trim)
{
    const struct jinja_string content = {m->content, m->len};
    switch (trim) {
    case TRIM_WHITE: return jinja_strip(content, NULL, true, true);
    case TRIM_BREAKS: return jinja_strip(content, &line_break, true, false);
    default: return content;
    }
}

/* Behind the last `mark` in s; the whole of s where there is none. */
static struct jinja_string behind_last(struct jinja_string s, struct jinja_string mark)
{
    for (size_t at; (at = jinja_find(s, mark, 0)) < s.len;)
        s = (struct jinja_string){s.data + at + mark.len, s.len - at - mark.len};
    return s;
}

/* Cut an answer into its reasoning and the rest, as Qwen3's template does. */
static void cut_reasoning(struct jinja_string content, struct jinja_string *reasoning, struct jinja_string *rest)
{
    const size_t at = jinja_find(content, think_ends, 0);
    *reasoning = (struct jinja_string){content.data, 0};
    *rest = content;
    if (at == content.len)
        return;
    const struct jinja_string before = {content.data, at};
    *reasoning = jinja_strip(behind_last(jinja_strip(before, &line_break, false, true), think_begins), &line_break,
                             true, false);
    *rest = jinja_strip(behind_last(content, think_ends), &line_break, true, false);
}

static bool is_tool_response(const struct message *m)
{
    static const char open[] = "<tool_response>", close[] = "</tool_response>";
    return m->len >= sizeof close - 1 && memcmp(m->content, open, sizeof open - 1) == 0 &&
           memcmp(m->content + m->len - (sizeof close - 1), close, sizeof close - 1) == 0;
}

/* The last user's message that is no tool's response; the conversation's last message where there is none. */
static size_t find_last_query(const struct conversation *conv)
{
    for (size_t i = conv->count; i-- > 0;)
        if (conv->messages[i].role == ROLE_USER && !is_tool_response(&conv->messages[i]))
            return i;
    return conv->count - 1;
}

static void put_answer(const struct walk *w, size_t i)
{
    const struct chat_format *f = w->format;
    const struct message *m = &w->conv->messages[i];
    struct jinja_string content = trimmed(m, f->trim[ROLE_ASSISTANT]), reasoning;
    if (f->think != THINK_STAYS) {
        const bool is_last = i + 1 == w->conv->count;
        cut_reasoning(content, &reasoning, &content);
        if (f->think == THINK_ALL || (i > w->last_query && (is_last || reasoning.len > 0))) {
            put_affix(w, m, true, &f->think_open);
            put_text(w, m, true, jinja_strip(reasoning, &line_break, true, true));
            put_affix(w, m, true, &f->think_close);
            content = jinja_strip(content, &line_break, true, false);
        }
    }
    put_text(w, m, true, content);
}

/* ---- the system's first turn ---- */

static bool contains(const struct message *m, const char *word)
{
    const struct jinja_string content = {m->content, m->len};
    return *word && jinja_find(content, (struct jinja_string){word, strlen(word)}, 0) < m->len;
}

static void cut_out(struct strbuf *sb, const char *word)
{
    const size_t len = strlen(word);
    for (char *at = sb->data; (at = memmem(at, sb->len - (size_t)(at - sb->data), word, len));) {
        memmove(at, at + len, sb->len - (size_t)(at + len - sb->data) + 1);
        sb->len -= len;
    }
}

/* A first system message without the words that decide about reasoning; the default where nothing is left. */
static struct jinja_string without_words(const struct walk *w, const struct message *m)
{
    strbuf_puts(w->scratch, "");
    strbuf_add(w->scratch, m->content, m->len);
    for (size_t mode = CHAT_MODES; mode-- > 0;)
        cut_out(w->scratch, w->format->modes[mode].word);
    const struct jinja_string left =
        jinja_strip((struct jinja_string){w->scratch->data, w->scratch->len}, NULL, false, true);
    const char *other = w->format->modes[w->mode].default_system;
    return left.len || !other ? left : (struct jinja_string){other, strlen(other)};
}

/* m: the message, or NULL for the default. */
static void put_first_system(const struct walk *w, const struct message *m)
{
    const struct chat_format *f = w->format;
    const bool has_modes = f->modes[0].word != NULL;
    const struct affix *prefix = has_modes ? &f->modes[w->mode].first_prefix
                                 : f->first_prefix.text ? &f->first_prefix
                                                        : &f->prefix[ROLE_SYSTEM];
    const char *otherwise = has_modes ? f->modes[w->mode].default_system : f->default_system;
    put_affix(w, m, false, prefix);
    if (m)
        put_text(w, m, false, has_modes ? without_words(w, m) : trimmed(m, f->trim[ROLE_SYSTEM]));
    else if (otherwise)
        put_text(w, m, false, (struct jinja_string){otherwise, strlen(otherwise)});
    put_affix(w, m, false, f->first_suffix.text ? &f->first_suffix : &f->suffix[ROLE_SYSTEM]);
}

/* ---- turns ---- */

static bool is_tool(const struct walk *w, size_t i)
{
    return i < w->conv->count && w->conv->messages[i].role == ROLE_TOOL;
}

/* system: the message that goes into this turn, or NULL. */
static void put_turn(const struct walk *w, size_t i, const struct message *system)
{
    const struct chat_format *f = w->format;
    const struct message *m = &w->conv->messages[i];
    const bool joins = f->tool_join.text && m->role == ROLE_TOOL;
    if (!joins || i == 0 || !is_tool(w, i - 1))
        put_affix(w, m, false, &f->prefix[m->role]);
    if (system) {
        put_affix(w, m, false, &f->fold_before);
        put_text(w, m, false, trimmed(system, f->trim[ROLE_SYSTEM]));
        put_affix(w, m, false, &f->fold_after);
    }
    put_text(w, m, false, trimmed(m, f->trim[m->role]));
    put_affix(w, m, false, joins && is_tool(w, i + 1) ? &f->tool_join : &f->suffix[m->role]);
}

static void put_assistant_turn(const struct walk *w, size_t i)
{
    const struct chat_format *f = w->format;
    const struct message *m = &w->conv->messages[i];
    const bool ends = i + 1 == w->conv->count && f->after_last.text;
    put_affix(w, m, false, &f->prefix[ROLE_ASSISTANT]);
    put_affix(w, m, true, &f->opened);
    put_affix(w, m, true, &f->modes[w->mode].opened);
    put_answer(w, i);
    put_affix(w, m, true, &f->suffix[ROLE_ASSISTANT]);
    put_affix(w, m, false, ends ? &f->after_last : &f->after);
}

static void put_prompt(const struct walk *w)
{
    const struct chat_format *f = w->format;
    put_affix(w, NULL, false, f->prompt.text ? &f->prompt : &f->prefix[ROLE_ASSISTANT]);
    if (!f->prompt.text)
        put_affix(w, NULL, false, &f->opened);
    put_affix(w, NULL, false, &f->modes[w->mode].opened);
}

static const struct message *first_system(const struct conversation *conv)
{
    return conv->count > 0 && conv->messages[0].role == ROLE_SYSTEM ? conv->messages : NULL;
}

void chat_walk(const struct chat_format *format, const struct conversation *conv, bool prompts, struct strbuf *scratch,
               chat_sink *sink, void *to)
{
    const struct message *system = first_system(conv);
    struct walk w = {.format = format, .conv = conv, .scratch = scratch, .sink = sink, .to = to};
    strbuf_clear(scratch);
    w.last_query = format->think == THINK_LAST && conv->count > 0 ? find_last_query(conv) : 0;
    w.mode = system && format->modes[1].word && contains(system, format->modes[1].word);
    put_affix(&w, NULL, false, &format->start);
    if (format->system_place == SYSTEM_TURN && (system || format->default_system || format->modes[0].word))
        put_first_system(&w, system);
    for (size_t i = system ? 1 : 0; i < conv->count; i++) {
        const bool takes_system = system && conv->messages[i].role == ROLE_USER &&
                                  ((format->system_place == SYSTEM_IN_FIRST_USER && i == 1) ||
                                   (format->system_place == SYSTEM_IN_LAST_USER && i + 1 == conv->count));
        if (conv->messages[i].role == ROLE_ASSISTANT)
            put_assistant_turn(&w, i);
        else
            put_turn(&w, i, takes_system ? system : NULL);
    }
    if (prompts)
        put_prompt(&w);
    else
        put_affix(&w, NULL, false, &format->end);
}

/* ---- what has no place ---- */

static enum sft_status check_first_system(const struct chat_format *f, const char *name,
                                          const struct conversation *conv, struct sft_err *err)
{
    const char *word = f->refused_word;
    if (word && contains(conv->messages, word))
        return sft_fail(err, SFT_EDATA, "a system message with '%s', which the %s template obeys and sft does not",
                        word, name);
    if (f->system_place != SYSTEM_TURN && conv->count == 1)
        return sft_fail(err, SFT_EDATA,
                        "the %s template puts the system message into a user's turn, and there is none", name);
    return SFT_OK;
}

/* Of the messages behind a first system message, the one at i. */
static enum sft_status check_turn(const struct chat_format *f, const char *name, const struct conversation *conv,
                                  size_t i, bool after_system, struct sft_err *err)
{
    const enum role role = conv->messages[i].role;
    const bool users_turn = (i - after_system) % 2 == 0;
    if (role == ROLE_SYSTEM && (f->system_first_only || f->system_place != SYSTEM_TURN))
        return sft_fail(err, SFT_EDATA, "the %s template has a system message only as a conversation's first", name);
    if (f->alternates && f->suffix[role].text && role != (users_turn ? ROLE_USER : ROLE_ASSISTANT))
        return sft_fail(err, SFT_EDATA,
                        "the %s template wants user and assistant in turn, a user first; found %s", name,
                        role_name[role]);
    return SFT_OK;
}

static enum sft_status no_turn(const char *name, const char *role, struct sft_err *err)
{
    sft_fail(err, SFT_EDATA, "the %s template has no %s turn", name, role);
    if (strcmp(name, "custom") == 0)
        sft_remark(err, " (set data.%s_prefix and data.%s_suffix)", role, role);
    return SFT_EDATA;
}

enum sft_status chat_check(const struct chat_format *format, const char *name, const struct conversation *conv,
                           struct sft_err *err)
{
    const struct message *system = first_system(conv);
    enum sft_status status = system ? check_first_system(format, name, conv, err) : SFT_OK;
    for (size_t i = 0; !status && i < conv->count; i++) {
        const enum role role = conv->messages[i].role;
        const bool is_first_system = i == 0 && system;
        if (!is_first_system)
            status = check_turn(format, name, conv, i, system != NULL, err);
        if (!status && !format->suffix[role].text && !(is_first_system && format->system_place != SYSTEM_TURN))
            status = no_turn(name, role_name[role], err);
        const size_t number = conv->numbers ? conv->numbers[i] : i + 1;
        if (status && number)
            sft_in_key(err, "message %zu", number);
    }
    return status;
}

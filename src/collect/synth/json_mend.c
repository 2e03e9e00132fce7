#include "collect/synth/json_mend.h"

#include "base/bounds.h"

#include <string.h>

/* What an open object waits for; an array always waits for a value. */
enum awaited { KEY, COLON, VALUE };

struct mender {
    const char *at, *end;
    struct strbuf *out;
    struct level {
        char kind; /* '{' or '[' */
        enum awaited awaited;
        bool has_items;
    } levels[JSON_MEND_DEPTH];
    size_t depth;
    const char *wrong; /* NULL: nothing yet */
};

static struct level *top(struct mender *m)
{
    return &m->levels[m->depth - 1];
}

static bool begins(const char *p, const char *end, const char *word)
{
    const size_t len = strlen(word);
    return (size_t)(end - p) >= len && memcmp(p, word, len) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_of_name(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '$' || c == '-';
}

static const char *behind_line(const char *p, const char *end)
{
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    return newline ? newline + 1 : end;
}

static const char *behind_comment(const char *p, const char *end)
{
    for (p += 2; p < end && !begins(p, end, "*/"); p++)
        ;
    return p < end ? p + 2 : end;
}

/* Past white space and comments. */
static const char *skip(const char *p, const char *end)
{
    static const char nbsp[] = "\xC2\xA0";
    for (;;) {
        if (p < end && is_blank(*p))
            p++;
        else if (begins(p, end, nbsp))
            p += strlen(nbsp);
        else if (begins(p, end, "//") || (p < end && *p == '#'))
            p = behind_line(p, end);
        else if (begins(p, end, "/*"))
            p = behind_comment(p, end);
        else
            return p;
    }
}

/* ---- strings ---- */

static const struct quote {
    const char *open, *close;
} quotes[] = {{"\"", "\""}, {"'", "'"}, {"\xE2\x80\x9C", "\xE2\x80\x9D"}, {"\xE2\x80\x98", "\xE2\x80\x99"}};
enum { N_QUOTES = sizeof quotes / sizeof *quotes };

static const struct quote *quote_at(const char *p, const char *end)
{
    for (size_t i = 0; i < N_QUOTES; i++)
        if (begins(p, end, quotes[i].open))
            return &quotes[i];
    return NULL;
}

/* Whether a key and its colon stand at p. Without quotes it is of letters and digits. */
static bool is_key_at(const char *p, const char *end)
{
    enum { KEY_MAX = 64 };
    const struct quote *quote = quote_at(p, end);
    const char *q = p + (quote ? strlen(quote->open) : 0), *start = q;
    while (q < end && q - start < KEY_MAX && (quote ? *q != '\n' && !begins(q, end, quote->close) : is_of_name(*q)))
        q++;
    if (q == start || (quote && !begins(q, end, quote->close)))
        return false;
    q += quote ? strlen(quote->close) : 0;
    while (q < end && is_blank(*q))
        q++;
    return q < end && *q == ':';
}

static bool is_value_at(const char *p, const char *end)
{
    return quote_at(p, end) || strchr("{[-0123456789tfnTFN", *p);
}

/* Whether a quote ends its string, by what stands behind it: else it is one that should have been escaped. Only the
 * blanks of a few hundred bytes are passed over, so that a text full of quotes takes no square of time. */
static bool closes(struct mender *m, const char *behind, enum awaited place)
{
    enum { NEAR = 256 };
    const char *near = behind + at_most((size_t)(m->end - behind), NEAR), *p = behind;
    bool (*next_at)(const char *, const char *) = top(m)->kind == '{' ? is_key_at : is_value_at;
    while (p < near && is_blank(*p))
        p++;
    if (p == m->end || place == KEY)
        return p == m->end || *p == ':';
    if (*p == '}' || *p == ']' || begins(p, m->end, "//") || begins(p, m->end, "/*") || begins(p, m->end, "```"))
        return true;
    if (*p != ',') /* the comma may be missing, if there is a line break in its place */
        return memchr(behind, '\n', (size_t)(p - behind)) && next_at(p, m->end);
    for (p++; p < near && is_blank(*p);)
        p++;
    return p == m->end || strchr("}]/#", *p) || next_at(p, m->end);
}

static bool is_hex(const char *p, const char *end)
{
    if (end - p < 4)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (!((p[i] >= '0' && p[i] <= '9') || ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')))
            return false;
    return true;
}

/* A backslash and what is behind it; returns past them. */
static const char *put_escape(struct mender *m, const char *p)
{
    if (p + 1 == m->end) {
        strbuf_puts(m->out, "\\\\");
        return p + 1;
    }
    const char c = p[1];
    if (c == 'u' ? is_hex(p + 2, m->end) : strchr("\"\\/bfnrt", c) && c)
        strbuf_add(m->out, p, 2);
    else if (c == '\'')
        strbuf_putc(m->out, '\'');
    else if (c == '\n')
        strbuf_puts(m->out, "\\n");
    else { /* TeX or Markdown */
        strbuf_puts(m->out, "\\\\");
        return p + 1;
    }
    return p + 2;
}

static void put_character(struct mender *m, char c)
{
    if (c == '"')
        strbuf_puts(m->out, "\\\"");
    else if (c == '\n')
        strbuf_puts(m->out, "\\n");
    else if (c == '\t')
        strbuf_puts(m->out, "\\t");
    else if ((unsigned char)c < ' ')
        strbuf_printf(m->out, "\\u%04x", (unsigned)(unsigned char)c);
    else
        strbuf_putc(m->out, c);
}

/* The string at m->at; false where it has no end. */
static bool put_string(struct mender *m, const struct quote *quote, enum awaited place)
{
    const char *p = m->at + strlen(quote->open);
    strbuf_putc(m->out, '"');
    while (p < m->end) {
        if (*p == '\\') {
            p = put_escape(m, p);
        } else if (begins(p, m->end, quote->close) && closes(m, p + strlen(quote->close), place)) {
            strbuf_putc(m->out, '"');
            m->at = p + strlen(quote->close);
            return true;
        } else if (*p == '\r' && begins(p + 1, m->end, "\n")) {
            p++;
        } else {
            put_character(m, *p++);
        }
    }
    m->wrong = "it ends within a string";
    return false;
}

/* ---- words and numbers ---- */

static const struct literal {
    const char *theirs, *ours;
} literals[] = {{"true", "true"},   {"false", "false"}, {"null", "null"},      {"True", "true"},
                {"False", "false"}, {"None", "null"},   {"undefined", "null"}, {"NaN", "null"}};
enum { N_LITERALS = sizeof literals / sizeof *literals };

/* A name or a number: what the parser is to judge is passed on. */
static bool put_word(struct mender *m, bool is_key)
{
    const char *p = m->at;
    while (p < m->end && (is_of_name(*p) || (!is_key && (*p == '.' || *p == '+'))))
        p++;
    const size_t len = (size_t)(p - m->at);
    const bool is_number = len > 0 && (*m->at == '-' || (*m->at >= '0' && *m->at <= '9'));
    m->wrong = len == 0 ? "there is something that is no JSON" : NULL;
    if (is_key && len > 0)
        strbuf_printf(m->out, "\"%.*s\"", (int)at_most(len, 256), m->at);
    else if (is_number)
        strbuf_add(m->out, m->at, len);
    else if (len > 0) {
        const char *word = NULL;
        for (size_t i = 0; i < N_LITERALS && !word; i++)
            if (len == strlen(literals[i].theirs) && memcmp(m->at, literals[i].theirs, len) == 0)
                word = literals[i].ours;
        strbuf_puts(m->out, word ? word : "");
        m->wrong = word ? NULL : "a text has no quotes";
    }
    if (!m->wrong)
        m->at = p;
    return !m->wrong;
}

/* ---- structure ---- */

static void close_level(struct mender *m)
{
    strbuf_putc(m->out, top(m)->kind == '{' ? '}' : ']');
    m->depth--;
}

/* The end of the text, or of the fence that it stands in. */
static void close_all(struct mender *m)
{
    if (top(m)->kind == '{' && top(m)->awaited != KEY) {
        m->wrong = "it ends within an object";
        return;
    }
    while (m->depth > 0) {
        close_level(m);
        if (m->depth > 0 && top(m)->kind == '{')
            top(m)->awaited = KEY;
    }
}

/* A value stands here: after others there is a comma, whether or not there was. */
static void begin_item(struct mender *m)
{
    struct level *level = top(m);
    if (level->has_items && (level->kind == '[' || level->awaited == KEY))
        strbuf_putc(m->out, ',');
    level->has_items = true;
}

static void end_value(struct mender *m)
{
    if (m->depth > 0 && top(m)->kind == '{')
        top(m)->awaited = KEY;
}

static void open_level(struct mender *m, char kind)
{
    if (m->depth == JSON_MEND_DEPTH) {
        m->wrong = "it is nested too deeply";
        return;
    }
    strbuf_putc(m->out, kind);
    m->levels[m->depth++] = (struct level){kind, kind == '{' ? KEY : VALUE, false};
    m->at++;
}

static void close_bracket(struct mender *m, char c)
{
    const char open = c == '}' ? '{' : '[';
    const bool is_whole = top(m)->kind == '[' || top(m)->awaited == KEY;
    if (is_whole && top(m)->kind != open && m->depth > 1 && m->levels[m->depth - 2].kind == open) {
        close_level(m); /* the inner one's own was forgotten */
        end_value(m);
    }
    if (!is_whole || top(m)->kind != open) {
        m->wrong = "its brackets do not fit";
        return;
    }
    m->at++;
    close_level(m);
    end_value(m);
}

/* A key, a colon or a value; also of an array. */
static void take_item(struct mender *m, char c)
{
    const bool is_key = top(m)->kind == '{' && top(m)->awaited == KEY;
    const struct quote *quote = quote_at(m->at, m->end);
    if (top(m)->kind == '{' && top(m)->awaited == COLON) {
        if (c != ':')
            m->wrong = "a colon is missing";
        else
            m->at++;
        strbuf_putc(m->out, ':');
        top(m)->awaited = VALUE;
        return;
    }
    begin_item(m);
    if (!is_key && (c == '{' || c == '[')) {
        open_level(m, c);
        return;
    }
    if (!(quote ? put_string(m, quote, is_key ? KEY : VALUE) : put_word(m, is_key)))
        return;
    if (is_key)
        top(m)->awaited = COLON;
    else
        end_value(m);
}

const char *json_mend(const char *text, size_t len, struct strbuf *out, size_t *used)
{
    struct mender m = {.at = text, .end = text + len, .out = out};
    if (len == 0 || (*text != '{' && *text != '['))
        m.wrong = "it is no object and no list";
    else
        open_level(&m, *text);
    while (!m.wrong && m.depth > 0) {
        m.at = skip(m.at, m.end);
        if (m.at == m.end || begins(m.at, m.end, "```"))
            close_all(&m);
        else if (*m.at == '}' || *m.at == ']')
            close_bracket(&m, *m.at);
        else if (*m.at == ',' || *m.at == ';')
            m.at++;
        else
            take_item(&m, *m.at);
    }
    *used = (size_t)(m.at - text);
    return m.wrong;
}

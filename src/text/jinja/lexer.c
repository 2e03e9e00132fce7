#include "text/jinja/lexer.h"

#include "base/strbuf.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct lexer {
    struct jinja_string source; /* line breaks are \n, and the last is gone */
    size_t at;
    bool line_starting; /* what was read last ended a line */
    struct arena *arena;
    struct jinja_token *tokens;
    size_t count, capacity;
    const char *message; /* what is wrong; NULL: nothing */
};

static void push(struct lexer *lx, enum jinja_token_kind kind, const char *data, size_t len)
{
    lx->tokens = mem_grow(lx->tokens, &lx->capacity, lx->count + 1, sizeof *lx->tokens);
    lx->tokens[lx->count++] = (struct jinja_token){.kind = kind, .text = {data, len}};
}

static bool fail(struct lexer *lx, const char *message)
{
    if (!lx->message)
        lx->message = message;
    return false;
}

static bool starts(const struct lexer *lx, size_t at, const char *text)
{
    const size_t len = strlen(text);
    return at + len <= lx->source.len && memcmp(lx->source.data + at, text, len) == 0;
}

/* The byte at `at`, or 0 behind the end. */
static char peek(const struct lexer *lx, size_t at)
{
    return at < lx->source.len ? lx->source.data[at] : '\0';
}

static struct jinja_string rest(const struct lexer *lx, size_t at)
{
    return (struct jinja_string){lx->source.data + at, lx->source.len - at};
}

/* Behind the white space at `at`. */
static size_t skip_white(const struct lexer *lx, size_t at)
{
    return lx->source.len - jinja_strip(rest(lx, at), NULL, true, false).len;
}

/* ---- text between tags ---- */

static size_t next_tag(const struct lexer *lx, size_t at)
{
    for (; at < lx->source.len; at++)
        if (starts(lx, at, "{%") || starts(lx, at, "{{") || starts(lx, at, "{#"))
            return at;
    return lx->source.len;
}

/* The end of the text that a tag follows: "-" takes all white space before it, and lstrip_blocks that of its line. */
static size_t end_of_text(const struct lexer *lx, size_t begin, size_t tag)
{
    const struct jinja_string text = {lx->source.data + begin, tag - begin};
    const char sign = peek(lx, tag + 2);
    if (sign == '-')
        return begin + jinja_strip(text, NULL, false, true).len;
    if (sign == '+' || peek(lx, tag + 1) == '{')
        return tag;
    size_t line = tag;
    while (line > begin && lx->source.data[line - 1] != '\n')
        line--;
    const bool at_line_start = line > begin || lx->line_starting;
    return at_line_start && skip_white(lx, line) >= tag ? line : tag;
}

/* Behind a tag whose closing mark begins at `at`: "-" takes the white space that follows, trim_blocks a line break. */
static size_t behind_tag(struct lexer *lx, size_t at, bool is_block)
{
    const char sign = lx->source.data[at];
    const bool has_sign = sign == '-' || sign == '+';
    size_t end = at + (has_sign ? 3 : 2);
    if (sign == '-')
        end = skip_white(lx, end);
    else if (sign != '+' && is_block && peek(lx, end) == '\n')
        end++;
    lx->line_starting = lx->source.data[end - 1] == '\n';
    return end;
}

static bool comment(struct lexer *lx)
{
    const size_t end = jinja_find(lx->source, (struct jinja_string){"#}", 2}, lx->at + 2);
    if (end == lx->source.len)
        return fail(lx, "a comment that is not closed");
    const char sign = lx->source.data[end - 1];
    const bool has_sign = (sign == '-' || sign == '+') && end - 1 > lx->at + 1;
    lx->at = behind_tag(lx, has_sign ? end - 1 : end, true);
    return true;
}

/* ---- within a tag ---- */

static bool is_name_start(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void put_utf8(struct strbuf *sb, uint32_t cp)
{
    if (cp < 0x80) {
        strbuf_putc(sb, (char)cp);
        return;
    }
    const int more = cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
    static const unsigned char head[] = {0, 0xC0, 0xE0, 0xF0};
    strbuf_putc(sb, (char)(head[more] | cp >> 6 * more));
    for (int i = more - 1; i >= 0; i--)
        strbuf_putc(sb, (char)(0x80 | (cp >> 6 * i & 0x3F)));
}

/* \xhh, \uhhhh, \Uhhhhhhhh: the digits at *p; false where there are too few, or no character is meant. */
static bool hex_escape(const char **p, const char *end, int digits, uint32_t *cp)
{
    static const char digits16[] = "0123456789abcdef0123456789ABCDEF";
    *cp = 0;
    for (int i = 0; i < digits; i++, (*p)++) {
        const char c = *p < end ? **p : '\0';
        const char *digit = c ? strchr(digits16, c) : NULL;
        if (!digit)
            return false;
        *cp = *cp << 4 | (uint32_t)((digit - digits16) % 16);
    }
    return *cp <= 0x10FFFF && !(*cp >= 0xD800 && *cp < 0xE000);
}

/* One escape of Python's, behind its backslash. */
static bool escape(struct strbuf *sb, const char **p, const char *end)
{
    static const char letters[] = "ntr\\'\"abfv", values[] = "\n\t\r\\'\"\a\b\f\v";
    const char c = *(*p)++, *letter = c ? strchr(letters, c) : NULL;
    uint32_t cp = 0;
    if (letter) {
        strbuf_putc(sb, values[letter - letters]);
    } else if (c == 'x' || c == 'u' || c == 'U') {
        if (!hex_escape(p, end, c == 'x' ? 2 : c == 'u' ? 4 : 8, &cp))
            return false;
        put_utf8(sb, cp);
    } else if (c == 'N' || is_digit(c)) {
        return false;
    } else if (c != '\n') {
        strbuf_putc(sb, '\\');
        strbuf_putc(sb, c);
    }
    return true;
}

static bool string(struct lexer *lx)
{
    const char *p = lx->source.data + lx->at + 1, *end = lx->source.data + lx->source.len;
    const char quote = p[-1];
    struct strbuf sb = {0};
    strbuf_puts(&sb, "");
    bool ok = true;
    while (ok && p < end && *p != quote) {
        if (*p == '\\' && p + 1 < end) {
            p++;
            ok = escape(&sb, &p, end);
        } else {
            strbuf_putc(&sb, *p++);
        }
    }
    if (ok && p < end)
        push(lx, TOKEN_STRING, arena_strndup(lx->arena, sb.data, sb.len), sb.len);
    strbuf_free(&sb);
    if (!ok || p >= end)
        return fail(lx, ok ? "a string that is not closed" : "an escape in a string");
    lx->at = (size_t)(p + 1 - lx->source.data);
    return true;
}

static bool number(struct lexer *lx)
{
    const size_t begin = lx->at;
    int64_t value = 0;
    for (; is_digit(peek(lx, lx->at)); lx->at++) {
        if (value > INT32_MAX)
            return fail(lx, "a number that large");
        value = 10 * value + (peek(lx, lx->at) - '0');
    }
    const char c = peek(lx, lx->at);
    if (c == '_' || c == 'e' || c == 'E' || c == 'x' || (c == '.' && is_digit(peek(lx, lx->at + 1))))
        return fail(lx, "a number that is no plain integer");
    push(lx, TOKEN_INTEGER, lx->source.data + begin, lx->at - begin);
    lx->tokens[lx->count - 1].integer = value;
    return true;
}

static bool operator(struct lexer *lx)
{
    static const char *const operators[] = {"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<",
                                            ">",  "=",  "(",  ")",  "[",  "]",  "{", "}", ",", ":", ".", "|"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (starts(lx, lx->at, operators[i])) {
            push(lx, TOKEN_OPERATOR, lx->source.data + lx->at, strlen(operators[i]));
            lx->at += strlen(operators[i]);
            return true;
        }
    return fail(lx, "a character in a tag");
}

/* Whether the tag ends at lx->at; a sign belongs to it where it stands before it. */
static bool at_tag_end(const struct lexer *lx, const char *close)
{
    const char c = peek(lx, lx->at);
    const bool may_have_plus = close[0] == '%';
    return starts(lx, lx->at, close) || ((c == '-' || (c == '+' && may_have_plus)) && starts(lx, lx->at + 1, close));
}

static bool one_token(struct lexer *lx, int *depth)
{
    const char c = peek(lx, lx->at);
    if (is_name_start(c)) {
        const size_t begin = lx->at;
        while (is_name_start(peek(lx, lx->at)) || is_digit(peek(lx, lx->at)))
            lx->at++;
        push(lx, TOKEN_NAME, lx->source.data + begin, lx->at - begin);
        return true;
    }
    if (c == '\'' || c == '"')
        return string(lx);
    if (is_digit(c))
        return number(lx);
    *depth += (c == '(' || c == '[' || c == '{') - (c == ')' || c == ']' || c == '}');
    return operator(lx);
}

static bool tag(struct lexer *lx)
{
    const bool is_block = peek(lx, lx->at + 1) == '%';
    const char *close = is_block ? "%}" : "}}";
    const char sign = peek(lx, lx->at + 2);
    int depth = 0; /* of brackets, within which "}}" closes two of them */
    push(lx, is_block ? TOKEN_BLOCK_BEGIN : TOKEN_PRINT_BEGIN, "", 0);
    lx->at += sign == '-' || sign == '+' ? 3 : 2;
    for (;;) {
        lx->at = skip_white(lx, lx->at);
        if (lx->at >= lx->source.len)
            return fail(lx, "a tag that is not closed");
        if (depth == 0 && at_tag_end(lx, close))
            break;
        if (!one_token(lx, &depth))
            return false;
    }
    push(lx, is_block ? TOKEN_BLOCK_END : TOKEN_PRINT_END, "", 0);
    lx->at = behind_tag(lx, lx->at, is_block);
    return true;
}

/* ---- the whole ---- */

/* Line breaks of any kind become \n; the template's last is left out. */
static struct jinja_string normal_lines(const char *source, size_t len, struct arena *arena)
{
    char *text = arena_alloc(arena, len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        text[n++] = source[i] == '\r' ? '\n' : source[i];
        i += source[i] == '\r' && i + 1 < len && source[i + 1] == '\n';
    }
    n -= n > 0 && text[n - 1] == '\n';
    text[n] = '\0';
    return (struct jinja_string){text, n};
}

bool jinja_tokenize(const char *source, size_t len, struct arena *arena, struct jinja_token **tokens,
                    const char **message)
{
    struct lexer lx = {.source = normal_lines(source, len, arena), .line_starting = true, .arena = arena};
    while (!lx.message && lx.at < lx.source.len) {
        const size_t begin = lx.at, next = next_tag(&lx, begin);
        const size_t end = next < lx.source.len ? end_of_text(&lx, begin, next) : next;
        if (end > begin)
            push(&lx, TOKEN_TEXT, lx.source.data + begin, end - begin);
        lx.at = next;
        if (next < lx.source.len && peek(&lx, next + 1) == '#')
            comment(&lx);
        else if (next < lx.source.len)
            tag(&lx);
    }
    push(&lx, TOKEN_END, "", 0);
    *tokens = arena_alloc(arena, lx.count * sizeof **tokens);
    memcpy(*tokens, lx.tokens, lx.count * sizeof **tokens);
    free(lx.tokens);
    *message = lx.message;
    return !lx.message;
}

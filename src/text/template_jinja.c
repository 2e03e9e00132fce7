/* Writing our own Jinja templates and reading them back. Every tag trims the white space around it, so that
 * the line breaks between tags, which keep the template readable, are never part of what it renders. */
#include "text/template_jinja.h"

#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

#define FOR_MESSAGES   "{%- for message in messages -%}\n"
#define CONTENT        "message['content'] + "
#define OUT            "{{- "
#define OUT_END        " -}}\n"
#define GENERATION     "{%- generation -%}\n"
#define END_GENERATION "{%- endgeneration -%}\n"
#define UNKNOWN_ROLE                                                                                         \
    "{%- else -%}\n{{- raise_exception('unknown role ' + message['role']) -}}\n{%- endif -%}\n"
#define END_FOR    "{%- endfor -%}\n"
#define PROMPT     "{%- if add_generation_prompt -%}\n{{- "
#define PROMPT_END " -}}\n{%- endif -%}\n"

static const char escaped[] = "\\'\n\r\t", escape_letter[] = "\\'nrt";

/* ---- writing ---- */

static void put_literal(struct strbuf *sb, const char *s, size_t len)
{
    strbuf_putc(sb, '\'');
    for (size_t i = 0; i < len; i++) {
        const char *special = s[i] ? strchr(escaped, s[i]) : NULL;
        if (special)
            strbuf_putc(sb, '\\');
        strbuf_putc(sb, special ? escape_letter[special - escaped] : s[i]);
    }
    strbuf_putc(sb, '\'');
}

/* The condition of a role's branch: `if` for the first of them, `elif` for the others. */
static char *branch_start(struct arena *arena, enum role role, bool first)
{
    return arena_printf(arena, "{%%- %s message['role'] == '%s' -%%}\n" OUT, first ? "if" : "elif",
                        role_name[role]);
}

static void put_assistant_turn(struct strbuf *sb, const struct turn_texts *texts)
{
    const char *prefix = texts->prefix[ROLE_ASSISTANT], *suffix = texts->suffix[ROLE_ASSISTANT];
    put_literal(sb, prefix, strlen(prefix));
    strbuf_puts(sb, OUT_END GENERATION OUT CONTENT);
    put_literal(sb, suffix, texts->close_len);
    strbuf_puts(sb, OUT_END END_GENERATION);
    if (suffix[texts->close_len]) {
        strbuf_puts(sb, OUT);
        put_literal(sb, suffix + texts->close_len, strlen(suffix + texts->close_len));
        strbuf_puts(sb, OUT_END);
    }
}

static void put_turn(struct strbuf *sb, const char *prefix, const char *suffix)
{
    put_literal(sb, prefix, strlen(prefix));
    strbuf_puts(sb, " + " CONTENT);
    put_literal(sb, suffix, strlen(suffix));
    strbuf_puts(sb, OUT_END);
}

char *template_jinja_write(const struct turn_texts *texts, struct arena *arena)
{
    struct strbuf sb = {0};
    if (texts->start && *texts->start) {
        strbuf_puts(&sb, OUT);
        put_literal(&sb, texts->start, strlen(texts->start));
        strbuf_puts(&sb, OUT_END);
    }
    strbuf_puts(&sb, FOR_MESSAGES);
    bool first = true;
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (!texts->suffix[role])
            continue;
        strbuf_puts(&sb, branch_start(arena, role, first));
        if (role == ROLE_ASSISTANT)
            put_assistant_turn(&sb, texts);
        else
            put_turn(&sb, texts->prefix[role], texts->suffix[role]);
        first = false;
    }
    const char *prompt = texts->prefix[ROLE_ASSISTANT];
    strbuf_puts(&sb, UNKNOWN_ROLE END_FOR PROMPT);
    put_literal(&sb, prompt, strlen(prompt));
    strbuf_puts(&sb, PROMPT_END);
    char *jinja = arena_strndup(arena, sb.data, sb.len);
    strbuf_free(&sb);
    return jinja;
}

/* ---- reading back ---- */

struct cursor {
    const char *p;
    bool ok;
    struct arena *arena;
};

static bool accept(struct cursor *c, const char *text)
{
    const size_t len = strlen(text);
    if (strncmp(c->p, text, len) != 0)
        return false;
    c->p += len;
    return true;
}

static void expect(struct cursor *c, const char *text)
{
    c->ok = c->ok && accept(c, text);
}

/* A quoted string, unescaped; "" where there is none, and the cursor is no longer ok. */
static const char *literal(struct cursor *c)
{
    expect(c, "'");
    struct strbuf sb = {0};
    while (c->ok && *c->p && *c->p != '\'') {
        const bool is_escape = *c->p == '\\';
        const char *letter = is_escape && c->p[1] ? strchr(escape_letter, c->p[1]) : NULL;
        c->ok = !is_escape || letter;
        strbuf_putc(&sb, letter ? escaped[letter - escape_letter] : *c->p);
        c->p += letter ? 2 : 1;
    }
    expect(c, "'");
    const char *text = arena_strndup(c->arena, sb.len ? sb.data : "", sb.len);
    strbuf_free(&sb);
    return text;
}

static void read_assistant_turn(struct cursor *c, struct turn_texts *texts)
{
    texts->prefix[ROLE_ASSISTANT] = literal(c);
    expect(c, OUT_END GENERATION OUT CONTENT);
    const char *close = literal(c);
    expect(c, OUT_END END_GENERATION);
    const char *tail = "";
    if (c->ok && accept(c, OUT)) {
        tail = literal(c);
        expect(c, OUT_END);
    }
    texts->suffix[ROLE_ASSISTANT] = arena_printf(c->arena, "%s%s", close, tail);
    texts->close_len = strlen(close);
}

bool template_jinja_read(const char *jinja, struct turn_texts *texts, struct arena *arena)
{
    *texts = (struct turn_texts){0};
    struct cursor c = {.p = jinja, .ok = true, .arena = arena};
    if (accept(&c, OUT)) {
        texts->start = literal(&c);
        expect(&c, OUT_END);
    }
    expect(&c, FOR_MESSAGES);
    bool first = true;
    for (enum role role = 0; c.ok && role < ROLE_COUNT; role++) {
        if (!accept(&c, branch_start(arena, role, first)))
            continue;
        first = false;
        if (role == ROLE_ASSISTANT) {
            read_assistant_turn(&c, texts);
            continue;
        }
        texts->prefix[role] = literal(&c);
        expect(&c, " + " CONTENT);
        texts->suffix[role] = literal(&c);
        expect(&c, OUT_END);
    }
    /* Written again it must be the same to the byte: that also settles how it ends. */
    return c.ok && texts->suffix[ROLE_ASSISTANT] && strcmp(template_jinja_write(texts, arena), jinja) == 0;
}

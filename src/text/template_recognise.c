/* Other people's templates, brought to one spelling, in which they can be compared with the few that are
 * known to mean what ours mean. */
#include "text/template_recognise.h"

#include <stdio.h>
#include <string.h>

#define LOOP    "{%for message in messages%}"
#define ROLE    "message['role']"
#define MESSAGE "message['content']"
#define NO_PROMPT_BY_DEFAULT                                                                                 \
    "{%if not add_generation_prompt is defined%}{%set add_generation_prompt=false%}{%endif%}"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* ---- one tag ---- */

struct tag {
    const char *start, *end;    /* from its "{%" or "{{" to past its "%}" or "}}" */
    bool is_block;              /* {% %} */
    char left_mark, right_mark; /* '-', '+', or 0 */
};

/* The next tag at or after p; false if there is none, or one that is not closed. */
static bool next_tag(const char *p, struct tag *tag)
{
    for (; *p && !(p[0] == '{' && (p[1] == '%' || p[1] == '{')); p++)
        ;
    if (!*p)
        return false;
    tag->start = p;
    tag->is_block = p[1] == '%';
    tag->left_mark = (p[2] == '-' || p[2] == '+') ? p[2] : '\0';
    const char close = tag->is_block ? '%' : '}';
    char quote = '\0';
    for (p += 2; *p; p++) {
        if (quote) {
            if (*p == '\\' && p[1])
                p++;
            else if (*p == quote)
                quote = '\0';
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
        } else if (p[0] == close && p[1] == '}') {
            tag->right_mark = (p[-1] == '-' || p[-1] == '+') ? p[-1] : '\0';
            tag->end = p + 2;
            return true;
        }
    }
    return false;
}

/* A character of a literal; those by which tags and literals are told from it later are escaped. */
static void put_character(struct strbuf *out, char c)
{
    if (strchr("{}+", c) && c)
        strbuf_printf(out, "\\x%02x", (unsigned)c);
    else if (c == '\n')
        strbuf_puts(out, "\\n");
    else
        strbuf_putc(out, c);
}

/* A tag without marks, and without white space but a blank between words; its strings in single quotes. */
static void put_tag(struct strbuf *out, const struct tag *tag)
{
    const char *p = tag->start + 2 + (tag->left_mark ? 1 : 0);
    const char *end = tag->end - 2 - (tag->right_mark ? 1 : 0);
    char quote = '\0';
    strbuf_add(out, tag->start, 2);
    for (; p < end; p++) {
        if (!quote && is_space(*p)) {
            if (is_word(out->data[out->len - 1]) && is_word(p[1]))
                strbuf_putc(out, ' ');
            continue;
        }
        if (quote && *p == '\\') {
            strbuf_add(out, p++, 2);
            continue;
        }
        if (quote == '"' && *p == '\'')
            strbuf_putc(out, '\\');
        const bool is_quote = quote ? *p == quote : *p == '\'' || *p == '"';
        if (is_quote)
            quote = quote ? '\0' : *p;
        if (quote && !is_quote)
            put_character(out, *p);
        else
            strbuf_putc(out, is_quote ? '\'' : *p);
    }
    strbuf_add(out, tag->end - 2, 2);
}

/* ---- the text between tags ---- */

/* What is left of it as transformers renders it: "-" trims all, a block's trim_blocks the line break after
 * it, its lstrip_blocks the blanks before it on its line. */
static void put_data(struct strbuf *out, const char *p, const char *end, const struct tag *before,
                     const struct tag *after)
{
    const char *line_start = before ? NULL : p;
    if (before && before->right_mark == '-') {
        while (p < end && is_space(*p))
            p++;
    } else if (before && before->is_block && before->right_mark != '+' && p < end && *p == '\n') {
        p++;
        line_start = p;
    }
    if (after && after->left_mark == '-') {
        while (end > p && is_space(end[-1]))
            end--;
    } else if (after && after->is_block && after->left_mark != '+') {
        const char *q = end;
        while (q > p && (q[-1] == ' ' || q[-1] == '\t'))
            q--;
        if (q == line_start || (q > p && q[-1] == '\n'))
            end = q;
    } else if (!after && end > p && end[-1] == '\n') {
        end--; /* Jinja drops a template's last line break */
    }
    if (p == end)
        return;
    strbuf_puts(out, "{{'"); /* text is printed as a literal is */
    for (; p < end; p++) {
        if (*p == '\'' || *p == '\\')
            strbuf_putc(out, '\\');
        put_character(out, *p);
    }
    strbuf_puts(out, "'}}");
}

/* ---- the whole ---- */

static void replace_all(struct strbuf *sb, const char *from, const char *to, bool whole_word)
{
    struct strbuf out = {0};
    const size_t len = strlen(from);
    for (const char *p = sb->data; *p;) {
        const bool hit = strncmp(p, from, len) == 0 && !(whole_word && p > sb->data && is_word(p[-1]));
        if (hit)
            strbuf_puts(&out, to);
        else
            strbuf_putc(&out, *p);
        p += hit ? len : 1;
    }
    strbuf_free(sb);
    *sb = out;
    if (!sb->data)
        strbuf_puts(sb, "");
}

/* Rename the loop's variable to `message`, and attributes to subscripts. */
static void unify_names(struct strbuf *sb)
{
    static const char for_tag[] = "{%for ", in_tag[] = " in messages%}";
    const char *start = strstr(sb->data, for_tag), *variable = start ? start + strlen(for_tag) : NULL;
    const char *in = variable ? strstr(variable, in_tag) : NULL;
    if (in && in - variable < 40) {
        char name[48], loop[80], subscript[64], dot[64];
        snprintf(name, sizeof name, "%.*s", (int)(in - variable), variable);
        snprintf(loop, sizeof loop, "%s%s%s", for_tag, name, in_tag);
        replace_all(sb, loop, LOOP, false);
        snprintf(subscript, sizeof subscript, "%s[", name);
        replace_all(sb, subscript, "message[", true);
        snprintf(dot, sizeof dot, "%s.", name);
        replace_all(sb, dot, "message.", true);
    }
    replace_all(sb, "message.role", ROLE, true);
    replace_all(sb, "message.content", MESSAGE, true);
}

void template_normalise(const char *jinja, struct strbuf *out)
{
    struct strbuf sb = {0};
    struct tag tag, before = {0};
    bool is_first = true;
    const char *p = jinja;
    strbuf_puts(&sb, "");
    for (; next_tag(p, &tag); p = tag.end, before = tag, is_first = false) {
        put_data(&sb, p, tag.start, is_first ? NULL : &before, &tag);
        put_tag(&sb, &tag);
    }
    put_data(&sb, p, p + strlen(p), is_first ? NULL : &before, NULL);
    unify_names(&sb);
    replace_all(&sb, NO_PROMPT_BY_DEFAULT, "", false);
    replace_all(&sb, "}}{{", "+", false); /* {{a}}{{b}} is {{a + b}}, of strings */
    replace_all(&sb, "'+'", "", false);   /* 'a' + 'b' is 'ab' */
    strbuf_puts(out, sb.data);
    strbuf_free(&sb);
}

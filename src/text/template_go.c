/* A tag that begins on a line of its own trims the line break before it ("{{-"); one that follows a text does not,
 * since that may end in a line break of the format's. Nothing trims behind itself. */
#include "text/template_go.h"

#include <string.h>

struct go {
    const struct chat_format *format;
    struct strbuf *out;
    bool follows_text; /* of the format's */
};

static void text(struct go *g, const char *s)
{
    if (!s || !*s)
        return;
    for (; *s; s++)
        if (s[0] == '{' && (s[1] == '{' || !s[1])) /* what would open a tag, alone or with the one behind it */
            strbuf_puts(g->out, "{{ \"{\" }}");
        else
            strbuf_putc(g->out, *s);
    g->follows_text = true;
}

static bool is_given(const struct affix *a)
{
    return a->text && *a->text;
}

static void affix(struct go *g, const struct affix *a)
{
    text(g, a->text);
}

static void tag(struct go *g, const char *s)
{
    if (g->follows_text)
        strbuf_printf(g->out, "{{ %s }}", s);
    else
        strbuf_printf(g->out, "%s{{- %s }}", g->out->len ? "\n" : "", s);
    g->follows_text = false;
}

/* A value, printed: nothing around it is trimmed. */
static void value(struct go *g, const char *s)
{
    strbuf_printf(g->out, "{{ %s }}", s);
    g->follows_text = false;
}

/* ---- turns ---- */

static const char has_system[] = "(eq (index $.Messages 0).Role \"system\")",
                  system_content[] = "(index $.Messages 0).Content";

static const struct affix *first_prefix(const struct chat_format *f)
{
    return f->modes[0].word ? &f->modes[0].first_prefix : f->first_prefix.text ? &f->first_prefix : NULL;
}

static void put_system(struct go *g)
{
    const struct chat_format *f = g->format;
    const struct affix *first = first_prefix(f);
    if (first || f->first_suffix.text) {
        tag(g, "if eq $i 0");
        affix(g, first ? first : &f->prefix[ROLE_SYSTEM]);
        value(g, ".Content");
        affix(g, f->first_suffix.text ? &f->first_suffix : &f->suffix[ROLE_SYSTEM]);
        tag(g, "else");
    }
    affix(g, &f->prefix[ROLE_SYSTEM]);
    value(g, ".Content");
    affix(g, &f->suffix[ROLE_SYSTEM]);
    if (first || f->first_suffix.text)
        tag(g, "end");
}

static void put_user(struct go *g)
{
    const struct chat_format *f = g->format;
    affix(g, &f->prefix[ROLE_USER]);
    if (f->system_place != SYSTEM_TURN) {
        struct strbuf condition = {0};
        strbuf_printf(&condition, "if and %s %s",
                      f->system_place == SYSTEM_IN_FIRST_USER ? "(eq $i 1)" : "$last (gt $i 0)", has_system);
        tag(g, condition.data);
        strbuf_free(&condition);
        affix(g, &f->fold_before);
        value(g, system_content);
        affix(g, &f->fold_after);
        tag(g, "end");
    }
    value(g, ".Content");
    affix(g, &f->suffix[ROLE_USER]);
}

static void put_tool(struct go *g)
{
    const struct chat_format *f = g->format;
    if (!f->tool_join.text) {
        affix(g, &f->prefix[ROLE_TOOL]);
        value(g, ".Content");
        affix(g, &f->suffix[ROLE_TOOL]);
        return;
    }
    tag(g, "if ne $before \"tool\"");
    affix(g, &f->prefix[ROLE_TOOL]);
    tag(g, "end");
    value(g, ".Content");
    tag(g, "if $last");
    affix(g, &f->suffix[ROLE_TOOL]);
    tag(g, "else if eq (index (slice $.Messages $i) 1).Role \"tool\"");
    affix(g, &f->tool_join);
    tag(g, "else");
    affix(g, &f->suffix[ROLE_TOOL]);
    tag(g, "end");
}

static void put_header(struct go *g)
{
    const struct chat_format *f = g->format;
    affix(g, &f->prefix[ROLE_ASSISTANT]);
    affix(g, &f->opened);
    affix(g, &f->modes[0].opened);
}

static void put_assistant(struct go *g)
{
    const struct chat_format *f = g->format;
    put_header(g);
    if (f->think == THINK_ALL) {
        affix(g, &f->think_open);
        affix(g, &f->think_close);
    }
    value(g, ".Content");
    tag(g, "if not $last");
    affix(g, &f->suffix[ROLE_ASSISTANT]);
    affix(g, &f->after);
    tag(g, "end");
}

/* The header of an answer, where a conversation ends with none. */
static void put_prompt(struct go *g)
{
    const struct chat_format *f = g->format;
    const struct affix *header = f->prompt.text ? &f->prompt : &f->prefix[ROLE_ASSISTANT];
    if (!is_given(header) && !is_given(&f->opened) && !is_given(&f->modes[0].opened))
        return;
    tag(g, "if and $last (ne .Role \"assistant\")");
    affix(g, header);
    if (!f->prompt.text)
        affix(g, &f->opened);
    affix(g, &f->modes[0].opened);
    tag(g, "end");
}

/* ---- the whole ---- */

static void put_turns(struct go *g)
{
    static void (*const put[ROLE_COUNT])(struct go *g) = {
        [ROLE_SYSTEM] = put_system, [ROLE_USER] = put_user, [ROLE_ASSISTANT] = put_assistant, [ROLE_TOOL] = put_tool};
    const struct chat_format *f = g->format;
    bool first = true;
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        struct strbuf condition = {0};
        if (!f->suffix[role].text || (role == ROLE_SYSTEM && f->system_place != SYSTEM_TURN))
            continue;
        strbuf_printf(&condition, "%s eq .Role \"%s\"", first ? "if" : "else if", role_name[role]);
        tag(g, condition.data);
        put[role](g);
        first = false;
        strbuf_free(&condition);
    }
    tag(g, "end");
}

/* What stands before the turns and is no BOS of the runner's. */
static const char *start_of(const struct chat_format *f, const char *bos)
{
    const char *start = f->start.text ? f->start.text : "";
    return bos && strncmp(start, bos, strlen(bos)) == 0 ? start + strlen(bos) : start;
}

void template_go_write(const struct chat_format *f, const char *bos, struct strbuf *out)
{
    struct go g = {.format = f, .out = out};
    text(&g, start_of(f, bos));
    if (f->tool_join.text)
        tag(&g, "$before := \"\"");
    tag(&g, "range $i, $_ := .Messages");
    tag(&g, "$last := eq (len (slice $.Messages $i)) 1");
    put_turns(&g);
    put_prompt(&g);
    if (f->tool_join.text)
        tag(&g, "$before = .Role");
    tag(&g, "end");
}

const char *template_go_system(const struct chat_format *f)
{
    return f->modes[0].word ? f->modes[0].default_system : f->default_system;
}

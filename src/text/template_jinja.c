/* Every tag trims the white space around it, so that the line breaks between tags, which keep the template readable,
 * are never part of what it renders. */
#include "text/template_jinja.h"

#include "base/strbuf.h"

#include <string.h>

#define IS_ROLE(role) "message['role'] == '" role "'"
#define CONTENT       "message['content']"
#define HAS_SYSTEM    "messages[0]['role'] == 'system'"

/* ---- tags ---- */

static void tag(struct strbuf *sb, const char *text)
{
    strbuf_printf(sb, "{%%- %s -%%}\n", text);
}

static void put_literal(struct strbuf *sb, const char *s)
{
    static const char escaped[] = "\\'\n\r\t", escape_letter[] = "\\'nrt";
    strbuf_putc(sb, '\'');
    for (; *s; s++) {
        const char *special = strchr(escaped, *s);
        if (special)
            strbuf_putc(sb, '\\');
        strbuf_putc(sb, special ? escape_letter[special - escaped] : *s);
    }
    strbuf_putc(sb, '\'');
}

static bool is_given(const struct affix *affix)
{
    return affix->text && *affix->text;
}

/* Print a text, an expression, a text; what is NULL is not there. */
static void print(struct strbuf *sb, const char *before, const char *expression, const char *behind)
{
    strbuf_puts(sb, "{{- ");
    if (before)
        put_literal(sb, before);
    if (expression)
        strbuf_printf(sb, "%s%s", before ? " + " : "", expression);
    if (behind) {
        strbuf_puts(sb, before || expression ? " + " : "");
        put_literal(sb, behind);
    }
    strbuf_puts(sb, " -}}\n");
}

static void print_affix(struct strbuf *sb, const struct affix *affix)
{
    if (is_given(affix))
        print(sb, affix->text, NULL, NULL);
}

static void raise_(struct strbuf *sb, const char *condition, const char *message)
{
    if (condition)
        strbuf_printf(sb, "{%%- if %s -%%}\n", condition);
    strbuf_printf(sb, "{{- raise_exception(%s) -}}\n", message);
    if (condition)
        tag(sb, "endif");
}

static const char *trimmed(const char *of, enum trim trim, struct arena *arena)
{
    switch (trim) {
    case TRIM_WHITE: return arena_printf(arena, "%s | trim", of);
    case TRIM_BREAKS: return arena_printf(arena, "%s.lstrip('\\n')", of);
    default: return of;
    }
}

/* ---- turns ---- */

static void put_system(struct strbuf *sb, const struct chat_format *f, struct arena *arena)
{
    const struct affix *prefix = &f->prefix[ROLE_SYSTEM], *suffix = &f->suffix[ROLE_SYSTEM];
    const char *content = trimmed(CONTENT, f->trim[ROLE_SYSTEM], arena);
    const bool is_folded = f->system_place != SYSTEM_TURN;
    if (is_folded || f->system_first_only)
        raise_(sb, "not loop.first", "'a system message that is not the first'");
    if (is_folded) {
        raise_(sb, "loop.last", "'a system message without a question'");
        return;
    }
    if (!f->first_prefix.text && !f->first_suffix.text) {
        print(sb, prefix->text, content, suffix->text);
        return;
    }
    tag(sb, "if loop.first");
    print(sb, f->first_prefix.text ? f->first_prefix.text : prefix->text, content,
          f->first_suffix.text ? f->first_suffix.text : suffix->text);
    tag(sb, "else");
    print(sb, prefix->text, content, suffix->text);
    tag(sb, "endif");
}

static void put_user(struct strbuf *sb, const struct chat_format *f, struct arena *arena)
{
    const char *prefix = f->prefix[ROLE_USER].text, *suffix = f->suffix[ROLE_USER].text;
    const char *content = trimmed(CONTENT, f->trim[ROLE_USER], arena),
               *system = trimmed("messages[0]['content']", f->trim[ROLE_SYSTEM], arena);
    if (f->system_place == SYSTEM_TURN) {
        print(sb, prefix, content, suffix);
        return;
    }
    print_affix(sb, &f->prefix[ROLE_USER]);
    tag(sb, f->system_place == SYSTEM_IN_FIRST_USER ? "if loop.index0 == 1 and " HAS_SYSTEM
                                                    : "if loop.last and not loop.first and " HAS_SYSTEM);
    print(sb, is_given(&f->fold_before) ? f->fold_before.text : NULL, system, f->fold_after.text);
    tag(sb, "endif");
    print(sb, NULL, content, suffix);
}

static void put_tool(struct strbuf *sb, const struct chat_format *f, struct arena *arena)
{
    const char *content = trimmed(CONTENT, f->trim[ROLE_TOOL], arena);
    if (!f->tool_join.text) {
        print(sb, f->prefix[ROLE_TOOL].text, content, f->suffix[ROLE_TOOL].text);
        return;
    }
    tag(sb, "if loop.first or messages[loop.index0 - 1]['role'] != 'tool'");
    print_affix(sb, &f->prefix[ROLE_TOOL]);
    tag(sb, "endif");
    print(sb, NULL, content, NULL);
    tag(sb, "if loop.last or messages[loop.index0 + 1]['role'] != 'tool'");
    print_affix(sb, &f->suffix[ROLE_TOOL]);
    tag(sb, "else");
    print_affix(sb, &f->tool_join);
    tag(sb, "endif");
}

static void put_reasoning(struct strbuf *sb, const struct chat_format *f)
{
    strbuf_puts(sb, "{%- set parts = " CONTENT ".split('</think>') -%}\n"
                    "{%- set has_thought = parts | length > 1 -%}\n"
                    "{%- set thought = parts[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') if has_thought else ''"
                    " -%}\n"
                    "{%- set content = parts[-1].lstrip('\\n') if has_thought else parts[0] -%}\n");
    if (f->think == THINK_LAST)
        tag(sb, "if loop.index0 > ns.last_query and (loop.last or thought)");
    print(sb, f->think_open.text, "thought.strip('\\n')", f->think_close.text);
    strbuf_puts(sb, "{%- set content = content.lstrip('\\n') -%}\n");
    if (f->think == THINK_LAST)
        tag(sb, "endif");
}

static void put_assistant(struct strbuf *sb, const struct chat_format *f, struct arena *arena)
{
    const char *content = trimmed(CONTENT, f->trim[ROLE_ASSISTANT], arena);
    print(sb, f->prefix[ROLE_ASSISTANT].text, NULL, NULL);
    tag(sb, "generation");
    print_affix(sb, &f->opened);
    if (f->think != THINK_STAYS) {
        put_reasoning(sb, f);
        content = trimmed("content", f->trim[ROLE_ASSISTANT], arena);
    }
    print(sb, NULL, content, f->suffix[ROLE_ASSISTANT].text);
    tag(sb, "endgeneration");
    if (!f->after_last.text) {
        print_affix(sb, &f->after);
        return;
    }
    tag(sb, "if not loop.last");
    print_affix(sb, &f->after);
    if (*f->after_last.text) {
        tag(sb, "else");
        print_affix(sb, &f->after_last);
    }
    tag(sb, "endif");
}

/* ---- the whole ---- */

/* What stands before the turns. */
static void put_beginning(struct strbuf *sb, const struct chat_format *f)
{
    print_affix(sb, &f->start);
    if (f->default_system) {
        const char *prefix = f->first_prefix.text ? f->first_prefix.text : f->prefix[ROLE_SYSTEM].text,
                   *suffix = f->first_suffix.text ? f->first_suffix.text : f->suffix[ROLE_SYSTEM].text;
        struct strbuf text = {0};
        strbuf_printf(&text, "%s%s%s", prefix, f->default_system, suffix);
        tag(sb, "if messages[0]['role'] != 'system'");
        print(sb, text.data, NULL, NULL);
        tag(sb, "endif");
        strbuf_free(&text);
    }
    if (f->think == THINK_LAST)
        strbuf_puts(sb, "{%- set ns = namespace(last_query=messages | length - 1) -%}\n"
                        "{%- for message in messages -%}\n"
                        "{%- if " IS_ROLE("user") " and not (" CONTENT ".startswith('<tool_response>') and " CONTENT
                        ".endswith('</tool_response>')) -%}\n"
                        "{%- set ns.last_query = loop.index0 -%}\n"
                        "{%- endif -%}\n"
                        "{%- endfor -%}\n");
}

static void put_turns(struct strbuf *sb, const struct chat_format *f, struct arena *arena)
{
    static void (*const put[ROLE_COUNT])(struct strbuf * sb, const struct chat_format *f, struct arena *arena) = {
        [ROLE_SYSTEM] = put_system, [ROLE_USER] = put_user, [ROLE_ASSISTANT] = put_assistant, [ROLE_TOOL] = put_tool};
    bool first = true;
    if (f->alternates)
        raise_(sb,
               "message['role'] != 'system' and (" IS_ROLE("user") ") != ((loop.index0 - (1 if " HAS_SYSTEM
               " else 0)) % 2 == 0)",
               "'user and assistant must take turns'");
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        if (!f->suffix[role].text && !(role == ROLE_SYSTEM && f->system_place != SYSTEM_TURN))
            continue;
        strbuf_printf(sb, "{%%- %s " IS_ROLE("%s") " -%%}\n", first ? "if" : "elif", role_name[role]);
        put[role](sb, f, arena);
        first = false;
    }
    tag(sb, "else");
    raise_(sb, NULL, "'unknown role ' + message['role']");
    tag(sb, "endif");
}

static void put_end(struct strbuf *sb, const struct chat_format *f)
{
    tag(sb, "if add_generation_prompt");
    if (f->prompt.text) {
        print(sb, f->prompt.text, NULL, NULL);
    } else {
        print(sb, f->prefix[ROLE_ASSISTANT].text, NULL, NULL);
        print_affix(sb, &f->opened);
    }
    if (is_given(&f->end)) {
        tag(sb, "else");
        print_affix(sb, &f->end);
    }
    tag(sb, "endif");
}

char *template_jinja_write(const struct chat_format *format, struct arena *arena)
{
    struct strbuf sb = {0};
    put_beginning(&sb, format);
    tag(&sb, "for message in messages");
    put_turns(&sb, format, arena);
    tag(&sb, "endfor");
    put_end(&sb, format);
    char *jinja = arena_strndup(arena, sb.data, sb.len);
    strbuf_free(&sb);
    return jinja;
}

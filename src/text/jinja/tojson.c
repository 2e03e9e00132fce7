#include "text/jinja/tojson.h"

#include <string.h>

struct writer {
    struct jinja_interp *in;
    struct strbuf sb;
    int64_t indent; /* -1: all on one line */
    int depth;
};

static void put_string(struct strbuf *sb, struct jinja_string s)
{
    static const char special[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";
    strbuf_putc(sb, '"');
    for (size_t i = 0; i < s.len; i++) {
        const char *found = s.data[i] ? strchr(special, s.data[i]) : NULL;
        if (found)
            strbuf_printf(sb, "\\%c", letters[found - special]);
        else if ((unsigned char)s.data[i] < 0x20)
            strbuf_printf(sb, "\\u%04x", (unsigned)s.data[i]);
        else
            strbuf_putc(sb, s.data[i]);
    }
    strbuf_putc(sb, '"');
}

static void new_line(struct writer *w)
{
    strbuf_putc(&w->sb, '\n');
    for (int64_t i = 0; i < w->depth * w->indent; i++)
        strbuf_putc(&w->sb, ' ');
}

static void separator(struct writer *w, bool first)
{
    strbuf_puts(&w->sb, first ? "" : w->indent < 0 ? ", " : ",");
    if (w->indent >= 0)
        new_line(w);
}

static void put(struct writer *w, const struct jinja_value *v);

static void put_list(struct writer *w, const struct jinja_list *list)
{
    strbuf_putc(&w->sb, '[');
    w->depth++;
    for (size_t i = 0; i < list->count && jinja_ok(w->in); i++) {
        separator(w, i == 0);
        put(w, &list->items[i]);
    }
    w->depth--;
    if (w->indent >= 0 && list->count > 0)
        new_line(w);
    strbuf_putc(&w->sb, ']');
}

static void put_dict(struct writer *w, const struct jinja_dict *dict)
{
    strbuf_putc(&w->sb, '{');
    w->depth++;
    for (size_t i = 0; i < dict->count && jinja_ok(w->in); i++) {
        separator(w, i == 0);
        if (dict->members[i].key.type != JINJA_STRING)
            jinja_unknown(w->in, "tojson of a key that is no string");
        else
            put_string(&w->sb, dict->members[i].key.string);
        strbuf_puts(&w->sb, ": ");
        put(w, &dict->members[i].value);
    }
    w->depth--;
    if (w->indent >= 0 && dict->count > 0)
        new_line(w);
    strbuf_putc(&w->sb, '}');
}

static void put(struct writer *w, const struct jinja_value *v)
{
    if (w->depth > 50)
        jinja_unknown(w->in, "tojson of nesting that deep");
    if (!jinja_step(w->in, v->type == JINJA_STRING ? v->string.len : 16))
        return;
    switch (v->type) {
    case JINJA_NONE: strbuf_puts(&w->sb, "null"); break;
    case JINJA_BOOL: strbuf_puts(&w->sb, v->boolean ? "true" : "false"); break;
    case JINJA_INT: strbuf_printf(&w->sb, "%lld", (long long)v->integer); break;
    case JINJA_STRING: put_string(&w->sb, v->string); break;
    case JINJA_LIST:
    case JINJA_TUPLE: put_list(w, v->list); break;
    case JINJA_DICT: put_dict(w, v->dict); break;
    default: jinja_raise(w->in, "a value of this kind is not JSON serializable"); break;
    }
}

struct jinja_value jinja_tojson(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    struct writer w = {.in = in, .indent = -1};
    const struct jinja_value *ascii = jinja_arg(args, 0, "ensure_ascii"), *indent = jinja_arg(args, 1, "indent");
    if (!jinja_takes(in, args, 2, "ensure_ascii indent", (struct jinja_string){"tojson", 6}))
        return jinja_undefined();
    if (ascii && jinja_truth(ascii))
        return jinja_unknown(in, "tojson(ensure_ascii=true)");
    if (indent && indent->type == JINJA_INT && indent->integer >= 0 && indent->integer <= 16)
        w.indent = indent->integer;
    else if (indent && indent->type != JINJA_NONE)
        return jinja_unknown(in, "this indent of tojson");
    put(&w, v);
    const struct jinja_value text = jinja_copy_text(in, w.sb.data, w.sb.len);
    strbuf_free(&w.sb);
    return text;
}

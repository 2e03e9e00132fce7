#include "text/jinja/interp.h"

#include <stdio.h>
#include <string.h>

/* ---- failing ---- */

static void fail(struct jinja_interp *in, enum jinja_result result, const char *fmt, va_list ap)
{
    if (!jinja_ok(in))
        return;
    char text[4 * JINJA_MESSAGE_MAX];
    in->result = result;
    vsnprintf(text, sizeof text, fmt, ap);
    utf8_copy_printable(text, strlen(text), "\n\t", in->message, JINJA_MESSAGE_MAX);
    for (char *p = in->message; *p; p++) /* it will stand in an error's one line */
        if (*p == '\n' || *p == '\t')
            *p = ' ';
}

struct jinja_value jinja_raise(struct jinja_interp *in, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail(in, JINJA_RAISED, fmt, ap);
    va_end(ap);
    return jinja_undefined();
}

struct jinja_value jinja_unknown(struct jinja_interp *in, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail(in, JINJA_UNKNOWN, fmt, ap);
    va_end(ap);
    return jinja_undefined();
}

bool jinja_step(struct jinja_interp *in, size_t bytes)
{
    in->steps++;
    in->bytes = bytes > JINJA_MAX_BYTES - in->bytes ? JINJA_MAX_BYTES : in->bytes + bytes;
    if (in->steps > JINJA_MAX_STEPS)
        jinja_unknown(in, "a program that long");
    else if (in->bytes >= JINJA_MAX_BYTES)
        jinja_unknown(in, "a program that needs that much memory");
    return jinja_ok(in);
}

bool jinja_work(struct jinja_interp *in, size_t amount)
{
    in->steps = amount > JINJA_MAX_STEPS ? JINJA_MAX_STEPS : in->steps + amount;
    return jinja_step(in, 0);
}

/* ---- what a comparison costs ---- */

enum { BYTES_A_STEP = 64 };

bool jinja_look(struct jinja_interp *in, const struct jinja_value *v)
{
    return jinja_work(in, v->type == JINJA_STRING ? v->string.len / BYTES_A_STEP : 0);
}

static bool look_through(struct jinja_interp *in, const struct jinja_value *v, int depth)
{
    if (depth > JINJA_MAX_NESTING)
        jinja_unknown(in, "a comparison of values nested that deep");
    bool ok = jinja_look(in, v);
    for (size_t i = 0; ok && jinja_is_sequence(v) && i < v->list->count; i++)
        ok = look_through(in, &v->list->items[i], depth + 1);
    for (size_t i = 0; ok && v->type == JINJA_DICT && i < v->dict->count; i++) /* each key is looked for */
        ok = jinja_work(in, i) && look_through(in, &v->dict->members[i].value, depth + 1);
    return ok;
}

/* Only as far as a goes. */
bool jinja_same(struct jinja_interp *in, const struct jinja_value *a, const struct jinja_value *b)
{
    return look_through(in, a, 0) && jinja_equal(a, b);
}

/* ---- making ---- */

struct jinja_value jinja_copy_text(struct jinja_interp *in, const char *data, size_t len)
{
    return jinja_step(in, len) ? jinja_bytes(arena_strndup(&in->arena, len ? data : "", len), len) : jinja_undefined();
}

struct jinja_value jinja_new_list(struct jinja_interp *in, size_t count)
{
    const size_t each = sizeof(struct jinja_value);
    return jinja_list_new(&in->arena, count < JINJA_MAX_BYTES / each && jinja_step(in, count * each) ? count : 0);
}

void jinja_put_text(struct jinja_interp *in, const struct jinja_value *v, struct strbuf *out)
{
    switch (v->type) {
    case JINJA_UNDEFINED: break;
    case JINJA_NONE: strbuf_puts(out, "None"); break;
    case JINJA_BOOL: strbuf_puts(out, v->boolean ? "True" : "False"); break;
    case JINJA_INT: strbuf_printf(out, "%lld", (long long)v->integer); break;
    case JINJA_STRING:
        if (jinja_step(in, v->string.len))
            strbuf_add(out, v->string.data, v->string.len);
        break;
    default: jinja_unknown(in, "a list, a mapping or a function as text"); break;
    }
}

struct jinja_value jinja_to_text(struct jinja_interp *in, const struct jinja_value *v)
{
    if (v->type == JINJA_STRING)
        return *v;
    struct strbuf sb = {0};
    jinja_put_text(in, v, &sb);
    const struct jinja_value text = jinja_copy_text(in, sb.data, sb.len);
    strbuf_free(&sb);
    return text;
}

static struct jinja_value keys(struct jinja_interp *in, const struct jinja_dict *dict)
{
    struct jinja_value list = jinja_new_list(in, dict->count);
    for (size_t i = 0; i < list.list->count; i++)
        list.list->items[i] = dict->members[i].key;
    return list;
}

static struct jinja_value characters(struct jinja_interp *in, struct jinja_string s)
{
    struct jinja_value list = jinja_new_list(in, jinja_length(s));
    size_t at = 0;
    for (size_t i = 0; i < list.list->count; i++) {
        const size_t n = jinja_char_len(s.data + at, s.len - at);
        list.list->items[i] = jinja_bytes(s.data + at, n);
        at += n;
    }
    return list;
}

struct jinja_value jinja_iterate(struct jinja_interp *in, const struct jinja_value *v)
{
    switch (v->type) {
    case JINJA_LIST:
    case JINJA_TUPLE: return *v;
    case JINJA_DICT: return keys(in, v->dict);
    case JINJA_STRING: return characters(in, v->string);
    case JINJA_UNDEFINED: return jinja_new_list(in, 0);
    default: jinja_raise(in, "a value of this kind is not iterable"); return jinja_new_list(in, 0);
    }
}

/* ---- arguments ---- */

const struct jinja_value *jinja_arg(const struct jinja_args *args, size_t index, const char *name)
{
    if (index < args->list->count)
        return &args->list->items[index];
    return name ? jinja_dict_find(args->keywords, name) : NULL;
}

bool jinja_takes(struct jinja_interp *in, const struct jinja_args *args, size_t most, const char *keywords,
                 struct jinja_string name)
{
    bool ok = args->list->count <= most;
    for (size_t i = 0; ok && i < args->keywords->count; i++) {
        const struct jinja_string word = args->keywords->members[i].key.string;
        const char *at = memmem(keywords, strlen(keywords), word.data, word.len);
        ok = at && (at == keywords || at[-1] == ' ') && (at[word.len] == ' ' || at[word.len] == '\0');
    }
    if (!ok)
        jinja_unknown(in, "these arguments of %.*s", (int)name.len, name.data);
    return ok && jinja_ok(in);
}

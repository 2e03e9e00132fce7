#include "text/jinja/methods.h"

#include <string.h>

/* ---- shared with filters ---- */

struct jinja_value jinja_replace(struct jinja_interp *in, struct jinja_string s, struct jinja_string from,
                                 struct jinja_string to, int64_t most)
{
    if (from.len == 0)
        return jinja_unknown(in, "replacing an empty string");
    struct strbuf sb = {0};
    strbuf_puts(&sb, "");
    size_t at = 0;
    for (size_t hit; most != 0 && (hit = jinja_find(s, from, at)) < s.len && jinja_step(in, to.len); most--) {
        strbuf_add(&sb, s.data + at, hit - at);
        strbuf_add(&sb, to.data, to.len);
        at = hit + from.len;
    }
    strbuf_add(&sb, s.data + at, s.len - at);
    const struct jinja_value text = jinja_copy_text(in, sb.data, sb.len);
    strbuf_free(&sb);
    return text;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct jinja_value jinja_change_case(struct jinja_interp *in, struct jinja_string s, enum jinja_case to)
{
    struct jinja_value copy = jinja_copy_text(in, s.data, s.len);
    if (!jinja_ok(in))
        return copy;
    char *text = (char *)copy.string.data;
    for (size_t i = 0; i < s.len; i++) {
        const bool first = to == JINJA_CAPITALIZE ? i == 0 : i == 0 || !is_letter(s.data[i - 1]);
        const bool upper = to == JINJA_UPPER || (first && to != JINJA_LOWER);
        if ((unsigned char)s.data[i] >= 0x80)
            return jinja_unknown(in, "the case of letters beyond ASCII");
        if (is_letter(text[i]))
            text[i] = (char)(upper ? text[i] & ~0x20 : text[i] | 0x20);
    }
    return copy;
}

struct jinja_value jinja_items(struct jinja_interp *in, const struct jinja_dict *dict)
{
    struct jinja_value list = jinja_new_list(in, dict->count);
    for (size_t i = 0; i < list.list->count; i++) {
        struct jinja_value pair = jinja_new_list(in, 2);
        if (!jinja_ok(in))
            break;
        pair.type = JINJA_TUPLE;
        pair.list->items[0] = dict->members[i].key;
        pair.list->items[1] = dict->members[i].value;
        list.list->items[i] = pair;
    }
    return list;
}

struct jinja_value jinja_join(struct jinja_interp *in, const struct jinja_list *list, struct jinja_string between)
{
    struct strbuf sb = {0};
    for (size_t i = 0; i < list->count && jinja_step(in, between.len); i++) {
        strbuf_add(&sb, between.data, i ? between.len : 0);
        jinja_put_text(in, &list->items[i], &sb);
    }
    const struct jinja_value text = jinja_copy_text(in, sb.data, sb.len);
    strbuf_free(&sb);
    return text;
}

/* ---- methods of strings ---- */

static const struct jinja_string *text_arg(struct jinja_interp *in, const struct jinja_args *args, size_t index)
{
    const struct jinja_value *v = jinja_arg(args, index, NULL);
    if (v && v->type != JINJA_STRING && v->type != JINJA_NONE)
        jinja_raise(in, "a string is expected as an argument");
    return v && v->type == JINJA_STRING ? &v->string : NULL;
}

static struct jinja_value strip(struct jinja_interp *in, struct jinja_string s, struct jinja_string name,
                                const struct jinja_args *args)
{
    const struct jinja_string *set = text_arg(in, args, 0);
    const struct jinja_string kept =
        jinja_strip(s, set, !jinja_string_is(name, "rstrip"), !jinja_string_is(name, "lstrip"));
    return jinja_bytes(kept.data, kept.len);
}

static struct jinja_value split(struct jinja_interp *in, struct jinja_string s, const struct jinja_args *args)
{
    const struct jinja_string *by = text_arg(in, args, 0);
    const struct jinja_value *most = jinja_arg(args, 1, NULL);
    if (!by || by->len == 0)
        return jinja_unknown(in, "split without a separator");
    if (most && most->type != JINJA_INT)
        return jinja_unknown(in, "this split");
    size_t count = 1;
    for (size_t at = 0, hit; (!most || most->integer < 0 || (int64_t)count <= most->integer) &&
                             (hit = jinja_find(s, *by, at)) < s.len;
         at = hit + by->len)
        count++;
    struct jinja_value list = jinja_new_list(in, count);
    size_t at = 0;
    for (size_t i = 0; i < list.list->count; i++) {
        const size_t end = i + 1 < count ? jinja_find(s, *by, at) : s.len;
        list.list->items[i] = jinja_bytes(s.data + at, end - at);
        at = end + by->len;
    }
    return list;
}

static bool has_at(struct jinja_string s, const struct jinja_value *what, bool at_end)
{
    return what->type == JINJA_STRING && what->string.len <= s.len &&
           memcmp(s.data + (at_end ? s.len - what->string.len : 0), what->string.data, what->string.len) == 0;
}

static struct jinja_value starts_or_ends(struct jinja_interp *in, struct jinja_string s, bool at_end,
                                         const struct jinja_args *args)
{
    const struct jinja_value *what = jinja_arg(args, 0, NULL);
    if (!what || args->list->count > 1)
        return jinja_unknown(in, "this use of startswith or endswith");
    if (what->type == JINJA_TUPLE) {
        for (size_t i = 0; i < what->list->count; i++)
            if (has_at(s, &what->list->items[i], at_end))
                return jinja_bool(true);
        return jinja_bool(false);
    }
    if (what->type != JINJA_STRING)
        return jinja_raise(in, "startswith and endswith want a string");
    return jinja_bool(has_at(s, what, at_end));
}

static struct jinja_value remove_affix(struct jinja_interp *in, struct jinja_string s, bool at_end,
                                       const struct jinja_args *args)
{
    const struct jinja_value *what = jinja_arg(args, 0, NULL);
    if (!what || what->type != JINJA_STRING)
        return jinja_raise(in, "a string is expected as an argument");
    const size_t cut = has_at(s, what, at_end) ? what->string.len : 0;
    return jinja_bytes(s.data + (at_end ? 0 : cut), s.len - cut);
}

static struct jinja_value replace_method(struct jinja_interp *in, struct jinja_string s, const struct jinja_args *args)
{
    const struct jinja_string *from = text_arg(in, args, 0), *to = text_arg(in, args, 1);
    const struct jinja_value *most = jinja_arg(args, 2, NULL);
    if (!from || !to || (most && most->type != JINJA_INT))
        return jinja_raise(in, "replace wants two strings");
    return jinja_replace(in, s, *from, *to, most ? most->integer : -1);
}

static struct jinja_value find_method(struct jinja_interp *in, struct jinja_string s, const struct jinja_args *args)
{
    const struct jinja_string *what = text_arg(in, args, 0);
    if (!what || args->list->count > 1)
        return jinja_unknown(in, "this use of find");
    const size_t at = jinja_find(s, *what, 0);
    if (at == s.len && what->len > 0)
        return jinja_int(-1);
    return jinja_int((int64_t)jinja_length((struct jinja_string){s.data, at}));
}

static struct jinja_value string_method(struct jinja_interp *in, struct jinja_string s, struct jinja_string name,
                                        const struct jinja_args *args)
{
    if (!jinja_takes(in, args, 3, "", name))
        return jinja_undefined();
    if (jinja_string_is(name, "strip") || jinja_string_is(name, "lstrip") || jinja_string_is(name, "rstrip"))
        return strip(in, s, name, args);
    if (jinja_string_is(name, "split"))
        return split(in, s, args);
    if (jinja_string_is(name, "startswith") || jinja_string_is(name, "endswith"))
        return starts_or_ends(in, s, jinja_string_is(name, "endswith"), args);
    if (jinja_string_is(name, "removeprefix") || jinja_string_is(name, "removesuffix"))
        return remove_affix(in, s, jinja_string_is(name, "removesuffix"), args);
    if (jinja_string_is(name, "replace"))
        return replace_method(in, s, args);
    if (jinja_string_is(name, "find"))
        return find_method(in, s, args);
    if (jinja_string_is(name, "upper"))
        return jinja_change_case(in, s, JINJA_UPPER);
    if (jinja_string_is(name, "lower"))
        return jinja_change_case(in, s, JINJA_LOWER);
    if (jinja_string_is(name, "capitalize"))
        return jinja_change_case(in, s, JINJA_CAPITALIZE);
    if (jinja_string_is(name, "title"))
        return jinja_change_case(in, s, JINJA_TITLE);
    if (jinja_string_is(name, "join") && args->list->count == 1)
        return jinja_join(in, jinja_iterate(in, &args->list->items[0]).list, s);
    return jinja_unknown(in, "a string's method '%.*s'", (int)name.len, name.data);
}

/* ---- methods of mappings ---- */

static struct jinja_value dict_method(struct jinja_interp *in, const struct jinja_dict *dict, struct jinja_string name,
                                      const struct jinja_args *args)
{
    const struct jinja_value *key = jinja_arg(args, 0, NULL), *fallback = jinja_arg(args, 1, NULL);
    if (!jinja_takes(in, args, 2, "", name))
        return jinja_undefined();
    if (jinja_string_is(name, "get") && key) {
        const struct jinja_value *found = jinja_dict_get(dict, *key);
        return found ? *found : fallback ? *fallback : jinja_none();
    }
    struct jinja_value list = jinja_items(in, dict);
    if (jinja_string_is(name, "items"))
        return list;
    const bool is_keys = jinja_string_is(name, "keys");
    if (!is_keys && !jinja_string_is(name, "values"))
        return jinja_unknown(in, "a mapping's method '%.*s'", (int)name.len, name.data);
    for (size_t i = 0; i < list.list->count && jinja_ok(in); i++)
        list.list->items[i] = list.list->items[i].list->items[is_keys ? 0 : 1];
    return list;
}

/* ---- which there are ---- */

bool jinja_has_method(const struct jinja_value *v, struct jinja_string name)
{
    static const char *const of_strings[] = {
        "capitalize", "casefold", "center", "count", "encode", "endswith", "expandtabs", "find", "format", "format_map",
        "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric",
        "isprintable", "isspace", "istitle", "isupper", "join", "ljust", "lower", "lstrip", "maketrans", "partition",
        "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip",
        "split", "splitlines", "startswith", "strip", "swapcase", "title", "translate", "upper", "zfill", NULL};
    static const char *const of_dicts[] = {"clear", "copy",    "fromkeys",   "get",    "items",  "keys",
                                           "pop",   "popitem", "setdefault", "update", "values", NULL};
    static const char *const of_lists[] = {"append", "clear",  "copy", "count",   "extend", "index",
                                           "insert", "pop", "remove", "reverse", "sort",   NULL};
    const char *const *names = v->type == JINJA_STRING ? of_strings
                               : v->type == JINJA_DICT ? of_dicts
                               : jinja_is_sequence(v)  ? of_lists
                                                       : NULL;
    for (; names && *names; names++)
        if (jinja_string_is(name, *names))
            return true;
    return name.len >= 2 && name.data[0] == '_' && name.data[1] == '_'; /* Python's own: not known when called */
}

struct jinja_value jinja_call_method(struct jinja_interp *in, const struct jinja_method *method,
                                     const struct jinja_args *args)
{
    if (!jinja_look(in, &method->self))
        return jinja_undefined();
    if (method->self.type == JINJA_STRING)
        return string_method(in, method->self.string, method->name, args);
    if (method->self.type == JINJA_DICT)
        return dict_method(in, method->self.dict, method->name, args);
    return jinja_unknown(in, "the method '%.*s'", (int)method->name.len, method->name.data);
}

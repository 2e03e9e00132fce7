#include "text/jinja/filters.h"

#include "text/jinja/methods.h"
#include "text/jinja/tests.h"
#include "text/jinja/tojson.h"

struct jinja_value jinja_member_of(const struct jinja_value *v, struct jinja_string name)
{
    const struct jinja_value *found =
        jinja_has_members(v) ? jinja_dict_get(v->dict, jinja_bytes(name.data, name.len)) : NULL;
    return found ? *found : jinja_undefined();
}

/* ---- of strings ---- */

static struct jinja_value trim(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    const struct jinja_value *set = jinja_arg(args, 0, "chars"), text = jinja_to_text(in, v);
    if (!jinja_ok(in))
        return jinja_undefined();
    if (set && set->type != JINJA_STRING)
        return jinja_unknown(in, "trim of this");
    const struct jinja_string kept = jinja_strip(text.string, set ? &set->string : NULL, true, true);
    return jinja_bytes(kept.data, kept.len);
}

static struct jinja_value replace(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    const struct jinja_value *from = jinja_arg(args, 0, "old"), *to = jinja_arg(args, 1, "new"),
                             text = jinja_to_text(in, v);
    if (!jinja_ok(in) || !from || !to || from->type != JINJA_STRING || to->type != JINJA_STRING)
        return jinja_unknown(in, "this use of replace");
    return jinja_replace(in, text.string, from->string, to->string, -1);
}

static struct jinja_value change_case(struct jinja_interp *in, const struct jinja_value *v, enum jinja_case to)
{
    const struct jinja_value text = jinja_to_text(in, v);
    return jinja_ok(in) ? jinja_change_case(in, text.string, to) : text;
}

static struct jinja_value upper(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    return change_case(in, v, JINJA_UPPER);
}

static struct jinja_value lower(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    return change_case(in, v, JINJA_LOWER);
}

static struct jinja_value capitalize(struct jinja_interp *in, const struct jinja_value *v,
                                     const struct jinja_args *args)
{
    (void)args;
    return change_case(in, v, JINJA_CAPITALIZE);
}

static struct jinja_value string(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    return jinja_to_text(in, v);
}

/* ---- of any value ---- */

static struct jinja_value length(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    switch (v->type) {
    case JINJA_STRING: return jinja_int((int64_t)jinja_length(v->string));
    case JINJA_LIST:
    case JINJA_TUPLE: return jinja_int((int64_t)v->list->count);
    case JINJA_DICT: return jinja_int((int64_t)v->dict->count);
    case JINJA_UNDEFINED: return jinja_int(0);
    default: return jinja_raise(in, "a value of this kind has no length");
    }
}

static struct jinja_value fallback(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    const struct jinja_value *other = jinja_arg(args, 0, "default_value"), *boolean = jinja_arg(args, 1, "boolean");
    (void)in;
    if (v->type == JINJA_UNDEFINED || (boolean && jinja_truth(boolean) && !jinja_truth(v)))
        return other ? *other : jinja_text("");
    return *v;
}

static struct jinja_value integer(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    if (v->type == JINJA_BOOL)
        return jinja_int(v->boolean);
    return v->type == JINJA_INT ? *v : jinja_unknown(in, "int of this");
}

/* ---- of what can be looped over ---- */

static struct jinja_value end_of(struct jinja_interp *in, const struct jinja_value *v, bool last)
{
    const struct jinja_list *list = jinja_iterate(in, v).list;
    return list->count ? list->items[last ? list->count - 1 : 0] : jinja_undefined();
}

static struct jinja_value first(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    return end_of(in, v, false);
}

static struct jinja_value last(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    return end_of(in, v, true);
}

static struct jinja_value list(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    struct jinja_value all = jinja_iterate(in, v);
    all.type = JINJA_LIST;
    return all;
}

static struct jinja_value reverse(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    const struct jinja_list *all = jinja_iterate(in, v).list;
    struct jinja_value turned = jinja_new_list(in, all->count);
    for (size_t i = 0; i < turned.list->count; i++)
        turned.list->items[i] = all->items[all->count - 1 - i];
    return v->type == JINJA_STRING ? jinja_join(in, turned.list, (struct jinja_string){"", 0}) : turned;
}

static struct jinja_value join(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    const struct jinja_value *between = jinja_arg(args, 0, "d"), all = jinja_iterate(in, v);
    if (jinja_arg(args, 1, "attribute") || (between && between->type != JINJA_STRING))
        return jinja_unknown(in, "this use of join");
    return jinja_join(in, all.list, between ? between->string : (struct jinja_string){"", 0});
}

static struct jinja_value items(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    (void)args;
    if (v->type == JINJA_UNDEFINED)
        return jinja_new_list(in, 0);
    if (v->type != JINJA_DICT)
        return jinja_raise(in, "items of what is no mapping");
    return jinja_items(in, v->dict);
}

/* ---- select, reject, map ---- */

static struct jinja_args behind(struct jinja_interp *in, const struct jinja_args *args, size_t n)
{
    const size_t count = args->list->count > n ? args->list->count - n : 0;
    struct jinja_value rest = jinja_new_list(in, count);
    for (size_t i = 0; i < rest.list->count; i++)
        rest.list->items[i] = args->list->items[n + i];
    return (struct jinja_args){.list = rest.list, .keywords = args->keywords};
}

/* The items of which a test (without one: themselves) is true, or is not; by_attribute: of a member of theirs. */
static struct jinja_value pick(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args,
                               bool by_attribute, bool wanted)
{
    const struct jinja_value *attribute = by_attribute ? jinja_arg(args, 0, NULL) : NULL;
    const struct jinja_value *test = jinja_arg(args, by_attribute, NULL);
    const struct jinja_list *all = jinja_iterate(in, v).list;
    struct jinja_value picked = jinja_new_list(in, all->count);
    const struct jinja_args of_test = behind(in, args, (size_t)by_attribute + 1);
    size_t n = 0;
    if ((by_attribute && (!attribute || attribute->type != JINJA_STRING)) || (test && test->type != JINJA_STRING))
        return jinja_unknown(in, "this selection");
    for (size_t i = 0; i < all->count && jinja_step(in, 0); i++) {
        const struct jinja_value item = attribute ? jinja_member_of(&all->items[i], attribute->string) : all->items[i];
        if ((test ? jinja_test(in, test->string, &item, &of_test) : jinja_truth(&item)) == wanted)
            picked.list->items[n++] = all->items[i];
    }
    if (jinja_ok(in))
        picked.list->count = n;
    return picked;
}

static struct jinja_value select_(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    return pick(in, v, args, false, true);
}

static struct jinja_value reject(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    return pick(in, v, args, false, false);
}

static struct jinja_value selectattr(struct jinja_interp *in, const struct jinja_value *v,
                                     const struct jinja_args *args)
{
    return pick(in, v, args, true, true);
}

static struct jinja_value rejectattr(struct jinja_interp *in, const struct jinja_value *v,
                                     const struct jinja_args *args)
{
    return pick(in, v, args, true, false);
}

static struct jinja_value map(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_args *args)
{
    const struct jinja_value *attribute = jinja_dict_find(args->keywords, "attribute");
    const struct jinja_value *with = attribute ? attribute : jinja_arg(args, 0, NULL);
    const struct jinja_list *all = jinja_iterate(in, v).list;
    struct jinja_value made = jinja_new_list(in, all->count);
    const struct jinja_args of_filter = behind(in, args, 1);
    if (!with || with->type != JINJA_STRING)
        return jinja_unknown(in, "this use of map");
    if (++in->depth > JINJA_MAX_CALLS)
        jinja_unknown(in, "nesting that deep");
    for (size_t i = 0; i < made.list->count && jinja_step(in, 0); i++)
        made.list->items[i] = attribute ? jinja_member_of(&all->items[i], with->string)
                                        : jinja_filter(in, with->string, &all->items[i], &of_filter);
    in->depth--;
    return made;
}

/* ---- by name ---- */

struct jinja_value jinja_filter(struct jinja_interp *in, struct jinja_string name, const struct jinja_value *v,
                                const struct jinja_args *args)
{
    static const struct {
        const char *name;
        size_t most; /* arguments */
        const char *keywords;
        struct jinja_value (*filter)(struct jinja_interp *in, const struct jinja_value *v,
                                     const struct jinja_args *args);
    } filters[] = {
        {"trim", 1, "chars", trim},
        {"replace", 2, "old new", replace},
        {"upper", 0, "", upper},
        {"lower", 0, "", lower},
        {"capitalize", 0, "", capitalize},
        {"string", 0, "", string},
        {"length", 0, "", length},
        {"count", 0, "", length},
        {"default", 2, "default_value boolean", fallback},
        {"d", 2, "default_value boolean", fallback},
        {"int", 0, "", integer},
        {"first", 0, "", first},
        {"last", 0, "", last},
        {"list", 0, "", list},
        {"reverse", 0, "", reverse},
        {"join", 1, "d", join},
        {"items", 0, "", items},
        {"select", 3, "", select_},
        {"reject", 3, "", reject},
        {"selectattr", 3, "", selectattr},
        {"rejectattr", 3, "", rejectattr},
        {"map", 4, "attribute", map},
        {"tojson", 2, "ensure_ascii indent", jinja_tojson},
    };
    for (size_t i = 0; jinja_look(in, v) && i < sizeof filters / sizeof *filters; i++)
        if (jinja_string_is(name, filters[i].name))
            return jinja_takes(in, args, filters[i].most, filters[i].keywords, name) ? filters[i].filter(in, v, args)
                                                                                     : jinja_undefined();
    return jinja_unknown(in, "the filter '%.*s'", (int)name.len, name.data);
}

#include "text/jinja/tests.h"

bool jinja_contains(struct jinja_interp *in, const struct jinja_value *container, const struct jinja_value *what)
{
    switch (container->type) {
    case JINJA_STRING:
        if (what->type != JINJA_STRING)
            jinja_raise(in, "'in <string>' requires a string as left operand");
        else
            return !jinja_look(in, container) || what->string.len == 0 ||
                   jinja_find(container->string, what->string, 0) < container->string.len;
        return false;
    case JINJA_LIST:
    case JINJA_TUPLE:
        for (size_t i = 0; i < container->list->count; i++)
            if (!jinja_ok(in) || jinja_same(in, &container->list->items[i], what))
                return true;
        return false;
    case JINJA_DICT: return jinja_dict_get(container->dict, *what) != NULL;
    case JINJA_UNDEFINED: return false;
    default: jinja_raise(in, "a value of this kind is not a container"); return false;
    }
}

static bool is_defined(const struct jinja_value *v)
{
    return v->type != JINJA_UNDEFINED;
}

static bool is_undefined(const struct jinja_value *v)
{
    return v->type == JINJA_UNDEFINED;
}

static bool is_none(const struct jinja_value *v)
{
    return v->type == JINJA_NONE;
}

static bool is_string(const struct jinja_value *v)
{
    return v->type == JINJA_STRING;
}

static bool is_mapping(const struct jinja_value *v)
{
    return v->type == JINJA_DICT;
}

static bool is_boolean(const struct jinja_value *v)
{
    return v->type == JINJA_BOOL;
}

static bool is_integer(const struct jinja_value *v)
{
    return v->type == JINJA_INT;
}

static bool is_number(const struct jinja_value *v)
{
    return v->type == JINJA_INT || v->type == JINJA_BOOL;
}

static bool is_true(const struct jinja_value *v)
{
    return v->type == JINJA_BOOL && v->boolean;
}

static bool is_false(const struct jinja_value *v)
{
    return v->type == JINJA_BOOL && !v->boolean;
}

static bool is_iterable(const struct jinja_value *v)
{
    return jinja_is_sequence(v) || v->type == JINJA_STRING || v->type == JINJA_DICT || v->type == JINJA_UNDEFINED;
}

static bool is_callable(const struct jinja_value *v)
{
    return v->type == JINJA_MACRO || v->type == JINJA_FUNCTION || v->type == JINJA_METHOD;
}

/* Tests of an integer. */
static bool of_integer(struct jinja_interp *in, struct jinja_string name, const struct jinja_value *v,
                       const struct jinja_args *args)
{
    const struct jinja_value *by = jinja_arg(args, 0, NULL);
    if (v->type != JINJA_INT) {
        jinja_raise(in, "a value of this kind has no remainder");
        return false;
    }
    if (jinja_string_is(name, "even"))
        return v->integer % 2 == 0;
    if (jinja_string_is(name, "odd"))
        return v->integer % 2 != 0;
    if (!by || by->type != JINJA_INT || by->integer == 0 || by->integer == -1) {
        jinja_unknown(in, "divisibleby of this");
        return false;
    }
    return v->integer % by->integer == 0;
}

bool jinja_test(struct jinja_interp *in, struct jinja_string name, const struct jinja_value *v,
                const struct jinja_args *args)
{
    static const struct {
        const char *name;
        bool (*holds)(const struct jinja_value *v);
    } tests[] = {{"defined", is_defined},   {"undefined", is_undefined}, {"none", is_none},
                 {"string", is_string},     {"mapping", is_mapping},     {"boolean", is_boolean},
                 {"integer", is_integer},   {"number", is_number},       {"true", is_true},
                 {"false", is_false},       {"iterable", is_iterable},   {"sequence", is_iterable},
                 {"callable", is_callable}};
    const struct jinja_value *other = jinja_arg(args, 0, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (jinja_string_is(name, tests[i].name))
            return jinja_takes(in, args, 0, "", name) && tests[i].holds(v);
    if (jinja_string_is(name, "even") || jinja_string_is(name, "odd") || jinja_string_is(name, "divisibleby"))
        return of_integer(in, name, v, args);
    if (other && (jinja_string_is(name, "equalto") || jinja_string_is(name, "eq")))
        return jinja_same(in, v, other);
    if (other && jinja_string_is(name, "ne"))
        return !jinja_same(in, v, other);
    if (other && jinja_string_is(name, "in"))
        return jinja_contains(in, other, v);
    jinja_unknown(in, "the test '%.*s'", (int)name.len, name.data);
    return false;
}

#include "text/jinja/eval.h"

#include "text/jinja/filters.h"
#include "text/jinja/methods.h"
#include "text/jinja/tests.h"

#include <string.h>

/* ---- names, members ---- */

static struct jinja_value variable(const struct jinja_interp *in, struct jinja_string name)
{
    for (const struct jinja_scope *scope = in->scope; scope; scope = scope->outer) {
        const struct jinja_value *found = jinja_dict_get(scope->variables, jinja_bytes(name.data, name.len));
        if (found)
            return *found;
    }
    if (in->date.year == 0 && jinja_string_is(name, "strftime_now"))
        return jinja_undefined();
    return jinja_function(name);
}

static struct jinja_value method_of(struct jinja_interp *in, const struct jinja_value *v, struct jinja_string name)
{
    struct jinja_method *method = arena_alloc(&in->arena, sizeof *method);
    *method = (struct jinja_method){.self = *v, .name = name};
    return (struct jinja_value){.type = JINJA_METHOD, .method = method};
}

static struct jinja_value no_members(struct jinja_interp *in, const struct jinja_value *v, struct jinja_string name)
{
    if (v->type == JINJA_UNDEFINED)
        return jinja_raise(in, "'%.*s' of what is undefined", (int)name.len, name.data);
    if (v->type == JINJA_LOOP)
        return jinja_unknown(in, "loop.%.*s", (int)name.len, name.data);
    if (v->type == JINJA_MACRO || v->type == JINJA_FUNCTION || v->type == JINJA_METHOD || v->type == JINJA_INT ||
        v->type == JINJA_BOOL)
        return jinja_unknown(in, "'%.*s' of a value of this kind", (int)name.len, name.data);
    return jinja_undefined();
}

/* x.name: Python's attribute first, then the member. */
static struct jinja_value attribute(struct jinja_interp *in, const struct jinja_value *v, struct jinja_string name)
{
    if (jinja_has_method(v, name))
        return method_of(in, v, name);
    const struct jinja_value found = jinja_member_of(v, name);
    return found.type != JINJA_UNDEFINED ? found : no_members(in, v, name);
}

/* An index from the end where it is negative; -1 where there is no such item. */
static int64_t place(int64_t index, size_t count)
{
    const int64_t at = index < 0 ? index + (int64_t)count : index;
    return at >= 0 && at < (int64_t)count ? at : -1;
}

/* x[key]: the member first, then Python's attribute. */
static struct jinja_value subscript(struct jinja_interp *in, const struct jinja_value *v, const struct jinja_value *key)
{
    if (v->type == JINJA_UNDEFINED)
        return jinja_raise(in, "a subscript of what is undefined");
    if (key->type == JINJA_INT && jinja_is_sequence(v)) {
        const int64_t at = place(key->integer, v->list->count);
        return at < 0 ? jinja_undefined() : v->list->items[at];
    }
    if (key->type == JINJA_INT && v->type == JINJA_STRING) {
        jinja_look(in, v);
        const int64_t at = place(key->integer, jinja_length(v->string));
        const struct jinja_string one = jinja_substring(v->string, (size_t)(at < 0 ? 0 : at), 1);
        return at < 0 ? jinja_undefined() : jinja_bytes(one.data, one.len);
    }
    const struct jinja_value *found = jinja_has_members(v) ? jinja_dict_get(v->dict, *key) : NULL;
    if (found)
        return *found;
    if (key->type != JINJA_STRING)
        return v->type == JINJA_DICT ? jinja_undefined() : jinja_unknown(in, "a subscript of this kind");
    return jinja_has_method(v, key->string) ? method_of(in, v, key->string) : no_members(in, v, key->string);
}

/* ---- slices ---- */

/* One bound, as Python clips it to 0 .. count, or to -1 .. count - 1 where the step is negative. */
static bool bound(struct jinja_interp *in, const struct jinja_node *node, int64_t count, int64_t step,
                  int64_t otherwise, int64_t *out)
{
    *out = otherwise;
    if (!node)
        return true;
    const struct jinja_value v = jinja_eval(in, node);
    if (v.type == JINJA_NONE)
        return jinja_ok(in);
    if (v.type != JINJA_INT) {
        jinja_raise(in, "slice indices must be integers");
        return false;
    }
    const int64_t at = v.integer < 0 ? v.integer + count : v.integer, low = step < 0 ? -1 : 0, high = count + low;
    *out = at < low ? low : at > high ? high : at;
    return jinja_ok(in);
}

static struct jinja_value slice(struct jinja_interp *in, const struct jinja_node *node)
{
    const struct jinja_value of = jinja_eval(in, node->a);
    if (!jinja_is_sequence(&of) && of.type != JINJA_STRING)
        return of.type == JINJA_UNDEFINED ? jinja_raise(in, "a slice of what is undefined")
                                          : jinja_unknown(in, "a slice of a value of this kind");
    const struct jinja_value all = jinja_iterate(in, &of);
    const int64_t count = (int64_t)all.list->count;
    const struct jinja_value pace_given = node->d ? jinja_eval(in, node->d) : jinja_none();
    const int64_t step = pace_given.type == JINJA_INT ? pace_given.integer : 1;
    int64_t begin, end;
    if (step == 0 || step > INT32_MAX || step < -INT32_MAX ||
        (pace_given.type != JINJA_INT && pace_given.type != JINJA_NONE))
        return jinja_raise(in, "this step of a slice");
    if (!bound(in, node->b, count, step, step < 0 ? count - 1 : 0, &begin) ||
        !bound(in, node->c, count, step, step < 0 ? -1 : count, &end))
        return jinja_undefined();
    const int64_t distance = step < 0 ? begin - end : end - begin, pace = step < 0 ? -step : step;
    struct jinja_value part = jinja_new_list(in, distance > 0 ? (size_t)((distance - 1) / pace + 1) : 0);
    for (size_t i = 0; i < part.list->count; i++)
        part.list->items[i] = all.list->items[begin + (int64_t)i * step];
    part.type = of.type == JINJA_TUPLE ? JINJA_TUPLE : JINJA_LIST;
    return of.type == JINJA_STRING ? jinja_join(in, part.list, (struct jinja_string){"", 0}) : part;
}

/* ---- calls ---- */

/* Those of a list of arguments that are keywords, or are not. */
static size_t count_keywords(const struct jinja_node *list, bool keywords)
{
    size_t n = 0;
    for (; list; list = list->next)
        n += (list->kind == NODE_KEYWORD) == keywords;
    return n;
}

static struct jinja_args arguments(struct jinja_interp *in, const struct jinja_node *list)
{
    const size_t n_keywords = count_keywords(list, true);
    struct jinja_value values = jinja_new_list(in, count_keywords(list, false));
    struct jinja_value keywords = jinja_dict_new(&in->arena, n_keywords);
    size_t n = 0;
    for (; list && jinja_ok(in); list = list->next) {
        if (list->kind == NODE_KEYWORD)
            jinja_dict_set(&in->arena, keywords.dict, jinja_bytes(list->name.data, list->name.len),
                           jinja_eval(in, list->a));
        else
            values.list->items[n++] = jinja_eval(in, list);
    }
    return (struct jinja_args){.list = values.list, .keywords = keywords.dict};
}

static struct jinja_value call(struct jinja_interp *in, const struct jinja_node *node)
{
    const struct jinja_value of = jinja_eval(in, node->a);
    const struct jinja_args args = arguments(in, node->list);
    if (!jinja_ok(in))
        return jinja_undefined();
    switch (of.type) {
    case JINJA_MACRO: return in->call_macro(in, of.macro, args.list, args.keywords);
    case JINJA_METHOD: return jinja_call_method(in, of.method, &args);
    case JINJA_FUNCTION: return jinja_call_function(in, of.string, &args);
    case JINJA_UNDEFINED:
        if (node->a->kind == NODE_NAME && !jinja_string_is(node->a->name, "strftime_now"))
            return jinja_unknown(in, "the function '%.*s'", (int)node->a->name.len, node->a->name.data);
        return jinja_raise(in, "what is called is undefined");
    default: return jinja_raise(in, "a value of this kind is not callable");
    }
}

/* ---- operators ---- */

static struct jinja_value concatenate(struct jinja_interp *in, struct jinja_string a, struct jinja_string b)
{
    if (!jinja_step(in, a.len + b.len))
        return jinja_undefined();
    char *text = arena_alloc(&in->arena, a.len + b.len + 1);
    memcpy(text, a.data, a.len);
    memcpy(text + a.len, b.data, b.len);
    return jinja_bytes(text, a.len + b.len);
}

static struct jinja_value join_lists(struct jinja_interp *in, const struct jinja_value *a, const struct jinja_value *b)
{
    struct jinja_value all = jinja_new_list(in, a->list->count + b->list->count);
    for (size_t i = 0; i < all.list->count; i++)
        all.list->items[i] = i < a->list->count ? a->list->items[i] : b->list->items[i - a->list->count];
    all.type = a->type;
    return all;
}

/* Python's // and % round to minus infinity. */
static struct jinja_value divide(struct jinja_interp *in, int64_t a, int64_t b, bool remainder)
{
    if (b == 0)
        return jinja_raise(in, "division by zero");
    if (b == -1)
        return jinja_unknown(in, "division by -1");
    const int64_t quotient = a / b - (a % b != 0 && (a < 0) != (b < 0));
    return jinja_int(remainder ? a - quotient * b : quotient);
}

static struct jinja_value arithmetic(struct jinja_interp *in, enum jinja_operator op, int64_t a, int64_t b)
{
    int64_t result = 0;
    bool overflows = false;
    switch (op) {
    case OP_ADD: overflows = __builtin_add_overflow(a, b, &result); break;
    case OP_SUB: overflows = __builtin_sub_overflow(a, b, &result); break;
    case OP_MUL: overflows = __builtin_mul_overflow(a, b, &result); break;
    default: return divide(in, a, b, op == OP_MOD);
    }
    return overflows ? jinja_unknown(in, "numbers that large") : jinja_int(result);
}

static struct jinja_value binary(struct jinja_interp *in, const struct jinja_node *node)
{
    const struct jinja_value a = jinja_eval(in, node->a), b = jinja_eval(in, node->b);
    if (!jinja_ok(in))
        return jinja_undefined();
    if (node->op == OP_CONCAT) {
        const struct jinja_value left = jinja_to_text(in, &a), right = jinja_to_text(in, &b);
        return jinja_ok(in) ? concatenate(in, left.string, right.string) : jinja_undefined();
    }
    if (a.type == JINJA_INT && b.type == JINJA_INT)
        return arithmetic(in, node->op, a.integer, b.integer);
    if (node->op == OP_ADD && a.type == JINJA_STRING && b.type == JINJA_STRING)
        return concatenate(in, a.string, b.string);
    if (node->op == OP_ADD && jinja_is_sequence(&a) && a.type == b.type)
        return join_lists(in, &a, &b);
    if (node->op == OP_ADD && (a.type == JINJA_STRING || b.type == JINJA_STRING))
        return jinja_raise(in, "can only concatenate a string to a string");
    if (a.type == JINJA_UNDEFINED || b.type == JINJA_UNDEFINED || a.type == JINJA_NONE || b.type == JINJA_NONE)
        return jinja_raise(in, "an operator of what is undefined or none");
    return jinja_unknown(in, "an operator of values of these kinds");
}

static int order(struct jinja_string a, struct jinja_string b)
{
    const int by_bytes = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len); /* code points, in UTF-8 */
    return by_bytes ? by_bytes : (a.len > b.len) - (a.len < b.len);
}

static bool ordered(struct jinja_interp *in, enum jinja_operator op, const struct jinja_value *a,
                    const struct jinja_value *b)
{
    int sign = 0;
    if (a->type == JINJA_INT && b->type == JINJA_INT)
        sign = (a->integer > b->integer) - (a->integer < b->integer);
    else if (a->type == JINJA_STRING && b->type == JINJA_STRING)
        sign = order(a->string, b->string);
    else if (a->type == b->type && a->type != JINJA_UNDEFINED && a->type != JINJA_NONE)
        jinja_unknown(in, "an order of values of this kind");
    else
        jinja_raise(in, "an order of values of these kinds");
    return op == OP_LT ? sign < 0 : op == OP_LE ? sign <= 0 : op == OP_GT ? sign > 0 : sign >= 0;
}

static bool compare(struct jinja_interp *in, enum jinja_operator op, const struct jinja_value *a,
                    const struct jinja_value *b)
{
    switch (op) {
    case OP_EQ: return jinja_same(in, a, b);
    case OP_NE: return !jinja_same(in, a, b);
    case OP_IN: return jinja_contains(in, b, a);
    case OP_NOT_IN: return !jinja_contains(in, b, a);
    default: return ordered(in, op, a, b);
    }
}

static struct jinja_value comparison(struct jinja_interp *in, const struct jinja_node *node)
{
    struct jinja_value left = jinja_eval(in, node->a);
    for (const struct jinja_node *operand = node->list; operand && jinja_ok(in); operand = operand->next) {
        const struct jinja_value right = jinja_eval(in, operand->a);
        if (!jinja_ok(in) || !compare(in, operand->op, &left, &right))
            return jinja_bool(false);
        left = right;
    }
    return jinja_bool(true);
}

/* ---- nodes ---- */

static struct jinja_value sequence(struct jinja_interp *in, const struct jinja_node *node)
{
    size_t n = 0;
    for (const struct jinja_node *item = node->list; item; item = item->next)
        n++;
    struct jinja_value list = jinja_new_list(in, n);
    struct jinja_value *next = list.list->items;
    for (const struct jinja_node *item = node->list; item && jinja_ok(in); item = item->next)
        *next++ = jinja_eval(in, item);
    list.type = node->kind == NODE_TUPLE ? JINJA_TUPLE : JINJA_LIST;
    return list;
}

static struct jinja_value dict(struct jinja_interp *in, const struct jinja_node *node)
{
    struct jinja_value v = jinja_dict_new(&in->arena, 4);
    for (const struct jinja_node *pair = node->list; pair && jinja_work(in, v.dict->count); pair = pair->next) {
        const struct jinja_value key = jinja_eval(in, pair->a);
        if (jinja_is_sequence(&key) || key.type == JINJA_DICT)
            return jinja_unknown(in, "a mapping's key of this kind");
        jinja_dict_set(&in->arena, v.dict, key, jinja_eval(in, pair->b));
    }
    return v;
}

static struct jinja_value negate(struct jinja_interp *in, const struct jinja_node *node)
{
    const struct jinja_value v = jinja_eval(in, node->a);
    if (v.type != JINJA_INT)
        return jinja_raise(in, "the negative of a value of this kind");
    return arithmetic(in, OP_SUB, 0, v.integer);
}

static struct jinja_value conditional(struct jinja_interp *in, const struct jinja_node *node)
{
    const struct jinja_value condition = jinja_eval(in, node->b);
    if (!jinja_ok(in))
        return jinja_undefined();
    const struct jinja_node *chosen = jinja_truth(&condition) ? node->a : node->c;
    return chosen ? jinja_eval(in, chosen) : jinja_undefined();
}

static struct jinja_value logic(struct jinja_interp *in, const struct jinja_node *node)
{
    const struct jinja_value a = jinja_eval(in, node->a);
    if (!jinja_ok(in) || jinja_truth(&a) == (node->kind == NODE_OR))
        return a;
    return jinja_eval(in, node->b);
}

static struct jinja_value filter_or_test(struct jinja_interp *in, const struct jinja_node *node)
{
    const struct jinja_value v = jinja_eval(in, node->a);
    const struct jinja_args args = arguments(in, node->list);
    if (!jinja_ok(in))
        return jinja_undefined();
    return node->kind == NODE_FILTER ? jinja_filter(in, node->name, &v, &args)
                                     : jinja_bool(jinja_test(in, node->name, &v, &args));
}

static struct jinja_value eval(struct jinja_interp *in, const struct jinja_node *node)
{
    struct jinja_value a, b;
    switch (node->kind) {
    case NODE_CONSTANT: return node->constant;
    case NODE_NAME: return variable(in, node->name);
    case NODE_LIST:
    case NODE_TUPLE: return sequence(in, node);
    case NODE_DICT: return dict(in, node);
    case NODE_ATTRIBUTE: a = jinja_eval(in, node->a); return jinja_ok(in) ? attribute(in, &a, node->name) : a;
    case NODE_SUBSCRIPT:
        a = jinja_eval(in, node->a);
        b = jinja_eval(in, node->b);
        return jinja_ok(in) ? subscript(in, &a, &b) : a;
    case NODE_SLICE: return slice(in, node);
    case NODE_CALL: return call(in, node);
    case NODE_FILTER:
    case NODE_TEST: return filter_or_test(in, node);
    case NODE_NOT: a = jinja_eval(in, node->a); return jinja_bool(!jinja_truth(&a));
    case NODE_NEGATE: return negate(in, node);
    case NODE_AND:
    case NODE_OR: return logic(in, node);
    case NODE_CONDITIONAL: return conditional(in, node);
    case NODE_COMPARE: return comparison(in, node);
    case NODE_BINARY: return binary(in, node);
    default: return jinja_unknown(in, "an expression of this form");
    }
}

struct jinja_value jinja_eval(struct jinja_interp *in, const struct jinja_node *node)
{
    struct jinja_value v = jinja_undefined();
    if (++in->depth > JINJA_MAX_CALLS)
        jinja_unknown(in, "nesting that deep");
    else if (jinja_step(in, sizeof v))
        v = eval(in, node);
    in->depth--;
    return jinja_ok(in) ? v : jinja_undefined();
}

#include "text/jinja/parse_expr.h"

#include <string.h>

/* ---- tokens ---- */

struct jinja_node *jinja_node_new(struct jinja_parser *p, enum jinja_node_kind kind)
{
    struct jinja_node *node = arena_calloc(p->arena, 1, sizeof *node);
    node->kind = kind;
    return node;
}

void jinja_parse_fail(struct jinja_parser *p, const char *message)
{
    if (!p->message)
        p->message = message;
}

bool jinja_at_name(const struct jinja_parser *p, const char *name)
{
    return p->at->kind == TOKEN_NAME && jinja_string_is(p->at->text, name);
}

bool jinja_at_operator(const struct jinja_parser *p, const char *op)
{
    return p->at->kind == TOKEN_OPERATOR && jinja_string_is(p->at->text, op);
}

bool jinja_accept_name(struct jinja_parser *p, const char *name)
{
    const bool here = jinja_at_name(p, name);
    p->at += here;
    return here;
}

bool jinja_accept_operator(struct jinja_parser *p, const char *op)
{
    const bool here = jinja_at_operator(p, op);
    p->at += here;
    return here;
}

void jinja_expect_operator(struct jinja_parser *p, const char *op)
{
    if (!jinja_accept_operator(p, op))
        jinja_parse_fail(p, "an expression of this form");
}

struct jinja_string jinja_expect_name(struct jinja_parser *p)
{
    if (p->at->kind != TOKEN_NAME) {
        jinja_parse_fail(p, "something else where a name is expected");
        return (struct jinja_string){"", 0};
    }
    return (p->at++)->text;
}

/* ---- lists ---- */

static struct jinja_node *append(struct jinja_node ***end, struct jinja_node *node)
{
    **end = node;
    *end = &node->next;
    return node;
}

/* What stands between an opening bracket, which has been read, and the closing one. */
static struct jinja_node *items(struct jinja_parser *p, const char *close)
{
    struct jinja_node *first = NULL, **end = &first;
    while (!p->message && !jinja_at_operator(p, close)) {
        append(&end, jinja_parse_expression(p));
        if (!jinja_accept_operator(p, ","))
            break;
    }
    jinja_expect_operator(p, close);
    return first;
}

static struct jinja_node *dict(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_node_new(p, NODE_DICT), **end = &node->list;
    while (!p->message && !jinja_at_operator(p, "}")) {
        struct jinja_node *pair = append(&end, jinja_node_new(p, NODE_PAIR));
        pair->a = jinja_parse_expression(p);
        jinja_expect_operator(p, ":");
        pair->b = jinja_parse_expression(p);
        if (!jinja_accept_operator(p, ","))
            break;
    }
    jinja_expect_operator(p, "}");
    return node;
}

/* Arguments behind "(". */
static struct jinja_node *arguments(struct jinja_parser *p)
{
    struct jinja_node *first = NULL, **end = &first;
    while (!p->message && !jinja_at_operator(p, ")")) {
        const bool is_keyword = p->at->kind == TOKEN_NAME && p->at[1].kind == TOKEN_OPERATOR &&
                                jinja_string_is(p->at[1].text, "=");
        if (is_keyword) {
            struct jinja_node *keyword = append(&end, jinja_node_new(p, NODE_KEYWORD));
            keyword->name = jinja_expect_name(p);
            jinja_expect_operator(p, "=");
            keyword->a = jinja_parse_expression(p);
        } else {
            append(&end, jinja_parse_expression(p));
        }
        if (!jinja_accept_operator(p, ","))
            break;
    }
    jinja_expect_operator(p, ")");
    return first;
}

/* ---- primaries ---- */

static struct jinja_node *constant(struct jinja_parser *p, struct jinja_value value)
{
    struct jinja_node *node = jinja_node_new(p, NODE_CONSTANT);
    node->constant = value;
    return node;
}

/* Strings that stand side by side are one. */
static struct jinja_node *strings(struct jinja_parser *p)
{
    struct jinja_string all = (p->at++)->text;
    for (; p->at->kind == TOKEN_STRING; p->at++) {
        char *joined = arena_alloc(p->arena, all.len + p->at->text.len + 1);
        memcpy(joined, all.data, all.len);
        memcpy(joined + all.len, p->at->text.data, p->at->text.len);
        all = (struct jinja_string){joined, all.len + p->at->text.len};
    }
    return constant(p, jinja_bytes(all.data, all.len));
}

static struct jinja_node *name(struct jinja_parser *p)
{
    if (jinja_accept_name(p, "true") || jinja_accept_name(p, "True"))
        return constant(p, jinja_bool(true));
    if (jinja_accept_name(p, "false") || jinja_accept_name(p, "False"))
        return constant(p, jinja_bool(false));
    if (jinja_accept_name(p, "none") || jinja_accept_name(p, "None"))
        return constant(p, jinja_none());
    struct jinja_node *node = jinja_node_new(p, NODE_NAME);
    node->name = (p->at++)->text;
    return node;
}

static struct jinja_node *parenthesis(struct jinja_parser *p)
{
    struct jinja_node *node;
    if (jinja_at_operator(p, ")"))
        node = jinja_node_new(p, NODE_TUPLE);
    else
        node = jinja_parse_tuple(p);
    jinja_expect_operator(p, ")");
    return node;
}

static struct jinja_node *primary(struct jinja_parser *p)
{
    struct jinja_node *node;
    if (p->at->kind == TOKEN_STRING)
        return strings(p);
    if (p->at->kind == TOKEN_NAME)
        return name(p);
    if (p->at->kind == TOKEN_INTEGER)
        return constant(p, jinja_int((p->at++)->integer));
    if (jinja_accept_operator(p, "("))
        return parenthesis(p);
    if (jinja_accept_operator(p, "{"))
        return dict(p);
    node = jinja_node_new(p, NODE_LIST);
    if (jinja_accept_operator(p, "["))
        node->list = items(p, "]");
    else
        jinja_parse_fail(p, "an expression of this form");
    return node;
}

/* ---- what follows a primary ---- */

/* One part of a slice, or NULL where it is left out. */
static struct jinja_node *slice_part(struct jinja_parser *p)
{
    return jinja_at_operator(p, ":") || jinja_at_operator(p, "]") ? NULL : jinja_parse_expression(p);
}

static struct jinja_node *subscript(struct jinja_parser *p, struct jinja_node *of)
{
    struct jinja_node *node = jinja_node_new(p, NODE_SUBSCRIPT);
    node->a = of;
    node->b = slice_part(p);
    if (jinja_accept_operator(p, ":")) {
        node->kind = NODE_SLICE;
        node->c = slice_part(p);
        if (jinja_accept_operator(p, ":"))
            node->d = slice_part(p);
    } else if (!node->b) {
        jinja_parse_fail(p, "a subscript of this form");
        node->b = of;
    }
    jinja_expect_operator(p, "]");
    return node;
}

static struct jinja_node *attribute(struct jinja_parser *p, struct jinja_node *of)
{
    struct jinja_node *node = jinja_node_new(p, NODE_ATTRIBUTE);
    node->a = of;
    if (p->at->kind == TOKEN_INTEGER) {
        node->kind = NODE_SUBSCRIPT;
        node->b = constant(p, jinja_int((p->at++)->integer));
    } else {
        node->name = jinja_expect_name(p);
    }
    return node;
}

static struct jinja_node *call(struct jinja_parser *p, struct jinja_node *of)
{
    struct jinja_node *node = jinja_node_new(p, NODE_CALL);
    node->a = of;
    node->list = arguments(p);
    return node;
}

/* A chain may be long, "a.b.c": a node each, one below the other. */
static bool count_link(struct jinja_parser *p, int *links)
{
    if (++*links > JINJA_MAX_DEPTH)
        jinja_parse_fail(p, "an expression that long");
    return !p->message;
}

static struct jinja_node *postfix(struct jinja_parser *p, struct jinja_node *node)
{
    for (int links = 0; count_link(p, &links);) {
        if (jinja_accept_operator(p, "."))
            node = attribute(p, node);
        else if (jinja_accept_operator(p, "["))
            node = subscript(p, node);
        else if (jinja_accept_operator(p, "("))
            node = call(p, node);
        else
            break;
    }
    return node;
}

static struct jinja_node *filter(struct jinja_parser *p, struct jinja_node *of)
{
    struct jinja_node *node = jinja_node_new(p, NODE_FILTER);
    node->a = of;
    node->name = jinja_expect_name(p);
    if (jinja_accept_operator(p, "("))
        node->list = arguments(p);
    return node;
}

/* A test's argument may stand without brackets: "is divisibleby 3". */
static bool has_bare_argument(const struct jinja_parser *p)
{
    switch (p->at->kind) {
    case TOKEN_STRING:
    case TOKEN_INTEGER: return true;
    case TOKEN_NAME:
        return !jinja_at_name(p, "else") && !jinja_at_name(p, "or") && !jinja_at_name(p, "and") &&
               !jinja_at_name(p, "is") && !jinja_at_name(p, "if") && !jinja_at_name(p, "in") &&
               !jinja_at_name(p, "not");
    default: return jinja_at_operator(p, "[") || jinja_at_operator(p, "{");
    }
}

static struct jinja_node *test(struct jinja_parser *p, struct jinja_node *of)
{
    const bool negated = jinja_accept_name(p, "not");
    struct jinja_node *node = jinja_node_new(p, NODE_TEST);
    node->a = of;
    node->name = jinja_expect_name(p);
    if (jinja_accept_operator(p, "("))
        node->list = arguments(p);
    else if (has_bare_argument(p))
        node->list = postfix(p, primary(p));
    if (!negated)
        return node;
    struct jinja_node *negation = jinja_node_new(p, NODE_NOT);
    negation->a = node;
    return negation;
}

static struct jinja_node *filters_and_tests(struct jinja_parser *p, struct jinja_node *node)
{
    for (int links = 0; count_link(p, &links);) {
        if (jinja_accept_operator(p, "|"))
            node = filter(p, node);
        else if (jinja_accept_name(p, "is"))
            node = test(p, node);
        else if (jinja_accept_operator(p, "("))
            node = call(p, node);
        else
            break;
    }
    return node;
}

/* ---- operators, the tightest first ---- */

static bool enter(struct jinja_parser *p)
{
    if (++p->depth > JINJA_MAX_DEPTH)
        jinja_parse_fail(p, "nesting that deep");
    return !p->message;
}

static struct jinja_node *unary(struct jinja_parser *p, bool with_filters)
{
    struct jinja_node *node = jinja_node_new(p, NODE_NEGATE);
    if (!enter(p)) {
        node->kind = NODE_CONSTANT;
    } else if (jinja_accept_operator(p, "-")) {
        node->a = unary(p, false);
        node = postfix(p, node);
    } else if (jinja_at_operator(p, "+")) {
        jinja_parse_fail(p, "the sign +");
    } else {
        node = postfix(p, primary(p));
    }
    if (with_filters)
        node = filters_and_tests(p, node);
    p->depth--;
    return node;
}

static struct jinja_node *binary(struct jinja_parser *p, enum jinja_operator op, struct jinja_node *a,
                                 struct jinja_node *b)
{
    struct jinja_node *node = jinja_node_new(p, NODE_BINARY);
    node->op = op;
    node->a = a;
    node->b = b;
    return node;
}

static struct jinja_node *product(struct jinja_parser *p)
{
    struct jinja_node *node = unary(p, true);
    for (int links = 0; count_link(p, &links);) {
        if (jinja_accept_operator(p, "*"))
            node = binary(p, OP_MUL, node, unary(p, true));
        else if (jinja_accept_operator(p, "//"))
            node = binary(p, OP_FLOOR_DIV, node, unary(p, true));
        else if (jinja_accept_operator(p, "%"))
            node = binary(p, OP_MOD, node, unary(p, true));
        else
            break;
    }
    if (jinja_at_operator(p, "/") || jinja_at_operator(p, "**"))
        jinja_parse_fail(p, "division or powers");
    return node;
}

static struct jinja_node *concatenation(struct jinja_parser *p)
{
    struct jinja_node *node = product(p);
    for (int links = 0; count_link(p, &links) && jinja_accept_operator(p, "~");)
        node = binary(p, OP_CONCAT, node, product(p));
    return node;
}

static struct jinja_node *sum(struct jinja_parser *p)
{
    struct jinja_node *node = concatenation(p);
    for (int links = 0; count_link(p, &links);) {
        if (jinja_accept_operator(p, "+"))
            node = binary(p, OP_ADD, node, concatenation(p));
        else if (jinja_accept_operator(p, "-"))
            node = binary(p, OP_SUB, node, concatenation(p));
        else
            break;
    }
    return node;
}

static bool comparison_operator(struct jinja_parser *p, enum jinja_operator *op)
{
    static const char *const words[] = {
        [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">="};
    for (*op = OP_EQ; *op <= OP_GE; (*op)++)
        if (jinja_accept_operator(p, words[*op]))
            return true;
    *op = jinja_at_name(p, "not") ? OP_NOT_IN : OP_IN;
    if (*op == OP_NOT_IN && !(p->at[1].kind == TOKEN_NAME && jinja_string_is(p->at[1].text, "in")))
        return false;
    p->at += *op == OP_NOT_IN;
    return jinja_accept_name(p, "in");
}

static struct jinja_node *comparison(struct jinja_parser *p)
{
    struct jinja_node *first = sum(p), *node = NULL, **end = NULL;
    enum jinja_operator op;
    while (!p->message && comparison_operator(p, &op)) {
        if (!node) {
            node = jinja_node_new(p, NODE_COMPARE);
            node->a = first;
            end = &node->list;
        }
        struct jinja_node *operand = append(&end, jinja_node_new(p, NODE_OPERAND));
        operand->op = op;
        operand->a = sum(p);
    }
    return node ? node : first;
}

static struct jinja_node *negation(struct jinja_parser *p)
{
    if (!jinja_accept_name(p, "not"))
        return comparison(p);
    struct jinja_node *node = jinja_node_new(p, NODE_NOT);
    node->a = enter(p) ? negation(p) : node;
    p->depth--;
    return node;
}

static struct jinja_node *conjunction(struct jinja_parser *p)
{
    struct jinja_node *node = negation(p);
    for (int links = 0; count_link(p, &links) && jinja_accept_name(p, "and");) {
        struct jinja_node *both = jinja_node_new(p, NODE_AND);
        both->a = node;
        both->b = negation(p);
        node = both;
    }
    return node;
}

struct jinja_node *jinja_parse_without_if(struct jinja_parser *p)
{
    struct jinja_node *node = conjunction(p);
    for (int links = 0; count_link(p, &links) && jinja_accept_name(p, "or");) {
        struct jinja_node *either = jinja_node_new(p, NODE_OR);
        either->a = node;
        either->b = conjunction(p);
        node = either;
    }
    return node;
}

struct jinja_node *jinja_parse_expression(struct jinja_parser *p)
{
    if (!enter(p)) {
        p->depth--;
        return jinja_node_new(p, NODE_CONSTANT);
    }
    struct jinja_node *node = jinja_parse_without_if(p);
    for (int links = 0; count_link(p, &links) && jinja_accept_name(p, "if");) {
        struct jinja_node *either = jinja_node_new(p, NODE_CONDITIONAL);
        either->a = node;
        either->b = jinja_parse_without_if(p);
        if (jinja_accept_name(p, "else"))
            either->c = jinja_parse_expression(p);
        node = either;
    }
    p->depth--;
    return node;
}

/* Whether an expression may begin here: behind a comma that is a tuple's last. */
static bool at_expression(const struct jinja_parser *p)
{
    return p->at->kind != TOKEN_BLOCK_END && p->at->kind != TOKEN_PRINT_END && p->at->kind != TOKEN_END &&
           !jinja_at_operator(p, ")") && !jinja_at_operator(p, "=") && !jinja_at_name(p, "in");
}

struct jinja_node *jinja_parse_tuple(struct jinja_parser *p)
{
    struct jinja_node *first = jinja_parse_expression(p);
    if (p->message || !jinja_at_operator(p, ","))
        return first;
    struct jinja_node *node = jinja_node_new(p, NODE_TUPLE), **end = &node->list;
    append(&end, first);
    while (!p->message && jinja_accept_operator(p, ",") && at_expression(p))
        append(&end, jinja_parse_expression(p));
    return node;
}

#include "text/jinja/parser.h"

#include "text/jinja/parse_expr.h"

#include <string.h>

static struct jinja_node *statements(struct jinja_parser *p, const char *const *ends);

static void block_end(struct jinja_parser *p)
{
    if (p->at->kind == TOKEN_BLOCK_END)
        p->at++;
    else
        jinja_parse_fail(p, "a statement of this form");
}

/* Of a body that has been read: its closing tag, "endif", or "endmacro" with the macro's name. */
static void close_block(struct jinja_parser *p, const char *end)
{
    if (!jinja_accept_name(p, end))
        jinja_parse_fail(p, "a block that is not closed");
    if (p->at->kind == TOKEN_NAME && strcmp(end, "endmacro") == 0)
        p->at++;
    block_end(p);
}

/* Behind "if" or "elif". */
static struct jinja_node *conditional(struct jinja_parser *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct jinja_node *node = jinja_node_new(p, NODE_IF);
    node->a = jinja_parse_tuple(p);
    block_end(p);
    node->body = statements(p, ends);
    if (p->message)
        return node;
    if (jinja_accept_name(p, "elif")) {
        if (++p->depth > JINJA_MAX_DEPTH)
            jinja_parse_fail(p, "conditions that long");
        else
            node->orelse = conditional(p);
        p->depth--;
        return node;
    }
    if (jinja_accept_name(p, "else")) {
        block_end(p);
        node->orelse = statements(p, ends + 2);
    }
    close_block(p, "endif");
    return node;
}

/* A name, some names, or a namespace's member: what is assigned to. */
static struct jinja_node *target(struct jinja_parser *p)
{
    struct jinja_node *first = jinja_node_new(p, NODE_NAME);
    first->name = jinja_expect_name(p);
    if (jinja_accept_operator(p, ".")) {
        struct jinja_node *member = jinja_node_new(p, NODE_ATTRIBUTE);
        member->a = first;
        member->name = jinja_expect_name(p);
        return member;
    }
    if (!jinja_at_operator(p, ","))
        return first;
    struct jinja_node *tuple = jinja_node_new(p, NODE_TUPLE), *last = first;
    tuple->list = first;
    while (jinja_accept_operator(p, ",")) {
        last->next = jinja_node_new(p, NODE_NAME);
        last = last->next;
        last->name = jinja_expect_name(p);
    }
    return tuple;
}

static struct jinja_node *loop(struct jinja_parser *p)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    struct jinja_node *node = jinja_node_new(p, NODE_FOR);
    const bool has_bracket = jinja_accept_operator(p, "(");
    node->target = target(p);
    if (has_bracket)
        jinja_expect_operator(p, ")");
    if (!jinja_accept_name(p, "in"))
        jinja_parse_fail(p, "a loop of this form");
    node->a = jinja_parse_without_if(p);
    if (jinja_accept_name(p, "if"))
        node->b = jinja_parse_expression(p);
    if (jinja_at_name(p, "recursive"))
        jinja_parse_fail(p, "a recursive loop");
    block_end(p);
    node->body = statements(p, ends);
    if (jinja_accept_name(p, "else")) {
        block_end(p);
        node->orelse = statements(p, ends + 1);
    }
    close_block(p, "endfor");
    return node;
}

static struct jinja_node *assignment(struct jinja_parser *p)
{
    static const char *const ends[] = {"endset", NULL};
    struct jinja_node *node = jinja_node_new(p, NODE_SET);
    node->target = target(p);
    if (jinja_accept_operator(p, "=")) {
        node->a = jinja_parse_tuple(p);
        block_end(p);
        return node;
    }
    block_end(p); /* (a filter of the block would stand before it) */
    node->body = statements(p, ends);
    close_block(p, "endset");
    return node;
}

static struct jinja_node *macro(struct jinja_parser *p)
{
    static const char *const ends[] = {"endmacro", NULL};
    struct jinja_node *node = jinja_node_new(p, NODE_MACRO), **end = &node->list;
    node->name = jinja_expect_name(p);
    jinja_expect_operator(p, "(");
    while (!p->message && p->at->kind == TOKEN_NAME) {
        struct jinja_node *parameter = jinja_node_new(p, NODE_NAME);
        parameter->name = jinja_expect_name(p);
        if (jinja_accept_operator(p, "="))
            parameter->a = jinja_parse_expression(p);
        *end = parameter;
        end = &parameter->next;
        if (!jinja_accept_operator(p, ","))
            break;
    }
    jinja_expect_operator(p, ")");
    block_end(p);
    node->body = statements(p, ends);
    close_block(p, "endmacro");
    return node;
}

static struct jinja_node *generation(struct jinja_parser *p)
{
    static const char *const ends[] = {"endgeneration", NULL};
    struct jinja_node *node = jinja_node_new(p, NODE_GENERATION);
    block_end(p);
    node->body = statements(p, ends);
    close_block(p, "endgeneration");
    return node;
}

static struct jinja_node *statement(struct jinja_parser *p)
{
    if (jinja_accept_name(p, "if"))
        return conditional(p);
    if (jinja_accept_name(p, "for"))
        return loop(p);
    if (jinja_accept_name(p, "set"))
        return assignment(p);
    if (jinja_accept_name(p, "macro"))
        return macro(p);
    if (jinja_accept_name(p, "generation"))
        return generation(p);
    const bool is_break = jinja_accept_name(p, "break");
    struct jinja_node *node = jinja_node_new(p, is_break ? NODE_BREAK : NODE_CONTINUE);
    if (!is_break && !jinja_accept_name(p, "continue"))
        jinja_parse_fail(p, "a statement other than if, for, set, macro, generation, break and continue");
    block_end(p);
    return node;
}

static struct jinja_node *print(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_node_new(p, NODE_PRINT);
    p->at++;
    node->a = jinja_parse_tuple(p);
    if (p->at->kind == TOKEN_PRINT_END)
        p->at++;
    else
        jinja_parse_fail(p, "an expression of this form");
    return node;
}

static struct jinja_node *text(struct jinja_parser *p)
{
    struct jinja_node *node = jinja_node_new(p, NODE_TEXT);
    node->constant = jinja_bytes(p->at->text.data, p->at->text.len);
    p->at++;
    return node;
}

static bool is_one_of(const struct jinja_parser *p, const char *const *names)
{
    for (; names && *names; names++)
        if (p->at[1].kind == TOKEN_NAME && jinja_string_is(p->at[1].text, *names))
            return true;
    return false;
}

/* Up to a tag of one of these names, which is then read up to behind "{%"; NULL: up to the end of the template. */
static struct jinja_node *statements(struct jinja_parser *p, const char *const *ends)
{
    struct jinja_node *first = NULL, **end = &first;
    if (++p->depth > JINJA_MAX_DEPTH)
        jinja_parse_fail(p, "nesting that deep");
    while (!p->message && p->at->kind != TOKEN_END) {
        if (p->at->kind == TOKEN_BLOCK_BEGIN && is_one_of(p, ends)) {
            p->at++;
            break;
        }
        if (p->at->kind == TOKEN_BLOCK_BEGIN) {
            p->at++;
            *end = statement(p);
        } else {
            *end = p->at->kind == TOKEN_PRINT_BEGIN ? print(p) : text(p);
        }
        end = &(*end)->next;
    }
    p->depth--;
    return first;
}

bool jinja_parse_tokens(const struct jinja_token *tokens, struct arena *arena, struct jinja_node **body,
                        const char **message)
{
    struct jinja_parser p = {.at = tokens, .arena = arena};
    *body = statements(&p, NULL);
    *message = p.message;
    return !p.message;
}

/* Expressions: tokens become nodes, by Jinja's precedence. For parser.c. */
#ifndef SFT_TEXT_JINJA_PARSE_EXPR_H
#define SFT_TEXT_JINJA_PARSE_EXPR_H

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

/* What is being parsed. After the first mistake `message` says what it is, and everything that is parsed means
 * nothing; functions then return some node, never NULL. */
struct jinja_parser {
    const struct jinja_token *at; /* never behind the last, TOKEN_END */
    struct arena *arena;
    int depth;
    const char *message;
};
enum { JINJA_MAX_DEPTH = 100 };

struct jinja_node *jinja_node_new(struct jinja_parser *p, enum jinja_node_kind kind);
void jinja_parse_fail(struct jinja_parser *p, const char *message);

bool jinja_at_name(const struct jinja_parser *p, const char *name);
bool jinja_at_operator(const struct jinja_parser *p, const char *op);
bool jinja_accept_name(struct jinja_parser *p, const char *name);   /* and go behind it */
bool jinja_accept_operator(struct jinja_parser *p, const char *op);
void jinja_expect_operator(struct jinja_parser *p, const char *op);
struct jinja_string jinja_expect_name(struct jinja_parser *p);

struct jinja_node *jinja_parse_expression(struct jinja_parser *p);
struct jinja_node *jinja_parse_without_if(struct jinja_parser *p); /* `in x if y`: the `if` is not its own */

/* Expressions with commas are one tuple. */
struct jinja_node *jinja_parse_tuple(struct jinja_parser *p);

#endif

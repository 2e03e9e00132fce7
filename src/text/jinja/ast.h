/* A parsed Jinja template: nodes of one kind, in lists. */
#ifndef SFT_TEXT_JINJA_AST_H
#define SFT_TEXT_JINJA_AST_H

#include "text/jinja/value.h"

enum jinja_node_kind {
    /* statements */
    NODE_TEXT,       /* constant: printed as it stands */
    NODE_PRINT,      /* a: the expression */
    NODE_IF,         /* a: the condition; body; orelse */
    NODE_FOR,        /* target; a: over what; b: `if` of each item, or NULL; body; orelse */
    NODE_SET,        /* target; a: the value, or NULL: what the body prints */
    NODE_MACRO,      /* name; list: parameters (NODE_NAME, its default in a); body */
    NODE_GENERATION, /* body */
    NODE_BREAK,
    NODE_CONTINUE,
    /* expressions */
    NODE_CONSTANT,    /* constant */
    NODE_NAME,        /* name */
    NODE_LIST,        /* list */
    NODE_TUPLE,       /* list */
    NODE_DICT,        /* list: keys, each one's value in a NODE_PAIR (a: key, b: value) */
    NODE_PAIR,
    NODE_ATTRIBUTE,   /* a.name */
    NODE_SUBSCRIPT,   /* a[b] */
    NODE_SLICE,       /* a[b:c:d] */
    NODE_CALL,        /* a(list): arguments; a keyword's name in NODE_KEYWORD (name, a: value) */
    NODE_KEYWORD,
    NODE_FILTER,      /* a | name(list) */
    NODE_TEST,        /* a is name(list) */
    NODE_NOT,         /* not a */
    NODE_NEGATE,      /* -a */
    NODE_AND,         /* a and b */
    NODE_OR,          /* a or b */
    NODE_CONDITIONAL, /* a if b else c; c may be NULL */
    NODE_COMPARE,     /* a op b op ...: list of NODE_OPERAND (op, a) */
    NODE_OPERAND,
    NODE_BINARY       /* a op b */
};

enum jinja_operator {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_FLOOR_DIV,
    OP_MOD,
    OP_CONCAT,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_NOT_IN
};

struct jinja_node {
    enum jinja_node_kind kind;
    enum jinja_operator op;
    struct jinja_value constant;
    struct jinja_string name;
    struct jinja_node *a, *b, *c, *d;
    struct jinja_node *target, *list, *body, *orelse;
    struct jinja_node *next; /* in the list it belongs to */
};

#endif

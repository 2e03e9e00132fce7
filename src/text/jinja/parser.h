/* Statements: tokens become a template's tree. */
#ifndef SFT_TEXT_JINJA_PARSER_H
#define SFT_TEXT_JINJA_PARSER_H

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

/* The tree of these tokens, a list of statements (NULL: an empty template), in the arena. False, and why in *message,
 * where they are no Jinja or have what is not known here. */
bool jinja_parse_tokens(const struct jinja_token *tokens, struct arena *arena, struct jinja_node **body,
                        const char **message);

#endif

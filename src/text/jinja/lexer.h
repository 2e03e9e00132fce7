/* A template's text and tags, cut into tokens as Jinja's lexer does with trim_blocks and lstrip_blocks. */
#ifndef SFT_TEXT_JINJA_LEXER_H
#define SFT_TEXT_JINJA_LEXER_H

#include "text/jinja/value.h"

enum jinja_token_kind {
    TOKEN_END, /* of the template */
    TOKEN_TEXT,
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_PRINT_BEGIN,
    TOKEN_PRINT_END,
    TOKEN_NAME,
    TOKEN_STRING, /* its value */
    TOKEN_INTEGER,
    TOKEN_OPERATOR
};

struct jinja_token {
    enum jinja_token_kind kind;
    struct jinja_string text;
    int64_t integer;
};

/* Cut source[0..len) into *tokens, of which the last is TOKEN_END; all in the arena. False, and why in *message,
 * where it is no Jinja or has what is not known here. */
bool jinja_tokenize(const char *source, size_t len, struct arena *arena, struct jinja_token **tokens,
                    const char **message);

#endif

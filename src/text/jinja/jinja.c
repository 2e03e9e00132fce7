#include "text/jinja/jinja.h"

#include "text/jinja/exec.h"
#include "text/jinja/lexer.h"
#include "text/jinja/parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SOURCE = 1 << 20 };

struct jinja {
    struct arena arena;
    struct jinja_node *body;
    const struct jinja_token *tokens;
};

enum jinja_result jinja_parse(struct jinja **jinja, const char *source, size_t len, char message[JINJA_MESSAGE_MAX])
{
    struct jinja *made = mem_calloc(1, sizeof *made);
    struct jinja_token *tokens;
    const char *why = "a template that long";
    message[0] = '\0';
    if (len <= MAX_SOURCE && jinja_tokenize(source, len, &made->arena, &tokens, &why) &&
        jinja_parse_tokens(tokens, &made->arena, &made->body, &why)) {
        made->tokens = tokens;
        *jinja = made;
        return JINJA_DONE;
    }
    snprintf(message, JINJA_MESSAGE_MAX, "%s", why);
    jinja_free(made);
    *jinja = NULL;
    return JINJA_UNKNOWN;
}

void jinja_free(struct jinja *jinja)
{
    if (!jinja)
        return;
    arena_free(&jinja->arena);
    free(jinja);
}

enum jinja_result jinja_render(const struct jinja *jinja, const struct jinja_value *variables, struct jinja_date date,
                               struct jinja_output *out)
{
    strbuf_clear(&out->text);
    strbuf_puts(&out->text, "");
    out->n_spans = 0;
    out->message[0] = '\0';
    struct jinja_interp in = {.message = out->message, .date = date, .out = &out->text, .whole = out};
    struct jinja_scope globals = {.variables = variables->dict},
                       top = {.variables = jinja_dict_new(&in.arena, 8).dict, .outer = &globals};
    in.scope = &top;
    jinja_exec(&in, jinja->body);
    arena_free(&in.arena);
    out->steps = in.steps;
    return in.result;
}

size_t jinja_literals(const struct jinja *jinja, struct jinja_string *literals, size_t max)
{
    size_t n = 0;
    for (const struct jinja_token *token = jinja->tokens; token->kind != TOKEN_END && n < max; token++) {
        size_t i = 0;
        while (i < n && !(literals[i].len == token->text.len &&
                          memcmp(literals[i].data, token->text.data, token->text.len) == 0))
            i++;
        if (token->kind == TOKEN_STRING && i == n)
            literals[n++] = token->text;
    }
    return n;
}

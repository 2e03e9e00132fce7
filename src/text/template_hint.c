#include "text/template_hint.h"

#include <string.h>

static bool is_special(const struct tokenizer *tok, const char *content)
{
    const int32_t id = tokenizer_token_id(tok, content);
    return id != TOKEN_NONE && tokenizer_is_special(tok, id);
}

/* Every <|name|> in a text is one of the vocabulary's. */
static bool has_names(const struct tokenizer *tok, const char *text)
{
    for (const char *at = text; at && (at = strstr(at, "<|"));) {
        char name[64];
        const char *end = strstr(at, "|>");
        const size_t len = end ? (size_t)(end + 2 - at) : sizeof name;
        if (len >= sizeof name)
            return false;
        memcpy(name, at, len);
        name[len] = '\0';
        if (!is_special(tok, name))
            return false;
        at += len;
    }
    return true;
}

static bool has_tokens(const struct tokenizer *tok, const struct template_row *row)
{
    for (const char *const *token = row->tokens; *token; token++)
        if (!is_special(tok, *token))
            return false;
    for (enum role role = ROLE_USER; role <= ROLE_ASSISTANT; role++)
        if (!has_names(tok, row->format.prefix[role].text) || !has_names(tok, row->format.suffix[role].text))
            return false;
    return true;
}

static bool holds_special(const struct tokenizer *tok, const char *text)
{
    const size_t n = tokenizer_vocab_size(tok);
    for (size_t id = 0; id < n; id++) {
        size_t len;
        if (!tokenizer_is_special(tok, (int32_t)id))
            continue;
        const char *bytes = tokenizer_token_bytes(tok, (int32_t)id, &len);
        if (len > 0 && strstr(text, bytes))
            return true;
    }
    return false;
}

const struct template_row *template_row_of_vocabulary(const struct tokenizer *tok)
{
    const struct template_row *row;
    for (size_t i = 0; (row = template_row_at(i)); i++) {
        const bool says_more = row->format.default_system || row->only_from_base || row->openers_are_text;
        if (!says_more && has_tokens(tok, row) && holds_special(tok, row->format.prefix[ROLE_USER].text))
            return row;
    }
    return NULL;
}

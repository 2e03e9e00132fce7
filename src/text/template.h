/* The chat template: how a conversation becomes one stream of tokens, and which of them are trained.
 *
 * A template is a format (text/chat_format.h): what stands before and after each role's content, as pieces that are
 * either a control token or text, and what becomes of contents:
 *     im_sep    <|im_start|> "user" <|im_sep|> CONTENT <|im_end|>
 *     chatml    <|im_start|> "user\n"          CONTENT <|im_end|> "\n"
 *     zephyr    "<|user|>\n"                   CONTENT eos "\n"
 *     gemma     <start_of_turn> "user\n"       trimmed CONTENT <end_of_turn> "\n"
 * Between two control tokens the text (the template's and the content together) is encoded in one go, as
 * Hugging Face does with the rendered string, and white space that a control token's lstrip or rstrip takes
 * is left out. Content never becomes a control token.
 *
 * Trained (weight of the message, 1 if it has none): what the base's own template marks as generated, if it marks
 * anything; else the assistant's content and the first control token of what follows it, which closes the turn, with
 * the text between them if there is any. A token that holds a trained character is trained. train_on = all trains every
 * token, each message's by its own weight. */
#ifndef SFT_TEXT_TEMPLATE_H
#define SFT_TEXT_TEMPLATE_H

#include "base/err.h"
#include "base/mem.h"
#include "config/choices.h"
#include "text/chat_format.h"
#include "text/tokenizer/tokenizer.h"

struct chat_template {
    struct chat_format format; /* with the pieces of its affixes */
    int32_t end_of_turn;       /* the control token that closes an assistant's turn: generation stops here */
    int32_t document_start;    /* what the base's tokenizer puts before a text, or TOKEN_NONE */
    int32_t document_end;      /* what ends a {"text"} document: the base's own eos, or TOKEN_NONE */
    const char *name;          /* "im_sep", "chatml", ..., "custom", or "base's own" where that is none with a name */
    const char *jinja;         /* the same as a Hugging Face chat template with generation markers */
    bool end_is_trained;       /* false: the base's template marks answers without what closes them as generated */
    bool writes_date;          /* the base's template writes the day's date; here it is one fixed day */
    size_t tokens_added;       /* control tokens that the vocabulary lacked */
    const char *hint;          /* where it lacked some: the format whose control tokens it has; NULL: none */
    struct arena arena;
};

/* Which template it shall be. Zero-initialised: the base's own, or im_sep. */
struct template_options {
    enum template_choice choice;
    /* TEMPLATE_CUSTOM: what stands around a system, user or assistant message; NULL or "": not given. Borrowed. A
     * tool's turn is the user's. */
    const char *prefix[ROLE_COUNT], *suffix[ROLE_COUNT];
};

/* Resolve what the options choose for `tok`. Control tokens that the vocabulary lacks are appended
 * to it, in the order <|im_start|>, <|im_sep|>, <|im_end|> (custom: as they first appear); those that it
 * has become special, whatever its files call them, so that no typed text is one. (A format whose models have its
 * openers as text adds none; nor does the base's own where the vocabulary has the token that closes an answer.) Its eos
 * becomes the end-of-turn token, its pad the base's pad, else the base's eos, and its chat template the jinja.
 * SFT_EUSAGE where the template cannot be used, with the choices. Free with template_free. */
enum sft_status template_init(struct chat_template *tpl, const struct template_options *options,
                              struct tokenizer *tok, struct sft_err *err);
void template_free(struct chat_template *tpl);

/* SFT_EDATA where the template has no place for a message (a tool's, a second question in a row), or refuses it. To be
 * asked before rendering. */
enum sft_status template_check(const struct chat_template *tpl, const struct conversation *conv, struct sft_err *err);

/* A hash of its format: what it makes of a conversation, the tokenizer's part left out. */
uint64_t template_fingerprint(const struct chat_template *tpl);

#endif

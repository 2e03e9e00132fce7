/* Messages of a row as JSON: as the page shows and edits them, and as an export has them. */
#ifndef SFT_COLLECT_REVIEW_REVIEW_MESSAGES_H
#define SFT_COLLECT_REVIEW_REVIEW_MESSAGES_H

#include "collect/review/decisions.h"
#include "collect/review/review_content.h"
#include "config/choices.h"
#include "text/template.h"

/* Which text is trained. */
struct review_mask {
    const struct chat_template *template; /* NULL: an assistant's content is, as far as the row says */
    enum train_on train_on;
};

/* Append [{"role","content",...}] of a conversation's messages [from, end), with what else the row says of them: keys
 * that no reader knows, and a weight. A document's role is "text". mask (may be NULL): and of each {"pieces":
 * [{"text","trained"}, ...]}, with a template its own text, too. */
void review_messages_print(const struct review_content *content, const struct conversation *conv, size_t from,
                           size_t end, const struct review_mask *mask, struct strbuf *out);

/* Append the row's meta, or null where it has none that is an object. */
void review_meta_print(const struct review_content *content, struct strbuf *out);

/* Whether a list is what may stand in place of a row's messages: SFT_EDATA with the place, in `key`. is_document: one
 * of role "text"; else there is an answer. */
enum sft_status review_messages_check(const json *list, const char *key, bool is_document, struct sft_err *err);

/* What each of a conversation's messages was made of: the object in the row's list, NULL where that cannot be told or
 * it is none. A malloc'd list (conv->count). */
const json **review_turns(const struct review_content *content, const struct conversation *conv);

/* Append ,"key":value */
void review_member_print(const json *node, struct strbuf *out);

#endif

/* A row that is reviewed: its messages, as they are shown, edited and exported. */
#ifndef SFT_COLLECT_REVIEW_REVIEW_CONTENT_H
#define SFT_COLLECT_REVIEW_REVIEW_CONTENT_H

#include "base/json.h"
#include "collect/review/decisions.h"
#include "collect/review/review_rows.h"

struct review_content {
    json *root; /* the row; NULL where it is no JSON */
    struct arena arena;
    struct conversation messages; /* of a preference: the prompt and the chosen answer */
    size_t n_prompt;              /* of a preference: so many of the messages are the prompt */
    struct conversation rejected; /* of a preference: the prompt and the rejected answer */
    bool is_preference;
    bool is_native; /* in the form that an export has: {"messages": [...]}, {"prompt": [...], "chosen": [...],
                       "rejected": [...]}, {"text"} */
};

/* Read the i-th row, from 0. Free with review_content_free in any case. */
enum sft_status review_rows_read(const struct review_rows *rows, size_t i, struct review_content *content,
                                 struct sft_err *err);
void review_content_free(struct review_content *content);

/* [{"role","content",...}] of messages [from, end) of a conversation, with what else the row says of them (keys that no
 * reader knows, a weight); `pieces`: and of each {"pieces": [{"text","trained"}, ...]}, the mask. */
void review_messages_print(const struct review_rows *rows, const struct review_content *content,
                           const struct conversation *conv, size_t from, size_t end, bool pieces, struct strbuf *out);

/* Whether a list is a conversation as the page sends it back: SFT_EDATA with the place, from `key` on. */
enum sft_status review_messages_check(const json *list, const char *key, struct sft_err *err);

/* The row as an export writes it, on a line without its break. Of a decision that edits take its messages (and chosen,
 * rejected) in place of what the row has; every key that no reader reads stays. as_native: also a row that is not
 * edited gets the native form. `review`: the member "review", JSON. */
enum sft_status review_row_print(const struct review_rows *rows, size_t i, const struct decision *edit, bool as_native,
                                 const char *review, struct strbuf *out, struct sft_err *err);

#endif

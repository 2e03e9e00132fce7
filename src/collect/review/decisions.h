/* Decisions: what reviewers said of the rows of FILE.jsonl, each in a file of their own beside it,
 * FILE.jsonl.review.NAME.jsonl, an object a line:
 *
 *     {"row":17,"decision":"edit","messages":[...],"reason":"...","tags":["tone"],"time":"2026-11-27T07:00:00Z",
 *      "hash":"0123456789abcdef"}
 *
 * Lines are only ever appended, and are on the disk before a decision counts. The last line of a row is what its
 * reviewer says. `hash` is that of the row's text when it was decided: a row that has changed since is undecided.
 *
 * To take a decision back appends, too: the line that stood before, or {"decision":"skip"} where none did, with
 * "undone":true. Undoing goes back step by step, also after a new start: such a line takes back the last line that is
 * neither one itself nor taken back. */
#ifndef SFT_COLLECT_REVIEW_DECISIONS_H
#define SFT_COLLECT_REVIEW_DECISIONS_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict { VERDICT_NONE, VERDICT_ACCEPT, VERDICT_EDIT, VERDICT_REJECT, VERDICT_SKIP, N_VERDICTS };
extern const char *const verdict_name[N_VERDICTS]; /* NULL, "accept", "edit", "reject", "skip" */
enum verdict verdict_by_name(const char *name);    /* VERDICT_NONE: there is none of that name, or it is NULL */

/* Kept: accepted or edited. */
bool verdict_is_good(enum verdict verdict);

struct decision {
    size_t row; /* from 1 */
    enum verdict verdict;
    bool is_undo, has_hash; /* has_hash: else it counts whatever the row's text is by now */
    uint64_t hash;
    char *messages, *chosen, *rejected; /* JSON, each NULL where it was not changed */
    char *reason;                       /* NULL: none */
    struct string_list tags;
    char *time; /* RFC 3339; NULL: not said */
};
void decision_free(struct decision *decision); /* accepts a zeroed struct */

/* Whether two edits leave the same behind. */
bool decision_is_same_edit(const struct decision *a, const struct decision *b);

/* Read a line; SFT_EDATA says what is wrong with it. Only row and decision must be there. */
enum sft_status decision_parse(struct decision *decision, const char *line, size_t len, struct sft_err *err);

enum { ROWS_MAX = 1 << 23 }; /* a line about a later row is no decision */

/* Append the list, as JSON. */
void decision_tags_print(const struct string_list *tags, struct strbuf *out);

/* Append the line, with its line break. */
void decision_print(const struct decision *decision, struct strbuf *out);

#endif

/* Names: what a user's files call things, against what the readers call them. [data] columns and roles, and
 * the names of speakers that need no saying.
 *
 *     columns = question_text:prompt  reply:completion  dialog:messages  speaker:role  utterance:content  notes:ignore
 *     roles = Patient:user  Therapist:assistant
 *
 * A column is "theirs:ours"; the last colon divides, so that theirs may hold others. Theirs is a key of the
 * row, or of a turn (an object in one of the row's lists), capitals aside where no key is written just so; or
 * a path as the report writes it: "messages[].text" is a key of the objects in a list, "data.text" one of an
 * object within, whose value moves up to the row (or the turn) that it lies in. Ours is a key that a reader
 * knows, or "ignore": then the key is taken out. A key of the file that already goes by the name of ours is
 * set aside. All columns are renamed at once: a:b b:a swaps two.
 *
 * A speaker's name counts without regard to capitals, '_', '-' and blanks. */
#ifndef SFT_DATA_READERS_NAMES_H
#define SFT_DATA_READERS_NAMES_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "text/conversation.h"

#include <stdint.h>

/* As a configuration has them; borrowed. Zero-initialised: none. */
struct names_options {
    struct string_list columns, roles;
    const char *prompt_column,
        *completion_column; /* columns NAME:prompt, NAME:completion; NULL or "": none */
};

enum { NAMES_MAX = 64 }; /* of columns, and of roles */

struct names {
    struct name_column {
        const char *from, *to;
    } columns[NAMES_MAX];
    struct name_role {
        const char *name;
        enum role role;
    } roles[NAMES_MAX];
    size_t n_columns, n_roles;
    struct arena arena;
};

/* SFT_EUSAGE names the item and what is wrong with it. Free with names_free, which accepts a zeroed struct. */
enum sft_status names_init(struct names *names, const struct names_options *options, struct sft_err *err);
void names_free(struct names *names);

/* What was renamed in a row: the nodes and what they were called. */
struct renamed {
    const json *node;
    const char *was; /* a path from the row or the turn that the node is in */
    const struct renamed *next;
};

/* Rename the columns of a row. *renamed lists what was, in the arena; *used has a bit for each column that
 * the row has. SFT_EDATA where two columns of one object become the same key. */
enum sft_status names_apply(const struct names *names, json *row, struct arena *arena,
                            const struct renamed **renamed, uint64_t *used, struct sft_err *err);

/* What a node of the row was called in the file; NULL: what it is called now. */
const char *renamed_was(const struct renamed *renamed, const json *node);

/* Who a speaker is: by the user's roles (a bit of *used is set; names may be NULL), else by the names that
 * everybody knows. *is_call: what it says is a call of a tool. */
bool names_role(const struct names *names, const char *speaker, enum role *role, bool *is_call,
                uint64_t *used);

/* Equal without regard to ASCII capitals, '_', '-' and blanks. */
bool names_equal(const char *a, const char *b);

/* "theirs:ours" as it would stand in a configuration, quoted where it must be. */
void names_add_item(struct strbuf *out, const char *theirs, const char *ours);

/* All of it as text, a line each, for a cache's key. */
void names_describe(const struct names *names, struct strbuf *out);

#endif

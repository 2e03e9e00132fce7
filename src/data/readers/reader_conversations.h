/* Conversations: what a row becomes, a message at a time. For reader*.c, and for those who read rows. */
#ifndef SFT_DATA_READERS_READER_CONVERSATIONS_H
#define SFT_DATA_READERS_READER_CONVERSATIONS_H

#include "base/json.h"
#include "base/mem.h"
#include "data/readers/names.h"
#include "text/conversation.h"

#include <stdbool.h>
#include <stddef.h>

/* What a row becomes: one conversation, or several of a tree. */
struct conversations {
    struct arena *arena;       /* the caller's; everything below lies in it */
    const struct names *names; /* the caller's; may be NULL */
    struct conversation *items;
    size_t count, capacity;
    uint64_t roles_used; /* a bit for each of names' roles */
    bool has_row_system; /* the last one's first message is the row's own system prompt */
};

/* The role of turn[key], a speaker's name, and whether what it says is a call. */
enum sft_status reader_get_role(const json *turn, const char *key, struct conversations *out, enum role *role,
                                bool *is_call, struct sft_err *err);

/* Begin the row's next conversation, with room for as many messages as it can have; valid until the next
 * begins. */
struct conversation *reader_begin(struct conversations *out, size_t max_messages);

/* The same for a row that may have a system prompt of its own (data/readers/reader.h says under which keys): where it
 * is not blank it is the first message (with room of its own). */
enum sft_status reader_begin_row(const json *row, struct conversations *out, size_t max_messages,
                                 struct conversation **conv, struct sft_err *err);

/* Append a message; its content is copied. */
void reader_add(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                float weight);
void reader_add_n(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                  size_t len, float weight);

#endif

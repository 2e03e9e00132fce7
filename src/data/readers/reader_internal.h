/* What the readers share; for reader*.c only. */
#ifndef SFT_DATA_READERS_READER_INTERNAL_H
#define SFT_DATA_READERS_READER_INTERNAL_H

#include "base/strbuf.h"
#include "data/readers/keys.h"
#include "data/readers/reader.h"

extern const struct reader reader_messages, reader_sharegpt, reader_oasst, reader_oasst_all, reader_prompt,
    reader_hh, reader_dolly, reader_alpaca, reader_question, reader_text;

/* ---- errors ---- */

/* SFT_EDATA: "expected a string, found a number", or "missing" where there is no node. */
enum sft_status reader_fail_type(const json *node, const char *expected, struct sft_err *err);

/* ---- fields: what these give counts as read (data/readers/keys.h); what json_get gives does not ---- */

/* The node at `key`; NULL where it is absent or null. */
const json *reader_get(const json *row, const char *key);

/* The first of two keys that is there and not null; `a` where neither is. Marks nothing as read. */
const char *reader_either(const json *row, const char *a, const char *b);

/* The string at `key`. Absent or null: NULL in *out, an error if it is required. */
enum sft_status reader_get_string(const json *row, const char *key, bool required, const char **out,
                                  struct sft_err *err);

/* The list at `key`, which must be there and have an element. */
enum sft_status reader_get_list(const json *row, const char *key, const json **out, struct sft_err *err);

/* The loss weight of a turn by its own flags, or the fallback; reader_flags.c says which flags there are. */
enum sft_status reader_get_weight(const json *turn, enum role role, float fallback, float *weight,
                                  struct sft_err *err);

/* Multiply the weights of all that a row became by the row's own. */
enum sft_status reader_scale_row(const json *row, struct conversations *list, struct sft_err *err);

/* The role of turn[key], a speaker's name, and whether what it says is a call. */
enum sft_status reader_get_role(const json *turn, const char *key, struct conversations *out, enum role *role,
                                bool *is_call, struct sft_err *err);

bool reader_is_blank(const char *s); /* NULL is */
bool reader_is_blank_string(const json *node);

/* ---- what a row becomes ---- */

/* Begin the row's next conversation, with room for as many messages as it can have; valid until the next
 * begins. */
struct conversation *reader_begin(struct conversations *out, size_t max_messages);

/* The same for a row that may have a system prompt of its own (reader.h says under which keys): where it is
 * not blank it is the first message (with room of its own). */
enum sft_status reader_begin_row(const json *row, struct conversations *out, size_t max_messages,
                                 struct conversation **conv, struct sft_err *err);

/* Append a message; its content is copied. */
void reader_add(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                float weight);
void reader_add_n(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                  size_t len, float weight);

/* How the turns of a list are mostly written; either may be written the other way. */
enum turn_style { TURN_ROLE_CONTENT, TURN_FROM_VALUE };

/* Append the turns of row[key], a list as in reader_get_list; `weight` is that of a turn without flags. Room
 * for them must have been asked for. */
enum sft_status reader_add_turns(const json *row, const char *key, enum turn_style style, float weight,
                                 struct conversations *out, struct conversation *conv, struct sft_err *err);

/* Append row[key]: a string as one message of `role`, or a list of messages of which those without a weight
 * get list_weight. */
enum sft_status reader_add_side(const json *row, const char *key, enum role role, float list_weight,
                                struct conversations *out, struct conversation *conv, struct sft_err *err);

/* How many messages reader_add_side adds at most. */
size_t reader_side_max(const json *row, const char *key);

/* ---- tools ---- */

/* Does this message hold calls: "tool_calls" with an element, or the older "function_call"? */
bool reader_has_calls(const json *message);

/* Append a message's calls to its text, each a block of its own lines. */
enum sft_status reader_add_calls(const json *message, struct strbuf *text, struct sft_err *err);

/* The same for what a speaker called function_call says: the call itself, {"name": ..., "arguments": ...}. */
enum sft_status reader_add_bare_call(const json *call, struct strbuf *text, struct sft_err *err);

/* Does the row define tools, under "tools" or "functions": a list with an element, or a text of one? */
bool reader_has_tools(const json *row);

#endif

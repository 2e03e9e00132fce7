/* Turns of a list, {"role", "content"} or {"from", "value"}. What a speaker called function_call says is a text already
 * and stays as it is, or an object and is printed. */
#ifndef SFT_DATA_READERS_READER_TURNS_H
#define SFT_DATA_READERS_READER_TURNS_H

#include "data/readers/reader_conversations.h"

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

#endif

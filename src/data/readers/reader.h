/* Readers: one row of a file, as JSON, becomes a conversation. One small reader a format, here in the order
 * in which they are tried; a row is of the first whose keys it has.
 *
 *   messages    {"messages": [{"role", "content", "tool_calls"?}, ...]}                       OpenAI, TRL
 *   sharegpt    {"conversations" or "conversation": [{"from", "value"}, ...]}; in both formats a turn may be
 *               written as in the other
 *   oasst       {"prompt": {"text", "role", "replies": [...], "rank"?, "deleted"?}}: from turn to turn the
 *               reply of the lowest rank, one without a rank last, of equals the first
 *   oasst-all   the same: every path from the root to a leaf is a conversation; never detected, only forced
 *   prompt      {"prompt", "completion" or "response"}: strings, or lists of messages as in `messages` (TRL); a
 *               list that is the prompt is not trained on, unless its messages' own weights say so
 *   hh          {"chosen": "\n\nHuman: ...\n\nAssistant: ..."}, or a list of messages, or beside a "prompt"
 *               an answer to it as in `prompt`; what was rejected is not looked at, but by
 *               reader_read_pair                                                           HH-RLHF, TRL
 *   dolly       {"instruction", "context"?, "response"}
 *   alpaca      {"instruction", "input"?, "output" or "response", "history"?: [[question, answer], ...]};
 *               in a row with both input and context the question has both; a history may be blank
 *               dolly and alpaca are two names of one format: each reads the other's rows
 *   question    {"question", "answer" or "response"}
 *   text        {"text"}                                                                    a document
 *
 * In all but oasst and text a row may have a system prompt of its own, under system, system_prompt,
 * system_message, system_instruction(s) or sys_prompt, written in any way (systemPrompt); it becomes the
 * first turn, also in front of a list that begins with another one. Turns, and rows, may say how much they
 * are trained on (reader_flags.h). null is as good as absent where a field may be left out. Who a speaker is
 * says data/readers/names.h. Content is a string or a list of {"type": "text", "text"}, and may be empty; a list of
 * turns may not. Calls of tools become text (reader_tools.h says how); "tools" and "functions", their
 * definitions, are only noted in has_tools.
 *
 * A reader marks what it reads, so that what nobody read can be told (data/readers/keys.h). It says what is wrong
 * with a row by its place in the row ("messages[2].role: unknown role ..."); the dataset adds file and line.
 * Content is copied into the arena. */
#ifndef SFT_DATA_READERS_READER_H
#define SFT_DATA_READERS_READER_H

#include "data/readers/reader_formats.h"

extern const struct reader *const readers[]; /* in the order in which they are tried */
extern const size_t readers_count;

/* The reader called `name`, or NULL. */
const struct reader *reader_by_name(const char *name);

/* Read a row, after a check that it is one of this format; its keys are named where it is not. Columns have
 * their names already (names_apply); names is for speakers, and may be NULL. *out is begun anew, over
 * `arena`. */
enum sft_status reader_read(const struct reader *reader, const json *row, const struct names *names,
                            struct arena *arena, struct conversations *out, struct sft_err *err);

/* Whether a row has two answers, chosen and rejected; and such a row as two conversations, in this order, whatever
 * other format it has keys of (data/readers/reader_preference.h says where the prompt is). Only the answers' messages
 * have weights: the prompt's are 0. */
bool reader_is_pair(const json *row);
enum sft_status reader_read_pair(const json *row, const struct names *names, struct arena *arena,
                                 struct conversations *out, struct sft_err *err);

/* The reader whose rows look like this one; NULL with SFT_EDATA's message, which names the row's own keys, the
 * formats in short, and the setting that gives keys other names. */
const struct reader *reader_detect(const json *row, struct sft_err *err);

/* One conversation from a row in any format (of a tree the first): for generate, which has no [data]
 * columns. Strings go to the arena. */
enum sft_status reader_read_any(const json *row, struct arena *arena, struct conversation *conv,
                                struct sft_err *err);

#endif

/* Rows with a chosen answer, and mostly a rejected one: what both keys have in common (reader_hh.c says what they look
 * like). For reader*.c. */
#ifndef SFT_DATA_READERS_READER_HH_H
#define SFT_DATA_READERS_READER_HH_H

#include "data/readers/reader_conversations.h"

/* Append the conversation that ends in the answer row[key], "chosen" or "rejected". *n_prompt: how many messages are
 * of "prompt", the row's own system prompt among them; SIZE_MAX where the answer's key holds the prompt too. */
enum sft_status hh_read_answer(const json *row, const char *key, struct conversations *out, size_t *n_prompt,
                               struct sft_err *err);

/* Whether a text (or NULL, which is none) begins with a speaker's marker. */
bool hh_is_transcript(const char *text, const struct names *names);

#endif

/* A conversation out of an answer that was asked to be one as JSON. Models wrap it, and break it, in known ways, which
 * are mended:
 *
 *     prose before and behind, a fence (```json), <think>...</think> in front, a byte-order mark
 *     commas behind a last element, comments, raw line breaks and tabs in strings
 *     Python's single quotes, True, False and None
 *     brackets that are missing at the very end, where nothing else does (only if the answer was not cut off)
 *     {"messages": ...}, {"conversation": ...}, a bare list, the same once more within a key, {"user", "assistant"}
 *     exchanges alone or in a list, and whatever row train reads (data/readers/reader.h)
 *
 * What then does not begin with the user (behind a system prompt, which is left out), take turns and end with the
 * assistant is an error, and so is a message without text. */
#ifndef SFT_COLLECT_SYNTH_STRUCTURED_H
#define SFT_COLLECT_SYNTH_STRUCTURED_H

#include "base/err.h"
#include "base/mem.h"
#include "text/conversation.h"

/* SFT_EDATA says what is wrong in a line; of an answer that was cut off, the caller knows better. Strings go to the
 * arena, white space around each is taken off. */
enum sft_status structured_parse(const char *text, size_t len, struct arena *arena, struct conversation *conv,
                                 struct sft_err *err);

/* The schema that is asked for: {"messages": [{"role": "user" | "assistant", "content": "..."}, ...]}, strict as
 * OpenAI's json_schema has it (every key required, no other). */
extern const char structured_schema[];

/* Where an answer begins: behind a byte-order mark and <think>...</think>; len where that does not end. */
size_t structured_behind_thoughts(const char *text, size_t len);

/* What one speaker said, of a plain-text answer: text[*start .. *start + *n) without white space around, without
 * <think>...</think> in front, a fence around all of it, a label in front ("User:", "**Assistant:**", and the like),
 * and quotation marks that are around all of it and stand nowhere else. Never cuts within a character. */
void structured_plain(const char *text, size_t len, size_t *start, size_t *n);

#endif

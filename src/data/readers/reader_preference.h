/* Preference rows: two answers to one prompt, of which the first was chosen.
 *
 *     {"prompt", "chosen", "rejected"}   strings, or lists of messages                                          TRL
 *     {"chosen", "rejected"}             without a prompt: what both begin with is the prompt. Of HH-RLHF's transcripts
 *                                        and of lists that is whole turns; each keeps one at least. Other texts part
 *                                        where TRL's extract_prompt parts them: at the first character that differs, or
 *                                        at the blank before it; of one that the other begins with, before its last
 *
 * A list that begins with a turn of the user's holds the prompt, whatever string stands under "prompt" beside it. */
#ifndef SFT_DATA_READERS_READER_PREFERENCE_H
#define SFT_DATA_READERS_READER_PREFERENCE_H

#include "data/readers/reader_conversations.h"

/* Append two conversations, the one with the chosen answer first; n_prompt (2) is how many messages of each are the
 * prompt. SFT_EDATA too where texts have no prompt, or a key that is likely to be the prompt goes by another name. */
enum sft_status preference_read(const json *row, struct conversations *out, size_t n_prompt[2], struct sft_err *err);

/* Of a row without "prompt" the value that is likely to be one by its key's name (question, instruction, ...), or NULL.
 * The row's own. */
const json *preference_other_prompt(const json *row);

#endif

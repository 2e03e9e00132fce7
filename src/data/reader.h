/* Readers: one row of a file, as JSON, becomes a conversation. One small reader a format.
 *
 *   messages    {"messages": [{"role", "content", "weight"?}, ...]}                    OpenAI, TRL
 *   sharegpt    {"conversations": [{"from", "value"}, ...], "system"?}
 *   alpaca      {"instruction", "input"?, "output", "system"?}
 *   dolly       {"instruction", "context"?, "response"}
 *   prompt      {"prompt", "completion"}: strings, or lists of messages as in `messages` (TRL); a list that
 * is the prompt is not trained on, unless its messages' own weights say so question    {"question", "answer"}
 *   text        {"text"}                                                               a document
 *
 * A reader says what is wrong with a row by its place in the row ("messages[2].role: unknown role ..."); the
 * dataset adds file and line. Content is copied into the arena. */
#ifndef SFT_DATA_READER_H
#define SFT_DATA_READER_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/conversation.h"

#include <stdbool.h>
#include <stddef.h>

struct reader {
    const char *name;
    const char *keys;                 /* what a row of it looks like, for messages */
    bool (*matches)(const json *row); /* does this row look like one of ours? */
    enum sft_status (*read)(const json *row, struct arena *arena, struct conversation *conv,
                            struct sft_err *err);
};
extern const struct reader *const readers[]; /* in the order in which they are tried */
extern const size_t readers_count;

/* The reader called `name`, or NULL. */
const struct reader *reader_by_name(const char *name);

/* Read a row, after a check that it is one of this format; its keys are named where it is not. */
enum sft_status reader_read(const struct reader *reader, const json *row, struct arena *arena,
                            struct conversation *conv, struct sft_err *err);

/* The reader whose rows look like this one; NULL with SFT_EDATA's message naming the row's own keys and the
 * formats there are. */
const struct reader *reader_detect(const json *row, struct sft_err *err);

#endif

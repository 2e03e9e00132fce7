/* A conversation as the model will see it, on stdout: as text, turn by turn, or as a line of JSON. */
#ifndef SFT_CMD_PREVIEW_H
#define SFT_CMD_PREVIEW_H

#include "data/dataset.h"

struct preview {
    const struct tokenizer *tok;
    const struct chat_template *tpl;
    bool tokens; /* a line a token, not the text */
    bool colour; /* trained tokens in green; else between [[ and ]] */
};

/* What the colours mean; nothing where there are none. */
void preview_legend(const struct preview *preview);

/* A header line, the conversation, and an empty line. dropped: why it is not trained on, or NULL. */
void preview_text(const struct preview *preview, const struct dataset_file *file, const struct record *record,
                  const char *dropped);

/* {"source":"FILE:LINE","tokens":[...],"weights":[...],"truncated":false}, with "dropped":"reason" where it is
 * not trained on. */
void preview_json(const struct dataset_file *file, const struct record *record, const char *dropped);

#endif

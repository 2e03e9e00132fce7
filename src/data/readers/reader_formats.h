/* The formats, each a reader (data/readers/reader.h describes them). A new one is a file that defines its reader, and
 * its row in READERS. For reader*.c only. */
#ifndef SFT_DATA_READERS_READER_FORMATS_H
#define SFT_DATA_READERS_READER_FORMATS_H

#include "data/readers/reader_conversations.h"

struct reader {
    const char *name;
    const char *keys;                 /* what a row of it looks like, for messages */
    const char *in_short;             /* the same in a list of all; NULL: it is not listed */
    bool (*matches)(const json *row); /* does this row look like one of ours? */
    bool (*detects)(const json *row); /* is a file of ours whose first row it is? NULL: where it matches */
    enum sft_status (*read)(const json *row, struct conversations *out, struct sft_err *err);
};

/* In the order in which they are tried: a row of several is of the one that says most about it. oasst_all stands behind
 * oasst, whose rows it shares, and so is never found. */
#define READERS(X)                                                                                                     \
    X(messages)                                                                                                        \
    X(sharegpt)                                                                                                        \
    X(oasst)                                                                                                           \
    X(oasst_all)                                                                                                       \
    X(prompt)                                                                                                          \
    X(hh)                                                                                                              \
    X(dolly)                                                                                                           \
    X(alpaca)                                                                                                          \
    X(question)                                                                                                        \
    X(text)

#define READER_DECLARATION(format) extern const struct reader reader_##format;
READERS(READER_DECLARATION)
#undef READER_DECLARATION

#endif

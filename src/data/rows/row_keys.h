/* The keys of a row that some reader knows (data/readers), whatever the format. */
#ifndef SFT_DATA_ROWS_ROW_KEYS_H
#define SFT_DATA_ROWS_ROW_KEYS_H

/* What a table's column is recognised as whose name differs in capitals, and what the user's columns may be called. */
#define ROW_KEYS                                                                                                       \
    "messages", "conversations", "prompt", "completion", "chosen", "rejected", "instruction", "input", "context",      \
        "output", "response", "history", "question", "answer", "text", "system"

/* One of these makes an object a row by itself, and no object that holds rows: every format has one. */
#define ROW_OWN_KEYS                                                                                                   \
    "messages", "conversations", "conversation", "prompt", "instruction", "question", "chosen", "text"

#endif

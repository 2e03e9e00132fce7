/* The keys of a row that some reader knows (data/readers), whatever the format: what a table's column is recognised as
 * whose name differs in capitals, and what the user's columns may be called. */
#ifndef SFT_DATA_ROWS_ROW_KEYS_H
#define SFT_DATA_ROWS_ROW_KEYS_H

#define ROW_KEYS                                                                                                       \
    "messages", "conversations", "prompt", "completion", "chosen", "rejected", "instruction", "input", "context",      \
        "output", "response", "history", "question", "answer", "text", "system"

#endif

/* The conversations of a file, one after another, from whatever train reads: named as there ("FILE", "FILE:csv"), of
 * any format, packed or not. A row that has a question alone ("prompt", "question" or "instruction": a set of prompts)
 * is a conversation of one message; so is each line of FILE.txt that is not blank. */
#ifndef SFT_COLLECT_SYNTH_CHAT_FILE_H
#define SFT_COLLECT_SYNTH_CHAT_FILE_H

#include "base/mem.h"
#include "data/file_spec.h"
#include "data/source/source.h"
#include "text/conversation.h"

struct chat_row {
    size_t number, line; /* from 1; 0: there is no further row */
    struct conversation conv;
    const json *root; /* all of the row; NULL: a line of text */
};

struct chat_file {
    struct file_spec spec;

    /* chat_file.c's own */
    struct source source;
    bool is_text;
    struct rows rows;
    struct json_element rest; /* of a line that holds several rows */
    const char *at;           /* the next line of plain text */
    size_t n_rows, n_lines;
    json *root;
    struct arena arena;
};

/* `stop` (may be NULL): set by a signal, ends what takes long with SFT_EINTERRUPTED. SFT_EUSAGE for "FILE*2". Close
 * with chat_file_close, also after an error; it accepts a zeroed struct. */
enum sft_status chat_file_open(struct chat_file *file, const char *name, const volatile int *stop, struct sft_err *err);
void chat_file_close(struct chat_file *file);

/* The next row, good until the next call. SFT_EDATA, with its place, for one that is no conversation; the one after it
 * may be asked for. */
enum sft_status chat_file_next(struct chat_file *file, struct chat_row *row, struct sft_err *err);

#endif

/* An answer on stdout, as it comes: on a screen wrapped between words, with the word that may not be whole yet held
 * back; elsewhere as it is. Lines between ``` are code and not wrapped. Nothing in a text is obeyed by a terminal
 * (see cmd/model_text.h). */
#ifndef SFT_CMD_ANSWER_PRINTER_H
#define SFT_CMD_ANSWER_PRINTER_H

#include "base/strbuf.h"

struct answer_printer { /* all of it answer_printer.c's own */
    bool wraps;
    size_t columns, column;     /* of the screen; where the cursor is */
    struct strbuf blanks, word; /* held back: the word and what stands before it */
    size_t blanks_width, word_width;
    bool after_wide, after_joiner; /* the word's last character */
    bool line_has_words, in_code;
    bool is_amid_line; /* something visible stands before what comes */
};

/* LC_CTYPE has to be one of UTF-8 for wide characters to count as two columns. Free with answer_printer_end. */
void answer_printer_begin(struct answer_printer *printer);
void answer_printer_add(struct answer_printer *printer, const char *text, size_t len); /* whole characters */

/* The rest, and a line break; before it, on a terminal, a mark where the answer was cut (elsewhere it would be taken
 * for a part of it). */
void answer_printer_end(struct answer_printer *printer, bool is_cut);

#endif

/* The rows of a file that is reviewed: where each stands, what it is, and its messages.
 *
 * Rows are what train makes conversations of (data/rows, data/readers), numbered from 1 as they come; one that nobody
 * can read has a number and an error. A row with both `chosen` and `rejected` is a preference: two conversations, whose
 * common beginning is the prompt. The file may grow meanwhile. Its bytes are held in memory, so that nothing that
 * happens to the file disturbs what is shown. */
#ifndef SFT_COLLECT_REVIEW_REVIEW_ROWS_H
#define SFT_COLLECT_REVIEW_REVIEW_ROWS_H

#include "collect/review/review_content.h"
#include "data/file_spec.h"
#include "judge/refusal.h"

struct review_row {
    const char *text; /* [text, text + len) of the file's bytes, from `at` on while they are moved */
    size_t at, len, line;
    uint64_t hash;     /* XXH64 of the text */
    const char *error; /* why nobody can read it; NULL: it can be read */
    bool is_preference, is_document;
    enum refusal_label label; /* the judge's, of the last answer (the chosen one); N_JUDGED: there is none */
    const char *kind;         /* meta.kind, else kind, of the row; "": it says none */
    const char *excerpt;      /* the user's first words, cut */
    const char *search;       /* all contents, a line each */
    double loss;              /* NaN: not known */
};

struct review_rows_options {
    struct names_options names;
    const char *losses; /* a file of sft eval --per-row; NULL: none */
};

struct review_rows {
    struct file_spec spec;
    struct review_rows_options options; /* strings are borrowed */
    struct strbuf bytes;                /* the file's, unpacked and UTF-8 */
    bool is_as_on_disk;                 /* which they were already */
    char *warning;                      /* why it could not be read again; NULL: it could */
    struct review_reading reading;
    struct review_row *items; /* (count) */
    size_t count, capacity;
    struct arena arena;               /* of their strings */
    const struct review_rows *before; /* while it is read again: what it was */
    struct review_rows_state {
        int64_t size, seconds, nanoseconds;
    } state; /* of the file when it was read */
};

/* Read the file ("FILE" or "FILE:format"). SFT_EUSAGE for a document, which has no rows. Free with review_rows_free,
 * also after an error. */
enum sft_status review_rows_open(struct review_rows *rows, const char *file, const struct review_rows_options *options,
                                 struct sft_err *err);
void review_rows_free(struct review_rows *rows);

/* Read it again if it has changed: true where the rows are others now. Of JSON lines that were appended to, only those
 * are read. Where it cannot be read, the rows stay what they were and rows->warning says why, until it can be. */
bool review_rows_refresh(struct review_rows *rows);

/* review_content_read of the i-th row, from 0. */
enum sft_status review_rows_read(const struct review_rows *rows, size_t i, struct review_content *content,
                                 struct sft_err *err);

#endif

/* A row that is reviewed, read: its conversation, or two where it is a preference. */
#ifndef SFT_COLLECT_REVIEW_REVIEW_CONTENT_H
#define SFT_COLLECT_REVIEW_REVIEW_CONTENT_H

#include "base/json.h"
#include "base/mem.h"
#include "data/readers/reader.h"
#include "data/rows/rows.h"

/* How a file's rows are read. */
struct review_reading {
    struct rows rows;            /* of the file, which JSON or CSV it is */
    const struct reader *reader; /* the file's, or of its first row that any knows; NULL: there is none so far */
    struct names names;
};

struct review_content {
    json *root;  /* the row, with the marks of what was read; NULL where it is no JSON */
    json *plain; /* where data.columns have renamed some of its keys: the row as it stands; else NULL */
    json *other; /* of a preference: the same with the rejected answer as the chosen one */
    struct arena arena;
    struct conversation messages; /* of a preference: the prompt and the chosen answer */
    bool is_preference;           /* then: */
    size_t n_prompt;              /* so many of the messages are the prompt: as far as both answers have the same */
    struct conversation rejected; /* the prompt and the rejected answer */
    bool has_our_names; /* no key was renamed */
    bool is_native; /* in the form that an export has: {"messages": [...]}, {"prompt": [...], "chosen": [...],
                       "rejected": [...]}, {"text"}, under these names */
};

/* The reader of a row; NULL where none knows it. */
const struct reader *review_content_reader(const struct review_reading *by, const char *text, size_t len);

/* Read the row text[0..len). SFT_EDATA: nobody can, for the reason in *err. Free with review_content_free in any
 * case. */
enum sft_status review_content_read(const struct review_reading *by, const char *text, size_t len,
                                    struct review_content *content, struct sft_err *err);
void review_content_free(struct review_content *content);

#endif

/* A set of prompts that a model is to answer: what is asked, whether it is to be refused (unsafe) or only looks so
 * (safe), of what type it is. From any file that train reads (judge/sheet.h):
 *
 *     prompt,label,type                  {"prompt": "...", "label": "safe", "type": "..."}
 *
 * In place of `prompt` a row of JSON may have a conversation, `messages` and what else reader.h knows by that key, of
 * which all up to the user's last message is asked. A line of plain text is a prompt without a label. */
#ifndef SFT_JUDGE_PROMPTS_H
#define SFT_JUDGE_PROMPTS_H

#include "base/mem.h"
#include "text/conversation.h"

enum prompt_label { PROMPT_SAFE, PROMPT_UNSAFE, PROMPT_UNLABELLED };
extern const char *const prompt_label_name[]; /* "safe", "unsafe", NULL */

struct prompt_row {
    struct conversation conv; /* its last message is the user's */
    const char *text;         /* of that message */
    size_t len;
    enum prompt_label label;
    const char *type; /* NULL: none */
    const char *file; /* where it stands */
    size_t line;
};

struct prompts {
    struct prompt_row *items; /* (count) in the files' order */
    size_t count, n_labelled;
    struct arena arena; /* all texts */

    /* prompts.c's own */
    size_t capacity;
};

/* Read the files, one after another. needs_labels: every row has one. Else a file may have none, but not for some of
 * its rows, and not by a slip in its name. SFT_EDATA for a row that is wrong, with its place, and for files with no row
 * at all; a prompt that stands there twice counts twice, and is warned of. Free with prompts_free, also after an error;
 * it accepts a zeroed struct. */
enum sft_status prompts_read(struct prompts *prompts, char *const *files, size_t n_files, bool needs_labels,
                             const volatile int *stop, struct sft_err *err);
void prompts_free(struct prompts *prompts);

/* Keep of those without a label only what is among the first n. */
void prompts_drop_unlabelled(struct prompts *prompts, size_t n);

/* A hash of what is asked and by which labels: the same for files that ask the same. */
uint64_t prompts_fingerprint(const struct prompts *prompts);

#endif

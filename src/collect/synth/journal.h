/* The journal of a run, FILE.jsonl.journal: what was sent, what was answered, which rows are done. From it a run goes
 * on after anything, without asking twice what was paid for. Append-only, an object a line:
 *
 *     {"sft_synth":1,"recipe":"0123456789abcdef","keys":{"recipe.temperature":"0.8",...}}       the first line
 *     {"sent":[row,step,attempt]}                                            before an attempt is sent
 *     {"answer":[row,step],"text":"...","cut":false,"model":"...","prompt_tokens":9,"completion_tokens":9,"lost":0}
 *     {"ended":[row,step],"lost":1}                                          its last attempt has failed
 *     {"done":row,"as":"rejected","reason":"too_short"}                      after its line stands in its file
 *     {"again":true}                                         FILE.jsonl was gone: no row is done any more
 *
 * A *step* is a completion that a row needs, numbered from 0 in the row; the topics' have the row TOPICS_ROW. "sent" is
 * written before the attempt, so that a budget of requests holds after kill -9 too; an answer is on the disk before
 * anything is made of it. A *lost* attempt is one that may have been paid for and brought nothing: it timed out, was
 * cut, or the run died while it was in flight; "lost" says how many of the step's were. A last line without its end is
 * cut off when the journal is opened.
 *
 * Answers are not kept in memory: those of earlier runs are read where they stand. */
#ifndef SFT_COLLECT_SYNTH_JOURNAL_H
#define SFT_COLLECT_SYNTH_JOURNAL_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOPICS_ROW INT64_C(-1)

/* What a journal belongs to. */
struct journal_head {
    const char *recipe; /* the recipe's hash: 16 hexadecimal digits */
    const char *keys;   /* JSON object: what the hash was made of, a text a key */
};

/* What was spent, as far as it is known. */
struct journal_totals {
    uint64_t sent; /* attempts */
    uint64_t answers;
    uint64_t lost;                             /* attempts */
    uint64_t prompt_tokens, completion_tokens; /* of the answers */
};

enum row_end { ROW_OPEN, ROW_KEPT, ROW_REJECTED };

struct journal_answer {
    char *text; /* (len), and a NUL behind it */
    size_t len;
    bool is_cut;
    char *model; /* NULL: the endpoint did not say */
    uint64_t prompt_tokens, completion_tokens;
};
void journal_answer_free(struct journal_answer *answer); /* accepts a zeroed one */

struct journal;

/* Open, or begin, the journal at `path`, and read what it says. Locked for as long as it is open: SFT_EUSAGE where
 * another run has it, and where it was begun with another recipe, naming the keys that differ; but one of which
 * nothing was answered yet is begun anew. *is_new: it was not there, or is begun anew. The caller closes it with
 * journal_close, after an error too. */
enum sft_status journal_open(struct journal **journal, const char *path, const struct journal_head *head, bool *is_new,
                             struct sft_err *err);
void journal_close(struct journal *journal);      /* NULL is fine */
void journal_remove_new(struct journal *journal); /* its file, if this run has begun it; nothing more can be added */

/* ---- what earlier runs left ---- */

struct journal_totals journal_totals(const struct journal *journal);
enum row_end journal_row(const struct journal *journal, uint64_t row);

/* Call `tell` for each row that is done, in no order; reason is NULL for one that was kept. */
void journal_each_done(const struct journal *journal, void (*tell)(void *user, uint64_t row, const char *reason),
                       void *user);

/* A step's answer that an earlier run has had, or *found false. The caller frees *answer. */
enum sft_status journal_find(const struct journal *journal, int64_t row, uint32_t step, struct journal_answer *answer,
                             bool *found, struct sft_err *err);

/* ---- what this run adds; after an error the journal is as long as before, and nothing more can be added ---- */

enum sft_status journal_sent(struct journal *journal, int64_t row, uint32_t step, size_t attempt, struct sft_err *err);

/* On the disk when it returns. */
enum sft_status journal_answered(struct journal *journal, int64_t row, uint32_t step,
                                 const struct journal_answer *answer, uint64_t lost, struct sft_err *err);
enum sft_status journal_ended(struct journal *journal, int64_t row, uint32_t step, uint64_t lost, struct sft_err *err);

/* reason NULL: kept. The row's line must be on the disk. */
enum sft_status journal_done(struct journal *journal, uint64_t row, const char *reason, struct sft_err *err);

/* All rows are to be made again, of the answers that are there. */
enum sft_status journal_again(struct journal *journal, struct sft_err *err);

#endif

/* The report: what is told of a run before its first step, so that nothing about its data, memory or disk
 * comes as a surprise.
 *
 *     struct report report;
 *     report_make(&report, &run);        // of run_prepare or run_survey
 *     report_text(&report, &text);       // or report_json
 *     report_free(&report);
 *
 * As JSON it is one object; what does not apply is absent. Counts and bytes are whole numbers.
 *
 *     files            [{
 *       source           the file, as given
 *       use              "train" or "eval"
 *       format           its reader
 *       rows             in the file; a row may become several conversations (a tree, pieces of a document)
 *       conversations    not left out; what follows down to longest is of these
 *       examples         that it gives, after dedupe, repeats and samples, before eval_fraction
 *       turns, tokens, target_tokens, trained_share (target_tokens / tokens)
 *       truncated        cut to the length limit; also those that are left out as nothing is left to train
 *       dropped          {reason: count}; reasons as in inspect --json, all bad rows under "bad row"
 *       bad_rows         [{reason, count, first}]: by what is wrong, the most frequent first; reason is the
 *                        first row's, others of its kind may have other numbers and quoted values
 *       duplicates       the same tokens and weights stood before, in this file or one before it
 *       longest          tokens before any cut
 *       empty_content, empty_system, same_role, reply_cut, tools
 *                        conversations with an empty turn, an empty system turn, two turns of one role in a
 *                        row, the last reply cut before its end token, definitions of tools
 *       unused_keys      [{key, rows}]: what nobody read, as "id" or "messages[].name", and how many rows have it
 *       refused_flags    [{key, rows}]: flags that say to train a turn that is not the assistant's
 *       histogram        [{up_to, count}]: conversations by tokens before any cut, powers of two
 *     }]
 *     examples, eval_examples    of an epoch, of an evaluation
 *     tokens_added               control tokens that the vocabulary lacked
 *     memory                     {parameters, gradients, moments, activations, data, total} at the peak
 *     disk                       {checkpoint_bytes, checkpoints (at most at once), needed (by those that are not
 *                                there yet), free}
 *     steps, steps_per_epoch
 *     warnings                   [text]
 */
#ifndef SFT_REPORT_REPORT_H
#define SFT_REPORT_REPORT_H

#include "train/run.h"

/* Bad rows of one kind. */
struct report_bad_rows {
    char *reason; /* the first row's; in the others numbers and quoted values may differ */
    uint64_t count, first_line;
};

struct report_file {
    const struct dataset_file *file;
    bool is_eval;
    uint64_t rendered;                                               /* conversations, left out or not */
    uint64_t truncated;                                              /* of those */
    uint64_t first_flagged[RECORD_FLAGS], first_dropped[DROP_COUNT]; /* lines; 0: there is none */
    uint64_t first_duplicate;
    uint64_t unread_line, unread_bytes; /* where a broken structure hides the rest of the file; 0: nowhere */
    struct report_bad_rows *bad_rows;   /* (n_bad_rows) the most frequent first */
    size_t n_bad_rows;
};

struct report_disk {
    uint64_t checkpoint_bytes, checkpoints, existing, needed, free;
};

struct report {
    const struct run *run;
    struct report_file *files; /* (n_files) train's, then eval's that are files of their own */
    size_t n_files;
    bool has_memory, has_disk; /* there is a model to train; and a place for its checkpoints */
    struct run_memory memory;
    struct report_disk disk;
    char **warnings; /* (n_warnings) a line each */
    size_t n_warnings;
};

/* Borrows run. Free with report_free. */
void report_make(struct report *report, const struct run *run);
void report_free(struct report *report);

/* Lines for a person to read, without the warnings. */
void report_text(const struct report *report, struct strbuf *out);

/* One line of JSON, the warnings in it. */
void report_json(const struct report *report, struct strbuf *out);

/* The report before the first step, through log_info; its warnings through log_warning. */
void run_report(const struct run *run);

/* The same as text, and every activation buffer: what --dry-run prints. The warnings go through log_warning. */
void run_report_plan(const struct run *run, struct strbuf *out);

#endif

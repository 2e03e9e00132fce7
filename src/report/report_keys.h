/* What the report tells of rows' keys: which nobody read, by what they may mean. */
#ifndef SFT_REPORT_REPORT_KEYS_H
#define SFT_REPORT_REPORT_KEYS_H

#include "data/dataset.h"

/* Whether a key is of some kind. */
typedef bool report_keys_fn(const struct key_count *key);

report_keys_fn report_keys_unused;    /* nobody read it */
report_keys_fn report_keys_refused;   /* it says to train a turn that is not the assistant's */
report_keys_fn report_keys_flag;      /* it speaks of training, but not in words that are known */
report_keys_fn report_keys_verdict;   /* it calls an answer bad */
report_keys_fn report_keys_reasoning; /* nobody read it, and it holds what the assistant thought */
report_keys_fn report_keys_unknown;   /* nobody read it, and it may mean anything */

/* Append "id (40 rows), messages[].name (1 row)": the keys of a kind, the first of them in *first. How many. */
size_t report_keys_list(const struct key_counts *keys, report_keys_fn *kind, struct strbuf *out,
                        const struct key_count **first);

/* What is told of a file's keys: in the text, and as members of the file's JSON object. */
void report_keys_text(const struct dataset_file *file, struct strbuf *out);
void report_keys_json(const struct dataset_file *file, struct strbuf *out);

#endif

/* The report as JSON.
 *
 * It is one object; what does not apply is absent. Counts and bytes are whole numbers.
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
#ifndef SFT_REPORT_REPORT_JSON_H
#define SFT_REPORT_REPORT_JSON_H

#include "report/report_warnings.h"

/* One line. */
void report_json(const struct report *report, const struct report_warnings *warnings, struct strbuf *out);

#endif

/* Whether an answer does what its prompt asks: rules over its sentences, no model (docs/judging.md says them in words).
 * The labels are those of XSTest (Röttger et al. 2024), and one for answers that are none. English is promised. */
#ifndef SFT_JUDGE_REFUSAL_H
#define SFT_JUDGE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

enum refusal_label { JUDGED_COMPLIANCE, JUDGED_PARTIAL_REFUSAL, JUDGED_FULL_REFUSAL, JUDGED_INCOHERENT, N_JUDGED };

/* "compliance", "partial_refusal", "full_refusal", "incoherent" */
const char *refusal_label_name(enum refusal_label label);

/* Full or partial. An incoherent answer is neither refused nor complied. */
bool refusal_is_refused(enum refusal_label label);

/* The label of an answer to a prompt: both UTF-8 (bytes that are not are read as letters), either may be empty. A pure
 * function of the two, in a time that grows with their length and no faster. */
enum refusal_label refusal_judge(const char *prompt, size_t prompt_len, const char *answer, size_t answer_len);

#endif

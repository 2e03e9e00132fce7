/* Rows in the making: a group goes from answer to answer, taking those that the journal has. */
#ifndef SFT_COLLECT_SYNTH_GROUP_H
#define SFT_COLLECT_SYNTH_GROUP_H

#include "collect/synth/run_state.h"

/* Give an idle group the rows first .. first + n, and go on as far as it can without an answer. */
void group_begin(struct run *run, struct group *group, uint64_t first, uint64_t n);
void group_begin_topics(struct run *run, struct group *group);

/* Its request has been answered: the answer, which it takes over, is in the journal. */
void group_answered(struct run *run, struct group *group, struct journal_answer *answer);

/* Its request has failed: the row is left for the next run, and where others wait for what it says, so are they. */
void group_failed(struct run *run, struct group *group, const struct sft_err *err);

/* The endpoint will not answer what is asked for its row, nor would it next time: the row is rejected with what it
 * says, and look-alikes share no words with it. */
void group_refused(struct run *run, struct group *group, const struct sft_err *err);

/* Ask again where it was not allowed to. */
void group_retry(struct run *run, struct group *group);

/* Number of its request, and the row and the step that it is for. */
uint64_t group_id(const struct run *run, const struct group *group);
int64_t group_row(const struct group *group);

/* "row 12", or "topics"; returns name. */
enum { GROUP_NAME_MAX = 32 };
const char *group_name(const struct group *group, char name[GROUP_NAME_MAX]);

void group_free(struct group *group); /* accepts a zeroed one */

#endif

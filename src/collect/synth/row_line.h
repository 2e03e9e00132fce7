/* A row as it stands in a file, and where it came from. */
#ifndef SFT_COLLECT_SYNTH_ROW_LINE_H
#define SFT_COLLECT_SYNTH_ROW_LINE_H

#include "base/strbuf.h"
#include "collect/synth/prompts.h"

/* What "meta" says of a row: train does not look at it, the report counts it. */
struct row_meta {
    const struct plan_row *row;
    const char *recipe; /* its hash */
    const char *model;  /* as the endpoint calls it, else as it was asked for; NULL: neither is known */
    bool is_revised;    /* by a critic */
};

/* Append {"messages":[...],"meta":{...}} and a line break; a pair is {"prompt","chosen","rejected","meta"}. */
void row_line_kept(struct strbuf *out, const struct prompt_next *row, const struct row_meta *meta);

/* The same with "reason" and "detail" in front ("" : none). Where no row could be made of the answers, they stand there
 * instead: "answers":["...", ...]. */
void row_line_rejected(struct strbuf *out, const struct prompt_next *row, const struct prompt_answer *answers, size_t n,
                       const struct row_meta *meta, const char *reason, const char *detail);

#endif

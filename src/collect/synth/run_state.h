/* What a run of `sft synth` holds: for synth.c (the loop), synth_open.c (what is there), group.c (rows). */
#ifndef SFT_COLLECT_SYNTH_RUN_STATE_H
#define SFT_COLLECT_SYNTH_RUN_STATE_H

#include "collect/synth/client.h"
#include "collect/synth/filter.h"
#include "collect/synth/journal.h"
#include "collect/synth/prompts.h"
#include "collect/synth/row_files.h"
#include "collect/synth/tally.h"

/* Rows that are made one after another: those of a group, or the topics. */
struct group {
    enum group_state {
        GROUP_IDLE, /* has no rows */
        GROUP_ASKS, /* waits for an answer to its step n_answers */
        GROUP_HELD  /* was not allowed to ask: the budget is taken up by what is in flight */
    } state;
    bool is_topics;
    uint64_t first, n, at; /* rows first .. first + n; first + at is being made */
    struct plan_row row;
    struct journal_answer *answers; /* (n_answers) of it */
    struct prompt_answer *views;    /* (n_answers) the same, for prompts.h */
    size_t n_answers, capacity, views_capacity;
    uint64_t n_lost; /* attempts of its request that the budget has as lost */
    char *shared;    /* what the group's refusal is asked; NULL: no refusal has been made */
    size_t shared_len;
    struct arena arena; /* of the last row_next */
};

/* Why nothing is sent any more. */
enum run_end { RUN_GOES_ON, RUN_INTERRUPTED, RUN_OUT_OF_BUDGET, RUN_FAILED };

struct run {
    const struct recipe *recipe;
    const char *out, *api_key;
    const volatile int *stop;
    struct tally *tally;
    char hash[RECIPE_HASH_DIGITS + 1];
    struct journal *journal;
    struct row_files files;
    struct filter filter;
    struct client *client;
    struct plan plan;
    struct group topics;
    struct group *groups; /* (n_groups) side by side; a request's id is its group's number here, n_groups: topics */
    size_t n_groups;
    bool *is_done;      /* (count) */
    double row_needs;   /* requests, of most rows */
    uint64_t next_row;  /* the first that no group has had */
    struct arena arena; /* of rows that are read */
    enum run_end end;
    struct sft_err err;       /* of RUN_FAILED */
    size_t n_failed_in_a_row; /* requests */
    bool may_retry;           /* something has ended since groups were held */
    bool has_told_estimate, has_told_asking;
    double told_until; /* clock_seconds: the end of the last long wait that was told of */
};

/* Nothing is sent any more; the first reason stays. */
void run_end(struct run *run, enum run_end end);

/* The same for an error. */
void run_fail(struct run *run, const struct sft_err *err);

#endif

/* What a model card is made of (report/card.h). */
#ifndef SFT_REPORT_CARD_FACTS_H
#define SFT_REPORT_CARD_FACTS_H

#include "base/json.h"
#include "base/strbuf.h"
#include "files/peft/peft_config.h"

/* What only its author knows; NULL or empty: it is not told. All borrowed. */
struct card_options {
    const char *license;           /* the hub's id of it: "apache-2.0" */
    const char *base_model;        /* "ORG/NAME" on the hub, in place of what was recorded */
    struct string_list datasets;   /* "NAME" or "NAME=LICENCE" */
    struct string_list languages;  /* "en" */
    const json *evaluation;        /* what sft eval --prompts --json printed */
};

/* What a directory tells of how its model came to be. Zeroed where it is no checkpoint. */
struct card_record {
    json *state; /* trainer/state.json */
    json *eval;  /* the evaluation of its step, of the run's metrics.jsonl */
    bool is_damaged; /* it has a record, which cannot be read: it was trained, and that is all that is known */
};

/* What is not there is not told, and no error. SFT_EIO, SFT_EDATA: is_damaged, and why. Free with card_record_free in
 * any case. */
enum sft_status card_record_read(struct card_record *record, const char *dir, struct sft_err *err);
void card_record_free(struct card_record *record);

/* Whether a number that a file holds can be what it is to be: how many of something there are (whole, from 0), or a
 * share (0 to 1). What cannot be is not told. */
bool card_is_count(const json *x);
bool card_is_share(const json *x);

/* What begins the card's line with the model's name. */
#define CARD_HEADING "# "

/* What its commands let a model go on with that answers no turns. */
#define CARD_BEGINNING "The quick brown fox"

/* All that a card is made of. */
struct card {
    const char *name;         /* what the model is called */
    const char *file;         /* one that is a file: its name; NULL: a directory */
    const char *family, *dtype;
    size_t n_parameters;
    bool has_template;        /* it answers turns */
    const char *template;     /* the name of its chat template; NULL: none that sft knows */
    const char *snapshot;     /* "ORG/NAME@COMMIT" of one that came from the hub as it is; or NULL */
    const struct card_record *record;
    const struct peft_config *adapter; /* that was merged into its base; NULL: none was */
    const struct card_options *options;
    bool evaluated_before_rounding; /* options->evaluation is of weights that are not in this dtype yet */
};

#endif

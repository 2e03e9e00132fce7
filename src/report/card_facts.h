/* What a model card is made of (report/card.h). */
#ifndef SFT_REPORT_CARD_FACTS_H
#define SFT_REPORT_CARD_FACTS_H

#include "base/json.h"
#include "base/strbuf.h"

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
};

/* Never an error: what is not there, or not readable, is not told. Free with card_record_free. */
void card_record_read(struct card_record *record, const char *dir);
void card_record_free(struct card_record *record);

/* All that a card is made of. */
struct card {
    const char *name;         /* what the model is called */
    const char *file;         /* one that is a file: its name; NULL: a directory */
    const char *family, *dtype;
    size_t n_parameters;
    const char *template;     /* NULL: it answers no turns */
    const char *snapshot;     /* "ORG/NAME@COMMIT" of one that came from the hub as it is; or NULL */
    const struct card_record *record;
    const struct card_options *options;
};

#endif

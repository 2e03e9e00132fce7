/* What a run is: its settings, and fingerprints of the files that its paths name. Every checkpoint holds it,
 * and a run that continues must agree with it in all but what may change (see enum field_resume). */
#ifndef SFT_TRAIN_RECORD_H
#define SFT_TRAIN_RECORD_H

#include "base/json.h"
#include "config/settings.h"
#include "data/dataset.h"

/* The form of a checkpoint, as trainer/state.json tells it: raised where an older program would go on wrongly. 1 (also
 * what names none): the weights are those in the model's own files; 2: they may be in trainer/; 3: they may, too, and
 * pairs are compared, which an older program would go on with as if each answer were to be learned. RECORD_FORMAT: the
 * newest that is read here; a checkpoint names the oldest that does for it. */
enum {
    RECORD_FORMAT_PLAIN = 1,
    RECORD_FORMAT_MASTERS = 2,
    RECORD_FORMAT_PAIRS = 3,
    RECORD_FORMAT = RECORD_FORMAT_PAIRS
};

struct run_record {
    const struct settings *settings;
    const char *precision, *isa; /* as chosen: "fp32", "avx512" */
    uint64_t total_steps;
    struct strbuf base, train, eval; /* fingerprints of model.base, data.train, data.eval, */
    struct strbuf adapter;           /* of model.adapter; empty: there is none */
    struct strbuf prompts;           /* and of eval.prompts, where they decide which model is the best; else empty */
    struct strbuf counts;            /* what its data came to (run_record_count); empty: not known */
    struct strbuf old_base; /* that of model.base in records of 0.1 before Llama: of fewer files; it counts too */
};

void run_record_free(struct run_record *record);

/* Fingerprints of the base: "all:" and the XXH64 of all files that it is made of, and the old one. */
enum sft_status run_record_base(struct run_record *record, const char *base, struct sft_err *err);

/* Fingerprint of an adapter's files, in `dir`. */
enum sft_status run_record_adapter(struct run_record *record, const char *dir, struct sft_err *err);

/* Fingerprint of a dataset's own files: content, repetition and format of each, in order; empty for a split. */
void run_record_data(struct strbuf *fingerprint, const struct dataset *ds);

/* What the data came to, for who asks later what a model was made of; no run is held against it. */
void run_record_count(struct run_record *record, const struct dataset *train, const struct dataset *eval);

/* As JSON members, without braces: "settings":{...},"content":{...},... */
void run_record_write(const struct run_record *record, struct strbuf *out);

/* What was not set when the run began, nor is now, stays what it was, whatever the defaults are by now: put the
 * record's values into the settings, before anything is made of them. */
enum sft_status run_record_adopt(const json *recorded, struct settings *settings, struct sft_err *err);

/* Hold a run against what a checkpoint recorded: SFT_EUSAGE names the first setting that differs, with both
 * values and the remedy. Another ISA is fine: it is told in *isa_before (borrowed from `recorded`), else
 * NULL. */
enum sft_status run_record_check(const struct run_record *record, const json *recorded,
                                 const char **isa_before, struct sft_err *err);

#endif

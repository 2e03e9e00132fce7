/* The model card that goes with an export. */
#ifndef SFT_CMD_MODEL_CARD_H
#define SFT_CMD_MODEL_CARD_H

#include "cmd/cmd.h"
#include "cmd/model_argument.h"
#include "files/format.h"
#include "files/peft/peft_config.h"
#include "report/card.h"

/* What the options of a command line say of the card. */
struct model_card_options {
    const char *license, *base_model, *evaluation; /* the last: a file */
    struct string_list datasets, languages;
};

/* Their rows of a table of options, into o. */
#define MODEL_CARD_OPTIONS(o)                                                                                          \
    {"license", OPTION_STRING, &(o).license, "ID", "model card: its licence, as the hub calls it: apache-2.0"},        \
    {"base-model", OPTION_STRING, &(o).base_model, "ORG/NAME",                                                         \
     "model card: what it was fine-tuned from, on the hub (default: as the run was told)"},                            \
    {"dataset", OPTION_LIST, &(o).datasets, "NAME[=LICENCE]",                                                          \
     "model card: what it was trained on; may be repeated"},                                                           \
    {"language", OPTION_LIST, &(o).languages, "CODE", "model card: a language that it knows: en; may be repeated"},    \
    {"evaluation", OPTION_STRING, &(o).evaluation, "FILE",                                                             \
     "model card: refusals, as sft eval --prompts --json printed them (default: rates of the run's evaluation)"}

/* Of these the card's own, their file read; borrows the strings. SFT_EUSAGE, and errors of the file. Free `evaluation`
 * with json_free, in any case. */
enum sft_status model_card_choose(struct card_options *card, const struct model_card_options *options,
                                  json **evaluation, struct sft_err *err);

extern const char model_card_name[]; /* "README.md" */

/* Whether a card may stand in this directory: where there is no README.md, or one that sft wrote. */
bool model_card_has_place(const char *dir);

struct model_card_of {
    const struct model_argument *model;
    const char *path; /* where it will be: its name is the model's */
    const struct format *format;
    const struct dtype *dtype;
    const struct card_options *options;
    const struct model_config *config;
    size_t n_parameters;
    const struct peft_config *adapter; /* that was merged into it; NULL: none was */
    bool has_template;
    const char *template; /* its name; NULL: none that is known here */
};

/* Write README.md into directory `dir`, which need not be where it will be; append what it lacks (report/card.h). */
enum sft_status model_card_write(const char *dir, const struct model_card_of *of, struct strbuf *lacks,
                                 struct sft_err *err);

#endif

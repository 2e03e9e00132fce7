/* The model card: the README.md of a model that is given away, in the form of the Hugging Face hub
 * (https://github.com/huggingface/hub-docs/blob/main/modelcard.md): front matter in YAML, which the hub searches by,
 * and a text for people. It says what is known and leaves out the rest; of files it tells names, never where they
 * lay. */
#ifndef SFT_REPORT_CARD_H
#define SFT_REPORT_CARD_H

#include "report/card_facts.h"

/* SFT_EUSAGE names the option that is none: a licence or a language that is not one word, a base that is no name on the
 * hub, an evaluation without rates, or with
 * numbers that cannot be. */
enum sft_status card_options_check(const struct card_options *options, struct sft_err *err);

/* Append what it should have for the hub, and only its author knows: "a licence and a base model (--license,
 * --base-model)"; nothing where it has both, or is of a model that has no base. */
void card_add_lacks(const struct card *card, struct strbuf *out);

/* Append the file's text. Its second line says that sft wrote it (files/written.h). */
void card_write(const struct card *card, struct strbuf *out);

#endif

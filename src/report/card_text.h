/* What a card tells people. */
#ifndef SFT_REPORT_CARD_TEXT_H
#define SFT_REPORT_CARD_TEXT_H

#include "report/card_origin.h"

/* Of a dataset "NAME=LICENCE", or "NAME": NAME's length, and whether it is a name on the hub. */
size_t card_dataset_name_len(const char *dataset);
bool card_dataset_is_on_hub(const char *dataset);

/* Append the card's text, in Markdown. */
void card_add_text(struct strbuf *out, const struct card *card, const struct card_origin *origin);

#endif

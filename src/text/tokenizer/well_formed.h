/* Text as UTF-8, whatever its bytes are: each maximal ill-formed part counts as one U+FFFD. */
#ifndef SFT_TEXT_TOKENIZER_WELL_FORMED_H
#define SFT_TEXT_TOKENIZER_WELL_FORMED_H

#include "text/tokenizer/text_map.h"

/* Well-formed text[0..len), itself, or as it was repaired in `repaired`, whose length *len becomes. */
const char *well_formed(struct text_map *repaired, bool has_origins, const char *text, size_t *len);

#endif

/* YAML out, as much of it as a model card's front matter takes. */
#ifndef SFT_REPORT_CARD_YAML_H
#define SFT_REPORT_CARD_YAML_H

#include "base/strbuf.h"

/* Append a string (s[0..len), UTF-8) that any reader of YAML 1.1 or 1.2 takes for just that string: as it stands where
 * it is a plain word, else in double quotes, with escapes for what is not printable. So "no" is no boolean, nor "1e3" a
 * number. */
void yaml_add_string(struct strbuf *out, const char *s, size_t len);

#endif

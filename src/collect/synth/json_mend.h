/* Strict JSON out of what a model wrote for JSON (structured.h lists the slips). Bytes in, bytes out: what it is for is
 * nobody's business here. */
#ifndef SFT_COLLECT_SYNTH_JSON_MEND_H
#define SFT_COLLECT_SYNTH_JSON_MEND_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

enum { JSON_MEND_DEPTH = 32 };

/* Append the object or array that text[0..len) begins with; *used: the bytes that it is made of. NULL, or what could
 * not be mended, with *used its place; then what was appended means nothing. One pass over the text, and whatever
 * becomes of it, json_parse has the last word. */
const char *json_mend(const char *text, size_t len, struct strbuf *out, size_t *used);

#endif

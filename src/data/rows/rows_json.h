/* How rows lie in a JSON text, where that is more than lines or an array; for rows.c, and for the question below. */
#ifndef SFT_DATA_ROWS_ROWS_JSON_H
#define SFT_DATA_ROWS_ROWS_JSON_H

#include "base/err.h"
#include "base/json.h"

#include <stddef.h>

/* Begin scanning text[0..len). One object that is the whole file and holds its rows in a list, as {"data": [...]} or
 * {"version": 1, "rows": [...]}, is scanned as that list; [{"role", "content"}, ...] is one row, a conversation,
 * and not a list of rows. SFT_EDATA where it holds several such lists, or where the text is no JSON at all but
 * YAML, Python, XML or CSV: "is YAML, not JSON (...)", once for the file. */
enum sft_status rows_json_begin(struct json_scanner *scanner, const char *text, size_t len, struct sft_err *err);

/* Whether a text that is called CSV, or plain text, is JSON: it begins with a JSON object, or with an array of them. */
bool rows_json_is_it(const char *text, size_t len);

/* The row at the front of *row, which is then what is left of the line: mostly nothing. A list of messages becomes
 * {"messages": [...]}, one of turns {"conversations": [...]}. After an error *row is what it was. */
enum sft_status rows_json_parse(struct json_element *row, json **root, struct sft_err *err);

#endif

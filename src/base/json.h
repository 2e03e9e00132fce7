/* JSON in: strict, case-sensitive, with places. The only room that uses cJSON.
 *
 * cJSON alone cuts strings at \u0000, matches keys whatever their case, takes the first of two equal
 * keys, and accepts text after the document and strings that are not UTF-8; each of these is an error here,
 * said as such, and so are lone surrogates and nesting deeper than JSON_MAX_DEPTH (json_check.h).
 *
 * NaN, Infinity and -Infinity, which RFC 8259 does not have, are values, as they are for Python's json and so for
 * pandas and for transformers' configurations (Mamba-2's has an Infinity): a row is not lost for a column that
 * nobody reads. They are no numbers here (json_is_number): who reads one says "expected a number, found NaN". */
#ifndef SFT_BASE_JSON_H
#define SFT_BASE_JSON_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct cJSON json; /* a node; owned by its document's root */

/* Parse text[0..len), the whole of it, white space around it allowed. On SFT_EDATA the error's line and
 * column say where (line 0 where the text is a single line).
 * The caller frees *root with json_free. */
enum sft_status json_parse(const char *text, size_t len, json **root, struct sft_err *err);

/* Parse the document that text[0..len) begins with. *used: the bytes up to what follows it and the white space
 * around it, len where nothing does; set after an error too, where it means nothing. */
enum sft_status json_parse_first(const char *text, size_t len, size_t *used, json **root, struct sft_err *err);

/* Read and parse a file; errors have its path. One that is something else altogether (a Git LFS pointer, a
 * web page: base/magic.h) is called that, rather than wrong JSON. */
enum sft_status json_parse_file(const char *path, json **root, struct sft_err *err);
void json_free(json *root);

bool json_is_object(const json *node); /* these accept NULL: false */
bool json_is_array(const json *node);
bool json_is_string(const json *node);
bool json_is_number(const json *node); /* a finite one */
bool json_is_bool(const json *node);
bool json_is_true(const json *node);
bool json_is_null(const json *node); /* an explicit null */
const char *json_type_name(const json *node); /* "a string", "null", "NaN", "missing" for NULL: for messages */

bool json_is_strict(const json *node); /* RFC 8259 has all that is in it: no NaN, no infinity; NULL: true */

const json *json_get(const json *object, const char *key); /* NULL if absent or object is none */
size_t json_size(const json *array_or_object);
const json *json_first(const json *array_or_object); /* first child or NULL; then json_next */
const json *json_next(const json *node);
const char *json_key(const json *node);    /* of an object's child */
const char *json_string(const json *node); /* NULL if it is no string */
double json_number(const json *node);      /* NaN if it is no number */

/* A note of the caller's on a node, from 0 (as parsed) to JSON_MARK_MAX: what of a row has been read. It is no part
 * of the value, so that a const node takes one. */
enum { JSON_MARK_MAX = 7 };
void json_set_mark(const json *node, unsigned mark); /* NULL is fine */
unsigned json_mark(const json *node);

/* Typed look-ups with a default for an absent (or null) key; a wrong type is an SFT_EDATA "KEY: expected ...". */
enum sft_status json_get_size(const json *object, const char *key, size_t fallback, size_t *out, struct sft_err *err);
enum sft_status json_get_double(const json *object, const char *key, double fallback, double *out,
                                struct sft_err *err);
enum sft_status json_get_bool(const json *object, const char *key, bool fallback, bool *out, struct sft_err *err);
enum sft_status json_get_string(const json *object, const char *key, const char *fallback, const char **out,
                                struct sft_err *err); /* borrowed from the node */

/* ---- editing and writing, for files that are somebody else's with a few values of ours ---- */
json *json_new_object(void);
void json_set_string(json *object, const char *key, const char *value); /* add or replace */
void json_set_number(json *object, const char *key, double value);
void json_set_bool(json *object, const char *key, bool value);
void json_set_null(json *object, const char *key);
void json_set_node(json *object, const char *key, json *value); /* takes ownership of value */
json *json_copy(const json *node);                              /* deep; the caller's */
void json_remove(json *object, const char *key);
void json_rename(json *node, const char *key);                    /* of an object's child */
void json_move(json *object, json *child, json *to);              /* a child of one object becomes another's last */
void json_print(const json *node, struct strbuf *out); /* indented, as Hugging Face writes its files */
void json_print_line(const json *node, struct strbuf *out); /* on one line, without blanks */

/* As Python prints it, json.dumps(json.loads(text), ensure_ascii=False): a blank after each comma and colon, keys in
 * their order, whole numbers as they were written, any other as repr gives the double (1.50 is 1.5, 1e3 is 1000.0).
 * This is what the filter tojson of transformers' chat templates gives. */
void json_dumps(const json *node, struct strbuf *out);

/* ---- splitting a big file into elements without parsing it ----
 *
 * A scanner walks over the elements of a top-level array (or of several, one after another), or over the lines of
 * JSON Lines, so that one bad element costs one row and a large file is never a tree in memory.
 *
 * A line is a row. Where it begins an object (or an array) and does not end it, the object goes on over further lines,
 * as jq and json.dump(indent=2) write it, and is a row from its first line to its last; a comma between such objects
 * is passed over. One with a mistake in it ends at its closing bracket, or where the next line begins as its first one
 * did. A line that begins and ends like an object is not looked into: it may hold several (json_parse_first). */
struct json_element {
    const char *text;
    size_t len;
    size_t line; /* 1-based line of its first character */
};
struct json_scanner {
    const char *text;
    size_t len, pos, line;
    bool is_array, done;
    bool skips_comma; /* before the next element: it is missing, and that has been told */
};

/* Skips a UTF-8 byte-order mark and white space; an opening '[' makes it an array, anything else lines. */
void json_scanner_init(struct json_scanner *scanner, const char *text, size_t len);

/* The next element: SFT_OK and *found true; at the end *found false. Blank lines are skipped. SFT_EDATA
 * where an array's structure is broken beyond this element, with the line; what follows is not looked at, the
 * scanner done, but where only the comma before an object is missing: then the next call gives that object. */
enum sft_status json_scanner_next(struct json_scanner *scanner, struct json_element *element, bool *found,
                                  struct sft_err *err);

/* Past the value at p < end, well-formed or not: by its brackets of the first one's kind, or its quote, or up to what
 * cannot be of a number or a word. NULL where the end cannot be told. */
const char *json_skip_element(const char *p, const char *end);

#endif

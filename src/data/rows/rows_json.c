#include "data/rows/rows_json.h"

#include "base/strbuf.h"
#include "data/rows/csv.h"
#include "data/rows/row_keys.h"

#include <stdbool.h>
#include <string.h>

/* Names that lists of rows go by. */
static const char *const list_names[] = {"data",    "rows",  "train", "test",    "validation", "eval",
                                         "examples", "items", "samples", "records", "instances",  "dataset"};

static const char *const own_keys[] = {ROW_OWN_KEYS};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool has_own_turns(const json *node)
{
    return json_get(node, "messages") || json_get(node, "conversations");
}

/* Whether an object has the keys of a turn, as opposed to those of a row. */
static bool is_turn(const json *node)
{
    return (json_get(node, "role") || json_get(node, "from")) && !has_own_turns(node);
}

/* Whether a text of the object is what somebody said: its list is a conversation, not documents. */
static bool has_speaker(const json *node)
{
    return json_get(node, "speaker") || json_get(node, "sender");
}

static bool is_row(const json *node)
{
    for (const json *child = json_is_object(node) ? json_first(node) : NULL; child; child = json_next(child))
        if (str_is_one_of(json_key(child), strlen(json_key(child)), own_keys, COUNT(own_keys)))
            return true;
    return false;
}

/* The first element of the array that the scanner is in; NULL where there is none that can be read. */
static json *peek(struct json_scanner scanner, struct json_element *element)
{
    bool found = false;
    json *root = NULL;
    size_t used;
    if (!json_scanner_next(&scanner, element, &found, NULL) && found)
        json_parse_first(element->text, element->len, &used, &root, NULL);
    return root;
}

/* ---- an object that holds the rows ---- */

/* The lists of rows that an object has. */
struct lists {
    const char *first; /* past the first one's '[' */
    size_t first_len;  /* from there to past its ']' */
    size_t n;
    bool is_row; /* the object has a row's key besides */
    size_t n_members, n_columns; /* of those that hold a column of values: {"0": ...}, ["...", ...] */
    struct strbuf names;
};

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p) && *p)
        p++;
    return p;
}

static void look_at_list(struct lists *lists, const char *key, size_t key_len, const char *value, size_t len)
{
    struct json_scanner scanner;
    struct json_element element;
    json_scanner_init(&scanner, value, len);
    json *root = peek(scanner, &element);
    const bool is_named = str_is_one_of(key, key_len, list_names, COUNT(list_names));
    const bool is_turns = is_turn(root) || has_speaker(root) ||
                          (str_is_one_of(key, key_len, own_keys, COUNT(own_keys)) && !has_own_turns(root));
    const bool is_list = (is_named && (json_is_object(root) || json_is_array(root)) && !is_turns) ||
                         (is_row(root) && !is_turns) || (json_is_array(root) && is_turn(json_first(root)));
    json_free(root);
    if (!is_list) {
        lists->is_row = lists->is_row || str_is_one_of(key, key_len, own_keys, COUNT(own_keys));
        return;
    }
    if (lists->n++ == 0) {
        lists->first = value + 1;
        lists->first_len = len - 1;
    }
    strbuf_printf(&lists->names, "%s%.*s", lists->names.len ? ", " : "", (int)(key_len < 40 ? key_len : 40), key);
}

/* A column, as pandas' to_json writes one by default and a dict of lists has one. */
static bool is_column(const char *value, const char *end)
{
    const char *first = skip_space(value + 1, end);
    return first < end && ((*value == '[' && *first == '"') ||
                           (*value == '{' && end - first > 3 && memcmp(first, "\"0\"", 3) == 0));
}

/* Look at the members of the object that the text begins with, by their brackets alone; false where that is not
 * possible, or where something follows it. */
static bool find_lists(const char *p, const char *end, struct lists *lists)
{
    do {
        p = skip_space(p + 1, end);
        const char *key = p + 1;
        if (p == end || *p != '"' || !(p = json_skip_element(p, end)))
            return false;
        const size_t key_len = (size_t)(p - key) - 1;
        p = skip_space(p, end);
        if (p == end || *p != ':')
            return false;
        const char *value = skip_space(p + 1, end);
        if (value == end || !(p = json_skip_element(value, end)) || p == value)
            return false;
        lists->n_members++;
        lists->n_columns += is_column(value, end);
        if (*value == '[')
            look_at_list(lists, key, key_len, value, (size_t)(p - value));
        else
            lists->is_row = lists->is_row || str_is_one_of(key, key_len, own_keys, COUNT(own_keys));
        p = skip_space(p, end);
    } while (p < end && *p == ',');
    return p < end && *p == '}' && skip_space(p + 1, end) == end;
}

/* Whether the text is lines that are objects, by the first line's end and the next one's beginning: then it need not
 * be looked through. */
static bool is_lines(const char *text, const char *end)
{
    const char *newline = memchr(text, '\n', (size_t)(end - text)), *p = newline;
    if (!newline)
        return false;
    while (p > text && strchr(" \t\r", p[-1]))
        p--;
    const char *next = skip_space(newline, end);
    return p > text && p[-1] == '}' && next < end && *next == '{';
}

static enum sft_status enter_list(struct json_scanner *scanner, struct sft_err *err)
{
    const char *text = scanner->text, *start = text + scanner->pos, *end = text + scanner->len;
    struct lists lists = {0};
    enum sft_status status = SFT_OK;
    if (start == end || *start != '{' || is_lines(start, end))
        return SFT_OK;
    const bool is_alone = find_lists(start, end, &lists);
    if (is_alone && lists.n_columns > 1 && lists.n_columns == lists.n_members) {
        status = sft_fail(err, SFT_EDATA,
                          "is a table by its columns (pandas writes rows with orient=\"records\", lines=True)");
    } else if (is_alone && !lists.is_row && lists.n > 1) {
        status = sft_fail(err, SFT_EDATA,
                          "is one object with several lists of rows, %s (make a file of each, as "
                          "jq -c '.train[]' does)",
                          lists.names.data);
    } else if (is_alone && lists.n == 1 && !lists.is_row && lists.first_len > 0) {
        scanner->line += csv_count_lines(start, lists.first);
        scanner->pos = (size_t)(lists.first - text);
        scanner->len = scanner->pos + lists.first_len;
        scanner->is_array = true;
    }
    strbuf_free(&lists.names);
    return status;
}

/* ---- what is no JSON ---- */

static bool begins_with(const char *p, const char *end, const char *what)
{
    const size_t n = strlen(what);
    return (size_t)(end - p) >= n && memcmp(p, what, n) == 0;
}

/* {'key': ...} or [{'key': ...}, ...] */
static bool is_python(const char *p, const char *end)
{
    while (p < end && (*p == '{' || *p == '['))
        p = skip_space(p + 1, end);
    return p < end && *p == '\'';
}

/* "- item", "key: value", "key:", "---" */
static bool is_yaml(const char *p, const char *end)
{
    if (begins_with(p, end, "---") || begins_with(p, end, "- "))
        return true;
    while (p < end && *p == '#') { /* comments */
        p = memchr(p, '\n', (size_t)(end - p));
        p = p ? skip_space(p, end) : end;
    }
    const char *name = p;
    while (p < end && ((*p | 0x20) >= 'a' || *p == '_' || *p == '-') && (unsigned char)*p < 0x7F)
        p++;
    return p > name && p < end && *p == ':' && (p + 1 == end || strchr(" \r\n", p[1]));
}

/* The name of its separator where a text's first lines are a table's; a blank behind it is prose. */
static const char *csv_kind(const char *p, const char *end)
{
    const char delimiter = csv_find_delimiter(p, end, '\0'), *header_end = csv_record_end(p, end, delimiter);
    return delimiter && header_end && !memmem(p, (size_t)(header_end - p), ", ", 2) ? csv_name(delimiter) : NULL;
}

static enum sft_status name_other(const char *p, const char *end, struct sft_err *err)
{
    const char *separator;
    if (*p == '{' || *p == '[') {
        if (!is_python(p, end))
            return SFT_OK;
        return sft_fail(err, SFT_EDATA, "is Python's own notation, not JSON (write each row with json.dumps)");
    }
    if (*p == '<')
        return sft_fail(err, SFT_EDATA, "is XML, not JSON (write its rows as JSON Lines or CSV)");
    if (is_yaml(p, end))
        return sft_fail(err, SFT_EDATA, "is YAML, not JSON (write its rows as JSON Lines: json.dumps of each, a line "
                                        "each)");
    if ((separator = csv_kind(p, end)))
        return sft_fail(err, SFT_EDATA, "is a table separated by %s, not JSON (FILE:csv reads it as CSV)", separator);
    return sft_fail(err, SFT_EDATA, "is not JSON (a row is an object in a line, {\"messages\": ...}; FILE:txt takes "
                                    "plain text)");
}

/* A row, or a value that is at least all of a line. What is too long for a row holds the rows: no tree is made of it,
 * its beginning has to do. */
static bool is_json(const struct json_element *element)
{
    enum { LONG = 1 << 24 };
    json *root;
    size_t used;
    const char *text = element->text;
    if (element->len > LONG)
        return (*text == '{' || *text == '[') && !is_python(text, text + element->len);
    if (json_parse_first(text, element->len, &used, &root, NULL))
        return false;
    const bool is_it = json_is_object(root) || json_is_array(root) || used == element->len;
    json_free(root);
    return is_it;
}

/* An error where none of the first elements is JSON, and none can be a bad row: it can be told what they are, or the
 * first does not begin as a row does. */
static enum sft_status refuse_other(struct json_scanner scanner, struct sft_err *err)
{
    enum { LOOKED_AT = 32 };
    const char *p = scanner.text + scanner.pos - scanner.is_array, *end = scanner.text + scanner.len;
    for (size_t i = 0; i < LOOKED_AT && !scanner.done; i++) {
        struct json_element element;
        bool found = false;
        if (json_scanner_next(&scanner, &element, &found, NULL) || !found)
            break;
        if (is_json(&element))
            return SFT_OK;
    }
    p = skip_space(p, end);
    return p < end ? name_other(p, end, err) : SFT_OK;
}

/* ---- beginning ---- */

/* [{"role", "content"}, ...] is a row. */
static void stay_outside(struct json_scanner *scanner)
{
    struct json_element element;
    json *first = scanner->is_array ? peek(*scanner, &element) : NULL;
    if (is_turn(first)) {
        scanner->is_array = false;
        scanner->pos--;
    }
    json_free(first);
}

enum sft_status rows_json_begin(struct json_scanner *scanner, const char *text, size_t len, struct sft_err *err)
{
    json_scanner_init(scanner, text, len);
    stay_outside(scanner);
    if (refuse_other(*scanner, err))
        return SFT_EDATA;
    return scanner->is_array ? SFT_OK : enter_list(scanner, err);
}

bool rows_json_is_it(const char *text, size_t len)
{
    struct json_scanner scanner;
    struct json_element element;
    json_scanner_init(&scanner, text, len);
    if (scanner.pos == len || (text[scanner.pos] != '{' && !scanner.is_array))
        return false;
    json *first = peek(scanner, &element);
    const bool is_it = json_is_object(first);
    json_free(first);
    return is_it;
}

/* ---- a row ---- */

static void wrap_list(json **root)
{
    const json *first = json_is_array(*root) ? json_first(*root) : NULL;
    if (!is_turn(first))
        return;
    json *row = json_new_object();
    json_set_node(row, json_get(first, "role") ? "messages" : "conversations", *root);
    *root = row;
}

/* {"row_idx": 0, "row": {...}, ...}, as the Hugging Face hub's server of rows gives them, is its row. */
static void unwrap_row(json **root)
{
    const json *row = json_get(*root, "row_idx") ? json_get(*root, "row") : NULL;
    if (!json_is_object(row))
        return;
    json *copy = json_copy(row);
    json_free(*root);
    *root = copy;
}

enum sft_status rows_json_parse(struct json_element *row, json **root, struct sft_err *err)
{
    size_t used;
    if (json_parse_first(row->text, row->len, &used, root, err))
        return SFT_EDATA;
    const char *end = row->text + row->len, *p = row->text + used;
    if (p < end && *p == ',')
        p = skip_space(p + 1, end);
    if (p < end && *p != '{' && *p != '[') { /* that is no further row, and spoils this one */
        json_free(*root);
        return json_parse(row->text, row->len, root, err);
    }
    row->text = p;
    row->len = (size_t)(end - p);
    wrap_list(root);
    unwrap_row(root);
    return SFT_OK;
}

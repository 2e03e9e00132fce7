#include "data/readers/reader_fields.h"

#include <string.h>

/* ---- errors ---- */

enum sft_status reader_fail_type(const json *node, const char *expected, struct sft_err *err)
{
    if (!node)
        return sft_fail(err, SFT_EDATA, "missing");
    return sft_fail(err, SFT_EDATA, "expected %s, found %s", expected, json_type_name(node));
}

/* ---- fields ---- */

const json *reader_get(const json *row, const char *key)
{
    const json *node = json_get(row, key);
    return json_is_null(node) ? NULL : mark_read(node);
}

static bool is_present(const json *row, const char *key)
{
    const json *node = json_get(row, key);
    return node && !json_is_null(node);
}

const char *reader_either(const json *row, const char *a, const char *b)
{
    return is_present(row, a) || !is_present(row, b) ? a : b;
}

enum sft_status reader_get_string(const json *row, const char *key, bool required, const char **out,
                                  struct sft_err *err)
{
    const json *node = mark_read(json_get(row, key));
    *out = json_string(node);
    if (*out || (!required && (!node || json_is_null(node))))
        return SFT_OK;
    reader_fail_type(node, "a string", err);
    return sft_in_key(err, "%s", key);
}

enum sft_status reader_get_list(const json *row, const char *key, const json **out, struct sft_err *err)
{
    *out = mark_read(json_get(row, key));
    if (json_is_array(*out) && json_first(*out))
        return SFT_OK;
    const char *text = json_string(*out);
    if (json_is_array(*out))
        sft_fail(err, SFT_EDATA, "the list is empty");
    else if (text && text[strspn(text, " \t\r\n")] == '[')
        sft_fail(err, SFT_EDATA, "expected an array, found a string that holds one (json.loads makes an array of "
                                 "JSON, ast.literal_eval of Python's notation)");
    else
        reader_fail_type(*out, "an array", err);
    return sft_in_key(err, "%s", key);
}

bool reader_is_blank(const char *s)
{
    return !s || s[strspn(s, " \t\r\n")] == '\0';
}

bool reader_is_blank_string(const json *node)
{
    return json_is_string(node) && reader_is_blank(json_string(node));
}

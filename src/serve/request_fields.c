#include "serve/request_fields.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const json *field_get(const json *object, const char *key)
{
    const json *node = json_get(object, key);
    return json_is_null(node) ? NULL : node;
}

enum sft_status field_fail_type(const json *node, const char *expected, struct sft_err *err)
{
    if (!node)
        return sft_fail(err, SFT_EDATA, "missing");
    return sft_fail(err, SFT_EDATA, "expected %s, found %s", expected, json_type_name(node));
}

static enum sft_status in_key(const char *key, struct sft_err *err)
{
    return sft_in_key(err, "%s", key);
}

enum sft_status field_bool(const json *object, const char *key, bool *out, struct sft_err *err)
{
    return json_get_bool(object, key, *out, out, err);
}

enum sft_status field_string(const json *object, const char *key, const char **out, struct sft_err *err)
{
    return json_get_string(object, key, *out, out, err);
}

enum sft_status field_number(const json *object, const char *key, double low, double high, double *out,
                             struct sft_err *err)
{
    const json *node = field_get(object, key);
    if (!node)
        return SFT_OK;
    const double x = json_number(node);
    if (!json_is_number(node)) {
        field_fail_type(node, "a number", err);
        return in_key(key, err);
    }
    if (x < low || x > high)
        return sft_fail_in(err, SFT_EDATA, key, "expected a number from %g to %g, found %g", low, high, x);
    *out = x;
    return SFT_OK;
}

/* The value of a number's text; false where it is not whole, or not in 64 bits. */
static bool parse_whole(const char *text, int64_t *out)
{
    static const double exact_max = 9007199254740992.0; /* 2^53 */
    char *end;
    if (strpbrk(text, ".eE")) {
        const double x = strtod(text, NULL);
        *out = fabs(x) <= exact_max ? (int64_t)x : 0;
        return fabs(x) <= exact_max && x == floor(x);
    }
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

enum sft_status whole_number(const json *node, int64_t low, int64_t high, int64_t *out, struct sft_err *err)
{
    struct strbuf text = {0};
    int64_t x;
    enum sft_status status = SFT_OK;
    if (!json_is_number(node))
        return field_fail_type(node, "a whole number", err);
    json_print_line(node, &text); /* as it was written: a double has 53 bits */
    if (!parse_whole(text.data, &x) || x < low || x > high)
        status = sft_fail(err, SFT_EDATA, "expected a whole number from %" PRId64 " to %" PRId64 ", found %.80s", low,
                          high, text.data);
    else
        *out = x;
    strbuf_free(&text);
    return status;
}

enum sft_status field_whole(const json *object, const char *key, int64_t low, int64_t high, int64_t *out,
                            struct sft_err *err)
{
    const json *node = field_get(object, key);
    if (!node || whole_number(node, low, high, out, err) == SFT_OK)
        return SFT_OK;
    return in_key(key, err);
}

enum sft_status field_whole_or_all(const json *object, const char *key, int64_t low, int64_t high, int64_t *out,
                                   struct sft_err *err)
{
    const json *node = field_get(object, key);
    struct strbuf text = {0};
    int64_t x;
    enum sft_status status = SFT_OK;
    if (!node || !json_is_number(node))
        return node ? field_whole(object, key, low, high, out, err) : SFT_OK;
    json_print_line(node, &text);
    if (!parse_whole(text.data, &x) || (x != -1 && (x < low || x > high)))
        status = sft_fail_in(err, SFT_EDATA, key,
                             "expected a whole number from %" PRId64 " to %" PRId64 ", or -1 for as many as fit, "
                             "found %.80s", low, high, text.data);
    else
        *out = x;
    strbuf_free(&text);
    return status;
}

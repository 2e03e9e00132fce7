#include "text/name_regex.h"

#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 1000 * 1000 };

struct name_regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    bool gave_up;
};

static pcre2_code *compile(const char *text, struct sft_err *err)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                         PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, &code, &at,
                                         NULL);
    if (!compiled) {
        unsigned char why[128];
        pcre2_get_error_message(code, why, sizeof why);
        sft_fail(err, SFT_EDATA, "'%s' is no regular expression: %s", text, (const char *)why);
    }
    return compiled;
}

enum sft_status name_regex_compile(struct name_regex **out, const char *before, const char *pattern, const char *after,
                                   struct sft_err *err)
{
    *out = NULL;
    pcre2_code *alone = compile(pattern, err); /* or a bracket that it lacks would be found in `after` */
    if (!alone)
        return SFT_EDATA;
    pcre2_code_free(alone);
    char *whole = mem_printf("%s%s%s", before, pattern, after);
    pcre2_code *code = compile(whole, err);
    free(whole);
    if (!code)
        return SFT_EDATA;
    struct name_regex *regex = *out = mem_calloc(1, sizeof *regex);
    regex->code = code;
    regex->data = pcre2_match_data_create_from_pattern(code, NULL);
    regex->context = pcre2_match_context_create(NULL);
    if (!regex->data || !regex->context)
        SFT_BUG("out of memory");
    pcre2_set_match_limit(regex->context, STEPS_MAX);
    return SFT_OK;
}

void name_regex_free(struct name_regex *regex)
{
    if (!regex)
        return;
    pcre2_match_context_free(regex->context);
    pcre2_match_data_free(regex->data);
    pcre2_code_free(regex->code);
    free(regex);
}

bool name_regex_match(struct name_regex *regex, const char *name, size_t *end)
{
    const int rc = pcre2_match(regex->code, (PCRE2_SPTR)name, strlen(name), 0, 0, regex->data, regex->context);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        regex->gave_up = true;
    if (rc >= 0 && end)
        *end = pcre2_get_ovector_pointer(regex->data)[1];
    return rc >= 0;
}

bool name_regex_gave_up(const struct name_regex *regex)
{
    return regex && regex->gave_up;
}

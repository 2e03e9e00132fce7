#include "data/readers/reader_flags.h"

#include "data/readers/reader_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum flag_kind {
    FLAG_NUMBER, /* or a switch */
    FLAG_SWITCH,
    FLAG_MASK /* a switch the other way round */
};

static const struct flag {
    const char *name;
    enum flag_kind kind;
    bool of_rows_only;
} flags[] = {
    {"weight", FLAG_NUMBER, false},        {"loss_weight", FLAG_NUMBER, false},
    {"loss_scale", FLAG_NUMBER, false},    {"train", FLAG_SWITCH, false},
    {"training", FLAG_SWITCH, false},      {"trainable", FLAG_SWITCH, false},
    {"is_trainable", FLAG_SWITCH, false},  {"loss", FLAG_SWITCH, false},
    {"masked", FLAG_MASK, false},          {"sample_weight", FLAG_NUMBER, true},
    {"example_weight", FLAG_NUMBER, true},
};

static const char initials[] = "wltimse"; /* of the flags */

/* sums of weights and their inverses are floats: neither may overflow */
static const double least = 1e-30, most = 1e30;

static const struct flag *find_flag(const char *key, bool is_row)
{
    if (!strchr(initials, key[strspn(key, "_- ")] | 0x20)) /* mostly it is another key: role, content */
        return NULL;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if ((is_row || !flags[i].of_rows_only) && names_equal(flags[i].name, key))
            return &flags[i];
    return NULL;
}

bool reader_is_flag(const char *key, bool is_row)
{
    return find_flag(key, is_row) != NULL;
}

/* A switch or a number as text, as every value of a CSV file is. */
static bool parse_text(const char *text, double *value)
{
    static const char *const names[] = {"false", "true"};
    char *end;
    for (size_t i = 0; i < 2; i++)
        if (names_equal(text, names[i])) {
            *value = (double)i;
            return true;
        }
    if (text[strspn(text, "0123456789+-.eE")])
        return false;
    *value = strtod(text, &end);
    return end != text && *end == '\0';
}

/* What a flag says; a text only where a row may be a line of a table. */
static enum sft_status read_flag(const json *node, const struct flag *flag, bool is_row, double *value,
                                 struct sft_err *err)
{
    const char *expected = flag->kind == FLAG_NUMBER ? "0, or a number from 1e-30 to 1e30" : "true or false";
    const char *text = is_row ? json_string(node) : NULL;
    *value = json_is_bool(node) ? json_is_true(node) : json_number(node);
    if (!json_is_bool(node) && !json_is_number(node) && !(text && parse_text(text, value))) {
        if (text)
            sft_fail(err, SFT_EDATA, "expected %s, found '%.40s'", expected, text);
        else
            reader_fail_type(node, expected, err);
    } else if (flag->kind == FLAG_NUMBER ? *value == 0 || (*value >= least && *value <= most)
                                         : *value == 0 || *value == 1) {
        if (flag->kind == FLAG_MASK)
            *value = 1 - *value;
        *value = *value > 0 ? *value : 0; /* no -0 */
        return SFT_OK;
    } else {
        sft_fail(err, SFT_EDATA, "expected %s, found %g", expected, *value);
    }
    if (is_row || flag->kind != FLAG_NUMBER)
        sft_remark(err, " ([data] columns = %s:ignore passes it over)", json_key(node));
    return sft_in_key(err, "%s", json_key(node));
}

static bool agree(const struct flag *a, double x, const struct flag *b, double y)
{
    return (x > 0) == (y > 0) && !(a->kind == FLAG_NUMBER && b->kind == FLAG_NUMBER && (x < y || x > y));
}

/* All flags of an object. *value stays where there is none; *asks: a switch says to train it. */
static enum sft_status read_flags(const json *object, bool is_row, double *value, bool *asks,
                                  struct sft_err *err)
{
    const struct flag *first = NULL;
    const char *first_key = NULL;
    double before = 0;
    *asks = false;
    for (const json *child = json_first(object); child; child = json_next(child)) {
        const struct flag *flag = json_is_null(child) ? NULL : find_flag(json_key(child), is_row);
        double now;
        if (!flag || (is_row && reader_is_blank_string(child)))
            continue;
        if (read_flag(mark_read(child), flag, is_row, &now, err))
            return SFT_EDATA;
        if (first && !agree(first, before, flag, now))
            return sft_fail_in(err, SFT_EDATA, first_key, "contradicts %s (keep one of them)", json_key(child));
        *asks = *asks || (flag->kind != FLAG_NUMBER && now > 0);
        if (!first || flag->kind == FLAG_NUMBER) { /* a number says how much */
            *value = before = now;
            first = flag;
            first_key = json_key(child);
        }
    }
    return SFT_OK;
}

/* The switches of a turn that is never trained, which say that it is. */
static void refuse_flags(const json *turn)
{
    for (const json *child = json_first(turn); child; child = json_next(child)) {
        const struct flag *flag = find_flag(json_key(child), false);
        if (flag && flag->kind != FLAG_NUMBER && !json_is_null(child))
            json_set_mark(child, MARK_REFUSED);
    }
}

enum sft_status reader_get_weight(const json *turn, enum role role, float fallback, float *weight,
                                  struct sft_err *err)
{
    double value = (double)fallback;
    bool asks;
    if (read_flags(turn, false, &value, &asks, err))
        return SFT_EDATA;
    if (asks && role != ROLE_ASSISTANT)
        refuse_flags(turn);
    *weight = (float)value;
    return SFT_OK;
}

enum sft_status reader_scale_row(const json *row, struct conversations *list, struct sft_err *err)
{
    double value = 1;
    bool asks;
    if (read_flags(row, true, &value, &asks, err))
        return SFT_EDATA;
    for (size_t c = 0; c < list->count && !(value == 1); c++)
        for (size_t i = 0; i < list->items[c].count; i++) {
            struct message *m = &list->items[c].messages[i];
            const double scaled = (double)m->weight * value;
            if (scaled != 0 && !(scaled >= least && scaled <= most))
                return sft_fail(err, SFT_EDATA, "the row's weight %g times a turn's %g is out of range",
                                value, (double)m->weight);
            m->weight = (float)scaled;
        }
    return SFT_OK;
}

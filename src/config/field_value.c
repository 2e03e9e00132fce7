#include "config/field_value.h"

#include "base/nearest.h"
#include "base/path.h"
#include "config/foreign_values.h"
#include "config/value_text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SHOWN_MAX = 60 }; /* of a wrong value, in a message */

static bool parse_size(const struct field *field, const char *value, uint64_t *out)
{
    if (!*value || value[strspn(value, "0123456789")])
        return false;
    errno = 0;
    *out = strtoull(value, NULL, 10);
    return errno == 0 && (double)*out >= field->min && (double)*out <= field->max;
}

static bool parse_double(const struct field *field, const char *value, double *out)
{
    char *end;
    if (!*value || value[strspn(value, "0123456789+-.eE")]) /* not what else strtod takes: inf, nan, 0x1p3 */
        return false;
    *out = strtod(value, &end);
    return *end == '\0' && isfinite(*out) && *out >= field->min && *out <= field->max;
}

bool field_parse_bool(const char *value, bool *out)
{
    static const char *const names[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(value, names[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    return false;
}

static bool parse_choice(const struct field *field, const char *value, int *out)
{
    for (size_t i = 0; i < field->n_values; i++)
        if (strcmp(value, field->values[i]) == 0) {
            *out = (int)i;
            return true;
        }
    return false;
}

/* ---- words about values ---- */

static void describe_bounds(const struct field *field, struct strbuf *out)
{
    if (field->min == ABOVE_ZERO)
        strbuf_puts(out, " above 0");
    else if (isinf(field->max))
        strbuf_printf(out, " of at least %.15g", field->min);
    else if (field->max == BELOW_ONE || field->max == BELOW_HALF)
        strbuf_printf(out, " of at least %.15g and below %s", field->min, field->max == BELOW_ONE ? "1" : "0.5");
    else
        strbuf_printf(out, " from %.15g to %.15g", field->min, field->max);
}

static void describe_choices(const struct field *field, struct strbuf *out)
{
    for (size_t i = 0; i < field->n_values; i++)
        strbuf_printf(out, "%s%s", i == 0 ? "" : i + 1 < field->n_values ? ", " : " or ", field->values[i]);
}

/* "a whole number from 1 to 1000000", "truncate, drop or error" */
static void describe(const struct field *field, struct strbuf *out)
{
    switch (field->type) {
    case FIELD_STRING:
    case FIELD_ENUM:
        if (field->values)
            describe_choices(field, out);
        else
            strbuf_puts(out, "a text");
        break;
    case FIELD_TEXT:
        strbuf_puts(out, "a text");
        break;
    case FIELD_PATH:
        strbuf_puts(out, "a path");
        break;
    case FIELD_FILES:
        strbuf_puts(out, "files");
        break;
    case FIELD_NAMES:
        strbuf_puts(out, "names as THEIRS:OURS");
        break;
    case FIELD_WORDS:
        strbuf_puts(out, "words");
        break;
    case FIELD_ITEMS:
        strbuf_puts(out, "a file, or items between commas");
        break;
    case FIELD_SIZE:
        strbuf_puts(out, "a whole number");
        describe_bounds(field, out);
        break;
    case FIELD_DOUBLE:
        strbuf_puts(out, "a number");
        describe_bounds(field, out);
        break;
    case FIELD_BOOL:
        strbuf_puts(out, "true or false");
        break;
    }
}

/* ---- what a wrong value may have meant ---- */

static bool parses(const struct field *field, const char *value)
{
    uint64_t size;
    double number;
    return field->type == FIELD_SIZE ? parse_size(field, value, &size) : parse_double(field, value, &number);
}

/* A number as others write it, 1_000, 1,000, 1e3, 8.0, 5%, -1 for "no limit", as the field takes it. */
static void suggest_number(const struct field *field, const char *value, struct strbuf *out)
{
    struct strbuf plain = {0};
    strbuf_puts(&plain, "");
    for (const char *p = value; *p; p++)
        if (*p != '_' && *p != ',')
            strbuf_putc(&plain, *p);
    const bool is_percent = str_has_ending(plain.data, "%");
    char *end;
    double number = strtod(plain.data, &end);
    const bool is_number = end > plain.data && strcmp(end, is_percent ? "%" : "") == 0 && isfinite(number);
    number = is_percent ? number / 100 : number;
    strbuf_clear(&plain);
    if (is_number) /* transformers' max_steps = -1 is our 0 */
        strbuf_double(&plain, number == -1 && field->type == FIELD_SIZE ? 0 : number);
    if (is_number && parses(field, plain.data))
        strbuf_printf(out, " (did you mean %s?)", plain.data);
    strbuf_free(&plain);
}

/* " (did you mean X?)", or nothing where no choice is near. */
static void suggest_choice(const struct field *field, const char *word, struct strbuf *out)
{
    const char *near = nearest_word(word, field->values, field->n_values);
    if (near)
        strbuf_printf(out, " (did you mean %s?)", near);
}

static void suggest_value(const struct field *field, const char *value, struct strbuf *out)
{
    static const char *const nothing[] = {"none", "null", "nil", "default"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (strcasecmp(value, nothing[i]) == 0) {
            strbuf_printf(out, " (leave %s out for its default, %s)", field->key, field->default_text);
            return;
        }
    if (field->type == FIELD_SIZE || field->type == FIELD_DOUBLE)
        suggest_number(field, value, out);
    else if (!foreign_value(field, value, out))
        suggest_choice(field, value, out);
}

static enum sft_status fail_kind(const struct field *field, const char *value, struct sft_err *err)
{
    struct strbuf sb = {0};
    strbuf_puts(&sb, "expected ");
    describe(field, &sb);
    if (*value)
        strbuf_printf(&sb, ", found '%.*s'", SHOWN_MAX, value);
    else
        strbuf_puts(&sb, ", found nothing");
    suggest_value(field, value, &sb);
    sft_fail(err, SFT_EUSAGE, "%s", sb.data);
    strbuf_free(&sb);
    return SFT_EUSAGE;
}

/* ---- text to value ---- */

/* NULL after an error. */
static char *resolve_path(struct arena *arena, const char *path, const char *dir, struct sft_err *err)
{
    const bool is_stdin = path[0] == '-' && (!path[1] || path[1] == '*' || path[1] == ':');
    char *full;
    if (path_expand_home(path, &full, err))
        return NULL;
    if (dir && strcmp(dir, ".") != 0 && !is_stdin) {
        char *joined = path_tidy(path_join(dir, full));
        free(full);
        full = joined;
    }
    char *resolved = arena_strndup(arena, full, strlen(full));
    free(full);
    return resolved;
}

static bool field_is_list(const struct field *field)
{
    return field->type == FIELD_FILES || field->type == FIELD_NAMES || field->type == FIELD_WORDS;
}

static enum sft_status check_names_item(const struct field *field, const char *item, struct sft_err *err)
{
    const char *colon = strrchr(item, ':');
    if (field->type != FIELD_NAMES || (colon && colon > item && colon[1]))
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE, "expected names as THEIRS:OURS, found '%.*s'", SHOWN_MAX, item);
}

static bool is_there(const char *path, const char *dir)
{
    char *full = dir ? path_join(dir, path) : mem_strdup(path);
    const bool yes = path_exists(full) && !path_is_dir(full);
    free(full);
    return yes;
}

/* Among FIELD_FILES a name that is no file's, but stands for itself. */
static bool is_own_name(const struct field *field, const char *word, const char *dir)
{
    return field->values && str_is_one_of(word, strlen(word), field->values, field->n_values) && !is_there(word, dir);
}

static enum sft_status parse_list(const struct field *field, struct string_list *out, struct arena *arena,
                                  const char *text, const char *dir, struct sft_err *err)
{
    struct strbuf word = {0};
    struct string_list list = {0};
    size_t capacity = 0;
    enum sft_status status = SFT_OK;
    for (text += strspn(text, " \t"); *text && !status; text += strspn(text, " \t")) {
        status = value_next_item(&text, &word, err);
        if (!status)
            status = check_names_item(field, word.data, err);
        char *item = status ? NULL : field->type == FIELD_FILES && !is_own_name(field, word.data, dir)
                                         ? resolve_path(arena, word.data, dir, err)
                                         : arena_strndup(arena, word.data, word.len);
        if (!item)
            status = SFT_EUSAGE;
        list.items = mem_grow(list.items, &capacity, list.count + 1, sizeof *list.items);
        list.items[list.count++] = item;
    }
    if (!status) {
        *out = (struct string_list){.count = list.count};
        if (list.count > 0) {
            out->items = arena_alloc(arena, list.count * sizeof *list.items);
            memcpy(out->items, list.items, list.count * sizeof *list.items);
        }
    }
    free(list.items);
    strbuf_free(&word);
    return status;
}

/* Whether a text of FIELD_ITEMS is the path of a file: there is one, or it cannot be anything else. */
static bool is_path(const char *text, const char *dir)
{
    static const char *const endings[] = {".txt", ".md", ".jsonl", ".json", ".csv"};
    if (!*text || strchr(text, ',') || strchr(text, '\n'))
        return false;
    bool yes = is_there(text, dir);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        yes |= !strchr(text, ' ') && str_has_ending(text, endings[i]);
    return yes;
}

/* Items between commas, or lines; blank ones do not count. */
static void split_items(struct string_list *out, struct arena *arena, const char *text)
{
    size_t most = 1;
    for (const char *p = text; *p; p++)
        most += *p == ',' || *p == '\n';
    *out = (struct string_list){.items = arena_alloc(arena, most * sizeof *out->items)};
    while (*text) {
        text += strspn(text, " \t,\n");
        size_t len = strcspn(text, ",\n");
        const char *next = text + len;
        while (len > 0 && strchr(" \t", text[len - 1]))
            len--;
        if (len > 0)
            out->items[out->count++] = arena_strndup(arena, text, len);
        text = next;
    }
}

static enum sft_status parse_items(const struct field *field, struct string_list *out, struct arena *arena,
                                   const char *text, const char *dir, struct sft_err *err)
{
    struct strbuf plain = {0};
    enum sft_status status = value_unquote(field, text, &plain, err);
    if (!status && is_path(plain.data, dir)) {
        char *path = resolve_path(arena, plain.data, dir, err);
        *out = (struct string_list){.items = arena_alloc(arena, sizeof *out->items), .count = 1};
        out->items[0] = path;
        status = path ? SFT_OK : SFT_EUSAGE;
    } else if (!status) {
        split_items(out, arena, plain.data);
    }
    strbuf_free(&plain);
    return status;
}

/* A single value, its quotes gone. */
static enum sft_status set_scalar(const struct field *field, void *at, struct arena *arena, const char *value,
                                  const char *dir, struct sft_err *err)
{
    const char *resolved;
    int choice;
    bool ok = true;
    switch (field->type) {
    case FIELD_TEXT:
        *(const char **)at = arena_strndup(arena, value, strlen(value));
        break;
    case FIELD_STRING:
        ok = field->values ? parse_choice(field, value, &choice) : *value != '\0';
        *(const char **)at = arena_strndup(arena, value, strlen(value));
        break;
    case FIELD_PATH:
        ok = *value || (field->default_text && !*field->default_text); /* none by default */
        resolved = *value ? resolve_path(arena, value, dir, err) : "";
        if (!resolved)
            return SFT_EUSAGE;
        *(const char **)at = resolved;
        break;
    case FIELD_SIZE:
        ok = parse_size(field, value, at);
        break;
    case FIELD_DOUBLE:
        ok = parse_double(field, value, at);
        break;
    case FIELD_BOOL:
        ok = field_parse_bool(value, at);
        break;
    case FIELD_ENUM:
        ok = parse_choice(field, value, at);
        break;
    case FIELD_FILES:
    case FIELD_NAMES:
    case FIELD_WORDS:
    case FIELD_ITEMS:
        SFT_BUG("a list is no scalar");
    }
    return ok ? SFT_OK : fail_kind(field, value, err);
}

enum sft_status field_set(const struct field *field, void *value, struct arena *arena, const char *text,
                          const char *dir, struct sft_err *err)
{
    if (field_is_list(field))
        return parse_list(field, value, arena, text, dir, err);
    if (field->type == FIELD_ITEMS)
        return parse_items(field, value, arena, text, dir, err);
    struct strbuf plain = {0};
    enum sft_status status = value_unquote(field, text, &plain, err);
    if (!status)
        status = set_scalar(field, value, arena, plain.data, dir, err);
    strbuf_free(&plain);
    return status;
}

/* ---- value to text ---- */

/* Quoted only where it would not read back otherwise. */
static void add_word(struct strbuf *out, const char *s)
{
    if (!*s || strpbrk(s, " \t\r\n\v\f\"'") || strchr(";#[", *s) || str_has_ending(s, ","))
        value_add_quoted(out, s);
    else
        strbuf_puts(out, s);
}

static void add_list(struct strbuf *out, const struct string_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            strbuf_putc(out, ' ');
        add_word(out, list->items[i]);
    }
}

/* As one quoted text. */
static void add_items(struct strbuf *out, const struct string_list *list)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < list->count; i++)
        strbuf_printf(&text, "%s%s", i == 0 ? "" : ", ", list->items[i]);
    if (list->count > 0)
        value_add_quoted(out, text.data);
    strbuf_free(&text);
}

void field_text(const struct field *field, const void *value, struct strbuf *out)
{
    const char *s;
    switch (field->type) {
    case FIELD_TEXT:
        s = *(const char *const *)value;
        if (*s)
            value_add_quoted(out, s);
        break;
    case FIELD_STRING:
    case FIELD_PATH:
        s = *(const char *const *)value;
        if (s)
            add_word(out, s);
        break;
    case FIELD_FILES:
    case FIELD_NAMES:
    case FIELD_WORDS:
        add_list(out, value);
        break;
    case FIELD_ITEMS:
        add_items(out, value);
        break;
    case FIELD_SIZE:
        strbuf_printf(out, "%" PRIu64, *(const uint64_t *)value);
        break;
    case FIELD_DOUBLE:
        strbuf_double(out, *(const double *)value);
        break;
    case FIELD_BOOL:
        strbuf_puts(out, *(const bool *)value ? "true" : "false");
        break;
    case FIELD_ENUM:
        strbuf_puts(out, field->values[*(const int *)value]);
        break;
    }
}

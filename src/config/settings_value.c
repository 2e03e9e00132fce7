#include "config/settings_value.h"

#include "base/io.h"
#include "config/ini_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 60 }; /* of a wrong value, in a message */

static const char escaped[] = "\n\t\\\"", escape_letters[] = "nt\\\"";

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- text to value ---- */

/* Append s[0..len) with its escapes replaced. */
static enum sft_status add_unescaped(struct strbuf *out, const char *s, size_t len, struct sft_err *err)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] != '\\') {
            strbuf_putc(out, s[i]);
            continue;
        }
        i++;
        const char *letter = i < len ? strchr(escape_letters, s[i]) : NULL;
        if (!letter)
            return sft_fail(err, SFT_EUSAGE, "unknown escape '%.*s' (\\n, \\t, \\\\ and \\\" are known)",
                            i < len ? 2 : 1, s + i - 1);
        strbuf_putc(out, escaped[letter - escape_letters]);
    }
    return SFT_OK;
}

/* One value into out: without its quotes, if it has some. */
static enum sft_status unquote(const struct field *field, const char *text, struct strbuf *out,
                               struct sft_err *err)
{
    strbuf_clear(out);
    strbuf_puts(out, "");
    if (*text == '"') {
        const char *end = ini_quoted_end(text);
        if (!end)
            return sft_fail(err, SFT_EUSAGE, "a double quote is never closed");
        if (*end)
            return sft_fail(err, SFT_EUSAGE, "text after the closing quote: '%.*s'", SHOWN_MAX, end);
        return add_unescaped(out, text + 1, (size_t)(end - text) - 2, err);
    }
    if (field->type == FIELD_TEXT)
        return add_unescaped(out, text, strlen(text), err);
    strbuf_puts(out, text);
    return SFT_OK;
}

static enum sft_status fail_kind(const struct field *field, const char *value, struct sft_err *err)
{
    struct strbuf sb = {0};
    strbuf_puts(&sb, "expected ");
    settings_describe_kind(field, &sb);
    if (*value)
        strbuf_printf(&sb, ", found '%.*s'", SHOWN_MAX, value);
    else
        strbuf_puts(&sb, ", found nothing");
    settings_suggest(value, field->values, field->n_values, &sb);
    sft_fail(err, SFT_EUSAGE, "%s", sb.data);
    strbuf_free(&sb);
    return SFT_EUSAGE;
}

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

static bool parse_bool(const char *value, bool *out)
{
    static const char *const names[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i]) == 0) {
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

static char *resolve_path(struct arena *arena, const char *path, const char *dir)
{
    const bool is_stdin = path[0] == '-' && (!path[1] || path[1] == '*' || path[1] == ':');
    if (!dir || strcmp(dir, ".") == 0 || is_stdin)
        return arena_strndup(arena, path, strlen(path));
    char *joined = path_tidy(path_join(dir, path));
    char *resolved = arena_strndup(arena, joined, strlen(joined));
    free(joined);
    return resolved;
}

/* The next item of a list into word: up to a blank that is not within quotes, which an item may begin with. */
static enum sft_status next_item(const char **text, struct strbuf *word, struct sft_err *err)
{
    const char *p = *text;
    strbuf_clear(word);
    if (*p == '"') {
        const char *end = ini_quoted_end(p);
        if (!end)
            return sft_fail(err, SFT_EUSAGE, "a double quote is never closed");
        if (add_unescaped(word, p + 1, (size_t)(end - p) - 2, err))
            return SFT_EUSAGE;
        p = end;
    }
    while (*p && !is_blank(*p))
        strbuf_putc(word, *p++);
    *text = p;
    return word->len > 0 ? SFT_OK : sft_fail(err, SFT_EUSAGE, "an empty file name");
}

static enum sft_status check_names_item(const struct field *field, const char *item, struct sft_err *err)
{
    const char *colon = strrchr(item, ':');
    if (field->type != FIELD_NAMES || (colon && colon > item && colon[1]))
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE, "expected names as THEIRS:OURS, found '%.*s'", SHOWN_MAX, item);
}

static enum sft_status parse_list(struct settings *settings, const struct field *field, const char *text,
                                  const char *dir, struct sft_err *err)
{
    struct string_list *out = (void *)((char *)settings + field->offset);
    struct strbuf word = {0};
    struct string_list list = {0};
    size_t capacity = 0;
    enum sft_status status = SFT_OK;
    for (text += strspn(text, " \t"); *text && !status; text += strspn(text, " \t")) {
        status = next_item(&text, &word, err);
        if (!status && !(status = check_names_item(field, word.data, err))) {
            list.items = mem_grow(list.items, &capacity, list.count + 1, sizeof *list.items);
            list.items[list.count++] = resolve_path(&settings->arena, word.data,
                                                    field->type == FIELD_FILES ? dir : NULL);
        }
    }
    if (!status) {
        *out = (struct string_list){.count = list.count};
        if (list.count > 0) {
            out->items = arena_alloc(&settings->arena, list.count * sizeof *list.items);
            memcpy(out->items, list.items, list.count * sizeof *list.items);
        }
    }
    free(list.items);
    strbuf_free(&word);
    return status;
}

/* A single value, its quotes gone. */
static enum sft_status set_scalar(struct settings *settings, const struct field *field, const char *value,
                                  const char *dir, struct sft_err *err)
{
    void *at = (char *)settings + field->offset;
    int choice;
    bool ok = true;
    switch (field->type) {
    case FIELD_TEXT:
        *(const char **)at = arena_strndup(&settings->arena, value, strlen(value));
        break;
    case FIELD_STRING:
        ok = field->values ? parse_choice(field, value, &choice) : *value != '\0';
        *(const char **)at = arena_strndup(&settings->arena, value, strlen(value));
        break;
    case FIELD_PATH:
        ok = *value != '\0';
        *(const char **)at = resolve_path(&settings->arena, value, dir);
        break;
    case FIELD_SIZE:
        ok = parse_size(field, value, at);
        break;
    case FIELD_DOUBLE:
        ok = parse_double(field, value, at);
        break;
    case FIELD_BOOL:
        ok = parse_bool(value, at);
        break;
    case FIELD_ENUM:
        ok = parse_choice(field, value, at);
        break;
    case FIELD_FILES:
    case FIELD_NAMES:
        SFT_BUG("a list is no scalar");
    }
    return ok ? SFT_OK : fail_kind(field, value, err);
}

enum sft_status settings_set_field(struct settings *settings, const struct field *field, const char *text,
                                   const char *dir, struct sft_err *err)
{
    if (field->type == FIELD_FILES || field->type == FIELD_NAMES)
        return parse_list(settings, field, text, dir, err);
    struct strbuf value = {0};
    enum sft_status status = unquote(field, text, &value, err);
    if (!status)
        status = set_scalar(settings, field, value.data, dir, err);
    strbuf_free(&value);
    return status;
}

/* ---- value to text ---- */

static void add_quoted(struct strbuf *out, const char *s)
{
    strbuf_putc(out, '"');
    for (; *s; s++) {
        const char *special = strchr(escaped, *s);
        if (special)
            strbuf_putc(out, '\\');
        strbuf_putc(out, special ? escape_letters[special - escaped] : *s);
    }
    strbuf_putc(out, '"');
}

/* Quoted only where it would not read back otherwise. */
static void add_word(struct strbuf *out, const char *s)
{
    if (!*s || strpbrk(s, " \t\r\n\v\f") || strchr("\";#", *s))
        add_quoted(out, s);
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

void settings_field_text(const struct settings *settings, const struct field *field, struct strbuf *out)
{
    const void *at = (const char *)settings + field->offset;
    const char *s;
    switch (field->type) {
    case FIELD_TEXT:
        s = *(const char *const *)at;
        if (*s)
            add_quoted(out, s);
        break;
    case FIELD_STRING:
    case FIELD_PATH:
        s = *(const char *const *)at;
        if (s)
            add_word(out, s);
        break;
    case FIELD_FILES:
    case FIELD_NAMES:
        add_list(out, at);
        break;
    case FIELD_SIZE:
        strbuf_printf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case FIELD_DOUBLE:
        strbuf_double(out, *(const double *)at);
        break;
    case FIELD_BOOL:
        strbuf_puts(out, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_ENUM:
        strbuf_puts(out, field->values[*(const int *)at]);
        break;
    }
}

/* ---- words about values ---- */

static void describe_bounds(const struct field *field, struct strbuf *out)
{
    if (isinf(field->max))
        strbuf_printf(out, " of at least %.15g", field->min);
    else if (field->max == BELOW_ONE)
        strbuf_printf(out, " of at least %.15g and below 1", field->min);
    else
        strbuf_printf(out, " from %.15g to %.15g", field->min, field->max);
}

static void describe_choices(const struct field *field, struct strbuf *out)
{
    for (size_t i = 0; i < field->n_values; i++)
        strbuf_printf(out, "%s%s", i == 0 ? "" : i + 1 < field->n_values ? ", " : " or ", field->values[i]);
}

void settings_describe_kind(const struct field *field, struct strbuf *out)
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

void settings_suggest(const char *word, const char *const *candidates, size_t count, struct strbuf *out)
{
    const char *near = nearest_word(word, candidates, count);
    if (near)
        strbuf_printf(out, " (did you mean %s?)", near);
}

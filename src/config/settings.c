#include "config/settings.h"

#include "base/io.h"
#include "config/ini_reader.h"
#include "config/settings_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void settings_init(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        if (field->default_text && settings_set_field(settings, field, field->default_text, NULL, NULL))
            SFT_BUG("a default that is no value");
    }
}

void settings_free(struct settings *settings)
{
    arena_free(&settings->arena);
    memset(settings, 0, sizeof *settings);
}

/* ---- names ---- */

/* Each section once, in the table's order: the fields of a section stand together. */
static size_t list_sections(const char **names)
{
    size_t n = 0;
    for (size_t i = 0; i < settings_fields_count; i++)
        if (n == 0 || strcmp(names[n - 1], settings_fields[i].section) != 0)
            names[n++] = settings_fields[i].section;
    return n;
}

static enum sft_status check_section_name(const char *section, struct sft_err *err)
{
    const char **names = mem_alloc(settings_fields_count * sizeof *names);
    const size_t n = list_sections(names);
    struct strbuf sb = {0};
    bool is_known = false;
    for (size_t i = 0; i < n; i++) {
        is_known |= strcmp(section, names[i]) == 0;
        strbuf_printf(&sb, "%s[%s]", i == 0 ? "" : i + 1 < n ? ", " : " or ", names[i]);
    }
    const char *near = nearest_word(section, names, n);
    free(names);
    const enum sft_status status =
        is_known ? SFT_OK
        : near   ? sft_fail(err, SFT_EUSAGE, "[%.60s]: unknown section (did you mean [%s]?)", section, near)
                 : sft_fail(err, SFT_EUSAGE, "[%.60s]: unknown section (%s)", section, sb.data);
    strbuf_free(&sb);
    return status;
}

/* The field named `key`, whatever its section; key names are unique. */
static const struct field *find_key(const char *key)
{
    for (size_t i = 0; i < settings_fields_count; i++)
        if (strcmp(settings_fields[i].key, key) == 0)
            return &settings_fields[i];
    return NULL;
}

static const struct field *nearest_field(const char *key)
{
    const char **keys = mem_alloc(settings_fields_count * sizeof *keys);
    for (size_t i = 0; i < settings_fields_count; i++)
        keys[i] = settings_fields[i].key;
    const char *near = nearest_word(key, keys, settings_fields_count);
    free(keys);
    return near ? find_key(near) : NULL;
}

static enum sft_status find_field(const char *section, const char *key, const struct field **field,
                                  struct sft_err *err)
{
    *field = find_key(key);
    if (*field && strcmp((*field)->section, section) == 0)
        return SFT_OK;
    if (*field)
        return sft_fail(err, SFT_EUSAGE, "belongs in [%s]", (*field)->section);
    const struct field *near = nearest_field(key);
    if (!near)
        return sft_fail(err, SFT_EUSAGE, "unknown key");
    if (strcmp(near->section, section) == 0)
        return sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s?)", near->key);
    return sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s in [%s]?)", near->key, near->section);
}

/* ---- reading ---- */

struct file_reader {
    struct settings *settings;
    const char *dir;
    size_t *set_at; /* (settings_fields_count) the line that set a field, or 0 */
};

static enum sft_status set_entry(struct file_reader *reader, const char *section, const char *key,
                                 const char *value, size_t line, struct sft_err *err)
{
    const struct field *field;
    if (find_field(section, key, &field, err))
        return SFT_EUSAGE;
    size_t *set_at = &reader->set_at[field - settings_fields];
    if (*set_at)
        return sft_fail(err, SFT_EUSAGE, "already set in line %zu", *set_at);
    *set_at = line;
    return settings_set_field(reader->settings, field, value, reader->dir, err);
}

static enum sft_status on_entry(void *user, const char *section, const char *key, const char *value,
                                size_t line, struct sft_err *err)
{
    if (!key)
        return check_section_name(section, err);
    if (!set_entry(user, section, key, value, line, err))
        return SFT_OK;
    if (*section)
        sft_context(err, "[%s] %.60s", section, key);
    else
        sft_context(err, "%.60s (before the first [section])", key);
    return SFT_EUSAGE;
}

enum sft_status settings_read_text(struct settings *settings, const char *text, size_t len, const char *name,
                                   const char *dir, struct sft_err *err)
{
    struct file_reader reader = {
        .settings = settings, .dir = dir, .set_at = mem_calloc(settings_fields_count, sizeof(size_t))};
    const enum sft_status status = ini_read(text, len, name, on_entry, &reader, err);
    free(reader.set_at);
    return status;
}

enum sft_status settings_read_file(struct settings *settings, const char *path, struct sft_err *err)
{
    struct io_map map = {0};
    if (io_map(&map, path, err)) {
        if (err)
            err->status = SFT_EUSAGE; /* a wrong argument, not a disk's failure */
        return SFT_EUSAGE;
    }
    char *dir = path_dirname(path);
    const enum sft_status status = settings_read_text(settings, map.data, map.size, path, dir, err);
    free(dir);
    io_unmap(&map);
    return status;
}

static enum sft_status override_key(struct settings *settings, const char *name, const char *value,
                                    struct sft_err *err)
{
    const char *dot = strchr(name, '.');
    const struct field *field;
    if (!dot) {
        field = find_key(name);
        field = field ? field : nearest_field(name);
        if (!field)
            return sft_fail(err, SFT_EUSAGE, "expected section.key=value");
        return sft_fail(err, SFT_EUSAGE, "expected section.key=value (did you mean %s.%s?)", field->section,
                        field->key);
    }
    char *section = mem_strndup(name, (size_t)(dot - name));
    enum sft_status status = check_section_name(section, err);
    if (!status)
        status = find_field(section, dot + 1, &field, err);
    free(section);
    return status ? status : settings_set_field(settings, field, value, NULL, err);
}

enum sft_status settings_override(struct settings *settings, const char *assignment, struct sft_err *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return sft_fail(err, SFT_EUSAGE, "--set %.60s: expected section.key=value", assignment);
    char *name = mem_strndup(assignment, (size_t)(equals - assignment));
    const enum sft_status status = override_key(settings, name, equals + 1, err);
    if (status)
        sft_context(err, "--set %.60s", name);
    free(name);
    return status;
}

/* ---- checks across fields ---- */

static enum sft_status check_required(const struct settings *s, struct sft_err *err)
{
    if (!s->model.base)
        return sft_fail(err, SFT_EUSAGE, "[model] base: not set; it names the model to start from");
    if (s->data.train.count == 0)
        return sft_fail(err, SFT_EUSAGE, "[data] train: not set; it names the files to train on");
    if (!s->train.output_dir)
        return sft_fail(err, SFT_EUSAGE,
                        "[train] output_dir: not set; it names the directory for checkpoints");
    if (s->train.num_train_epochs == 0 && s->train.max_steps == 0)
        return sft_fail(err, SFT_EUSAGE,
                        "[train] num_train_epochs: 0, and max_steps is 0 too: nothing to do");
    return SFT_OK;
}

/* template = custom: which keys there have to be. A format's turns all open with something, or none of them
 * does. */
static enum sft_status check_custom(const struct settings *s, struct sft_err *err)
{
    const struct {
        const char *role, *prefix, *suffix;
    } turns[] = {{"user", s->data.user_prefix, s->data.user_suffix},
                 {"assistant", s->data.assistant_prefix, s->data.assistant_suffix},
                 {"system", s->data.system_prefix, s->data.system_suffix}};
    const bool has_openers = *s->data.user_prefix || *s->data.assistant_prefix;
    for (size_t i = 0; i < 2; i++) {
        if (has_openers && !*turns[i].prefix)
            return sft_fail(err, SFT_EUSAGE,
                            "[data] %s_prefix: not set; template = custom needs it for each role or for "
                            "none",
                            turns[i].role);
        if (!*turns[i].suffix)
            return sft_fail(err, SFT_EUSAGE, "[data] %s_suffix: not set; template = custom needs it",
                            turns[i].role);
    }
    if (has_openers && !*s->data.system_prefix != !*s->data.system_suffix)
        return sft_fail(err, SFT_EUSAGE, "[data] system_prefix and system_suffix: set both or neither");
    if (!has_openers && *s->data.system_prefix)
        return sft_fail(err, SFT_EUSAGE,
                        "[data] system_prefix: set, but user_prefix and assistant_prefix are not");
    return SFT_OK;
}

static enum sft_status check_template(const struct settings *s, struct sft_err *err)
{
    const struct {
        const char *key, *text;
    } affixes[] = {
        {"system_prefix", s->data.system_prefix},       {"system_suffix", s->data.system_suffix},
        {"user_prefix", s->data.user_prefix},           {"user_suffix", s->data.user_suffix},
        {"assistant_prefix", s->data.assistant_prefix}, {"assistant_suffix", s->data.assistant_suffix},
    };
    if (s->data.template_choice == TEMPLATE_CUSTOM)
        return check_custom(s, err);
    for (size_t i = 0; i < sizeof affixes / sizeof *affixes; i++)
        if (*affixes[i].text)
            return sft_fail(err, SFT_EUSAGE, "[data] %s: only for template = custom", affixes[i].key);
    return SFT_OK;
}

static enum sft_status check_system(const struct settings *s, struct sft_err *err)
{
    const bool is_set = *s->data.system;
    if (s->data.system_policy == SYSTEM_REPLACE && !is_set)
        return sft_fail(err, SFT_EUSAGE, "[data] system: not set; system_policy = replace needs it");
    if (s->data.system_policy == SYSTEM_DROP && is_set)
        return sft_fail(err, SFT_EUSAGE, "[data] system: not used with system_policy = drop");
    if (is_set && s->data.template_choice == TEMPLATE_CUSTOM && !*s->data.system_suffix)
        return sft_fail(err, SFT_EUSAGE, "[data] system: this custom template has no system_prefix");
    return SFT_OK;
}

static enum sft_status check_evaluation(const struct settings *s, struct sft_err *err)
{
    static const char *const remedy = "needs eval files or eval_fraction in [data]";
    if (s->data.eval.count > 0 && s->data.eval_fraction > 0)
        return sft_fail(err, SFT_EUSAGE, "[data] eval and eval_fraction: set one of them, not both");
    if (s->data.eval.count > 0 || s->data.eval_fraction > 0)
        return SFT_OK;
    if (s->train.eval_steps > 0)
        return sft_fail(err, SFT_EUSAGE, "[train] eval_steps: %s", remedy);
    if (s->train.early_stopping_patience > 0)
        return sft_fail(err, SFT_EUSAGE, "[train] early_stopping_patience: %s", remedy);
    if (strcmp(s->train.metric_for_best_model, find_key("metric_for_best_model")->default_text) != 0)
        return sft_fail(err, SFT_EUSAGE, "[train] metric_for_best_model: %s", remedy);
    return SFT_OK;
}

enum sft_status settings_check(const struct settings *settings, bool need_train, struct sft_err *err)
{
    const double warmup = settings->train.warmup_steps;
    if (need_train && check_required(settings, err))
        return SFT_EUSAGE;
    if (warmup >= 1 && warmup != floor(warmup))
        return sft_fail(err, SFT_EUSAGE,
                        "[train] warmup_steps: expected a whole number, or a share below 1, found %g",
                        warmup);
    if (check_template(settings, err) || check_system(settings, err))
        return SFT_EUSAGE;
    return check_evaluation(settings, err);
}

/* ---- writing ---- */

static bool is_first_of_section(size_t i)
{
    return i == 0 || strcmp(settings_fields[i].section, settings_fields[i - 1].section) != 0;
}

/* "\n[section]\n" where field i begins one. */
static void add_section(struct strbuf *out, size_t i)
{
    if (is_first_of_section(i))
        strbuf_printf(out, "%s[%s]\n", i == 0 ? "" : "\n", settings_fields[i].section);
}

void settings_print(const struct settings *settings, struct strbuf *out)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        add_section(out, i);
        strbuf_clear(&text);
        settings_field_text(settings, field, &text);
        if (text.len > 0)
            strbuf_printf(out, "%s = %s\n", field->key, text.data);
        else if (field->default_text)
            strbuf_printf(out, "%s =\n", field->key);
        else
            strbuf_printf(out, "; %s is not set\n", field->key);
    }
    strbuf_free(&text);
}

/* "truncate|drop|error", "files": the kind of a value in a word, bounds left to the messages. */
static void add_short_kind(struct strbuf *out, const struct field *field)
{
    static const char *const names[] = {
        [FIELD_STRING] = "text",     [FIELD_TEXT] = "text",         [FIELD_PATH] = "path",
        [FIELD_FILES] = "files",     [FIELD_SIZE] = "whole number", [FIELD_DOUBLE] = "number",
        [FIELD_BOOL] = "true|false",
    };
    if (!field->values)
        strbuf_puts(out, names[field->type]);
    for (size_t i = 0; i < field->n_values; i++)
        strbuf_printf(out, "%s%s", i == 0 ? "" : "|", field->values[i]);
}

void settings_help(struct strbuf *out)
{
    enum { DOC_COLUMN = 37 };
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        add_section(out, i);
        const size_t start = out->len;
        strbuf_printf(out, "  %s = %s", field->key, field->default_text ? field->default_text : "(required)");
        const size_t width = out->len - start;
        strbuf_printf(out, "%*s%s [", width < DOC_COLUMN ? (int)(DOC_COLUMN - width) : 1, "", field->doc);
        add_short_kind(out, field);
        strbuf_puts(out, "]\n");
    }
}

#include "train/record.h"

#include "base/io.h"
#include "base/log.h"
#include "base/version.h"
#include "files/formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_record_free(struct run_record *record)
{
    strbuf_free(&record->base);
    strbuf_free(&record->old_base);
    strbuf_free(&record->train);
    strbuf_free(&record->eval);
    strbuf_free(&record->adapter);
    strbuf_free(&record->prompts);
    strbuf_free(&record->counts);
}

/* ---- fingerprints ---- */

/* A fingerprint without "all:" in front is of these files: the others that a model may have (chat_template.jinja, ...)
 * were read, but not counted. */
static bool was_counted(const char *name)
{
    static const char *const names[] = {"config.json",
                                        "tokenizer.json",
                                        "vocab.json",
                                        "merges.txt",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "model.safetensors.index.json"};
    return str_has_ending(name, ".safetensors") ||
           str_is_one_of(name, strlen(name), names, sizeof names / sizeof *names);
}

static void add_file(struct xxh64 *all, const char *name, uint64_t hash)
{
    xxh64_update(all, name, strlen(name) + 1);
    xxh64_update(all, &hash, sizeof hash);
}

enum sft_status run_record_base(struct run_record *record, const char *base, struct sft_err *err)
{
    const struct format *format;
    char **paths = NULL;
    size_t count = 0;
    struct xxh64 all, old;
    xxh64_init(&all, 0);
    xxh64_init(&old, 0);
    enum sft_status status = format_find(&format, base, err);
    if (!status)
        status = format->list_files(&paths, &count, base, err);
    for (size_t i = 0; i < count && !status; i++) {
        const char *name = path_basename(paths[i]);
        uint64_t hash = 0;
        status = io_hash_file(paths[i], &hash, err);
        add_file(&all, count > 1 ? name : "", hash); /* a model of one file may be called anything */
        if (was_counted(name))
            add_file(&old, name, hash);
    }
    io_list_free(paths, count);
    strbuf_clear(&record->base);
    strbuf_clear(&record->old_base);
    strbuf_printf(&record->base, "all:%016llx", (unsigned long long)xxh64_digest(&all));
    strbuf_printf(&record->old_base, "%016llx", (unsigned long long)xxh64_digest(&old));
    return status;
}

enum sft_status run_record_adapter(struct run_record *record, const char *dir, struct sft_err *err)
{
    static const char *const names[] = {"adapter_config.json", "adapter_model.safetensors"};
    struct xxh64 all;
    enum sft_status status = SFT_OK;
    xxh64_init(&all, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names && !status; i++) {
        char *path = path_join(dir, names[i]);
        uint64_t hash = 0;
        status = io_hash_file(path, &hash, err);
        add_file(&all, names[i], hash);
        free(path);
    }
    strbuf_clear(&record->adapter);
    strbuf_printf(&record->adapter, "%016llx", (unsigned long long)xxh64_digest(&all));
    return status;
}

void run_record_data(struct strbuf *fingerprint, const struct dataset *ds)
{
    strbuf_clear(fingerprint);
    for (size_t i = 0; i < ds->n_files && !ds->borrows; i++)
        strbuf_printf(fingerprint, "%s%016llx*%.9g:%s", i ? " " : "", (unsigned long long)ds->files[i].hash,
                      ds->files[i].spec.repeat, ds->files[i].store.format);
}

/* ---- counts ---- */

/* An object a file; none of one that gives nothing, such as one from which a split has taken no row. Its name alone:
 * where it lay is this machine's business. */
static void put_files(struct strbuf *out, const struct dataset *ds)
{
    struct file_counts *counts = mem_calloc(ds->n_files, sizeof *counts);
    const char *separator = "";
    dataset_count_files(ds, counts);
    for (size_t i = 0; i < ds->n_files; i++) {
        const char *name = path_basename(ds->files[i].path);
        if (!counts[i].conversations)
            continue;
        strbuf_printf(out, "%s\n      {\"file\": ", separator);
        strbuf_json_string(out, name, strlen(name));
        strbuf_printf(out, ", \"conversations\": %llu", (unsigned long long)counts[i].conversations);
        if (counts[i].pairs)
            strbuf_printf(out, ", \"pairs\": %llu", (unsigned long long)counts[i].pairs);
        strbuf_printf(out, ", \"tokens\": %llu, \"target_tokens\": %llu}", (unsigned long long)counts[i].tokens,
                      (unsigned long long)counts[i].targets);
        separator = ",";
    }
    free(counts);
}

void run_record_count(struct run_record *record, const struct dataset *train, const struct dataset *eval)
{
    strbuf_clear(&record->counts);
    strbuf_puts(&record->counts, "{\n    \"train\": [");
    put_files(&record->counts, train);
    strbuf_puts(&record->counts, "],\n    \"eval\": [");
    put_files(&record->counts, eval);
    strbuf_puts(&record->counts, "]\n  }");
}

/* The fingerprint that stands for a path's content, or NULL for a field that has none. */
static const struct strbuf *fingerprint_of(const struct run_record *record, const struct field *field)
{
    if (strcmp(field->key, "base") == 0)
        return &record->base;
    if (strcmp(field->key, "adapter") == 0)
        return &record->adapter;
    if (strcmp(field->key, "train") == 0)
        return &record->train;
    if (strcmp(field->key, "eval") == 0)
        return &record->eval;
    if (strcmp(field->key, "prompts") == 0 && record->prompts.len)
        return &record->prompts;
    return NULL;
}

/* ---- writing ---- */

/* "section.key", as members of the record are called. */
static void field_name(const struct field *field, struct strbuf *out)
{
    strbuf_clear(out);
    strbuf_printf(out, "%s.%s", field->section, field->key);
}

/* The keys that the user has set: of the others a later version may have other defaults. */
static void write_given(const struct settings *settings, struct strbuf *out)
{
    struct strbuf name = {0};
    const char *separator = "";
    strbuf_puts(out, "  \"given\": [");
    for (size_t i = 0; i < settings_fields_count; i++) {
        if (!settings_is_given(settings, &settings_fields[i]))
            continue;
        field_name(&settings_fields[i], &name);
        strbuf_puts(out, separator);
        strbuf_json_string(out, name.data, name.len);
        separator = ", ";
    }
    strbuf_puts(out, "],\n");
    strbuf_free(&name);
}

static void write_member(struct strbuf *out, const struct field *field, const struct strbuf *text, bool first)
{
    strbuf_printf(out, "%s\n    \"%s.%s\": ", first ? "" : ",", field->section, field->key);
    strbuf_json_string(out, text->data ? text->data : "", text->len);
}

static int format_of(const struct settings *settings)
{
    if (settings->train.objective == OBJECTIVE_DPO)
        return RECORD_FORMAT_PAIRS;
    return strcmp(settings->train.save_dtype, "f32") == 0 ? RECORD_FORMAT_PLAIN : RECORD_FORMAT_MASTERS;
}

void run_record_write(const struct run_record *record, struct strbuf *out)
{
    struct strbuf text = {0};
    strbuf_printf(out, "  \"format\": %d,\n  \"sft_version\": \"%s\",\n", format_of(record->settings), SFT_VERSION);
    write_given(record->settings, out);
    strbuf_puts(out, "  \"settings\": {");
    for (size_t i = 0; i < settings_fields_count; i++) {
        strbuf_clear(&text);
        settings_field_text(record->settings, &settings_fields[i], &text);
        write_member(out, &settings_fields[i], &text, i == 0);
    }
    strbuf_free(&text);
    strbuf_puts(out, "\n  },\n  \"content\": {");
    bool first = true;
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        if (field->resume != RESUME_CONTENT || !fingerprint_of(record, field))
            continue;
        write_member(out, field, fingerprint_of(record, field), first);
        first = false;
    }
    strbuf_puts(out, "\n  }");
    if (record->counts.len)
        strbuf_printf(out, ",\n  \"data\": %s", record->counts.data);
    strbuf_printf(out, ",\n  \"precision\": \"%s\",\n  \"isa\": \"%s\",\n  \"total_steps\": %llu",
                  record->precision, record->isa, (unsigned long long)record->total_steps);
}

/* ---- going on ---- */

static const char *text_of(const struct strbuf *text)
{
    return text->data ? text->data : "";
}

/* A member of the group; NULL where the record has none. */
static const char *recorded_text(const json *recorded, const char *group, const struct field *field)
{
    struct strbuf name = {0};
    field_name(field, &name);
    const char *text = json_string(json_get(json_get(recorded, group), name.data));
    strbuf_free(&name);
    return text;
}

/* Whether that run trained an adapter: keys of a section that is not there have no text. */
static bool had_lora(const json *recorded)
{
    const char *r = recorded_text(recorded, "settings", settings_find("r"));
    return r && *r;
}

/* The setting of the recorded run, as settings_field_text puts it. A version that had no such key did what is the
 * default now, but where the field says what it did. */
static void text_before(const json *recorded, const struct field *field, struct strbuf *out)
{
    const char *text = recorded_text(recorded, "settings", field);
    if (!text)
        text = field->text_before;
    if (text) {
        strbuf_puts(out, text);
        return;
    }
    struct settings defaults;
    settings_init(&defaults);
    settings_field_text(&defaults, field, out);
    settings_free(&defaults);
}

/* Whether the user had set the key, as far as the record knows: one without the list may hold either. */
static bool was_given(const json *recorded, const struct field *field)
{
    const json *given = json_get(recorded, "given");
    struct strbuf name = {0};
    field_name(field, &name);
    bool found = !json_is_array(given) && json_get(json_get(recorded, "settings"), name.data);
    for (const json *item = json_first(given); item && !found; item = json_next(item))
        found = json_string(item) && strcmp(json_string(item), name.data) == 0;
    strbuf_free(&name);
    return found;
}

static enum sft_status adopt_field(struct settings *settings, const json *recorded, const struct field *field,
                                   struct sft_err *err)
{
    struct strbuf now = {0}, before = {0};
    enum sft_status status = SFT_OK;
    settings_field_text(settings, field, &now);
    text_before(recorded, field, &before);
    if (strcmp(text_of(&before), text_of(&now)) != 0) {
        status = settings_set_field(settings, field, text_of(&before), err);
        if (!status)
            log_info("[%s] %s = %s, which was the default when this run was started", field->section, field->key,
                     text_of(&before));
    }
    strbuf_free(&now);
    strbuf_free(&before);
    return status;
}

/* A section that is now there and was not: no key of it had a value. */
static bool is_of_new_section(const json *recorded, const struct field *field)
{
    const char *beta = recorded_text(recorded, "settings", settings_find("beta"));
    if (strcmp(field->section, "dpo") == 0)
        return !beta || !*beta;
    return strcmp(field->section, "lora") == 0 && !had_lora(recorded);
}

enum sft_status run_record_adopt(const json *recorded, struct settings *settings, struct sft_err *err)
{
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        const bool counts = field->resume == RESUME_SAME || field->resume == RESUME_LONGER;
        const bool has_section = settings_has_section(settings, field->section);
        if (!counts || !has_section || settings_is_given(settings, field) || was_given(recorded, field) ||
            is_of_new_section(recorded, field))
            continue;
        if (adopt_field(settings, recorded, field, err))
            return sft_in_key(err, "settings.%s.%s", field->section, field->key);
    }
    return SFT_OK;
}

static bool is_same_content(const struct run_record *record, const struct field *field, const char *before)
{
    const struct strbuf *now = fingerprint_of(record, field);
    return strcmp(before, text_of(now)) == 0 ||
           (now == &record->base && strcmp(before, text_of(&record->old_base)) == 0);
}

static bool is_nothing(const char *text)
{
    return !*text || strcmp(text, "\"\"") == 0;
}

static const char *or_nothing(const char *text)
{
    return is_nothing(text) ? "nothing" : text;
}

static enum sft_status check_lora(const struct run_record *record, const json *recorded, struct sft_err *err)
{
    if (record->settings->lora.on == had_lora(recorded))
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE,
                    record->settings->lora.on ? "there is a section [lora], but this run was started without and "
                                                "trains all of the model"
                                              : "there is no section [lora], but this run was started with it and "
                                                "trains an adapter");
}

/* Whether a field that counts, once `before`, now `text`, says another thing than it did: of files, their content. */
static bool differs(const struct run_record *record, const json *recorded, const struct field *field,
                    const char *before, const char *text)
{
    const char *content = recorded_text(recorded, "content", field);
    if (field->resume == RESUME_CONTENT && fingerprint_of(record, field))
        return !is_same_content(record, field, content ? content : "");
    return field->resume == RESUME_SAME && strcmp(before, text) != 0;
}

static enum sft_status check_field(const struct run_record *record, const json *recorded,
                                   const struct field *field, struct sft_err *err)
{
    struct strbuf now_text = {0}, before_text = {0};
    settings_field_text(record->settings, field, &now_text);
    text_before(recorded, field, &before_text);
    const char *before = text_of(&before_text), *text = text_of(&now_text);
    enum sft_status status = SFT_OK;
    const bool is_content = field->resume == RESUME_CONTENT && fingerprint_of(record, field);
    const bool is_other = differs(record, recorded, field, before, text);
    if (is_other && is_content && !is_nothing(text))
        status = sft_fail(err, SFT_EUSAGE, "[%s] %s: the content of %s is not what this run was started with (%s)",
                          field->section, field->key, text, or_nothing(before));
    else if (is_other)
        status = sft_fail(err, SFT_EUSAGE, "[%s] %s = %s, but this run was started with %s", field->section,
                          field->key, or_nothing(text), or_nothing(before));
    strbuf_free(&now_text);
    strbuf_free(&before_text);
    return status;
}

enum sft_status run_record_check(const struct run_record *record, const json *recorded,
                                 const char **isa_before, struct sft_err *err)
{
    static const char remedy[] = "(use the old value, another output_dir, or --fresh)";
    const double total_before = json_number(json_get(recorded, "total_steps"));
    enum sft_status status = check_lora(record, recorded, err);
    for (size_t i = 0; i < settings_fields_count && !status; i++)
        status = check_field(record, recorded, &settings_fields[i], err);
    if (!status && (double)record->total_steps < total_before)
        status = sft_fail(
            err, SFT_EUSAGE,
            "[train] num_train_epochs and max_steps make %llu steps, but this run was started with %.0f: "
            "they may be raised, not lowered",
            (unsigned long long)record->total_steps, total_before);
    if (status) {
        sft_remark(err, " %s", remedy);
        return status;
    }
    const char *isa = json_string(json_get(recorded, "isa"));
    *isa_before = isa && strcmp(isa, record->isa) != 0 ? isa : NULL;
    return SFT_OK;
}

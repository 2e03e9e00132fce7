/* What the report tells of rows' keys: those that nobody read, by what they may mean. */
#include "report/report_keys.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { KEYS_SHOWN = 12 };

typedef unsigned long long ull;

enum meaning {
    MEANS_NOTES,     /* who said it, where it is from, what kind it is: nothing that a model is told */
    MEANS_REASONING, /* of the assistant */
    MEANS_UNKNOWN    /* perhaps something that the model should see */
};

static const char *const reasoning[] = {"reasoning", "thinking",  "thought", "thoughts",
                                        "think",     "rationale", "cot"};

static const char *const notes[] = {
    "agreement", "annotation", "annotations", "annotator", "author",  "categories", "category",
    "comment",   "comments",   "corpus",      "count",     "created", "dataset",    "date",
    "emojis",    "held",       "review",      "reviewer",  "state",   "deleted",    "difficulty",
    "domain",    "functions",  "guid",        "hash",      "id",      "ids",        "idx",
    "index",     "kind",       "label",       "labels",    "lang",    "language",   "len",
    "length",    "license",    "link",        "locale",    "md5",     "meta",       "metadata",
    "model",     "name",       "num",         "number",    "origin",  "quality",    "rank",
    "rating",    "ratings",    "rejected",    "score",     "scores",  "sha",        "synthetic",
    "title",     "source",     "split",       "src",       "status",  "subject",    "tag",
    "tags",      "task",       "time",        "timestamp", "tokens",  "tools",      "topic",
    "turn",      "turns",      "type",        "updated",   "uri",     "url",        "user",
    "username",  "uuid",       "version",
};

static bool is_one_of(const char *word, size_t len, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i]) == len && strncasecmp(words[i], word, len) == 0)
            return true;
    return false;
}

/* By the words of the key itself, the last part of its path. */
static enum meaning meaning_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    enum meaning found = MEANS_UNKNOWN;
    for (const char *p = dot ? dot + 1 : path; *p;) {
        size_t len = 0;
        while (isalnum((unsigned char)p[len]) &&
               !(len > 0 && isupper((unsigned char)p[len]) && islower((unsigned char)p[len - 1])))
            len++;
        if (is_one_of(p, len, reasoning, sizeof reasoning / sizeof *reasoning))
            return MEANS_REASONING;
        if (is_one_of(p, len, notes, sizeof notes / sizeof *notes))
            found = MEANS_NOTES;
        p += len > 0 ? len : 1;
    }
    return found;
}

bool report_keys_unused(const struct key_count *key)
{
    return key->kind == KEY_UNUSED || key->kind == KEY_FLAG;
}

bool report_keys_refused(const struct key_count *key)
{
    return key->kind == KEY_REFUSED;
}

bool report_keys_flag(const struct key_count *key)
{
    return key->kind == KEY_FLAG;
}

bool report_keys_verdict(const struct key_count *key)
{
    return key->kind == KEY_VERDICT;
}

bool report_keys_reasoning(const struct key_count *key)
{
    return key->kind == KEY_UNUSED && key->tells && meaning_of(key->name) == MEANS_REASONING;
}

bool report_keys_unknown(const struct key_count *key)
{
    return key->kind == KEY_UNUSED && key->tells && meaning_of(key->name) == MEANS_UNKNOWN;
}

/* ---- as text ---- */

size_t report_keys_list(const struct key_counts *keys, report_keys_fn *kind, struct strbuf *out,
                        const struct key_count **first)
{
    size_t n = 0;
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_count *key = keys->items[i];
        if (!kind(key))
            continue;
        if (n == 0)
            *first = key;
        if (n++ >= KEYS_SHOWN)
            continue;
        strbuf_puts(out, n > 1 ? ", " : "");
        strbuf_add_visible(out, key->name, strlen(key->name));
        strbuf_printf(out, " (%llu row%s)", (ull)key->rows, key->rows == 1 ? "" : "s");
    }
    if (n > KEYS_SHOWN)
        strbuf_printf(out, " and %zu more", n - KEYS_SHOWN);
    return n;
}

static uint64_t rows_of(const struct key_counts *keys, const char *name)
{
    for (size_t i = 0; i < keys->count; i++)
        if (report_keys_unused(keys->items[i]) && strcmp(keys->items[i]->name, name) == 0)
            return keys->items[i]->rows;
    return 0;
}

void report_keys_text(const struct dataset_file *file, struct strbuf *out)
{
    const struct key_counts *keys = &file->keys;
    const struct key_count *first;
    const uint64_t rejected = strcmp(file->store.format, "hh") == 0 ? rows_of(keys, "rejected") : 0;
    struct strbuf list = {0};
    if (rejected)
        strbuf_printf(out, "       preferences: %llu; `chosen` is trained on, `rejected` is not used\n",
                      (ull)rejected);
    if (report_keys_list(keys, report_keys_unused, &list, &first))
        strbuf_printf(out, "       keys that are not used: %s\n", list.data);
    strbuf_free(&list);
}

/* ---- as JSON ---- */

static void put_json_list(struct strbuf *out, const char *name, const struct key_counts *keys,
                          report_keys_fn *kind)
{
    bool is_first = true;
    strbuf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_count *key = keys->items[i];
        if (!kind(key))
            continue;
        strbuf_puts(out, is_first ? "{\"key\":" : ",{\"key\":");
        strbuf_json_string(out, key->name, strlen(key->name));
        strbuf_printf(out, ",\"rows\":%llu}", (ull)key->rows);
        is_first = false;
    }
    strbuf_putc(out, ']');
}

void report_keys_json(const struct dataset_file *file, struct strbuf *out)
{
    put_json_list(out, "unused_keys", &file->keys, report_keys_unused);
    put_json_list(out, "refused_flags", &file->keys, report_keys_refused);
}

/* What the report tells of rows' keys: those that nobody read, by what they may mean. */
#include "report/report_internal.h"

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

static bool is_unused(const struct key_count *key)
{
    return key->kind == KEY_UNUSED || key->kind == KEY_FLAG;
}

/* ---- as text ---- */

/* "id (40 rows), messages[].name (1 row)": the keys that `wanted` picks, the first of them in *first. */
static size_t list_keys(const struct key_counts *keys, bool (*wanted)(const struct key_count *),
                        struct strbuf *out, const struct key_count **first)
{
    size_t n = 0;
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_count *key = keys->items[i];
        if (!wanted(key))
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
        if (is_unused(keys->items[i]) && strcmp(keys->items[i]->name, name) == 0)
            return keys->items[i]->rows;
    return 0;
}

void report_put_keys(struct strbuf *out, const struct report_file *f)
{
    const struct key_counts *keys = &f->file->keys;
    const struct key_count *first;
    const uint64_t rejected = strcmp(f->file->store.format, "hh") == 0 ? rows_of(keys, "rejected") : 0;
    struct strbuf list = {0};
    if (rejected)
        strbuf_printf(out, "       preferences: %llu; `chosen` is trained on, `rejected` is not used\n",
                      (ull)rejected);
    if (list_keys(keys, is_unused, &list, &first))
        strbuf_printf(out, "       keys that are not used: %s\n", list.data);
    strbuf_free(&list);
}

/* ---- as JSON ---- */

static void put_json_list(struct strbuf *out, const char *name, const struct key_counts *keys,
                          bool (*wanted)(const struct key_count *))
{
    bool is_first = true;
    strbuf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_count *key = keys->items[i];
        if (!wanted(key))
            continue;
        strbuf_puts(out, is_first ? "{\"key\":" : ",{\"key\":");
        strbuf_json_string(out, key->name, strlen(key->name));
        strbuf_printf(out, ",\"rows\":%llu}", (ull)key->rows);
        is_first = false;
    }
    strbuf_putc(out, ']');
}

static bool is_refused(const struct key_count *key)
{
    return key->kind == KEY_REFUSED;
}

void report_put_keys_json(struct strbuf *out, const struct report_file *f)
{
    put_json_list(out, "unused_keys", &f->file->keys, is_unused);
    put_json_list(out, "refused_flags", &f->file->keys, is_refused);
}

/* ---- warnings ---- */

static bool is_flag(const struct key_count *key)
{
    return key->kind == KEY_FLAG;
}

static bool is_verdict(const struct key_count *key)
{
    return key->kind == KEY_VERDICT;
}

static bool is_reasoning(const struct key_count *key)
{
    return key->kind == KEY_UNUSED && key->tells && meaning_of(key->name) == MEANS_REASONING;
}

static bool is_unknown(const struct key_count *key)
{
    return key->kind == KEY_UNUSED && key->tells && meaning_of(key->name) == MEANS_UNKNOWN;
}

void report_warn_of_keys(struct report *report, const struct report_file *f)
{
    const bool trains_all = report->run->settings->data.train_on == TRAIN_ON_ALL;
    const struct {
        bool (*wanted)(const struct key_count *);
        const char *what, *remedy;
    } kinds[] = {
        {is_flag, "training will stop at keys that speak of training, but not in words that are known",
         "weight, train, trainable, loss and masked are; [data] columns = KEY:train or KEY:masked says what one "
         "means, KEY:ignore passes it over"},
        {trains_all ? NULL : is_refused,
         "turns that are not the assistant's are marked to be trained, and are not",
         "train_on = all trains every turn"},
        {is_verdict, "answers that their row calls bad, and that are trained on as all others",
         "[data] columns = KEY:train leaves them out, KEY:ignore says that it means something else"},
        {is_reasoning, "reasoning that is not shown to the model", NULL},
        {is_unknown, "keys that nobody reads",
         "[data] columns = KEY:OURS says what one is, KEY:ignore that it is not needed"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct strbuf list = {0};
        const struct key_count *first = NULL;
        if (kinds[i].wanted && list_keys(&f->file->keys, kinds[i].wanted, &list, &first))
            report_warn(report, "%s: %s, first %s:%llu%s%s%s", kinds[i].what, list.data, f->file->path,
                        (ull)first->line, kinds[i].remedy ? " (" : "", kinds[i].remedy ? kinds[i].remedy : "",
                        kinds[i].remedy ? ")" : "");
        strbuf_free(&list);
    }
    if (f->file->keys.others)
        report_warn(report, "%s: more keys than are told apart (%d); %llu times a row had another",
                    f->file->path, KEYS_MAX, (ull)f->file->keys.others);
}

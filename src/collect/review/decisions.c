#include "collect/review/decisions.h"

#include "base/json.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const verdict_name[N_VERDICTS] = {NULL, "accept", "edit", "reject", "skip"};

enum verdict verdict_by_name(const char *name)
{
    for (enum verdict v = VERDICT_ACCEPT; name && v < N_VERDICTS; v++)
        if (strcmp(name, verdict_name[v]) == 0)
            return v;
    return VERDICT_NONE;
}

bool verdict_is_good(enum verdict verdict)
{
    return verdict == VERDICT_ACCEPT || verdict == VERDICT_EDIT;
}

void decision_free(struct decision *d)
{
    for (size_t i = 0; i < d->tags.count; i++)
        free(d->tags.items[i]);
    free(d->tags.items);
    free(d->messages);
    free(d->chosen);
    free(d->rejected);
    free(d->reason);
    free(d->time);
    *d = (struct decision){0};
}

static bool is_equal(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool decision_is_same_edit(const struct decision *a, const struct decision *b)
{
    return is_equal(a->messages, b->messages) && is_equal(a->chosen, b->chosen) && is_equal(a->rejected, b->rejected);
}

/* ---- reading ---- */

static char *copy_of(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static char *list_text(const json *object, const char *key)
{
    const json *list = json_get(object, key);
    struct strbuf text = {0};
    if (!json_is_array(list) || !json_is_strict(list))
        return NULL;
    json_print_line(list, &text);
    return text.data;
}

/* Others than strings are passed over: a tag is a note. */
static void read_tags(const json *list, struct string_list *tags)
{
    const size_t n = json_is_array(list) ? json_size(list) : 0;
    if (n == 0)
        return;
    tags->items = mem_calloc(n, sizeof *tags->items);
    for (const json *tag = json_first(list); tag; tag = json_next(tag))
        if (json_is_string(tag))
            tags->items[tags->count++] = mem_strdup(json_string(tag));
}

static uint64_t read_hash(const char *text)
{
    return text ? strtoull(text, NULL, 16) : 0;
}

static enum sft_status read_object(struct decision *d, const json *root, struct sft_err *err)
{
    const char *verdict, *reason, *time, *hash;
    if (!json_is_object(root))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(root));
    if (json_get_size(root, "row", 0, &d->row, err) || json_get_string(root, "decision", NULL, &verdict, err) ||
        json_get_string(root, "reason", NULL, &reason, err) || json_get_string(root, "time", NULL, &time, err) ||
        json_get_string(root, "hash", NULL, &hash, err) || json_get_bool(root, "undone", false, &d->is_undo, err))
        return SFT_EDATA;
    d->verdict = verdict_by_name(verdict);
    if (d->row < 1 || d->row > ROWS_MAX)
        return sft_fail_in(err, SFT_EDATA, "row", "expected a number from 1 on");
    if (d->verdict == VERDICT_NONE)
        return sft_fail_in(err, SFT_EDATA, "decision", "expected accept, edit, reject or skip");
    d->hash = read_hash(hash);
    d->has_hash = hash != NULL;
    d->reason = copy_of(reason);
    d->time = copy_of(time);
    d->messages = list_text(root, "messages");
    d->chosen = list_text(root, "chosen");
    d->rejected = list_text(root, "rejected");
    read_tags(json_get(root, "tags"), &d->tags);
    return SFT_OK;
}

enum sft_status decision_parse(struct decision *d, const char *line, size_t len, struct sft_err *err)
{
    json *root;
    *d = (struct decision){0};
    if (json_parse(line, len, &root, err))
        return SFT_EDATA;
    const enum sft_status status = read_object(d, root, err);
    json_free(root);
    if (status)
        decision_free(d);
    return status;
}

/* ---- writing ---- */

static void put_string(const char *key, const char *text, struct strbuf *out)
{
    strbuf_printf(out, ",\"%s\":", key);
    strbuf_json_string(out, text, strlen(text));
}

void decision_tags_print(const struct string_list *tags, struct strbuf *out)
{
    strbuf_putc(out, '[');
    for (size_t i = 0; i < tags->count; i++) {
        strbuf_puts(out, i ? "," : "");
        strbuf_json_string(out, tags->items[i], strlen(tags->items[i]));
    }
    strbuf_putc(out, ']');
}

void decision_print(const struct decision *d, struct strbuf *out)
{
    const char *lists[][2] = {{"messages", d->messages}, {"chosen", d->chosen}, {"rejected", d->rejected}};
    strbuf_printf(out, "{\"row\":%zu,\"decision\":\"%s\"", d->row,
                  verdict_name[d->verdict ? d->verdict : VERDICT_SKIP]);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i][1])
            strbuf_printf(out, ",\"%s\":%s", lists[i][0], lists[i][1]);
    if (d->reason)
        put_string("reason", d->reason, out);
    if (d->tags.count) {
        strbuf_puts(out, ",\"tags\":");
        decision_tags_print(&d->tags, out);
    }
    if (d->is_undo)
        strbuf_puts(out, ",\"undone\":true");
    if (d->time)
        put_string("time", d->time, out);
    if (d->has_hash)
        strbuf_printf(out, ",\"hash\":\"%016" PRIx64 "\"", d->hash);
    strbuf_puts(out, "}\n");
}

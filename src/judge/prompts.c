#include "judge/prompts.h"

#include "base/hash_set.h"
#include "base/log.h"
#include "base/xxh64.h"
#include "data/readers/reader.h"
#include "data/readers/reader_fields.h"
#include "judge/sheet.h"

#include <stdlib.h>
#include <string.h>

const char *const prompt_label_name[] = {"safe", "unsafe", NULL};

/* All may be absent: a row of JSON may have a conversation in place of its prompt, and labels may not be needed. */
enum { PROMPT, LABEL, TYPE, N_COLUMNS };
static const struct sheet_column columns[N_COLUMNS] = {{"prompt", false}, {"label", false}, {"type", false}};

/* ---- a row ---- */

static enum sft_status read_label(struct prompt_row *prompt, const char *label, struct sft_err *err)
{
    prompt->label = PROMPT_UNLABELLED;
    if (reader_is_blank(label))
        return SFT_OK;
    for (enum prompt_label l = PROMPT_SAFE; l < PROMPT_UNLABELLED; l++)
        if (strcmp(label, prompt_label_name[l]) == 0)
            prompt->label = l;
    return prompt->label != PROMPT_UNLABELLED
               ? SFT_OK
               : sft_fail_in(err, SFT_EDATA, "label", "'%.60s' is neither safe nor unsafe", label);
}

/* Up to the last message of the user. */
static enum sft_status read_conversation(struct prompts *p, struct prompt_row *prompt, const json *row,
                                         struct sft_err *err)
{
    struct conversation *conv = &prompt->conv;
    if (reader_read_any(row, &p->arena, conv, err))
        return err->status;
    while (conv->count && conv->messages[conv->count - 1].role != ROLE_USER)
        conv->count--;
    return conv->count ? SFT_OK
                       : sft_fail_in(err, SFT_EDATA, "messages", "there is none of the user to be answered");
}

static void set_text(struct prompts *p, struct prompt_row *prompt, const char *text)
{
    struct message *message = arena_calloc(&p->arena, 1, sizeof *message);
    *message = (struct message){ROLE_USER, arena_strndup(&p->arena, text, strlen(text)), strlen(text), 1};
    prompt->conv = (struct conversation){.messages = message, .count = 1};
}

static enum sft_status read_row(struct prompts *p, struct prompt_row *prompt, const struct sheet *sheet,
                                const struct sheet_row *row, struct sft_err *err)
{
    const char *text = row->values[PROMPT], *type = row->values[TYPE];
    if (!text && !json_get(row->root, "messages"))
        return sheet_fail_missing(sheet, row, "prompt", err);
    if (text)
        set_text(p, prompt, text);
    else if (read_conversation(p, prompt, row->root, err))
        return sheet_in_row(sheet, row, NULL, err);
    const struct message *last = &prompt->conv.messages[prompt->conv.count - 1];
    prompt->text = last->content;
    prompt->len = last->len;
    prompt->type = reader_is_blank(type) ? NULL : arena_strndup(&p->arena, type, strlen(type));
    prompt->line = row->line;
    if (utf8_is_blank(last->content, last->len)) {
        sft_fail(err, SFT_EDATA, "is empty");
        return sheet_in_row(sheet, row, text ? "prompt" : "messages", err);
    }
    return read_label(prompt, row->values[LABEL], err) ? sheet_in_row(sheet, row, NULL, err) : SFT_OK;
}

/* ---- a file ---- */

static struct prompt_row *add(struct prompts *p)
{
    p->items = mem_grow(p->items, &p->capacity, p->count + 1, sizeof *p->items);
    p->items[p->count] = (struct prompt_row){0};
    return &p->items[p->count++];
}

/* Labels are for all rows of a file, or for none. `first` of p's are other files'. */
static enum sft_status check_label(const struct prompts *p, size_t first, bool needs_labels, struct sft_err *err)
{
    const struct prompt_row *row = &p->items[p->count - 1], *before = &p->items[first];
    const bool has_label = row->label != PROMPT_UNLABELLED;
    if (needs_labels && !has_label)
        return sft_fail_in(err, SFT_EDATA, "label", "missing (each prompt is labelled safe or unsafe)");
    if (has_label != (before->label != PROMPT_UNLABELLED))
        return sft_fail_in(err, SFT_EDATA, "label", "%s, but line %zu has %s (all rows of a file have one, or none)",
                           has_label ? "there is one" : "missing", before->line, has_label ? "none" : "one");
    return SFT_OK;
}

static enum sft_status read_rows(struct prompts *p, struct sheet *sheet, const char *file, bool needs_labels,
                                 struct sft_err *err)
{
    const size_t first = p->count;
    struct sheet_row row;
    for (;;) {
        if (sheet_next(sheet, &row, err))
            return err->status;
        if (!row.values)
            return SFT_OK;
        struct prompt_row *prompt = add(p);
        prompt->file = file;
        if (read_row(p, prompt, sheet, &row, err))
            return err->status;
        if (check_label(p, first, needs_labels, err))
            return sheet_in_row(sheet, &row, NULL, err);
        p->n_labelled += prompt->label != PROMPT_UNLABELLED;
    }
}

static enum sft_status read_file(struct prompts *p, const char *file, bool needs_labels, const volatile int *stop,
                                 struct sft_err *err)
{
    static const struct sheet_column header[] = {{"prompt", true}, {"label", true}};
    struct sheet sheet;
    enum sft_status status = sheet_open(&sheet, file, columns, N_COLUMNS, stop, err);
    if (!status)
        status = sheet_check_header(&sheet, header, needs_labels ? 2 : 1, err);
    if (!status)
        status = read_rows(p, &sheet, arena_strndup(&p->arena, file, strlen(file)), needs_labels, err);
    sheet_close(&sheet);
    return status;
}

/* ---- the set ---- */

/* Of what is asked: who said what. */
static void hash_conversation(struct xxh64 *h, const struct conversation *conv)
{
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        const uint64_t head[] = {m->role, m->len};
        xxh64_update(h, head, sizeof head);
        xxh64_update(h, m->content, m->len);
    }
}

static void warn_repeated(const struct prompt_row *before, const struct prompt_row *again)
{
    const bool is_same = strcmp(again->file, before->file) == 0;
    log_warning("%s:%zu: the same prompt as in %s%s%zu%s: each counts, so that intervals are narrower than they "
                "should be (further ones are not named)",
                again->file, again->line, is_same ? "line " : before->file, is_same ? "" : ":", before->line,
                again->label != before->label ? ", with another label" : "");
}

/* The first prompt that stands there twice is told. */
static void find_repeated(const struct prompts *p)
{
    struct hash_set seen = {0};
    uint64_t *hashes = mem_alloc(p->count * sizeof *hashes);
    for (size_t i = 0; i < p->count; i++) {
        struct xxh64 h;
        xxh64_init(&h, 0);
        hash_conversation(&h, &p->items[i].conv);
        hashes[i] = xxh64_digest(&h);
        if (hash_set_add(&seen, hashes[i]))
            continue;
        size_t k = 0;
        while (hashes[k] != hashes[i])
            k++;
        warn_repeated(&p->items[k], &p->items[i]);
        break;
    }
    free(hashes);
    hash_set_free(&seen);
}

enum sft_status prompts_read(struct prompts *p, char *const *files, size_t n_files, bool needs_labels,
                             const volatile int *stop, struct sft_err *err)
{
    *p = (struct prompts){0};
    for (size_t i = 0; i < n_files; i++)
        if (read_file(p, files[i], needs_labels, stop, err))
            return err->status;
    if (p->count == 0) {
        sft_fail(err, SFT_EDATA, "there is no prompt in %s", n_files == 1 ? "it" : "any of the files");
        return n_files == 1 ? sft_in_file(err, files[0], 0) : SFT_EDATA;
    }
    find_repeated(p);
    return SFT_OK;
}

void prompts_free(struct prompts *p)
{
    arena_free(&p->arena);
    free(p->items);
    *p = (struct prompts){0};
}

void prompts_drop_unlabelled(struct prompts *p, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++)
        if (i < n || p->items[i].label != PROMPT_UNLABELLED)
            p->items[kept++] = p->items[i];
    p->count = kept;
}

uint64_t prompts_fingerprint(const struct prompts *p)
{
    struct xxh64 h;
    xxh64_init(&h, 0);
    for (size_t i = 0; i < p->count; i++) {
        const uint64_t head[] = {p->items[i].label, p->items[i].conv.count};
        xxh64_update(&h, head, sizeof head);
        hash_conversation(&h, &p->items[i].conv);
    }
    return xxh64_digest(&h);
}

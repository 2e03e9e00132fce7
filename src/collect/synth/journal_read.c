/* What a journal says, and the lock on it; journal_write.c adds to it. */
#include "collect/synth/journal_parts.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SHOWN_KEYS = 4, /* of those that differ, the rest is only counted */
    HASH_DIGITS = 16,
};

/* ---- the numbers of a line ---- */

/* A whole number from `least` to 2^53, the JSON numbers that are exact. */
static bool read_whole(const json *node, double least, double *out)
{
    *out = json_number(node);
    return *out >= least && *out <= 9007199254740992.0 && *out == floor(*out);
}

static uint64_t read_count(const json *line, const char *key)
{
    double x;
    return read_whole(json_get(line, key), 0, &x) ? (uint64_t)x : 0;
}

/* [row, step, ...] */
static bool read_step(const json *pair, struct journal_step *step)
{
    double row, number;
    if (!json_is_array(pair) || json_size(pair) < 2 || !read_whole(json_first(pair), (double)TOPICS_ROW, &row) ||
        !read_whole(json_next(json_first(pair)), 0, &number) || number > UINT32_MAX)
        return false;
    *step = (struct journal_step){(int64_t)row, (uint32_t)number};
    return true;
}

static bool is_step(const struct journal_step *a, const struct journal_step *b)
{
    return a->row == b->row && a->step == b->step;
}

/* ---- what was in flight ---- */

static struct pending *find_pending(struct replay *r, const struct journal_step *step)
{
    for (size_t i = r->n_pending; i-- > 0;)
        if (is_step(&r->pending[i].step, step))
            return &r->pending[i];
    return NULL;
}

/* A request's first attempt, where another of the same step has no end: its run died. */
static void note_sent(struct journal *j, struct replay *r, const struct journal_step *step, bool is_first)
{
    struct pending *p = find_pending(r, step);
    if (!p) {
        r->pending = mem_grow(r->pending, &r->capacity, r->n_pending + 1, sizeof *r->pending);
        p = &r->pending[r->n_pending++];
        *p = (struct pending){.step = *step};
    } else if (is_first) {
        j->totals.lost += p->attempts;
        p->attempts = 0;
    }
    p->attempts++;
    j->totals.sent++;
}

static void note_end(struct journal *j, struct replay *r, const struct journal_step *step, uint64_t lost)
{
    struct pending *p = find_pending(r, step);
    if (p)
        *p = r->pending[--r->n_pending];
    j->totals.lost += lost;
}

static void note_lost(struct journal *j, struct replay *r)
{
    for (size_t i = 0; i < r->n_pending; i++)
        j->totals.lost += r->pending[i].attempts;
    free(r->pending);
}

/* ---- a line ---- */

static enum sft_status read_answer(struct journal *j, struct replay *r, const json *line, struct sft_err *err)
{
    struct journal_entry entry = {.offset = r->offset, .len = r->len, .order = j->n_entries};
    if (!read_step(json_get(line, "answer"), &entry.step) || !json_is_string(json_get(line, "text")))
        return sft_fail(err, SFT_EDATA, "no answer of a step");
    j->entries = mem_grow(j->entries, &j->capacity, j->n_entries + 1, sizeof *j->entries);
    j->entries[j->n_entries++] = entry;
    j->totals.answers++;
    j->totals.prompt_tokens += read_count(line, "prompt_tokens");
    j->totals.completion_tokens += read_count(line, "completion_tokens");
    note_end(j, r, &entry.step, read_count(line, "lost"));
    return SFT_OK;
}

static enum sft_status read_done(struct journal *j, const json *line, struct sft_err *err)
{
    double row;
    const char *as = json_string(json_get(line, "as")), *reason = json_string(json_get(line, "reason"));
    if (!read_whole(json_get(line, "done"), 0, &row) || !as || (strcmp(as, "kept") != 0) != (reason != NULL))
        return sft_fail(err, SFT_EDATA, "no row that is kept or rejected");
    j->rows = mem_grow(j->rows, &j->rows_capacity, j->n_rows + 1, sizeof *j->rows);
    j->rows[j->n_rows++] = (struct journal_row){(uint64_t)row,
                                                reason ? arena_strndup(&j->arena, reason, strlen(reason)) : NULL};
    return SFT_OK;
}

/* What an older program does not know of, a newer one may have added: it is passed over. */
static enum sft_status read_line(struct journal *j, struct replay *r, const json *line, struct sft_err *err)
{
    struct journal_step step;
    double attempt;
    if (json_get(line, "answer"))
        return read_answer(j, r, line, err);
    if (json_get(line, "done"))
        return read_done(j, line, err);
    if (json_get(line, "sent")) {
        const json *sent = json_get(line, "sent");
        if (!read_step(sent, &step) || !read_whole(json_next(json_next(json_first(sent))), 0, &attempt))
            return sft_fail(err, SFT_EDATA, "sent: no row, step and attempt");
        note_sent(j, r, &step, attempt == 0);
    } else if (json_get(line, "ended")) {
        if (!read_step(json_get(line, "ended"), &step))
            return sft_fail(err, SFT_EDATA, "ended: no row and step");
        note_end(j, r, &step, read_count(line, "lost"));
    } else if (json_is_true(json_get(line, "again"))) {
        j->n_rows = 0;
    }
    return SFT_OK;
}

/* ---- the first line ---- */

static const char *value_of(const json *key)
{
    const char *value = json_string(key);
    return !value ? "not there" : *value ? value : "(empty)";
}

/* Of what a key names there is a hash alone (recipe_hash.c), which tells nobody anything. */
static bool is_hash(const json *key)
{
    const char *value = json_string(key);
    return value && strlen(value) == HASH_DIGITS && strspn(value, "0123456789abcdef") == HASH_DIGITS;
}

static void tell_key(struct strbuf *out, size_t n, const char *key, const json *was, const json *is)
{
    if (n >= SHOWN_KEYS)
        return;
    strbuf_puts(out, n ? "; " : "");
    if (is_hash(was) && is_hash(is))
        strbuf_printf(out, "the content of %s has changed", key);
    else
        strbuf_printf(out, "%s was %s, is %s", key, value_of(was), value_of(is));
}

/* Which keys differ, in words; malloc'd, NULL where none does. */
static char *tell_difference(const json *was, const json *is)
{
    struct strbuf out = {0};
    size_t n = 0;
    for (const json *a = json_first(was); a; a = json_next(a)) {
        const json *b = json_get(is, json_key(a));
        const char *old = json_string(a), *new = json_string(b);
        if (!old || !new || strcmp(old, new) != 0)
            tell_key(&out, n++, json_key(a), a, b);
    }
    for (const json *b = json_first(is); b; b = json_next(b))
        if (!json_get(was, json_key(b)))
            tell_key(&out, n++, json_key(b), NULL, b);
    if (n > SHOWN_KEYS)
        strbuf_printf(&out, "; %zu more", n - SHOWN_KEYS);
    return out.data;
}

/* Another recipe's is no error yet: r->other tells of it. */
static enum sft_status check_head(const json *line, const struct journal_head *head, struct replay *r,
                                  struct sft_err *err)
{
    const char *recipe = json_string(json_get(line, "recipe"));
    if (json_number(json_get(line, "sft_synth")) != 1 || !recipe)
        return sft_fail(err, SFT_EUSAGE, "no journal of sft synth, or a later version's (give another --out)");
    if (strcmp(recipe, head->recipe) == 0)
        return SFT_OK;
    json *keys = NULL;
    if (json_parse(head->keys, strlen(head->keys), &keys, err))
        SFT_BUG("the recipe's keys are no JSON");
    char *difference = tell_difference(json_get(line, "keys"), keys);
    sft_fail(&r->other, SFT_EUSAGE, "begun with another recipe: %s (put it back, or give another --out)",
             difference ? difference : "what it was made of differs");
    free(difference);
    json_free(keys);
    r->is_other = true;
    return SFT_OK;
}

/* ---- the file ---- */

static int by_step(const void *a, const void *b)
{
    const struct journal_entry *x = a, *y = b;
    if (x->step.row != y->step.row)
        return x->step.row < y->step.row ? -1 : 1;
    if (x->step.step != y->step.step)
        return x->step.step < y->step.step ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static int by_row(const void *a, const void *b)
{
    const struct journal_row *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* Of a line that something else than a run has damaged: what it said is asked for again. */
static enum sft_status damaged(const struct journal *j, const struct replay *r, struct sft_err *err)
{
    sft_remark(err, r->line == 1 ? " (give another --out)"
                                 : " (take this line out, and what it said is asked for again; or give another --out)");
    return sft_in_file(err, j->path, r->line);
}

static enum sft_status replay_line(struct journal *j, struct replay *r, const char *text,
                                   const struct journal_head *head, struct sft_err *err)
{
    json *line;
    if (json_parse(text, r->len, &line, err))
        return damaged(j, r, err);
    const enum sft_status status = r->line == 1 ? check_head(line, head, r, err) : read_line(j, r, line, err);
    json_free(line);
    if (!status || r->line > 1)
        return status ? damaged(j, r, err) : SFT_OK;
    return sft_in_file(err, j->path, 0);
}

/* Of another recipe a journal is gone on with by nobody; one without an answer is nothing to lose. */
static enum sft_status start_over(struct journal *j, const struct sft_err *why, size_t *size, struct sft_err *err)
{
    if (j->n_entries || j->n_rows) {
        if (err)
            *err = *why;
        return sft_in_file(err, j->path, 0);
    }
    j->totals = (struct journal_totals){0};
    *size = 0; /* all of it is cut off */
    return SFT_OK;
}

/* *size: of the whole lines. */
static enum sft_status replay(struct journal *j, const struct io_map *map, const struct journal_head *head,
                              size_t *size, struct sft_err *err)
{
    struct replay r = {0};
    enum sft_status status = SFT_OK;
    for (const char *end; !status && r.offset < map->size; r.offset += r.len + 1) {
        const char *text = map->data + r.offset;
        if (!(end = memchr(text, '\n', map->size - r.offset)))
            break; /* half a line: what it was to say has not happened */
        r.len = (size_t)(end - text);
        r.line++;
        status = replay_line(j, &r, text, head, err);
    }
    *size = r.offset;
    note_lost(j, &r);
    if (!status && r.is_other)
        status = start_over(j, &r.other, size, err);
    if (j->n_entries)
        qsort(j->entries, j->n_entries, sizeof *j->entries, by_step);
    if (j->n_rows)
        qsort(j->rows, j->n_rows, sizeof *j->rows, by_row);
    return status;
}

/* Half a first line is a run's that died at once, or somebody's notes. */
static enum sft_status check_beginning(const struct io_map *map, struct sft_err *err)
{
    static const char head[] = "{\"sft_synth\":";
    const size_t n = map->size < sizeof head - 1 ? map->size : sizeof head - 1;
    return n == 0 || memcmp(map->data, head, n) == 0
               ? SFT_OK
               : sft_fail(err, SFT_EUSAGE, "no journal of sft synth (give another --out)");
}

static enum sft_status read_journal(struct journal *j, const struct journal_head *head, size_t *size,
                                    struct sft_err *err)
{
    struct io_map map;
    if (io_map(&map, j->path, err))
        return err->status;
    const size_t found = map.size;
    enum sft_status status = replay(j, &map, head, size, err);
    if (!status && *size == 0 && check_beginning(&map, err))
        status = sft_in_file(err, j->path, 0);
    io_unmap(&map);
    if (!status && *size < found && ftruncate(j->fd, (off_t)*size) != 0)
        return sft_fail_errno(err, "%s: cannot write", j->path);
    return status;
}

static enum sft_status lock(struct journal *j, struct sft_err *err)
{
    const enum sft_status status = io_lock(j->path, &j->fd, err);
    if (status == SFT_EUSAGE)
        return sft_fail(err, SFT_EUSAGE, "%s: another sft synth is at work on it (wait for it, or give another --out)",
                        j->path);
    if (!status && fcntl(j->fd, F_SETFL, O_APPEND) != 0)
        return sft_fail_errno(err, "%s: cannot write", j->path);
    return status;
}

static enum sft_status begin(struct journal *j, const struct journal_head *head, struct sft_err *err)
{
    struct strbuf line = {0};
    strbuf_puts(&line, "{\"sft_synth\":1,\"recipe\":");
    strbuf_json_string(&line, head->recipe, strlen(head->recipe));
    strbuf_printf(&line, ",\"keys\":%s}\n", head->keys);
    enum sft_status status = journal_append(j, &line, true, err);
    strbuf_free(&line);
    char *dir = path_dirname(j->path);
    if (!status)
        status = io_sync_dir(dir, err);
    free(dir);
    return status;
}

enum sft_status journal_open(struct journal **journal, const char *path, const struct journal_head *head, bool *is_new,
                             struct sft_err *err)
{
    struct journal *j = *journal = mem_calloc(1, sizeof *j);
    j->path = mem_strdup(path);
    j->fd = -1;
    *is_new = false;
    size_t size = 0;
    if (lock(j, err) || read_journal(j, head, &size, err))
        return err->status;
    *is_new = j->is_new = size == 0;
    return *is_new ? begin(j, head, err) : SFT_OK;
}

void journal_remove_new(struct journal *journal)
{
    if (!journal->is_new)
        return;
    unlink(journal->path);
    journal->is_broken = true;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    free(journal->entries);
    free(journal->rows);
    arena_free(&journal->arena);
    free(journal->path);
    free(journal);
}

/* ---- asking ---- */

struct journal_totals journal_totals(const struct journal *journal)
{
    return journal->totals;
}

void journal_each_done(const struct journal *journal, void (*tell)(void *user, uint64_t row, const char *reason),
                       void *user)
{
    for (size_t i = 0; i < journal->n_rows; i++)
        if (i == 0 || journal->rows[i].row != journal->rows[i - 1].row)
            tell(user, journal->rows[i].row, journal->rows[i].reason);
}

static const struct journal_entry *find_entry(const struct journal *j, const struct journal_step *step)
{
    size_t low = 0, high = j->n_entries;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct journal_step *s = &j->entries[middle].step;
        if (s->row < step->row || (s->row == step->row && s->step < step->step))
            low = middle + 1;
        else
            high = middle;
    }
    return low < j->n_entries && is_step(&j->entries[low].step, step) ? &j->entries[low] : NULL;
}

static enum sft_status read_at(const struct journal *j, const struct journal_entry *entry, char *text,
                               struct sft_err *err)
{
    for (size_t done = 0; done < entry->len;) {
        const ssize_t n = pread(j->fd, text + done, entry->len - done, (off_t)(entry->offset + done));
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return n < 0 ? sft_fail_errno(err, "%s: cannot read", j->path)
                         : sft_fail(err, SFT_EIO, "%s: was cut short meanwhile", j->path);
        done += n > 0 ? (size_t)n : 0;
    }
    return SFT_OK;
}

static void fill(struct journal_answer *answer, const json *line)
{
    const char *text = json_string(json_get(line, "text")), *model = json_string(json_get(line, "model"));
    *answer = (struct journal_answer){.text = mem_strdup(text),
                                      .len = strlen(text),
                                      .is_cut = json_is_true(json_get(line, "cut")),
                                      .model = model ? mem_strdup(model) : NULL,
                                      .prompt_tokens = read_count(line, "prompt_tokens"),
                                      .completion_tokens = read_count(line, "completion_tokens")};
}

enum sft_status journal_find(const struct journal *journal, int64_t row, uint32_t step, struct journal_answer *answer,
                             bool *found, struct sft_err *err)
{
    const struct journal_entry *entry = find_entry(journal, &(struct journal_step){row, step});
    *answer = (struct journal_answer){0};
    *found = entry != NULL;
    if (!entry)
        return SFT_OK;
    char *text = mem_alloc(entry->len + 1);
    json *line = NULL;
    enum sft_status status = read_at(journal, entry, text, err);
    if (!status)
        status = json_parse(text, entry->len, &line, err);
    if (!status && !json_is_string(json_get(line, "text")))
        status = sft_fail(err, SFT_EIO, "%s: was changed meanwhile", journal->path);
    if (!status)
        fill(answer, line);
    json_free(line);
    free(text);
    return status;
}

void journal_answer_free(struct journal_answer *answer)
{
    free(answer->text);
    free(answer->model);
    *answer = (struct journal_answer){0};
}

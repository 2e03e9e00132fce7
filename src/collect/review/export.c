#include "collect/review/export.h"

#include "base/io.h"
#include "collect/review/review_row.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- outcomes ---- */

/* What all reviewers say of a row. */
struct said {
    size_t good, bad, stale; /* reviewers; stale: who decided another text */
    const struct decision *edit;
    bool edits_differ;
};

static struct said hear(const struct side_files *sides, size_t row, uint64_t hash)
{
    struct said said = {0};
    for (size_t i = 0; i < sides->count; i++) {
        const struct decision *d = side_file_last(&sides->items[i], row);
        const enum verdict verdict = side_file_verdict(&sides->items[i], row, hash);
        said.good += verdict_is_good(verdict);
        said.bad += verdict == VERDICT_REJECT;
        said.stale += d && verdict == VERDICT_NONE;
        if (verdict != VERDICT_EDIT)
            continue;
        said.edits_differ = said.edits_differ || (said.edit && !decision_is_same_edit(said.edit, d));
        said.edit = d;
    }
    return said;
}

static enum outcome outcome_of(const struct said *said)
{
    if (said->good == 0)
        return said->bad ? OUTCOME_REJECTED : OUTCOME_UNDECIDED;
    if (said->bad || said->edits_differ)
        return OUTCOME_DISAGREED;
    return said->edit ? OUTCOME_EDITED : OUTCOME_ACCEPTED;
}

static void count_outcomes(struct export_result *r)
{
    r->outcomes = mem_calloc(r->rows->count + 1, 1);
    for (size_t i = 0; i < r->rows->count; i++) {
        const struct said said = hear(r->sides, i + 1, r->rows->items[i].hash);
        enum outcome outcome = outcome_of(&said);
        if (r->rows->items[i].error && said.good) { /* by a program: the page does not let one */
            outcome = OUTCOME_UNDECIDED;
            r->n_unreadable++;
        }
        r->outcomes[i] = (unsigned char)outcome;
        r->counts[outcome]++;
        r->n_changed += outcome == OUTCOME_UNDECIDED && said.stale;
    }
}

static void count_sample(struct export_result *r, const size_t *sample)
{
    for (size_t i = 0; i < r->n_sample; i++) {
        const enum outcome outcome = r->outcomes[sample[i] - 1];
        r->sample_decided += outcome != OUTCOME_UNDECIDED;
        r->sample_good += outcome == OUTCOME_ACCEPTED || outcome == OUTCOME_EDITED;
    }
}

/* ---- agreement ---- */

static struct agreement compare(const struct review_rows *rows, const struct side_file *a, const struct side_file *b)
{
    struct agreement n = {0};
    for (size_t i = 0; i < rows->count; i++) {
        const enum verdict x = side_file_verdict(a, i + 1, rows->items[i].hash);
        const enum verdict y = side_file_verdict(b, i + 1, rows->items[i].hash);
        const bool x_good = verdict_is_good(x), y_good = verdict_is_good(y);
        if ((!x_good && x != VERDICT_REJECT) || (!y_good && y != VERDICT_REJECT))
            continue;
        n.both_good += x_good && y_good;
        n.only_a += x_good && !y_good;
        n.only_b += !x_good && y_good;
        n.both_bad += !x_good && !y_good;
    }
    return n;
}

static void compare_all(struct export_result *r)
{
    const size_t n = r->sides->count;
    r->pairs = mem_calloc(n * n + 1, sizeof *r->pairs);
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            const struct side_file *x = &r->sides->items[a], *y = &r->sides->items[b];
            const struct agreement agreement = compare(r->rows, x, y);
            if (agreement_n(&agreement))
                r->pairs[r->n_pairs++] = (struct export_pair){x->name, y->name, agreement};
        }
}

/* ---- writing ---- */

/* {"by":["anna","ben"],"decision":"accept"}; of an edit, only who made it: who accepted the row saw another. */
static void put_review(const struct export_result *r, size_t i, struct strbuf *out)
{
    const bool is_edited = r->outcomes[i] == OUTCOME_EDITED;
    size_t n = 0;
    strbuf_puts(out, "{\"by\":[");
    for (size_t s = 0; s < r->sides->count; s++) {
        const struct side_file *side = &r->sides->items[s];
        const enum verdict verdict = side_file_verdict(side, i + 1, r->rows->items[i].hash);
        if (is_edited ? verdict != VERDICT_EDIT : !verdict_is_good(verdict))
            continue;
        strbuf_puts(out, n++ ? "," : "");
        strbuf_json_string(out, side->name, strlen(side->name));
    }
    strbuf_printf(out, "],\"decision\":\"%s\"}", verdict_name[is_edited ? VERDICT_EDIT : VERDICT_ACCEPT]);
}

static bool is_written(const struct export_result *r, size_t i)
{
    return r->outcomes[i] == OUTCOME_ACCEPTED || r->outcomes[i] == OUTCOME_EDITED;
}

static enum sft_status check_list(const char *text, const char *key, bool is_document, struct sft_err *err)
{
    json *list;
    if (!text)
        return SFT_OK;
    if (json_parse(text, strlen(text), &list, err))
        return sft_in_key(err, "%s", key);
    const enum sft_status status = review_messages_check(list, key, is_document, err);
    json_free(list);
    return status;
}

/* Programs write decisions, too: an edit may be anything. */
static enum sft_status check_edit(const struct decision *edit, const struct review_content *content,
                                  struct sft_err *err)
{
    const bool is_document = content->messages.is_document;
    if (!edit || (!check_list(edit->messages, "messages", is_document, err) &&
                  !check_list(edit->chosen, "chosen", is_document, err) &&
                  !check_list(edit->rejected, "rejected", is_document, err)))
        return SFT_OK;
    return sft_context(err, "the edit of this row");
}

static enum sft_status write_row(const struct export_result *r, size_t i, struct strbuf *line, struct sft_err *err)
{
    struct review_content content = {0};
    struct strbuf review = {0};
    const struct said said = hear(r->sides, i + 1, r->rows->items[i].hash);
    enum sft_status status = review_rows_read(r->rows, i, &content, err);
    strbuf_clear(line);
    put_review(r, i, &review);
    if (!status)
        status = check_edit(said.edit, &content, err);
    if (!status)
        status = review_row_print(&content, said.edit, r->is_converted, review.data, line, err);
    strbuf_putc(line, '\n');
    strbuf_free(&review);
    review_content_free(&content);
    return status ? sft_in_file(err, r->rows->spec.path, r->rows->items[i].line) : SFT_OK;
}

/* Whether a row that is written is edited, and another, or that one, has a form that edits do not have: a file whose
 * rows have two forms is not one that train reads. */
static bool must_convert(const struct export_result *r)
{
    bool is_other = false;
    for (size_t i = 0; i < r->rows->count && r->counts[OUTCOME_EDITED] && !is_other; i++) {
        struct review_content content = {0};
        if (is_written(r, i) && review_rows_read(r->rows, i, &content, NULL) == SFT_OK)
            is_other = !content.is_native;
        review_content_free(&content);
    }
    return is_other;
}

static enum sft_status write_rows(struct export_result *r, struct sft_err *err)
{
    struct strbuf line = {0};
    enum sft_status status = SFT_OK;
    struct io_writer *w = io_writer_open(r->out, err);
    if (!w)
        return err->status;
    for (size_t i = 0; i < r->rows->count && !status; i++) {
        if (!is_written(r, i))
            continue;
        status = write_row(r, i, &line, err);
        io_write(w, line.data, line.len);
    }
    strbuf_free(&line);
    if (!status)
        return io_writer_commit(w, err);
    io_writer_abort(w);
    return status;
}

/* ---- the whole ---- */

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Whether `out` is a reviewer's file, or would be taken for one. */
static bool is_of_a_reviewer(const struct export_result *r)
{
    char *dir = path_dirname(r->out), *of_file = path_dirname(r->rows->spec.path);
    char *name = is_same_file(dir, of_file) ? side_files_reviewer(r->sides, path_basename(r->out)) : NULL;
    bool found = name != NULL;
    for (size_t i = 0; i < r->sides->count; i++)
        found = found || is_same_file(r->out, r->sides->items[i].path);
    free(name);
    free(dir);
    free(of_file);
    return found;
}

/* The note that put_review makes, in a row of an earlier export. */
static bool is_note(const json *note)
{
    return json_is_array(json_get(note, "by")) && verdict_by_name(json_string(json_get(note, "decision")));
}

static bool is_export(const struct io_map *file)
{
    const char *end = memchr(file->data, '\n', file->size);
    json *row;
    if (file->size == 0)
        return true;
    if (json_parse(file->data, end ? (size_t)(end - file->data) : file->size, &row, NULL))
        return false;
    const bool found = json_is_object(row) &&
                       (is_note(json_get(row, "review")) || is_note(json_get(row, "sft_review")));
    json_free(row);
    return found;
}

/* What is written in place of a file must be such a file. */
static enum sft_status check_replaced(const char *out, struct sft_err *err)
{
    struct stat st;
    struct io_map file = {0};
    char *dir = path_dirname(out);
    const bool has_dir = stat(dir, &st) == 0 && S_ISDIR(st.st_mode);
    if (!has_dir)
        sft_fail(err, SFT_EUSAGE, "--export: there is no directory %s (mkdir -p %s)", dir, dir);
    free(dir);
    if (!has_dir)
        return SFT_EUSAGE;
    if (stat(out, &st))
        return SFT_OK;
    if (io_map(&file, out, err))
        return sft_context(err, "--export");
    const bool is_ours = is_export(&file);
    io_unmap(&file);
    if (is_ours)
        return SFT_OK;
    return sft_fail(
        err, SFT_EUSAGE,
        "--export: %s is there already and was not written by --export (name another file, or move it away)", out);
}

static bool has_decisions(const struct side_files *sides)
{
    for (size_t i = 0; i < sides->count; i++)
        if (sides->items[i].count)
            return true;
    return false;
}

static enum sft_status check_out(const struct export_result *r, struct sft_err *err)
{
    if (is_same_file(r->out, r->rows->spec.path))
        return sft_fail(err, SFT_EUSAGE, "--export: %s is the file that is reviewed: name another", r->out);
    if (is_of_a_reviewer(r))
        return sft_fail(err, SFT_EUSAGE, "--export: %s holds decisions: name another", r->out);
    if (!has_decisions(r->sides))
        return sft_fail(err, SFT_EUSAGE, "%s: nobody has reviewed it (sft review %s)", r->rows->spec.path,
                        r->rows->spec.path);
    return check_replaced(r->out, err);
}

static enum sft_status check_kept(const struct export_result *r, struct sft_err *err)
{
    if (r->counts[OUTCOME_ACCEPTED] + r->counts[OUTCOME_EDITED])
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "%s: no row is kept (rejected %zu, disputed %zu, undecided %zu): %s is not written",
                    r->rows->spec.path, r->counts[OUTCOME_REJECTED], r->counts[OUTCOME_DISAGREED],
                    r->counts[OUTCOME_UNDECIDED], r->out);
}

enum sft_status review_export(const struct review_rows *rows, const struct side_files *sides, const size_t *sample,
                              size_t n_sample, const char *out, struct export_result *r, struct sft_err *err)
{
    *r = (struct export_result){.rows = rows, .sides = sides, .out = out, .n_sample = n_sample};
    if (check_out(r, err))
        return err->status;
    count_outcomes(r);
    if (check_kept(r, err))
        return err->status;
    count_sample(r, sample);
    compare_all(r);
    r->is_converted = must_convert(r);
    return write_rows(r, err);
}

void export_result_free(struct export_result *r)
{
    free(r->outcomes);
    free(r->pairs);
    *r = (struct export_result){0};
}

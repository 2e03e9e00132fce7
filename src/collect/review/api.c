#include "collect/review/api.h"

#include "collect/review/api_print.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OK = 200, BAD = 400, NOT_FOUND = 404, WRONG_METHOD = 405, CONFLICT = 409, FAILED = 500 };
enum { LIST_USUAL = 50, LIST_MOST = 500 };

void review_error_print(const char *message, struct strbuf *out)
{
    strbuf_puts(out, "{\"error\":");
    strbuf_json_string(out, message, strlen(message));
    strbuf_putc(out, '}');
}

static unsigned fail(struct strbuf *out, unsigned status, const char *message)
{
    strbuf_clear(out);
    review_error_print(message, out);
    return status;
}

static unsigned fail_err(struct strbuf *out, unsigned status, const struct sft_err *err)
{
    return fail(out, status, SFT_ERR_TEXT(err));
}

/* ---- arguments ---- */

static const char *argument(const struct review_request *request, const char *name)
{
    const char *value = request->argument ? request->argument(request->context, name) : NULL;
    return value && *value ? value : NULL;
}

/* A whole number; the fallback where it is not given. */
static bool number_argument(const struct review_request *request, const char *name, size_t fallback, size_t *value,
                            struct strbuf *out)
{
    const char *text = argument(request, name);
    *value = fallback;
    if (!text)
        return true;
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    if (*end || errno || text[0] < '0' || text[0] > '9') {
        struct sft_err err;
        sft_fail(&err, SFT_EDATA, "%s: expected a number, found '%.40s'", name, text);
        fail_err(out, BAD, &err);
        return false;
    }
    *value = (size_t)number;
    return true;
}

static bool is_set(const struct review_request *request, const char *name)
{
    const char *value = argument(request, name);
    return value && strcmp(value, "0") != 0;
}

/* ---- a list ---- */

struct filter {
    const char *q, *kind, *label, *tag, *decision;
    bool disagree, preference;
};

static bool has_tag(const struct decision *d, const char *tag)
{
    for (size_t i = 0; d && i < d->tags.count; i++)
        if (strcmp(d->tags.items[i], tag) == 0)
            return true;
    return false;
}

static bool is_tagged(const struct review *review, size_t row, const char *tag)
{
    bool found = has_tag(side_file_last(&review->mine, row), tag);
    for (size_t i = 0; i < review->others.count && !found; i++)
        found = has_tag(side_file_last(&review->others.items[i], row), tag);
    return found;
}

static bool is_decided_so(const struct review *review, size_t row, const char *decision)
{
    const enum verdict verdict = review_verdict(review, row, NULL);
    if (strcmp(decision, "undecided") == 0)
        return verdict == VERDICT_NONE || verdict == VERDICT_SKIP;
    return verdict != VERDICT_NONE && strcmp(decision, verdict_name[verdict]) == 0;
}

static bool is_wanted(const struct review *review, const struct filter *f, size_t row)
{
    const struct review_row *r = &review->rows.items[row - 1];
    return review_has_row(review, row) && (!f->kind || strcmp(f->kind, r->kind) == 0) &&
           (!f->label || (r->label != N_JUDGED && strcmp(f->label, refusal_label_name(r->label)) == 0)) &&
           (!f->preference || r->is_preference) && (!f->decision || is_decided_so(review, row, f->decision)) &&
           (!f->disagree || review_disagrees(review, row)) && (!f->tag || is_tagged(review, row, f->tag)) &&
           (!f->q || strcasestr(r->search, f->q));
}

/* The worst loss first, unknown ones last; of equal ones in the file's order. */
struct place {
    double loss;
    size_t row;
};

static int by_loss(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const double p = isnan(x->loss) ? -INFINITY : x->loss, q = isnan(y->loss) ? -INFINITY : y->loss;
    if (p < q || p > q)
        return p > q ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int by_row(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* All that are wanted, in order; a malloc'd list. */
static struct place *find_rows(const struct review *review, const struct filter *filter, bool is_by_loss, size_t *n)
{
    struct place *places = mem_alloc((review->rows.count + 1) * sizeof *places);
    *n = 0;
    for (size_t row = 1; row <= review->rows.count; row++)
        if (is_wanted(review, filter, row))
            places[(*n)++] = (struct place){review->rows.items[row - 1].loss, row};
    if (is_by_loss)
        qsort(places, *n, sizeof *places, by_loss);
    return places;
}

static unsigned answer_list(struct review *review, const struct review_request *request, struct strbuf *out)
{
    const struct filter filter = {.q = argument(request, "q"),
                                  .kind = argument(request, "kind"),
                                  .label = argument(request, "label"),
                                  .tag = argument(request, "tag"),
                                  .decision = argument(request, "decision"),
                                  .disagree = is_set(request, "disagree"),
                                  .preference = is_set(request, "preference")};
    const char *order = argument(request, "order");
    const bool is_by_loss = order && strcmp(order, "loss") == 0;
    size_t from, most, after, total;
    if (filter.decision && strcmp(filter.decision, "undecided") != 0 && !verdict_by_name(filter.decision))
        return fail(out, BAD, "decision: expected accept, edit, reject, skip or undecided");
    if (!number_argument(request, "from", 0, &from, out) || !number_argument(request, "n", LIST_USUAL, &most, out) ||
        !number_argument(request, "after", 0, &after, out))
        return BAD;
    struct place *places = find_rows(review, &filter, is_by_loss, &total);
    const struct place last = {after >= 1 && after <= review->rows.count ? review->rows.items[after - 1].loss : NAN,
                               after};
    size_t at = 0;
    while (after && at < total && (is_by_loss ? by_loss : by_row)(&places[at], &last) <= 0)
        at++;
    at = from < total - at ? at + from : total;
    most = most < LIST_MOST ? most : LIST_MOST;
    strbuf_printf(out, "{\"total\":%zu,\"rows\":[", total);
    for (size_t i = 0; i < most && at + i < total; i++) {
        strbuf_puts(out, i ? "," : "");
        api_list_row_print(review, places[at + i].row, out);
    }
    strbuf_puts(out, "]}");
    free(places);
    return OK;
}

static unsigned answer_state(struct review *review, const struct review_request *request, struct strbuf *out)
{
    (void)request;
    api_state_print(review, out);
    return OK;
}

static unsigned answer_row(struct review *review, const struct review_request *request, struct strbuf *out)
{
    size_t row;
    if (!number_argument(request, "row", 0, &row, out))
        return BAD;
    if (row < 1 || row > review->rows.count)
        return fail(out, NOT_FOUND, "there is no such row");
    strbuf_putc(out, '{');
    api_row_members_print(review, row, out);
    strbuf_putc(out, '}');
    return OK;
}

/* ---- decisions ---- */

static char *now(void)
{
    char text[32];
    struct tm tm;
    const time_t t = time(NULL);
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return mem_strdup(text);
}

/* The list as text, without the pieces that the page shows; NULL where it is not there. */
static char *take_list(const json *body, const char *key)
{
    const json *list = json_get(body, key);
    struct strbuf text = {0};
    if (!json_is_array(list))
        return NULL;
    json *copy = json_copy(list);
    for (const json *message = json_first(copy); message; message = json_next(message))
        if (json_is_object(message))
            json_remove((json *)(uintptr_t)message, "pieces"); /* of our own copy */
    json_print_line(copy, &text);
    json_free(copy);
    return text.data;
}

static enum sft_status take_tags(const json *body, struct string_list *tags, struct sft_err *err)
{
    const json *list = json_get(body, "tags");
    size_t i = 0;
    if (!list || json_is_null(list))
        return SFT_OK;
    if (!json_is_array(list))
        return sft_fail_in(err, SFT_EDATA, "tags", "expected an array, found %s", json_type_name(list));
    tags->items = mem_calloc(json_size(list) + 1, sizeof *tags->items);
    for (const json *tag = json_first(list); tag; tag = json_next(tag), i++) {
        const char *text = json_string(tag);
        if (!text) {
            sft_fail(err, SFT_EDATA, "expected a string, found %s", json_type_name(tag));
            return sft_in_key(err, "tags[%zu]", i);
        }
        if (!utf8_is_blank(text, strlen(text)))
            tags->items[tags->count++] = mem_strdup(text);
    }
    return SFT_OK;
}

/* Whether the one list ends with the other, as both were printed. */
static bool ends_with_list(const char *list, const char *end)
{
    const size_t n = strlen(list), n_end = strlen(end) - 1; /* without its "[" */
    const char *at = n > n_end ? list + n - n_end : NULL;
    return at && strcmp(at, end + 1) == 0 && strchr("[, ", at[-1]);
}

/* The lists of an edit: those of a preference that are not sent are the row's. */
static enum sft_status take_lists(const json *body, const struct review_content *content, struct decision *d,
                                  struct sft_err *err)
{
    static const char *const keys[] = {"messages", "chosen", "rejected"};
    const bool is_preference = content->is_preference;
    bool any = false;
    for (size_t i = 0; i < (is_preference ? 3U : 1U); i++) {
        const json *list = json_get(body, keys[i]);
        if (!list || json_is_null(list))
            continue;
        if (review_messages_check(list, keys[i], content->messages.is_document, err))
            return SFT_EDATA;
        any = true;
    }
    if (!any && d->verdict == VERDICT_EDIT)
        return sft_fail_in(err, SFT_EDATA, "messages", "missing: an edit says what stands in place of the row's");
    const bool has_both = json_is_array(json_get(body, "chosen")) && json_is_array(json_get(body, "rejected"));
    if (is_preference && any && !has_both)
        return sft_fail_in(err, SFT_EDATA, "chosen", "the edit of a preference has both answers, chosen and rejected");
    d->messages = take_list(body, "messages");
    d->chosen = is_preference ? take_list(body, "chosen") : NULL;
    d->rejected = is_preference ? take_list(body, "rejected") : NULL;
    d->verdict = any ? VERDICT_EDIT : d->verdict;
    if (d->messages && d->chosen && !ends_with_list(d->messages, d->chosen))
        return sft_fail_in(err, SFT_EDATA, "messages", "expected the prompt, and chosen behind it");
    return SFT_OK;
}

/* What the body says of a row that is there. */
static enum sft_status take_decision(const struct review *review, const json *body, struct decision *d,
                                     struct sft_err *err)
{
    const char *verdict, *reason;
    struct review_content content = {0};
    const struct review_row *row = &review->rows.items[d->row - 1];
    if (json_get_string(body, "decision", NULL, &verdict, err) || json_get_string(body, "reason", NULL, &reason, err))
        return err->status;
    d->verdict = verdict_by_name(verdict);
    if (d->verdict == VERDICT_NONE)
        return sft_fail_in(err, SFT_EDATA, "decision", "expected accept, edit, reject or skip");
    if (row->error && verdict_is_good(d->verdict))
        return sft_fail_in(err, SFT_EDATA, "decision", "a row that nobody can read can only be rejected or skipped");
    if (take_tags(body, &d->tags, err))
        return err->status;
    enum sft_status status = SFT_OK;
    if (verdict_is_good(d->verdict)) {
        status = review_rows_read(&review->rows, d->row - 1, &content, err);
        status = status ? status : take_lists(body, &content, d, err);
        review_content_free(&content);
    }
    d->reason = reason && *reason ? mem_strdup(reason) : NULL;
    d->time = now();
    d->hash = row->hash;
    d->has_hash = true;
    return status;
}

static unsigned conflict(const struct review *review, size_t row, struct strbuf *out)
{
    strbuf_puts(out, "{\"error\":\"the row was decided elsewhere, or has changed, since it was shown\",\"current\":{");
    api_row_members_print(review, row, out);
    strbuf_puts(out, "}}");
    return CONFLICT;
}

/* Whether the page has shown the row as it is: its last decision and, where it says that, its text. */
static bool is_current(const struct review *review, const json *body, size_t row, size_t seq)
{
    const char *hash = json_string(json_get(body, "hash"));
    return seq == side_file_seq(&review->mine, row) &&
           (!hash || strtoull(hash, NULL, 16) == review->rows.items[row - 1].hash);
}

static unsigned decide(struct review *review, const json *body, struct strbuf *out)
{
    struct sft_err err = {0};
    struct decision d = {0};
    size_t seq;
    if (!json_is_object(body))
        return fail(out, BAD, "expected an object");
    if (json_get_size(body, "row", 0, &d.row, &err) || json_get_size(body, "seq", SIZE_MAX, &seq, &err))
        return fail_err(out, BAD, &err);
    if (seq == SIZE_MAX)
        return fail(out, BAD, "seq: missing: the number that the row was shown with");
    if (d.row < 1 || d.row > review->rows.count)
        return fail(out, NOT_FOUND, "there is no such row");
    if (d.row > ROWS_MAX)
        return fail(out, BAD, "row: is behind the last one that can be decided: divide the file");
    const size_t row = d.row;
    if (!is_current(review, body, row, seq))
        return conflict(review, row, out);
    if (take_decision(review, body, &d, &err)) {
        decision_free(&d);
        return fail_err(out, BAD, &err);
    }
    if (side_file_append(&review->mine, &d, &err))
        return fail_err(out, FAILED, &err);
    review_settle(review);
    strbuf_printf(out, "{\"seq\":%zu", side_file_seq(&review->mine, row));
    api_counts_print(review, out);
    strbuf_putc(out, '}');
    return OK;
}

static unsigned answer_decide(struct review *review, const struct review_request *request, struct strbuf *out)
{
    json *body;
    struct sft_err err = {0};
    if (json_parse(request->body, request->n_body, &body, &err))
        return fail_err(out, BAD, &err);
    const unsigned status = decide(review, body, out);
    json_free(body);
    return status;
}

/* Whether the last decision is the one that the page takes for the last; no body, or none that says: it is. */
static unsigned check_undo(const struct review *review, const struct review_request *request, struct strbuf *out)
{
    struct sft_err err = {0};
    json *body = NULL;
    size_t n = review->mine.count;
    if (request->n_body && json_parse(request->body, request->n_body, &body, &err))
        return fail_err(out, BAD, &err);
    unsigned status = OK;
    if (body && !json_is_object(body))
        status = fail(out, BAD, "expected an object");
    else if (body && json_get_size(body, "seq_total", n, &n, &err))
        status = fail_err(out, BAD, &err);
    else if (n != review->mine.count)
        status = fail(out, CONFLICT, "another tab has decided meanwhile: undo would take that decision back");
    json_free(body);
    return status;
}

/* The row of FILE where the last decision stands, which may have moved; 0: that of its number. */
static size_t moved_to(const struct side_file *side)
{
    const size_t last = side->steps[side->n_steps - 1].item;
    for (size_t row = 1; row < side->moved_size; row++)
        if (side->moved[row] == last)
            return row;
    return 0;
}

static unsigned answer_undo(struct review *review, const struct review_request *request, struct strbuf *out)
{
    struct sft_err err = {0};
    size_t row = 0;
    const unsigned checked = check_undo(review, request, out);
    if (checked != OK)
        return checked;
    if (!side_file_can_undo(&review->mine))
        return fail(out, CONFLICT, "there is nothing to undo");
    char *time = now();
    const size_t moved = moved_to(&review->mine);
    const enum sft_status status = side_file_undo(&review->mine, time, &row, &err);
    free(time);
    if (status)
        return fail_err(out, FAILED, &err);
    row = moved ? moved : row;
    review_settle(review);
    strbuf_putc(out, '{');
    if (row <= review->rows.count)
        api_row_members_print(review, row, out);
    else
        strbuf_printf(out, "\"row\":%zu,\"error\":\"the file has no such row any more\"", row);
    api_counts_print(review, out);
    strbuf_putc(out, '}');
    return OK;
}

/* ---- what is asked ---- */

static const struct route {
    const char *path;
    bool is_post;
    unsigned (*answer)(struct review *review, const struct review_request *request, struct strbuf *out);
} routes[] = {
    {"/api/state", false, answer_state},  {"/api/list", false, answer_list}, {"/api/row", false, answer_row},
    {"/api/decide", true, answer_decide}, {"/api/undo", true, answer_undo},
};

unsigned review_answer(struct review *review, const struct review_request *request, struct strbuf *out)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, request->path) != 0)
            continue;
        if (routes[i].is_post != request->is_post)
            return fail(out, WRONG_METHOD, routes[i].is_post ? "POST is expected here" : "GET is expected here");
        review_refresh(review);
        return routes[i].answer(review, request, out);
    }
    return fail(out, NOT_FOUND, "there is nothing at this address");
}

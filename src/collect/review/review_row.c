#include "collect/review/review_row.h"

#include "data/readers/marks.h"
#include "data/readers/reader_flags.h"

#include <stdlib.h>
#include <string.h>

/* A list of the row's messages: [from, end) of a conversation, and what they were made of. */
struct own {
    const struct conversation *conv;
    const json **turns; /* (conv->count) */
    size_t from, end;
    bool is_scaled; /* the row has a weight of its own, which is in those of its messages and stays where it is */
};

/* ---- which message is which ---- */

enum { NEW = -1 };

static bool has_role(const json *edited, enum role wanted)
{
    const char *name = json_string(json_get(edited, "role"));
    enum role role;
    bool is_call;
    uint64_t used = 0;
    return name && names_role(NULL, name, &role, &is_call, &used) && role == wanted;
}

static bool is_unchanged(const json *edited, const struct message *m)
{
    const char *content = json_string(json_get(edited, "content"));
    return has_role(edited, m->role) && content && strlen(content) == m->len &&
           memcmp(content, m->content, m->len) == 0;
}

static const struct message *own_at(const struct own *own, size_t i)
{
    return &own->conv->messages[own->from + i];
}

/* Which of our own each of the edited messages is: as many as are unchanged at the beginning and at the end; between
 * them those in the same place, where none was added or left out. A malloc'd list (json_size(list)), NEW: none. */
static long *align(const struct own *own, const json *list)
{
    const size_t n = json_size(list), n_own = own->end - own->from, most = n < n_own ? n : n_own;
    const json **edited = mem_calloc(n + 1, sizeof *edited);
    long *of = mem_alloc((n + 1) * sizeof *of);
    size_t front = 0, back = 0, i = 0;
    for (const json *node = json_first(list); node; node = json_next(node))
        edited[i++] = node;
    while (front < most && is_unchanged(edited[front], own_at(own, front)))
        front++;
    while (back < most - front && is_unchanged(edited[n - 1 - back], own_at(own, n_own - 1 - back)))
        back++;
    for (i = 0; i < n; i++) {
        const bool is_same_place = i < front || (n == n_own && has_role(edited[i], own_at(own, i)->role));
        of[i] = i >= n - back ? (long)(i + n_own - n) : is_same_place ? (long)i : NEW;
    }
    free(edited);
    return of;
}

/* ---- messages ---- */

static bool has_flag(const json *turn)
{
    for (const json *child = json_first(turn); child; child = json_next(child))
        if (reader_is_flag(json_key(child), false) && !json_is_null(child))
            return true;
    return false;
}

static void put_whole(const json *turn, struct strbuf *out)
{
    const size_t from = out->len;
    for (const json *child = json_first(turn); child; child = json_next(child))
        if (*json_key(child)) /* renamed away by data.columns */
            review_member_print(child, out);
    out->data[from] = '{'; /* the first comma */
    strbuf_putc(out, '}');
}

/* The weight that the page was told is what the turn and the row say: let them say it. */
static void drop_told_weight(json *message, const struct message *m)
{
    const json *weight = json_get(message, "weight");
    const float told = (float)json_number(weight);
    if (json_is_number(weight) && !(told < m->weight) && !(told > m->weight))
        json_remove(message, "weight");
}

static void add_kept(json *message, const json *turn)
{
    const bool is_weighed = has_flag(message);
    for (const json *child = json_first(turn); child; child = json_next(child)) {
        const char *key = json_key(child);
        const bool is_kept = json_mark(child) == MARK_UNREAD || (!is_weighed && reader_is_flag(key, false));
        if (is_kept && *key && json_is_strict(child) && !json_get(message, key))
            json_set_node(message, key, json_copy(child));
    }
}

static void put_edited(const struct own *own, const json *edited, long at, struct strbuf *out)
{
    const json *turn = at == NEW ? NULL : own->turns[own->from + (size_t)at];
    const struct message *m = at == NEW ? NULL : own_at(own, (size_t)at);
    if (turn && is_unchanged(edited, m) && json_is_string(json_get(turn, "role")) && json_get(turn, "content")) {
        put_whole(turn, out);
        return;
    }
    json *message = json_copy(edited);
    if (m && (own->is_scaled || has_flag(turn)))
        drop_told_weight(message, m);
    add_kept(message, turn);
    json_print_line(message, out);
    json_free(message);
}

/* The list `key` of the row: what an edit (text, JSON) has made of its own. */
static enum sft_status set_list(json *row, const char *key, const struct own *own, const char *edit,
                                struct sft_err *err)
{
    struct strbuf out = {0};
    json *list, *made;
    size_t i = 0;
    if (json_parse(edit, strlen(edit), &list, err))
        return sft_in_key(err, "%s", key);
    long *of = align(own, list);
    strbuf_putc(&out, '[');
    for (const json *node = json_first(list); node; node = json_next(node), i++) {
        strbuf_puts(&out, i ? "," : "");
        put_edited(own, node, of[i], &out);
    }
    strbuf_putc(&out, ']');
    const enum sft_status status = json_parse(out.data, out.len, &made, err);
    if (!status)
        json_set_node(row, key, made);
    free(of);
    json_free(list);
    strbuf_free(&out);
    return status;
}

/* The row's own, unless the edit says something else. */
static enum sft_status set_messages(json *row, const char *key, const struct review_content *content,
                                    const struct own *own, const char *edit, struct sft_err *err)
{
    struct strbuf text = {0};
    if (!edit)
        review_messages_print(content, own->conv, own->from, own->end, NULL, &text);
    const enum sft_status status = set_list(row, key, own, edit ? edit : text.data, err);
    strbuf_free(&text);
    return status;
}

/* ---- two answers ---- */

/* The prompt of an edit, what its messages have in front of the chosen answer; a malloc'd text, NULL: it has none. */
static char *edited_prompt(const struct decision *edit)
{
    json *messages = NULL, *chosen = NULL;
    struct strbuf text = {0};
    if (!edit || !edit->messages || !edit->chosen ||
        json_parse(edit->messages, strlen(edit->messages), &messages, NULL) ||
        json_parse(edit->chosen, strlen(edit->chosen), &chosen, NULL)) {
        json_free(messages);
        return NULL;
    }
    const size_t all = json_size(messages), behind = json_size(chosen), n = all > behind ? all - behind : 0;
    const json *node = json_first(messages);
    strbuf_putc(&text, '[');
    for (size_t i = 0; i < n && node; i++, node = json_next(node)) {
        strbuf_puts(&text, i ? "," : "");
        json_print_line(node, &text);
    }
    strbuf_putc(&text, ']');
    json_free(messages);
    json_free(chosen);
    return text.data;
}

/* Whether the edit (may be NULL) has all of these messages, and no other. */
static bool is_all(const struct own *own, const char *edit)
{
    json *list;
    size_t i = 0;
    if (!edit || json_parse(edit, strlen(edit), &list, NULL))
        return false;
    bool same = json_size(list) == own->end - own->from;
    for (const json *node = json_first(list); same && node; node = json_next(node), i++)
        same = is_unchanged(node, own_at(own, i));
    json_free(list);
    return same;
}

static enum sft_status set_preference(json *row, const struct review_content *content, const struct decision *edit,
                                      bool is_scaled, struct sft_err *err)
{
    const struct conversation *a = &content->messages, *b = &content->rejected;
    const json **a_turns = review_turns(content, a), **b_turns = review_turns(content, b);
    const size_t n = content->n_prompt;
    const struct own prompt = {a, a_turns, 0, n, is_scaled};
    struct own chosen = {a, a_turns, n, a->count, is_scaled}, rejected = {b, b_turns, n, b->count, is_scaled};
    char *before = edited_prompt(edit);
    enum sft_status status = set_messages(row, "prompt", content, &prompt, before, err);
    if (edit && edit->chosen && edit->rejected && !is_all(&chosen, edit->chosen) &&
        (is_all(&rejected, edit->chosen) || is_all(&chosen, edit->rejected))) { /* turned round */
        const struct own first = chosen;
        chosen = rejected;
        rejected = first;
    }
    if (!status)
        status = set_messages(row, "chosen", content, &chosen, edit ? edit->chosen : NULL, err);
    if (!status)
        status = set_messages(row, "rejected", content, &rejected, edit ? edit->rejected : NULL, err);
    free(before);
    free(a_turns);
    free(b_turns);
    return status;
}

/* ---- rows ---- */

static enum sft_status set_document(json *row, const struct decision *edit, struct sft_err *err)
{
    json *list;
    if (json_parse(edit->messages, strlen(edit->messages), &list, err))
        return SFT_EDATA;
    const char *text = json_string(json_get(json_first(list), "content"));
    json_set_string(row, "text", text ? text : "");
    json_free(list);
    return SFT_OK;
}

/* The row without what its reader took, but for the definitions of tools and its own weight; then the messages, in
 * their old place where they had that name. */
static enum sft_status make_native(json *row, const struct review_content *content, const struct decision *edit,
                                   struct sft_err *err)
{
    static const char *const kept[] = {"tools", "functions", "messages", "prompt", "chosen", "rejected"};
    const struct conversation *conv = &content->messages;
    const size_t n_kept = content->is_preference ? sizeof kept / sizeof *kept : 3;
    bool is_scaled = false;
    if (conv->is_document)
        return edit && edit->messages ? set_document(row, edit, err) : SFT_OK;
    for (const json *child = json_first(content->root); child; child = json_next(child)) {
        const char *key = json_key(child);
        const bool is_read = json_mark(child) != MARK_UNREAD, is_flag = reader_is_flag(key, true);
        is_scaled = is_scaled || (is_read && is_flag);
        if (!*key || (is_read && !is_flag && !str_is_one_of(key, strlen(key), kept, n_kept)))
            json_remove(row, key);
    }
    if (content->is_preference)
        return set_preference(row, content, edit, is_scaled, err);
    const struct own own = {conv, review_turns(content, conv), 0, conv->count, is_scaled};
    const enum sft_status status = set_messages(row, "messages", content, &own, edit ? edit->messages : NULL, err);
    free(own.turns);
    return status;
}

/* Where the note stands: not in place of a key that is the row's own. */
static const char *note_key(const json *row)
{
    const json *was = json_get(row, "review");
    const bool is_ours = json_is_array(json_get(was, "by")) && json_is_string(json_get(was, "decision"));
    return !was || is_ours ? "review" : "sft_review";
}

enum sft_status review_row_print(const struct review_content *content, const struct decision *edit, bool as_native,
                                 const char *review, struct strbuf *out, struct sft_err *err)
{
    const bool is_changed = edit || (as_native && !content->is_native);
    json *note = NULL, *row = json_copy(is_changed || !content->plain ? content->root : content->plain);
    enum sft_status status = is_changed ? make_native(row, content, edit, err) : SFT_OK;
    if (!status)
        status = json_parse(review, strlen(review), &note, err);
    if (!status) {
        json_set_node(row, note_key(row), note);
        json_dumps(row, out);
    }
    json_free(row);
    return status;
}

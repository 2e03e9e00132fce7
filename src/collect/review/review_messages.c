#include "collect/review/review_messages.h"

#include "data/readers/marks.h"
#include "text/chat_walk.h"

#include <stdlib.h>
#include <string.h>

/* ---- the mask ---- */

/* The pieces of each message, as JSON without the brackets; *last is the last one's text while it may still grow. */
struct pieces {
    const struct conversation *conv;
    const struct message *last_answer;
    enum train_on train_on;
    bool is_rejected;     /* nothing of it is trained */
    struct strbuf *lists; /* (conv->count) */
    size_t at;            /* the message whose piece is open */
    bool is_trained;
    struct strbuf text;
};

static void end_piece(struct pieces *p)
{
    struct strbuf *list = &p->lists[p->at];
    if (p->text.len == 0)
        return;
    strbuf_puts(list, list->len ? ",{\"text\":" : "{\"text\":");
    strbuf_json_string(list, p->text.data, p->text.len);
    strbuf_puts(list, p->is_trained ? ",\"trained\":true}" : ",\"trained\":false}");
    strbuf_clear(&p->text);
}

static void add_piece(struct pieces *p, size_t at, const char *text, size_t len, bool is_trained)
{
    is_trained = is_trained && !p->is_rejected;
    if (at != p->at || is_trained != p->is_trained)
        end_piece(p);
    p->at = at;
    p->is_trained = is_trained;
    strbuf_add(&p->text, text, len);
}

/* As template_render weighs it. */
static bool is_trained(const struct pieces *p, const struct message *message, bool is_answer)
{
    if (p->train_on == TRAIN_ON_ALL)
        return !message || message->weight > 0;
    return is_answer && message && message->weight > 0 &&
           (p->train_on == TRAIN_ON_ASSISTANT || message == p->last_answer);
}

/* What is of no message stands with the one before it, or the first. */
static void take_part(void *to, const struct chat_part *part)
{
    struct pieces *p = to;
    const size_t at = part->message ? (size_t)(part->message - p->conv->messages) : p->at;
    add_piece(p, at, part->text, part->len, is_trained(p, part->message, part->is_answer));
}

static void take_contents(struct pieces *p)
{
    for (size_t i = 0; i < p->conv->count; i++) {
        const struct message *m = &p->conv->messages[i];
        add_piece(p, i, m->content, m->len,
                  p->conv->is_document ? m->weight > 0 : is_trained(p, m, m->role == ROLE_ASSISTANT));
    }
}

static void fill_pieces(struct pieces *p, const struct chat_template *template)
{
    struct strbuf scratch = {0};
    p->lists = mem_calloc(p->conv->count, sizeof *p->lists);
    for (size_t i = p->conv->count; i-- > 0 && !p->last_answer;)
        if (p->conv->messages[i].role == ROLE_ASSISTANT)
            p->last_answer = &p->conv->messages[i];
    if (template && !p->conv->is_document && template_check(template, p->conv, NULL) == SFT_OK)
        chat_walk(&template->format, p->conv, false, &scratch, take_part, p);
    else
        take_contents(p);
    end_piece(p);
    strbuf_free(&scratch);
}

static void free_pieces(struct pieces *p)
{
    for (size_t i = 0; p->lists && i < p->conv->count; i++)
        strbuf_free(&p->lists[i]);
    free(p->lists);
    strbuf_free(&p->text);
}

/* ---- messages ---- */

/* The turns of the row that its messages were made of, one after the other. */
struct turns {
    const json *next, *behind; /* behind: the first of the second list */
    size_t in_front;           /* messages before them: the row's own system prompt, or a prompt that is a text */
};

/* None where it cannot be told which message is made of which. */
static struct turns turns_of(const struct review_content *content, const struct conversation *conv)
{
    const json *root = conv == &content->rejected ? content->other : content->root, *b = NULL;
    const json *a = json_get(root, content->is_preference ? "prompt" : "messages");
    if (content->is_preference)
        b = json_get(root, "chosen");
    else if (!json_is_array(a)) /* ShareGPT's */
        a = json_get(root, json_is_array(json_get(root, "conversations")) ? "conversations" : "conversation");
    a = json_is_array(a) ? a : NULL;
    b = json_is_array(b) ? b : NULL;
    const size_t n_turns = (a ? json_size(a) : 0) + (b ? json_size(b) : 0);
    const size_t n = n_turns + (content->is_preference && !b); /* and the answer, where that is a text */
    if (n_turns == 0 || n > conv->count || conv->count - n > 1)
        return (struct turns){0};
    return (struct turns){a ? json_first(a) : NULL, b ? json_first(b) : NULL, conv->count - n};
}

/* Of the next message; NULL where there is none, or it is no object. */
static const json *next_turn(struct turns *turns)
{
    if (turns->in_front > 0) {
        turns->in_front--;
        return NULL;
    }
    if (!turns->next) {
        turns->next = turns->behind;
        turns->behind = NULL;
    }
    const json *turn = turns->next;
    turns->next = turn ? json_next(turn) : NULL;
    return json_is_object(turn) ? turn : NULL;
}

const json **review_turns(const struct review_content *content, const struct conversation *conv)
{
    struct turns turns = turns_of(content, conv);
    const json **list = mem_calloc(conv->count + 1, sizeof *list);
    for (size_t i = 0; i < conv->count; i++)
        list[i] = next_turn(&turns);
    return list;
}

void review_member_print(const json *node, struct strbuf *out)
{
    strbuf_putc(out, ',');
    strbuf_json_string(out, json_key(node), strlen(json_key(node)));
    strbuf_putc(out, ':');
    json_print_line(node, out);
}

/* What the row says of the turn that nobody reads. */
static void put_unread(const json *turn, struct strbuf *out)
{
    for (const json *child = turn ? json_first(turn) : NULL; child; child = json_next(child))
        if (json_mark(child) == MARK_UNREAD && json_is_strict(child) && *json_key(child) &&
            strcmp(json_key(child), "pieces") != 0)
            review_member_print(child, out);
}

/* What a reader takes where nothing is said: a preference's prompt is not trained. */
static float usual_weight(const struct review_content *content, size_t i)
{
    return content->is_preference && i < content->n_prompt ? 0.0F : 1.0F;
}

static void put_message(const struct review_content *content, const struct conversation *conv, size_t i,
                        const json *turn, struct strbuf *out)
{
    const struct message *m = &conv->messages[i];
    const float usual = usual_weight(content, i);
    strbuf_printf(out, "{\"role\":\"%s\",\"content\":", conv->is_document ? "text" : role_name[m->role]);
    strbuf_json_string(out, m->content, m->len);
    if (m->role == ROLE_ASSISTANT && !conv->is_document && (m->weight < usual || m->weight > usual)) {
        strbuf_puts(out, ",\"weight\":");
        strbuf_json_number(out, (double)m->weight);
    }
    put_unread(turn, out);
}

void review_messages_print(const struct review_content *content, const struct conversation *conv, size_t from,
                           size_t end, const struct review_mask *mask, struct strbuf *out)
{
    struct pieces pieces = {.conv = conv, .is_rejected = conv == &content->rejected};
    if (mask) {
        pieces.train_on = mask->train_on;
        fill_pieces(&pieces, mask->template);
    }
    const json **turns = review_turns(content, conv);
    strbuf_putc(out, '[');
    for (size_t i = from; i < end; i++) {
        strbuf_puts(out, i > from ? "," : "");
        put_message(content, conv, i, turns[i], out);
        if (mask)
            strbuf_printf(out, ",\"pieces\":[%s]", pieces.lists[i].len ? pieces.lists[i].data : "");
        strbuf_putc(out, '}');
    }
    strbuf_putc(out, ']');
    free(turns);
    free_pieces(&pieces);
}

void review_meta_print(const struct review_content *content, struct strbuf *out)
{
    const json *meta = json_get(content->root, "meta");
    if (json_is_object(meta) && json_is_strict(meta))
        json_print_line(meta, out);
    else
        strbuf_puts(out, "null");
}

/* ---- what comes back ---- */

static enum sft_status in_list(struct sft_err *err, const char *key)
{
    static const char read_as[] = "messages";
    if (err && sft_err_is_in(err, read_as)) {
        char *rest = mem_strdup(err->key + sizeof read_as - 1);
        err->key[0] = '\0';
        sft_in_key(err, "%s%s", key, rest);
        free(rest);
    }
    return SFT_EDATA;
}

static enum sft_status check_document(const json *list, const char *key, struct sft_err *err)
{
    const json *only = json_is_array(list) && json_size(list) == 1 ? json_first(list) : NULL;
    const char *role = json_string(json_get(only, "role"));
    if (!role || strcmp(role, "text") != 0 || !json_is_string(json_get(only, "content")))
        return sft_fail_in(err, SFT_EDATA, key, "expected one message of role \"text\": the row is a document");
    return SFT_OK;
}

static enum sft_status check_turns(const json *list, const char *key, struct sft_err *err)
{
    struct arena arena = {0};
    struct conversations read;
    json *row = json_new_object();
    json_set_node(row, "messages", json_copy(list));
    enum sft_status status = reader_read(reader_by_name("messages"), row, NULL, &arena, &read, err);
    if (status)
        in_list(err, key);
    size_t answers = 0;
    for (size_t i = 0; !status && i < read.items[0].count; i++)
        answers += read.items[0].messages[i].role == ROLE_ASSISTANT;
    if (!status && answers == 0)
        status = sft_fail_in(err, SFT_EDATA, key, "no message of the assistant is in it, which would be trained on");
    json_free(row);
    arena_free(&arena);
    return status;
}

enum sft_status review_messages_check(const json *list, const char *key, bool is_document, struct sft_err *err)
{
    if (is_document)
        return check_document(list, key, err);
    if (!json_is_strict(list))
        return sft_fail_in(err, SFT_EDATA, key, "a number in it is none that JSON has");
    if (!json_is_array(list))
        return sft_fail_in(err, SFT_EDATA, key, "expected an array, found %s", json_type_name(list));
    return check_turns(list, key, err);
}

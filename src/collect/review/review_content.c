#include "collect/review/review_content.h"

#include "data/readers/marks.h"

#include <stdlib.h>
#include <string.h>

static const char preference_reader[] = "hh";

void review_content_free(struct review_content *content)
{
    json_free(content->root);
    json_free(content->plain);
    json_free(content->other);
    arena_free(&content->arena);
    *content = (struct review_content){0};
}

static bool is_there(const json *row, const char *key)
{
    const json *node = json_get(row, key);
    return node && !json_is_null(node);
}

/* The row at the beginning of the text, with the names that our readers know. */
static enum sft_status parse(const struct review_reading *by, const char *text, size_t len,
                             struct review_content *content, struct sft_err *err)
{
    struct json_element element = {.text = text, .len = len, .line = 1};
    const struct renamed *renamed;
    uint64_t used;
    if (rows_parse(&by->rows, &element, &content->root, err))
        return SFT_EDATA;
    content->plain = by->names.n_columns ? json_copy(content->root) : NULL;
    if (names_apply(&by->names, content->root, &content->arena, &renamed, &used, err))
        return SFT_EDATA;
    if (!used) {
        json_free(content->plain);
        content->plain = NULL;
    }
    content->has_our_names = renamed == NULL;
    return SFT_OK;
}

const struct reader *review_content_reader(const struct review_reading *by, const char *text, size_t len)
{
    struct review_content content = {0};
    const struct reader *reader = NULL;
    if (parse(by, text, len, &content, NULL) == SFT_OK && json_is_object(content.root))
        reader = reader_detect(content.root, NULL);
    review_content_free(&content);
    return reader;
}

/* ---- preferences ---- */

/* "chosen" in the error's place becomes "rejected": the answer was read under that name. */
static enum sft_status name_rejected(struct sft_err *err)
{
    static const char read_as[] = "chosen";
    if (err && sft_err_is_in(err, read_as)) {
        char *rest = mem_strdup(err->key + sizeof read_as - 1);
        err->key[0] = '\0';
        sft_in_key(err, "rejected%s", rest);
        free(rest);
    }
    return SFT_EDATA;
}

static bool is_same(const struct message *a, const struct message *b)
{
    return a->role == b->role && a->len == b->len && memcmp(a->content, b->content, a->len) == 0;
}

/* How many messages both begin with; each has an answer behind them. */
static size_t common_beginning(const struct conversation *a, const struct conversation *b)
{
    size_t n = 0;
    while (n + 1 < a->count && n + 1 < b->count && is_same(&a->messages[n], &b->messages[n]))
        n++;
    return n;
}

/* The same row with the rejected answer in the chosen one's place. */
static enum sft_status read_rejected(const struct review_reading *by, const struct reader *reader,
                                     struct review_content *content, struct sft_err *err)
{
    struct conversations list;
    content->other = json_copy(content->root);
    json_set_node(content->other, "chosen", json_copy(json_get(content->root, "rejected")));
    if (reader_read(reader, content->other, &by->names, &content->arena, &list, err))
        return name_rejected(err);
    mark_read(json_get(content->root, "rejected"));
    content->is_preference = true;
    content->rejected = list.items[0];
    content->n_prompt = common_beginning(&content->messages, &content->rejected);
    return SFT_OK;
}

/* ---- rows ---- */

static bool is_native(const struct review_content *content, const struct reader *reader)
{
    const json *root = content->root;
    if (!content->has_our_names)
        return false;
    if (content->is_preference)
        return json_is_array(json_get(root, "prompt")) && json_is_array(json_get(root, "chosen")) &&
               json_is_array(json_get(root, "rejected"));
    return content->messages.is_document || strcmp(reader->name, "messages") == 0;
}

enum sft_status review_content_read(const struct review_reading *by, const char *text, size_t len,
                                    struct review_content *content, struct sft_err *err)
{
    struct conversations list;
    *content = (struct review_content){0};
    if (parse(by, text, len, content, err))
        return SFT_EDATA;
    const struct reader *reader = by->reader;
    if (!reader && !(reader = reader_detect(content->root, err)))
        return SFT_EDATA;
    if (reader_read(reader, content->root, &by->names, &content->arena, &list, err))
        return SFT_EDATA;
    content->messages = list.items[0];
    if (strcmp(reader->name, preference_reader) == 0 && is_there(content->root, "rejected") &&
        read_rejected(by, reader, content, err))
        return SFT_EDATA;
    content->is_native = is_native(content, reader);
    return SFT_OK;
}

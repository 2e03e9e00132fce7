#include "data/readers/reader.h"

#include "data/readers/reader_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The order is the order of detection: a row of several formats is of the one that says most about it.
 * oasst-all stands behind oasst, whose rows it shares, and so is never found. */
const struct reader *const readers[] = {&reader_messages, &reader_sharegpt, &reader_oasst, &reader_oasst_all,
                                        &reader_prompt,   &reader_hh,       &reader_dolly, &reader_alpaca,
                                        &reader_question, &reader_text};
const size_t readers_count = sizeof readers / sizeof *readers;

const struct reader *reader_by_name(const char *name)
{
    for (size_t i = 0; i < readers_count; i++)
        if (strcmp(readers[i]->name, name) == 0)
            return readers[i];
    return NULL;
}

/* "the keys a, b, c" of a row, shortened. */
static void describe_keys(const json *row, struct strbuf *out)
{
    enum { SHOWN = 8 };
    size_t n = 0;
    strbuf_puts(out, json_size(row) == 0 ? "no keys" : json_size(row) == 1 ? "the key " : "the keys ");
    for (const json *child = json_first(row); child && n <= SHOWN; child = json_next(child), n++)
        strbuf_printf(out, "%s%.40s%s", n ? ", " : "", n < SHOWN ? json_key(child) : "...",
                      n < SHOWN && json_is_null(child) ? " (null)" : "");
}

static void suggest(struct strbuf *out, const char *theirs, const char *ours)
{
    enum { MOST = 60 }; /* a key may be a text */
    char *shown = mem_strndup(theirs, strnlen(theirs, MOST));
    strbuf_putc(out, ' ');
    names_add_item(out, shown, ours);
    free(shown);
}

/* "[data] columns = a:prompt b:completion ...", with two keys of the row, or of its turns, whose values would do. */
static void suggest_columns(const json *row, struct strbuf *out)
{
    static const char *const of_turns[] = {"role", "content"}, *const of_rows[] = {"prompt", "completion"};
    const json *list = json_first(row);
    while (list && !(json_is_array(list) && json_is_object(json_first(list))))
        list = json_next(list);
    strbuf_puts(out, "[data] columns =");
    if (list)
        suggest(out, json_key(list), "messages");
    const char *const *ours = list ? of_turns : of_rows;
    size_t n = 0;
    for (const json *child = json_first(list ? json_first(list) : row); child && n < 2;
         child = json_next(child)) {
        if (!json_is_string(child))
            continue;
        if (strcmp(json_key(child), ours[n]) != 0)
            suggest(out, json_key(child), ours[n]);
        n++;
    }
    if (n < 2 && !list)
        strbuf_puts(out, n ? " OTHER:completion" : " YOURS:prompt OTHER:completion");
    strbuf_puts(out, list ? " says what they are" : " says which is which");
}

const struct reader *reader_detect(const json *row, struct sft_err *err)
{
    if (!json_is_object(row)) {
        reader_fail_type(row, "an object", err);
        return NULL;
    }
    for (size_t i = 0; i < readers_count; i++)
        if (readers[i]->detects ? readers[i]->detects(row) : readers[i]->matches(row))
            return readers[i];
    struct strbuf text = {0};
    describe_keys(row, &text);
    if (json_is_array(json_get(row, "input_ids")))
        strbuf_puts(&text, " (tokens already, and texts are read here)");
    strbuf_puts(&text,
                "; expected messages, conversations, prompt and completion, instruction and output, question "
                "and answer, chosen, or text; ");
    suggest_columns(row, &text);
    sft_fail(err, SFT_EDATA, "unknown structure: it has %s", text.data);
    strbuf_free(&text);
    return NULL;
}

enum sft_status reader_read(const struct reader *reader, const json *row, const struct names *names,
                            struct arena *arena, struct conversations *out, struct sft_err *err)
{
    *out = (struct conversations){.arena = arena, .names = names};
    if (!json_is_object(row))
        return reader_fail_type(row, "an object", err);
    if (!reader->matches(row)) {
        struct strbuf text = {0};
        describe_keys(row, &text);
        sft_fail(err, SFT_EDATA, "expected %s (format %s), but it has %s", reader->keys, reader->name,
                 text.data);
        strbuf_free(&text);
        return SFT_EDATA;
    }
    if (reader->read(row, out, err) || reader_scale_row(row, out, err))
        return SFT_EDATA;
    for (size_t i = 0; i < out->count; i++)
        out->items[i].has_tools = reader_has_tools(row);
    return SFT_OK;
}

enum sft_status conversation_read(const json *row, struct arena *arena, struct conversation *conv,
                                  struct sft_err *err)
{
    struct conversations list;
    const struct reader *reader = reader_detect(row, err);
    if (!reader || reader_read(reader, row, NULL, arena, &list, err))
        return SFT_EDATA;
    *conv = list.items[0];
    return SFT_OK;
}

/* ---- errors ---- */

enum sft_status reader_fail_type(const json *node, const char *expected, struct sft_err *err)
{
    if (!node)
        return sft_fail(err, SFT_EDATA, "missing");
    return sft_fail(err, SFT_EDATA, "expected %s, found %s", expected, json_type_name(node));
}

/* ---- fields ---- */

const json *reader_get(const json *row, const char *key)
{
    const json *node = json_get(row, key);
    return json_is_null(node) ? NULL : key_read(node);
}

static bool is_present(const json *row, const char *key)
{
    const json *node = json_get(row, key);
    return node && !json_is_null(node);
}

const char *reader_either(const json *row, const char *a, const char *b)
{
    return is_present(row, a) || !is_present(row, b) ? a : b;
}

enum sft_status reader_get_string(const json *row, const char *key, bool required, const char **out,
                                  struct sft_err *err)
{
    const json *node = key_read(json_get(row, key));
    *out = json_string(node);
    if (*out || (!required && (!node || json_is_null(node))))
        return SFT_OK;
    reader_fail_type(node, "a string", err);
    return sft_in_key(err, "%s", key);
}

enum sft_status reader_get_list(const json *row, const char *key, const json **out, struct sft_err *err)
{
    *out = key_read(json_get(row, key));
    if (json_is_array(*out) && json_first(*out))
        return SFT_OK;
    const char *text = json_string(*out);
    if (json_is_array(*out))
        sft_fail(err, SFT_EDATA, "the list is empty");
    else if (text && text[strspn(text, " \t\r\n")] == '[')
        sft_fail(err, SFT_EDATA, "expected an array, found a string that holds one (json.loads makes an array of "
                                 "JSON, ast.literal_eval of Python's notation)");
    else
        reader_fail_type(*out, "an array", err);
    return sft_in_key(err, "%s", key);
}

enum sft_status reader_get_role(const json *turn, const char *key, struct conversations *out, enum role *role,
                                bool *is_call, struct sft_err *err)
{
    const char *name, *remedy = out->names ? "; [data] roles = NAME:user maps other names" : "";
    if (reader_get_string(turn, key, true, &name, err))
        return SFT_EDATA;
    if (names_role(out->names, name, role, is_call, &out->roles_used))
        return SFT_OK;
    if (strcmp(key, "from") == 0)
        return sft_fail_in(err, SFT_EDATA, key,
                           "unknown speaker '%.80s' (system, human, gpt, function_call or observation%s)",
                           name, remedy);
    return sft_fail_in(err, SFT_EDATA, key, "unknown role '%.80s' (system, user or assistant%s)", name, remedy);
}

bool reader_is_blank(const char *s)
{
    return !s || s[strspn(s, " \t\r\n")] == '\0';
}

bool reader_is_blank_string(const json *node)
{
    return json_is_string(node) && reader_is_blank(json_string(node));
}

/* ---- what a row becomes ---- */

struct conversation *reader_begin(struct conversations *out, size_t max_messages)
{
    if (out->count == out->capacity) { /* the arena keeps the old array until it is reset */
        const struct conversation *old = out->items;
        out->capacity = out->capacity ? 2 * out->capacity : 1;
        out->items = arena_calloc(out->arena, out->capacity, sizeof *out->items);
        if (old)
            memcpy(out->items, old, out->count * sizeof *old);
    }
    struct conversation *conv = &out->items[out->count++];
    *conv = (struct conversation){.messages = arena_calloc(out->arena, max_messages, sizeof *conv->messages)};
    return conv;
}

static bool is_system_key(const char *key)
{
    static const char *const names[] = {
        "system",    "system_prompt", "system_message", "system_instruction", "system_instructions",
        "sys_prompt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names_equal(names[i], key))
            return true;
    return false;
}

/* The row's own system prompt; NULL where there is none, or a blank one. Of two that are there, both must say
 * the same. */
static enum sft_status get_system(const json *row, const char **system, struct sft_err *err)
{
    const char *first_key = NULL;
    *system = NULL;
    for (const json *child = json_first(row); child; child = json_next(child)) {
        const char *text;
        if (!is_system_key(json_key(child)))
            continue;
        if (reader_get_string(row, json_key(child), false, &text, err))
            return SFT_EDATA;
        if (reader_is_blank(text))
            continue;
        if (*system && strcmp(*system, text) != 0)
            return sft_fail_in(err, SFT_EDATA, json_key(child),
                               "another system prompt than that of %s ([data] columns = %s:ignore "
                               "passes one over)",
                               first_key, json_key(child));
        *system = text;
        first_key = json_key(child);
    }
    return SFT_OK;
}

enum sft_status reader_begin_row(const json *row, struct conversations *out, size_t max_messages,
                                 struct conversation **conv, struct sft_err *err)
{
    const char *system;
    *conv = NULL;
    if (get_system(row, &system, err))
        return SFT_EDATA;
    *conv = reader_begin(out, max_messages + 1);
    out->has_row_system = system != NULL;
    if (system)
        reader_add(*conv, out->arena, ROLE_SYSTEM, system, 1.0F);
    return SFT_OK;
}

void reader_add_n(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                  size_t len, float weight)
{
    conv->messages[conv->count++] = (struct message){
        .role = role, .content = arena_strndup(arena, content, len), .len = len, .weight = weight};
}

void reader_add(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                float weight)
{
    reader_add_n(conv, arena, role, content, strlen(content), weight);
}

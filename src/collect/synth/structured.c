#include "collect/synth/structured.h"

#include "base/json.h"
#include "base/utf8.h"
#include "collect/synth/json_mend.h"
#include "data/readers/names.h"
#include "data/readers/reader.h"

#include <string.h>

const char structured_schema[] =
    "{\"type\":\"object\",\"properties\":{\"messages\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{\"role\":{\"type\":\"string\",\"enum\":[\"user\",\"assistant\"]},"
    "\"content\":{\"type\":\"string\"}},\"required\":[\"role\",\"content\"],\"additionalProperties\":false}}},"
    "\"required\":[\"messages\"],\"additionalProperties\":false}";

/* ---- turns, as models call them ---- */

static const json *first_of(const json *object, const char *const *keys)
{
    for (; *keys; keys++) {
        const json *node = json_get(object, *keys);
        if (node && !json_is_null(node))
            return node;
    }
    return NULL;
}

static const json *speaker_of(const json *turn)
{
    static const char *const keys[] = {"role", "from", "speaker", "author", "sender", NULL};
    return first_of(turn, keys);
}

static const json *said_in(const json *turn)
{
    static const char *const keys[] = {"content", "value", "text", "message", "utterance", NULL};
    return first_of(turn, keys);
}

/* Who a name is, beyond what data of people has: a labeller was told that it is one. */
static bool role_of(const char *name, enum role *role)
{
    static const struct {
        const char *name;
        enum role role;
    } others[] = {{"customer", ROLE_USER},     {"client", ROLE_USER},      {"student", ROLE_USER},
                  {"question", ROLE_USER},     {"agent", ROLE_ASSISTANT},  {"support agent", ROLE_ASSISTANT},
                  {"teacher", ROLE_ASSISTANT}, {"answer", ROLE_ASSISTANT}, {"labeller", ROLE_ASSISTANT},
                  {"response", ROLE_ASSISTANT}};
    bool is_call = false;
    uint64_t used = 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (names_equal(name, others[i].name)) {
            *role = others[i].role;
            return true;
        }
    return names_role(NULL, name, role, &is_call, &used) && !is_call;
}

static bool is_turn(const json *node)
{
    return json_is_object(node) && speaker_of(node) && said_in(node);
}

/* {"user": "...", "assistant": "..."}, or one of the two. */
static bool is_exchange(const json *node)
{
    enum role role;
    if (!json_is_object(node) || json_size(node) == 0)
        return false;
    for (const json *child = json_first(node); child; child = json_next(child))
        if (!json_is_string(child) || !role_of(json_key(child), &role))
            return false;
    return true;
}

/* Append {"role": ..., "content": ...}: a name that nobody knows stays, for the reader to refuse. */
static void put_turn(struct strbuf *out, const char *speaker, const json *said)
{
    enum role role;
    if (role_of(speaker, &role))
        speaker = role_name[role];
    strbuf_puts(out, out->data[out->len - 1] == '[' ? "{\"role\":" : ",{\"role\":");
    strbuf_json_string(out, speaker, strlen(speaker));
    strbuf_puts(out, ",\"content\":");
    json_print_line(said, out);
    strbuf_putc(out, '}');
}

static bool put_element(struct strbuf *out, const json *element)
{
    if (is_turn(element) && json_is_string(speaker_of(element))) {
        put_turn(out, json_string(speaker_of(element)), said_in(element));
        return true;
    }
    if (!is_exchange(element))
        return false;
    for (const json *child = json_first(element); child; child = json_next(child))
        put_turn(out, json_key(child), child);
    return true;
}

/* The turns of a list, or of one exchange, as {"messages": [...]} into *out; false where it is something else. */
static bool put_messages(struct strbuf *out, const json *node)
{
    bool fits = true;
    strbuf_puts(out, "{\"messages\":[");
    if (json_is_array(node))
        for (const json *element = json_first(node); element && fits; element = json_next(element))
            fits = put_element(out, element);
    else
        fits = is_exchange(node) && put_element(out, node);
    strbuf_puts(out, "]}");
    return fits && json_size(node) > 0;
}

/* ---- where in the document they are ---- */

/* The only list or object in it, or in a list of one; NULL where there is none, or several. */
static const json *only_inner(const json *node)
{
    const json *found = NULL;
    for (const json *child = json_first(node); child; child = json_next(child))
        if (json_is_array(child) || json_is_object(child)) {
            if (found)
                return NULL;
            found = child;
        }
    return found;
}

static const json *inner_of(const json *node)
{
    static const char *const keys[] = {"messages", "conversation", "conversations", "dialogue", "dialog", "turns",
                                       NULL};
    const json *list = json_is_object(node) ? first_of(node, keys) : NULL;
    return list && !json_is_string(list) ? list : only_inner(node);
}

static enum sft_status read_messages(const struct strbuf *text, struct arena *arena, struct conversation *conv,
                                     struct sft_err *err)
{
    json *row;
    if (json_parse(text->data, text->len, &row, err))
        return err->status;
    const enum sft_status status = reader_read_any(row, arena, conv, err);
    json_free(row);
    return status;
}

/* Of a document: its turns wherever they lie, else a row as train reads it. */
static enum sft_status read_document(const json *root, struct arena *arena, struct conversation *conv,
                                     struct sft_err *err)
{
    enum { WRAPPERS = 4 };
    struct strbuf text = {0};
    const json *node = root;
    for (size_t depth = 0; node && depth <= WRAPPERS; depth++, node = inner_of(node)) {
        strbuf_clear(&text);
        if (!put_messages(&text, node))
            continue;
        const enum sft_status status = read_messages(&text, arena, conv, err);
        strbuf_free(&text);
        return status;
    }
    strbuf_free(&text);
    return reader_read_any(root, arena, conv, err);
}

/* ---- what a conversation is ---- */

static void trim(struct message *m)
{
    uint32_t cp;
    size_t n, start = 0, end = 0;
    for (size_t i = 0; i < m->len; i += n) {
        n = utf8_decode(m->content + i, m->len - i, &cp, NULL);
        if (n > 0 && utf8_is_white_space(cp))
            continue;
        n = n ? n : 1;
        start = end ? start : i;
        end = i + n;
    }
    m->content += start;
    m->len = end - start;
}

static enum sft_status check(struct conversation *conv, struct sft_err *err)
{
    if (conv->is_document)
        return sft_fail(err, SFT_EDATA, "it is one text, not a conversation");
    while (conv->count && conv->messages[0].role == ROLE_SYSTEM) {
        conv->messages++;
        conv->count--;
    }
    conv->numbers = NULL;
    conv->has_tools = false;
    for (size_t i = 0; i < conv->count; i++) {
        const enum role expected = i % 2 ? ROLE_ASSISTANT : ROLE_USER;
        struct message *m = &conv->messages[i];
        if (m->role != expected)
            return i == 0 ? sft_fail(err, SFT_EDATA, "it begins with the %s, not with the user", role_name[m->role])
                          : sft_fail(err, SFT_EDATA, "message %zu is the %s's, where the %s is to speak", i + 1,
                                     role_name[m->role], role_name[expected]);
        trim(m);
        if (m->len == 0)
            return sft_fail(err, SFT_EDATA, "message %zu is empty", i + 1);
    }
    if (conv->count == 0)
        return sft_fail(err, SFT_EDATA, "there is no message in it");
    return conv->count % 2 ? sft_fail(err, SFT_EDATA, "it ends with the user, not with the assistant") : SFT_OK;
}

/* ---- the text ---- */

/* JSON as it is, or mended. */
static enum sft_status parse(const char *text, size_t len, size_t *used, json **root, struct sft_err *err)
{
    struct strbuf strict = {0};
    if (json_parse_first(text, len, used, root, NULL) == SFT_OK)
        return SFT_OK;
    const char *wrong = json_mend(text, len, &strict, used);
    const enum sft_status status = wrong ? sft_fail(err, SFT_EDATA, "%s", wrong)
                                         : json_parse(strict.data, strict.len, root, err);
    strbuf_free(&strict);
    return status;
}

/* A value that begins at text[0]: *used are the bytes up to its end, or up to what could not be mended. */
static enum sft_status try_at(const char *text, size_t len, size_t *used, bool *is_json, struct arena *arena,
                              struct conversation *conv, struct sft_err *err)
{
    json *root = NULL;
    enum sft_status status = parse(text, len, used, &root, err);
    *is_json = !status;
    if (!status)
        status = read_document(root, arena, conv, err);
    if (!status)
        status = check(conv, err);
    json_free(root);
    return status;
}

/* In prose there are brackets, too, so that each one is tried that is not in a value that was read. Told is what is
 * wrong with the one that goes furthest. Of a document that broke, an object within is not the whole of it; a list
 * may be. */
enum sft_status structured_parse(const char *text, size_t len, struct arena *arena, struct conversation *conv,
                                 struct sft_err *err)
{
    enum { CANDIDATES = 24, OF_PROSE = 64 };
    const char *end = text + len, *furthest = text;
    size_t n_tried = 0, used = 0;
    bool is_json, is_broken = false;
    sft_fail(err, SFT_EDATA, "there is no JSON in it");
    for (const char *p = text + structured_behind_thoughts(text, len); p < end && n_tried < CANDIDATES;
         p += is_json ? used : 1) {
        is_json = false;
        if (*p != '[' && (*p != '{' || is_broken))
            continue;
        struct sft_err wrong = {0};
        n_tried++;
        *conv = (struct conversation){0};
        if (try_at(p, (size_t)(end - p), &used, &is_json, arena, conv, &wrong) == SFT_OK)
            return SFT_OK;
        is_broken = is_broken || (!is_json && used > OF_PROSE);
        if (err && p + used > furthest)
            *err = wrong;
        furthest = p + used > furthest ? p + used : furthest;
    }
    *conv = (struct conversation){0};
    return SFT_EDATA;
}

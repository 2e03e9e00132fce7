#include "data/reader.h"

#include "data/reader_internal.h"

#include <math.h>
#include <string.h>

const struct reader *const readers[] = {&reader_messages, &reader_sharegpt, &reader_alpaca, &reader_dolly,
                                        &reader_prompt,   &reader_question, &reader_text};
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
        strbuf_printf(out, "%s%.40s", n ? ", " : "", n < SHOWN ? json_key(child) : "...");
}

const struct reader *reader_detect(const json *row, struct sft_err *err)
{
    if (!json_is_object(row)) {
        reader_fail_type(row, "an object", err);
        return NULL;
    }
    for (size_t i = 0; i < readers_count; i++)
        if (readers[i]->matches(row))
            return readers[i];
    struct strbuf text = {0};
    describe_keys(row, &text);
    strbuf_puts(&text, "; the formats are");
    for (size_t i = 0; i < readers_count; i++)
        strbuf_printf(&text, "%s %s %s", i ? "," : "", readers[i]->name, readers[i]->keys);
    sft_fail(err, SFT_EDATA, "unknown structure: it has %s", text.data);
    strbuf_free(&text);
    return NULL;
}

enum sft_status reader_read(const struct reader *reader, const json *row, struct arena *arena,
                            struct conversation *conv, struct sft_err *err)
{
    *conv = (struct conversation){0};
    if (!json_is_object(row))
        return reader_fail_type(row, "an object", err);
    if (reader->matches(row))
        return reader->read(row, arena, conv, err);
    struct strbuf text = {0};
    describe_keys(row, &text);
    sft_fail(err, SFT_EDATA, "expected %s (format %s), but it has %s", reader->keys, reader->name, text.data);
    strbuf_free(&text);
    return SFT_EDATA;
}

/* ---- what the readers share ---- */

enum sft_status reader_fail_type(const json *node, const char *expected, struct sft_err *err)
{
    if (!node)
        return sft_fail(err, SFT_EDATA, "missing");
    return sft_fail(err, SFT_EDATA, "expected %s, found %s", expected, json_type_name(node));
}

enum sft_status reader_at(const char *key, size_t i, bool names_field, struct sft_err *err)
{
    if (!err)
        return SFT_EDATA;
    const struct sft_err inner = *err;
    return sft_fail(err, SFT_EDATA, "%s[%zu]%s%.*s", key, i, names_field ? "." : ": ", SFT_ERR_MAX - 64,
                    inner.message);
}

enum sft_status reader_get_string(const json *row, const char *key, bool required, const char **out,
                                  struct sft_err *err)
{
    const json *node = json_get(row, key);
    *out = json_string(node);
    if (*out || (!required && (!node || json_is_null(node))))
        return SFT_OK;
    reader_fail_type(node, "a string", err);
    sft_context(err, "%s", key);
    return SFT_EDATA;
}

enum sft_status reader_get_weight(const json *message, float fallback, float *weight, struct sft_err *err)
{
    const json *node = json_get(message, "weight");
    *weight = fallback;
    if (!node || json_is_null(node))
        return SFT_OK;
    const float given = (float)json_number(node); /* NaN if it is no number */
    if (!isfinite(given) || given < 0.0F) {
        if (json_is_number(node))
            return sft_fail(err, SFT_EDATA, "weight: expected a number of 0 or more, found %g",
                            json_number(node));
        reader_fail_type(node, "a number of 0 or more", err);
        sft_context(err, "weight");
        return SFT_EDATA;
    }
    *weight = given;
    return SFT_OK;
}

void reader_begin(struct conversation *conv, struct arena *arena, size_t max_messages)
{
    *conv = (struct conversation){.messages = arena_calloc(arena, max_messages, sizeof *conv->messages)};
}

void reader_add(struct conversation *conv, struct arena *arena, enum role role, const char *content,
                float weight)
{
    const size_t len = strlen(content);
    conv->messages[conv->count++] = (struct message){
        .role = role, .content = arena_strndup(arena, content, len), .len = len, .weight = weight};
}

bool reader_is_blank(const char *s)
{
    return !s || s[strspn(s, " \t\r\n")] == '\0';
}

const char *reader_join(struct arena *arena, const char *first, const char *second)
{
    return reader_is_blank(second) ? first : arena_printf(arena, "%s\n\n%s", first, second);
}

#include "data/readers/reader.h"

#include "data/readers/reader_fields.h"
#include "data/readers/reader_flags.h"
#include "data/readers/reader_preference.h"
#include "data/readers/reader_tools.h"

#include <stdlib.h>
#include <string.h>

#define READER_ADDRESS(format) &reader_##format,
const struct reader *const readers[] = {READERS(READER_ADDRESS)};
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

/* "messages, conversations, ..., or text" */
static void list_formats(struct strbuf *out)
{
    for (size_t i = 0; i < readers_count; i++)
        if (readers[i]->in_short)
            strbuf_printf(out, "%s%s%s", i > 0 ? ", " : "", i > 0 && i + 1 == readers_count ? "or " : "",
                          readers[i]->in_short);
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

/* "[data] columns = b:chosen", where one key alone has a value that would do. */
static void suggest_chosen(const json *row, struct strbuf *out)
{
    const json *other_prompt = preference_other_prompt(row), *found = NULL;
    size_t n = 0;
    for (const json *child = json_first(row); child; child = json_next(child))
        if ((json_is_string(child) || json_is_array(child)) && strcmp(json_key(child), "prompt") != 0 &&
            strcmp(json_key(child), "rejected") != 0 && child != other_prompt) {
            found = child;
            n++;
        }
    strbuf_puts(out, "[data] columns =");
    suggest(out, n == 1 ? json_key(found) : "OTHER", "chosen");
    strbuf_puts(out, " says which answer is the chosen one");
}

static const struct reader *detect(const json *row, bool has_columns, struct sft_err *err)
{
    if (!json_is_object(row)) {
        reader_fail_type(row, "an object", err);
        return NULL;
    }
    for (size_t i = 0; i < readers_count; i++)
        if (readers[i]->detects ? readers[i]->detects(row) : readers[i]->matches(row))
            return readers[i];
    struct strbuf text = {0};
    const bool lacks_chosen = json_get(row, "rejected") && !json_get(row, "chosen");
    describe_keys(row, &text);
    if (lacks_chosen)
        strbuf_puts(&text, " (a rejected answer, and no chosen one)");
    if (json_is_array(json_get(row, "input_ids")))
        strbuf_puts(&text, " (tokens already, and texts are read here)");
    strbuf_puts(&text, "; expected ");
    list_formats(&text);
    if (has_columns) {
        strbuf_puts(&text, "; ");
        (lacks_chosen ? suggest_chosen : suggest_columns)(row, &text);
    }
    sft_fail(err, SFT_EDATA, "unknown structure: it has %s", text.data);
    strbuf_free(&text);
    return NULL;
}

const struct reader *reader_detect(const json *row, struct sft_err *err)
{
    return detect(row, true, err);
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

bool reader_is_pair(const json *row)
{
    const json *chosen = json_is_object(row) ? json_get(row, "chosen") : NULL, *rejected = json_get(row, "rejected");
    return chosen && rejected && !json_is_null(chosen) && !json_is_null(rejected);
}

enum sft_status reader_read_pair(const json *row, const struct names *names, struct arena *arena,
                                 struct conversations *out, struct sft_err *err)
{
    size_t n_prompt[2] = {0, 0};
    *out = (struct conversations){.arena = arena, .names = names};
    if (preference_read(row, out, n_prompt, err) || reader_scale_row(row, out, err))
        return SFT_EDATA;
    for (size_t c = 0; c < out->count; c++) {
        out->items[c].has_tools = reader_has_tools(row);
        for (size_t i = 0; i < n_prompt[c]; i++)
            out->items[c].messages[i].weight = 0.0F;
    }
    return SFT_OK;
}

enum sft_status reader_read_any(const json *row, struct arena *arena, struct conversation *conv,
                                struct sft_err *err)
{
    struct conversations list;
    const struct reader *reader = detect(row, false, err);
    if (!reader || reader_read(reader, row, NULL, arena, &list, err))
        return SFT_EDATA;
    *conv = list.items[0];
    return SFT_OK;
}

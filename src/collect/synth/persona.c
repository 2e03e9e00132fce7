#include "collect/synth/persona.h"

#include "base/io.h"
#include "config/field_value.h"

#include <stdlib.h>
#include <string.h>

const char *const persona_writes_name[] = {"answers", "refusals", "look_alikes", "critique"};

/* ---- the shipped ones: the files as they are; the Makefile names them as sources of this object ---- */

#define SHIPPED(name)                                                                                                  \
    __asm__(".section .rodata\n"                                                                                       \
            "sft_persona_" #name ":\n"                                                                                 \
            ".incbin \"configs/personas/" #name ".md\"\n"                                                              \
            "sft_persona_" #name "_end:\n"                                                                             \
            ".byte 0\n"                                                                                                \
            ".previous\n");                                                                                            \
    extern const char sft_persona_##name[], sft_persona_##name##_end[]
SHIPPED(teacher);
SHIPPED(support);
SHIPPED(safety);
SHIPPED(contrast);
SHIPPED(critic);

#define SHIPPED_ROW(name)                                                                                              \
    {                                                                                                                  \
        sft_persona_##name, sft_persona_##name##_end                                                                   \
    }
static const struct {
    const char *text, *end;
} shipped[] = {
    SHIPPED_ROW(teacher), SHIPPED_ROW(support), SHIPPED_ROW(safety), SHIPPED_ROW(contrast), SHIPPED_ROW(critic),
};
const char *const persona_shipped_names[] = {"teacher", "support", "safety", "contrast", "critic"};
const size_t n_persona_shipped = sizeof shipped / sizeof *shipped;
_Static_assert(sizeof shipped / sizeof *shipped == sizeof persona_shipped_names / sizeof *persona_shipped_names, "");

/* ---- front matter ---- */

struct lines {
    const char *at, *end;
    size_t number; /* of the line that was read */
};

/* The next line without its end; false where there is none. */
static bool next_line(struct lines *lines, const char **line, size_t *len)
{
    if (lines->at == lines->end)
        return false;
    const char *newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
    const char *stop = newline ? newline : lines->end;
    *line = lines->at;
    *len = (size_t)(stop - *line);
    while (*len > 0 && strchr(" \t\r", (*line)[*len - 1]))
        --*len;
    lines->at = newline ? newline + 1 : lines->end;
    lines->number++;
    return true;
}

static bool is_dashes(const char *line, size_t len)
{
    return len == 3 && memcmp(line, "---", 3) == 0;
}

static enum sft_status read_writes(struct persona *persona, const char *value, struct sft_err *err)
{
    for (size_t i = 0; i < N_PERSONA_WRITES; i++)
        if (strcmp(value, persona_writes_name[i]) == 0) {
            persona->writes = (enum persona_writes)i;
            return SFT_OK;
        }
    return sft_fail_in(err, SFT_EDATA, "writes", "expected answers, refusals, look_alikes or critique, found '%.60s'",
                       value);
}

static enum sft_status read_key(struct persona *persona, const char *key, const char *value, struct sft_err *err)
{
    if (strcmp(key, "writes") == 0)
        return read_writes(persona, value, err);
    if (strcmp(key, "may_say_it_is_ai") == 0)
        return field_parse_bool(value, &persona->may_say_it_is_ai)
                   ? SFT_OK
                   : sft_fail_in(err, SFT_EDATA, key, "expected true or false, found '%.60s'", value);
    if (strcmp(key, "name") != 0)
        return sft_fail(err, SFT_EDATA, "unknown key '%.60s' (name, writes or may_say_it_is_ai)", key);
    if (!*value)
        return sft_fail_in(err, SFT_EDATA, key, "expected a name, found nothing");
    persona->name = value;
    return SFT_OK;
}

/* "key: value", both in the arena. */
static enum sft_status read_line(struct persona *persona, const char *line, size_t len, struct arena *arena,
                                 struct sft_err *err)
{
    const char *colon = memchr(line, ':', len);
    if (len == 0 || *line == '#')
        return SFT_OK;
    if (!colon)
        return sft_fail(err, SFT_EDATA, "expected KEY: VALUE between the lines of dashes, found '%.*s'",
                        (int)(len < 60 ? len : 60), line);
    const char *value = colon + 1, *end = line + len;
    while (value < end && strchr(" \t", *value))
        value++;
    return read_key(persona, arena_strndup(arena, line, (size_t)(colon - line)),
                    arena_strndup(arena, value, (size_t)(end - value)), err);
}

static enum sft_status read_front(struct persona *persona, struct lines *lines, struct arena *arena,
                                  struct sft_err *err)
{
    const char *line;
    size_t len;
    while (next_line(lines, &line, &len)) {
        if (is_dashes(line, len))
            return SFT_OK;
        if (read_line(persona, line, len, arena, err))
            return sft_in_file(err, "", lines->number);
    }
    return sft_fail(err, SFT_EDATA, "the lines after the first --- do not end with another one");
}

/* ---- reading ---- */

enum sft_status persona_parse(struct persona *persona, const char *text, size_t len, const char *name,
                              struct arena *arena, struct sft_err *err)
{
    const size_t bom = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct lines lines = {text + bom, text + len, 0}, ahead = lines;
    const char *line;
    size_t n;
    *persona = (struct persona){.name = arena_strndup(arena, name, strlen(name))};
    for (size_t i = 0, width; i < len; i += width)
        if (text[i] == '\0' || (width = utf8_decode(text + i, len - i, NULL, NULL)) == 0)
            return sft_fail(err, SFT_EDATA, "not UTF-8 text (byte 0x%02X)", (unsigned char)text[i]);
    if (next_line(&ahead, &line, &n) && is_dashes(line, n)) {
        lines = ahead;
        if (read_front(persona, &lines, arena, err))
            return SFT_EDATA;
    }
    while (lines.at < lines.end && strchr(" \t\r\n", *lines.at))
        lines.at++;
    while (lines.end > lines.at && strchr(" \t\r\n", lines.end[-1]))
        lines.end--;
    if (lines.at == lines.end)
        return sft_fail(err, SFT_EDATA, "a persona without a text (it says who the labeller is and what good work is)");
    persona->text = arena_strndup(arena, lines.at, (size_t)(lines.end - lines.at));
    return SFT_OK;
}

static enum sft_status fail_absent(const char *file, struct sft_err *err)
{
    struct strbuf names = {0};
    for (size_t i = 0; i < n_persona_shipped; i++)
        strbuf_printf(&names, "%s%s",
                      i == 0                      ? ""
                      : i + 1 < n_persona_shipped ? ", "
                                                  : " and ",
                      persona_shipped_names[i]);
    sft_fail(err, SFT_EUSAGE, "'%.200s': no such file (the shipped personas are %s)", file, names.data);
    strbuf_free(&names);
    return SFT_EUSAGE;
}

enum sft_status persona_read(struct persona *persona, const char *file, struct arena *arena, struct sft_err *err)
{
    struct strbuf text = {0};
    if (!path_exists(file) || path_is_dir(file)) {
        for (size_t i = 0; i < n_persona_shipped; i++)
            if (strcmp(file, persona_shipped_names[i]) == 0)
                return persona_parse(persona, shipped[i].text, (size_t)(shipped[i].end - shipped[i].text), file, arena,
                                     err);
        return fail_absent(file, err);
    }
    enum sft_status status = io_read_file(file, &text, err);
    if (!status) {
        char *name = path_bare_name(file, path_has_ending(file, ".txt") ? ".txt" : ".md");
        status = persona_parse(persona, text.data ? text.data : "", text.len, name, arena, err);
        free(name);
        if (status) {
            const size_t line = err ? err->file_line : 0;
            sft_in_file(err, file, line);
        }
    }
    strbuf_free(&text);
    return status;
}

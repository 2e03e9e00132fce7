#include "collect/synth/facts.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LEVELS = 6 }; /* of Markdown's headings */

struct cutter {
    struct facts *facts;
    struct arena *arena;
    const char *name;
    size_t most;
    char *headings[LEVELS]; /* that the next paragraph stands under, "## Prices"; NULL: none of that level */
    bool is_told[LEVELS];   /* stands in the piece already */
    struct strbuf piece;
    size_t repeated; /* bytes of the piece that are headings told before */
    const char *heading;
    bool has_text; /* more than headings */
    bool is_whole; /* all of it is one piece */
};

/* ---- pieces ---- */

static void end_piece(struct cutter *c)
{
    struct facts *facts = c->facts;
    if (c->has_text) {
        facts->items = mem_grow(facts->items, &facts->capacity, facts->count + 1, sizeof *facts->items);
        facts->items[facts->count++] = (struct facts_piece){
            .text = arena_strndup(c->arena, c->piece.data, c->piece.len),
            .heading = c->heading ? c->heading : c->name,
        };
    }
    strbuf_clear(&c->piece);
    memset(c->is_told, 0, sizeof c->is_told);
    c->repeated = 0;
    c->heading = NULL;
    c->has_text = false;
}

/* "## Prices ##" without its marks. */
static const char *bare_heading(const struct cutter *c, const char *line)
{
    line += strspn(line, "# \t");
    size_t len = strlen(line);
    while (len > 0 && strchr("# \t", line[len - 1]))
        len--;
    return arena_strndup(c->arena, line, len);
}

/* What stands above a paragraph and not yet in the piece; returns its bytes. */
static size_t headings_len(const struct cutter *c)
{
    size_t len = 0;
    for (size_t i = 0; i < LEVELS; i++)
        len += c->headings[i] && !c->is_told[i] ? strlen(c->headings[i]) + 2 : 0;
    return len;
}

static void add_headings(struct cutter *c)
{
    const char *nearest = NULL;
    for (size_t i = 0; i < LEVELS; i++) {
        if (!c->headings[i])
            continue;
        nearest = c->headings[i];
        if (!c->is_told[i])
            strbuf_printf(&c->piece, "%s%s", c->piece.len ? "\n\n" : "", c->headings[i]);
        c->is_told[i] = true;
    }
    if (!c->heading && nearest)
        c->heading = bare_heading(c, nearest);
}

/* What fits into a piece of its own of a paragraph that does not. */
static size_t fitting(const char *text, size_t len, size_t most)
{
    static const char *const ends[] = {"\n", ". ", " "};
    if (len <= most)
        return len;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const size_t n = strlen(ends[i]);
        for (size_t at = most; at > most / 4; at--) /* not in snippets */
            if (at >= n && memcmp(text + at - n, ends[i], n) == 0)
                return at;
    }
    const size_t whole = utf8_cut(text, len, most);
    return whole ? whole : len;
}

static void add_paragraph(struct cutter *c, const char *text, size_t len)
{
    while (len > 0) {
        if (c->has_text && c->piece.len - c->repeated + headings_len(c) + 2 + len > c->most)
            end_piece(c);
        if (!c->has_text) {
            add_headings(c);
            c->repeated = c->piece.len;
        } else {
            add_headings(c);
        }
        const size_t n = fitting(text, len, c->most);
        strbuf_puts(&c->piece, c->piece.len ? "\n\n" : "");
        strbuf_add(&c->piece, text, n);
        c->has_text = true;
        text += n;
        len -= n;
    }
}

/* ---- lines ---- */

static size_t heading_level(const char *line, size_t len)
{
    size_t level = 0;
    while (level < len && line[level] == '#')
        level++;
    return level <= LEVELS && level < len && strchr(" \t", line[level]) ? level : 0;
}

static void set_heading(struct cutter *c, size_t level, const char *line, size_t len)
{
    if (!c->is_whole)
        end_piece(c);
    c->headings[level - 1] = arena_strndup(c->arena, line, len);
    for (size_t i = level - 1; i < LEVELS; i++) {
        c->is_told[i] = false;
        if (i >= level)
            c->headings[i] = NULL;
    }
}

void facts_cut(struct facts *facts, const char *text, size_t len, const char *name, size_t most, struct arena *arena)
{
    struct cutter c = {.facts = facts, .arena = arena, .most = most, .is_whole = len <= most};
    struct strbuf paragraph = {0};
    c.name = arena_strndup(arena, name, strlen(name));
    for (const char *p = text, *end = text + len; p <= end;) {
        const char *newline = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
        const char *stop = newline ? newline : end;
        size_t n = (size_t)(stop - p);
        while (n > 0 && strchr(" \t\r", p[n - 1]))
            n--;
        const size_t level = heading_level(p, n);
        if (n == 0 || level > 0) { /* what stood before it ends here */
            add_paragraph(&c, paragraph.data, paragraph.len);
            strbuf_clear(&paragraph);
        }
        if (level > 0) {
            set_heading(&c, level, p, n);
        } else if (n > 0) {
            strbuf_puts(&paragraph, paragraph.len ? "\n" : "");
            strbuf_add(&paragraph, p, n);
        }
        p = stop + 1;
    }
    add_paragraph(&c, paragraph.data, paragraph.len);
    end_piece(&c);
    strbuf_free(&paragraph);
    strbuf_free(&c.piece);
}

void facts_free(struct facts *facts)
{
    free(facts->items);
    *facts = (struct facts){0};
}

/* ---- what a piece is about ---- */

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Whether a word of the text begins as this one does: in all but the ending of a longer word. */
static bool has_word(const char *text, const char *word, size_t len)
{
    const size_t stem = len > 6 ? len - 3 : len > 4 ? len - 1 : len;
    for (const char *p = text; *p; p++)
        if ((p == text || !is_letter(p[-1])) && strncasecmp(p, word, stem) == 0)
            return true;
    return false;
}

/* The same of its headings. */
static bool has_heading(const char *text, const char *word, size_t len)
{
    for (const char *p = text; p; p = strchr(p, '\n')) {
        p += *p == '\n';
        const size_t n = strcspn(p, "\n");
        char *line = heading_level(p, n) ? mem_strndup(p, n) : NULL;
        const bool yes = line && has_word(line, word, len);
        free(line);
        if (yes)
            return true;
    }
    return false;
}

static void add_word_fit(const struct facts *facts, const char *word, size_t len, bool *has, double *fit)
{
    size_t holders = 0;
    for (size_t i = 0; i < facts->count; i++)
        holders += has[i] = has_word(facts->items[i].text, word, len);
    if (holders == facts->count && facts->count > 1) /* tells nothing of any */
        return;
    for (size_t i = 0; i < facts->count; i++)
        if (has[i])
            fit[i] += (has_heading(facts->items[i].text, word, len) ? 2.0 : 1.0) / (double)holders;
}

void facts_fit(const struct facts *facts, const char *topic, double *fit)
{
    enum { SHORTEST = 4 };
    bool *has = mem_calloc(facts->count + 1, sizeof *has);
    for (size_t i = 0; i < facts->count; i++)
        fit[i] = 0;
    for (const char *p = topic; *p;) {
        size_t len = 0;
        while (is_letter(p[len]))
            len++;
        if (len >= SHORTEST)
            add_word_fit(facts, p, len, has, fit);
        p += len ? len : 1;
    }
    free(has);
}

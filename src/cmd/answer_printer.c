#include "cmd/answer_printer.h"

#include "base/log.h"
#include "cmd/model_text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { TAB = 8 };

void answer_printer_begin(struct answer_printer *p)
{
    *p = (struct answer_printer){.wraps = log_is_screen(STDOUT_FILENO), .columns = log_columns(STDOUT_FILENO)};
}

static void print(const struct strbuf *text)
{
    if (text->len)
        fwrite(text->data, 1, text->len, stdout);
}

static void print_line_break(struct answer_printer *p)
{
    putchar('\n');
    p->column = 0;
    p->columns = log_columns(STDOUT_FILENO); /* it may have been resized */
}

/* Print what is held back. A word that does not fit goes to the next line, and the blanks before it are dropped; one
 * that is wider than a line is the terminal's to fold. The last column stays free: terminals differ in what comes
 * after it. */
static void let_go(struct answer_printer *p)
{
    const size_t width = p->blanks_width + p->word_width;
    if (!p->line_has_words && p->word.len >= 3 && memcmp(p->word.data, "```", 3) == 0)
        p->in_code = !p->in_code;
    if (p->word.len && p->line_has_words && !p->in_code && p->column + width >= p->columns) {
        print_line_break(p);
        p->column = p->word_width % p->columns;
    } else {
        print(&p->blanks);
        p->column = (p->column + width) % p->columns;
    }
    print(&p->word);
    p->line_has_words |= p->word.len > 0;
    strbuf_clear(&p->blanks);
    strbuf_clear(&p->word);
    p->blanks_width = p->word_width = 0;
    p->after_wide = p->after_joiner = false;
}

/* What closes a clause does not begin a line, in Chinese or Japanese text either, where any other character may. */
static bool must_follow(uint32_t cp)
{
    static const uint32_t closing[] = {'!', '%', ')', ',', '.', ':', ';', '?', ']', '}', 0x2019, 0x201D, 0x2026,
                                       0x3001, 0x3002, 0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0x30FC, 0xFF01, 0xFF05,
                                       0xFF09, 0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F};
    for (size_t i = 0; i < sizeof closing / sizeof *closing; i++)
        if (cp == closing[i])
            return true;
    return false;
}

/* A character of a word. A line may be broken before and after a wide one, but not before what joins it: an accent, a
 * joiner, what comes after a joiner. */
static void hold_visible(struct answer_printer *p, uint32_t cp, const char *shown, size_t len, size_t width)
{
    enum { JOINER = 0x200D };
    const bool joins = width == 0 || p->after_joiner || must_follow(cp);
    if (p->word.len && !joins && (width == 2 || p->after_wide))
        let_go(p);
    strbuf_add(&p->word, shown, len);
    p->word_width += width;
    p->after_wide = width == 2 || (joins && p->after_wide);
    p->after_joiner = cp == JOINER;
}

/* One character as it is shown, shown[0..len). */
static void hold(struct answer_printer *p, const char *shown, size_t len)
{
    uint32_t cp = 0;
    const size_t first = utf8_decode(shown, len, &cp, NULL);
    const int own = first == len ? wcwidth((wchar_t)cp) : (int)len; /* longer: an escape, which is ASCII */
    const size_t width = own < 0 ? 1 : (size_t)own;
    if (cp == '\n') {
        let_go(p);
        print_line_break(p);
        p->line_has_words = false;
    } else if (cp == ' ' || cp == '\t') {
        if (p->word.len)
            let_go(p);
        strbuf_add(&p->blanks, shown, len);
        p->blanks_width += cp == ' ' ? 1 : TAB - (p->column + p->blanks_width) % TAB;
    } else {
        hold_visible(p, cp, shown, len, width);
    }
}

void answer_printer_add(struct answer_printer *p, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p->is_amid_line = text[i] != '\n' && (p->is_amid_line || (text[i] != ' ' && text[i] != '\t'));
    if (!p->wraps)
        print_model_text(text, len);
    for (size_t i = 0, used; p->wraps && i < len; i += used) {
        char shown[UTF8_SHOWN_MAX];
        const size_t n = utf8_show(text + i, len - i, "\n\t", shown, &used);
        hold(p, shown, n);
    }
    fflush(stdout);
}

/* Behind the last word, or where the next line would begin. */
static void print_cut(struct answer_printer *p)
{
    static const char mark[] = "[...]";
    if (p->wraps && p->is_amid_line && p->column + sizeof mark >= p->columns)
        print_line_break(p);
    else if (p->is_amid_line)
        putchar(' ');
    fputs(mark, stdout);
}

void answer_printer_end(struct answer_printer *p, bool is_cut)
{
    if (p->word.len == 0) { /* blanks that nothing follows */
        strbuf_clear(&p->blanks);
        p->blanks_width = 0;
    }
    let_go(p);
    if (is_cut && isatty(STDOUT_FILENO))
        print_cut(p);
    putchar('\n');
    fflush(stdout);
    strbuf_free(&p->blanks);
    strbuf_free(&p->word);
}

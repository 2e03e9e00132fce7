#include "cmd/line_editor.h"

#include "base/log.h"
#include "base/mem.h"
#include "cmd/terminal.h"

#include <histedit.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* The prompt is "> ". libedit takes what stands between two \1 for something that has no width, and loses it where
 * nothing follows. */
static char plain_prompt[] = "> ", bold_prompt[] = "\1\033[1m\1>\1\033[0m\1 ";
enum { PROMPT_WIDTH = 2, HISTORY_SIZE = 1000, KEYS = 4096 };

struct libedit {
    EditLine *el;
    History *history;
    FILE *screen; /* buffered: libedit writes a character at a time */
    size_t columns;
    char keys[KEYS]; /* typed and not yet asked for: keys[begin..end) */
    size_t begin, end;
    wchar_t *paste;
    size_t paste_capacity;
    bool was_interrupted;
    size_t dropped;
};

static struct libedit *of(EditLine *el)
{
    void *edited = NULL;
    el_get(el, EL_CLIENTDATA, &edited);
    return edited;
}

/* ---- what is typed ---- */

/* The next character of those that were read; false where none is whole. */
static bool next_character(struct libedit *e, wchar_t *c)
{
    const char *bytes = e->keys + e->begin;
    const size_t n = e->end - e->begin;
    uint32_t cp = 0xFFFD;
    size_t bad = 0;
    if (n == 0 || utf8_incomplete_tail(bytes, n) == n)
        return false;
    const size_t used = utf8_decode(bytes, n, &cp, &bad);
    e->begin += used ? used : bad;
    *c = (wchar_t)terminal_key(cp);
    return true;
}

static ssize_t read_keys(struct libedit *e)
{
    memmove(e->keys, e->keys + e->begin, e->end - e->begin);
    e->end -= e->begin;
    e->begin = 0;
    const ssize_t n = read(STDIN_FILENO, e->keys + e->end, sizeof e->keys - e->end);
    e->end += n > 0 ? (size_t)n : 0;
    return n;
}

static bool fits_in_a_row(const struct libedit *e, size_t columns)
{
    const LineInfoW *line = el_wline(e->el);
    size_t width = PROMPT_WIDTH;
    for (const wchar_t *c = line->buffer; c < line->lastchar; c++) {
        const int w = wcwidth(*c);
        if (w < 0)
            return false; /* a line break, a tab */
        width += (size_t)w;
    }
    return width < columns;
}

/* After a change of the window's size, or a suspension. Where the old drawing may have been folded anew nobody can tell
 * where it begins: it stays, and the line is drawn below it. */
static void draw_again(struct libedit *e)
{
    const size_t before = e->columns;
    e->columns = log_columns(STDERR_FILENO);
    el_resize(e->el);
    fputs(fits_in_a_row(e, before < e->columns ? before : e->columns) ? "\r\033[J" : "\033[J\r\n", e->screen);
    el_set(e->el, EL_REFRESH);
}

/* What libedit reads with. Its own reading knows signals only by its own handlers, and loses a character to others. */
static int read_character(EditLine *el, wchar_t *c)
{
    struct libedit *e = of(el);
    while (!next_character(e, c)) {
        if (line_wait(STDIN_FILENO, terminal_wake_fd()) == LINE_READ) {
            if (read_keys(e) <= 0)
                return 0;
            continue;
        }
        const unsigned news = terminal_news();
        if (news & TERMINAL_OVER)
            return 0;
        if (news & TERMINAL_CHANGED)
            draw_again(e);
        if (news & TERMINAL_INTERRUPTED) {
            *c = TERMINAL_INTERRUPT_KEY;
            return 1;
        }
    }
    return 1;
}

/* ---- keys of ours ---- */

/* Ctrl-C, which is a key here: the line ends, and is not one. */
static unsigned char on_interrupt(EditLine *el, wint_t key)
{
    struct libedit *e = of(el);
    const LineInfoW *line = el_wline(el);
    (void)key;
    e->was_interrupted = true;
    e->dropped = (size_t)(line->lastchar - line->buffer);
    el_cursor(el, (int)(line->lastchar - line->cursor));
    el_winsertstr(el, L"^C");
    el_wpush(el, L"\n");
    return CC_REFRESH;
}

static unsigned char on_suspend(EditLine *el, wint_t key)
{
    (void)el;
    (void)key;
    kill(0, SIGTSTP); /* what the terminal does: whoever waits for us is suspended, too */
    return CC_NORM;
}

static unsigned char on_line_break(EditLine *el, wint_t key)
{
    (void)key;
    return el_winsertstr(el, L"\n") == 0 ? CC_REFRESH : CC_ERROR;
}

static bool ends_with(const wchar_t *text, size_t len, const wchar_t *ending)
{
    const size_t n = wcslen(ending);
    return len >= n && wmemcmp(text + len - n, ending, n) == 0;
}

static bool is_control(wchar_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

/* Control characters are left out, but line breaks, which a terminal sends as \r, and tabs. Returns the length. */
static size_t clean_paste(wchar_t *text, size_t len)
{
    size_t n = 0;
    wchar_t before = 0;
    for (size_t i = 0; i < len; i++) {
        const wchar_t c = text[i];
        if (c == L'\r' || (c == L'\n' && before != L'\r'))
            text[n++] = L'\n';
        else if (c == L'\t' || !is_control(c))
            text[n++] = c;
        before = c;
    }
    return n;
}

/* Behind the terminal's mark of a paste: all up to the mark of its end becomes part of the line at once. */
static unsigned char on_paste(EditLine *el, wint_t key)
{
    static const wchar_t end_mark[] = L"\033[201~";
    struct libedit *e = of(el);
    size_t len = 0;
    wchar_t c;
    (void)key;
    while (!ends_with(e->paste, len, end_mark) && el_wgetc(el, &c) == 1) {
        e->paste = mem_grow(e->paste, &e->paste_capacity, len + 2, sizeof *e->paste);
        e->paste[len++] = c;
    }
    if (ends_with(e->paste, len, end_mark))
        len -= wcslen(end_mark);
    if (len)
        e->paste[len = clean_paste(e->paste, len)] = L'\0';
    return len && el_winsertstr(el, e->paste) == 0 ? CC_REFRESH : CC_NORM;
}

static void bind_keys(EditLine *el)
{
    static const struct {
        const wchar_t *key, *command;
    } keys[] = {
        {L"^C", L"sft-interrupt"},         {L"^Z", L"sft-suspend"},
        {L"\\e[200~", L"sft-paste"},       {L"\\e^M", L"sft-line-break"},
        {L"\\e^J", L"sft-line-break"},
        {L"^R", L"em-inc-search-prev"},    {L"\\e[3~", L"ed-delete-next-char"},
        {L"\\e[H", L"ed-move-to-beg"},     {L"\\e[F", L"ed-move-to-end"},
        {L"\\e[1~", L"ed-move-to-beg"},    {L"\\e[4~", L"ed-move-to-end"},
        {L"\\e[1;5C", L"em-next-word"},    {L"\\e[1;5D", L"ed-prev-word"},
    };
    el_wset(el, EL_ADDFN, L"sft-interrupt", L"drop the line", on_interrupt);
    el_wset(el, EL_ADDFN, L"sft-suspend", L"suspend the program", on_suspend);
    el_wset(el, EL_ADDFN, L"sft-paste", L"insert what was pasted", on_paste);
    el_wset(el, EL_ADDFN, L"sft-line-break", L"insert a line break", on_line_break);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        el_wset(el, EL_BIND, keys[i].key, keys[i].command, NULL);
        el_wset(el, EL_BIND, L"-a", keys[i].key, keys[i].command, NULL); /* vi's command mode, if ~/.editrc has it */
    }
}

/* ---- lines ---- */

static char *prompt(EditLine *el)
{
    (void)el;
    return log_is_terminal(STDERR_FILENO) ? bold_prompt : plain_prompt;
}

static void libedit_free(struct libedit *e)
{
    if (e && e->el)
        el_end(e->el);
    if (e && e->history)
        history_end(e->history);
    if (e && e->screen)
        fclose(e->screen);
    if (e)
        free(e->paste);
    free(e);
}

/* NULL where there is none to be had. */
static struct libedit *libedit_new(void)
{
    struct libedit *e = mem_calloc(1, sizeof *e);
    HistEvent event;
    const int screen = dup(STDERR_FILENO);
    e->screen = screen < 0 ? NULL : fdopen(screen, "w");
    e->history = history_init();
    e->el = e->screen && e->history ? el_init("sft", stdin, e->screen, e->screen) : NULL;
    if (!e->el) {
        libedit_free(e);
        return NULL;
    }
    history(e->history, &event, H_SETSIZE, HISTORY_SIZE);
    history(e->history, &event, H_SETUNIQUE, 1);
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_HIST, history, e->history);
    el_set(e->el, EL_PROMPT_ESC, prompt, '\1');
    el_set(e->el, EL_EDITOR, "emacs");
    el_source(e->el, NULL);
    el_set(e->el, EL_SETTY, "-d", "-isig", NULL); /* Ctrl-C is a key while a line is read */
    el_set(e->el, EL_GETCFN, read_character);
    bind_keys(e->el);
    return e;
}

static enum line_status read_edited(struct line_editor *editor)
{
    struct libedit *e = editor->edited;
    HistEvent event;
    int n = 0;
    e->was_interrupted = false;
    e->columns = log_columns(STDERR_FILENO);
    const char *text = el_gets(e->el, &n);
    terminal_be_quiet();
    strbuf_clear(&editor->line);
    if (e->was_interrupted)
        return LINE_INTERRUPTED;
    if (!text || n <= 0) {
        fputs("\n", stderr);
        return LINE_END;
    }
    strbuf_add(&editor->line, text, (size_t)n - (text[n - 1] == '\n'));
    if (strspn(editor->line.data, " \t\n") < editor->line.len)
        history(e->history, &event, H_ENTER, editor->line.data);
    return LINE_READ;
}

/* A terminal's driver keeps this many bytes of a line and drops what follows, without a sign (termios(3)): half a
 * message would be answered as if it were the whole. */
enum { TERMINAL_LINE = 4095 };
static const char too_long_for_a_terminal[] =
    "a terminal passes on 4095 bytes of a line and drops the rest: not sent (use shorter lines, or sft generate DIR "
    "<FILE)";

static enum line_status read_plain(struct line_editor *editor, const char **line, size_t *len)
{
    for (;;) {
        if (editor->is_typed)
            fputs(plain_prompt, stderr);
        const enum line_status status = line_reader_next(&editor->plain, true, line, len);
        if (status == LINE_INTERRUPTED && (terminal_news() & TERMINAL_OVER || !editor->is_typed))
            return LINE_END;
        if (editor->is_typed && status != LINE_READ)
            fputc('\n', stderr); /* behind the prompt, or the ^C */
        if (status != LINE_READ || !editor->is_typed || *len < TERMINAL_LINE)
            return status;
        log_notice(0, "%s", too_long_for_a_terminal);
    }
}

enum line_status line_editor_read(struct line_editor *editor, const char **line, size_t *len)
{
    terminal_begin_line();
    *line = "";
    *len = 0;
    if (terminal_is_over())
        return LINE_END;
    if (!editor->edited)
        return read_plain(editor, line, len);
    const enum line_status status = read_edited(editor);
    *line = editor->line.data ? editor->line.data : "";
    *len = status == LINE_INTERRUPTED ? editor->edited->dropped : editor->line.len;
    return status;
}

void line_editor_open(struct line_editor *editor)
{
    const bool is_typed = isatty(STDIN_FILENO);
    *editor = (struct line_editor){.is_typed = is_typed};
    terminal_catch_signals();
    line_reader_init(&editor->plain, STDIN_FILENO, terminal_wake_fd());
    if (is_typed && log_is_screen(STDERR_FILENO) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0 &&
        terminal_take())
        editor->edited = libedit_new();
    if (is_typed && !editor->edited)
        terminal_give_back();
}

void line_editor_close(struct line_editor *editor)
{
    libedit_free(editor->edited);
    terminal_give_back();
    line_reader_free(&editor->plain);
    strbuf_free(&editor->line);
    *editor = (struct line_editor){0};
}

int line_editor_failed(const struct line_editor *editor)
{
    return editor->plain.failed;
}

#include "collect/synth/filter_text.h"

#include "base/mem.h"
#include "judge/phrases.h"
#include "judge/sentences.h"
#include "text/template_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- code, which may hold what it likes ---- */

/* The end of what begins with n marks at p, behind as many; NULL: nothing ends it. within_line: it has to, there. */
static const char *closing(const char *p, const char *end, char mark, size_t n, bool within_line)
{
    for (p += n; p < end && !(within_line && *p == '\n');) {
        size_t run = 0;
        while (p + run < end && p[run] == mark)
            run++;
        if (within_line ? run == n : run >= n)
            return p + run;
        p += run ? run : 1;
    }
    return NULL;
}

/* A copy with x for code, fenced or between backticks; its lines stay lines. A fence that nothing ends is none. */
static char *without_code(const char *text, size_t len)
{
    enum { FENCE = 3 };
    char *prose = mem_strndup(text, len);
    for (const char *p = text, *end = text + len; p < end;) {
        size_t n = 0;
        while (p + n < end && p[n] == *p && (*p == '`' || *p == '~'))
            n++;
        const bool is_fence = n >= FENCE;
        const char *behind = n > 0 && (*p == '`' || is_fence) ? closing(p, end, *p, n, !is_fence) : NULL;
        for (const char *q = p; behind && q < behind; q++)
            if (*q != '\n')
                prose[q - text] = 'x';
        p = behind ? behind : p + (n ? n : 1);
    }
    return prose;
}

/* ---- control tokens ---- */

static void add_mark(struct string_list *marks, const char *text, size_t len)
{
    if (str_is_one_of(text, len, (const char *const *)marks->items, marks->count))
        return;
    marks->items = mem_realloc(marks->items, marks->count + 1, sizeof *marks->items);
    marks->items[marks->count++] = mem_strndup(text, len);
}

/* Every <...> and [...] of a format's text. */
static void add_marks_of(struct string_list *marks, const char *text)
{
    for (const char *p = text ? strpbrk(text, "<[") : NULL; p; p = strpbrk(p + 1, "<[")) {
        const char *end = strchr(p, *p == '<' ? '>' : ']');
        if (end)
            add_mark(marks, p, (size_t)(end + 1 - p));
    }
}

void filter_marks_collect(struct string_list *marks)
{
    /* BOS, EOS and their like; what begins a mark that came apart; other formats' turns. "<\xEF..." is DeepSeek's. */
    static const char *const others[] = {
        "<s>",          "</s>",        "<bos>",        "<eos>",        "<pad>",           "<unk>",
        "<<SYS>>",      "<</SYS>>",    "<|im_start",   "<|im_end",     "<|endoftext",     "<think>",
        "</think>",     "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]",
        "<\xEF\xBD\x9C"};
    *marks = (struct string_list){0};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        add_mark(marks, others[i], strlen(others[i]));
    const struct template_row *row;
    for (size_t i = 0; (row = template_row_at(i)); i++) {
        struct affix *affixes[CHAT_AFFIXES];
        struct chat_format format = row->format;
        chat_format_affixes(&format, affixes);
        for (size_t k = 0; k < CHAT_AFFIXES; k++)
            add_marks_of(marks, affixes[k]->text);
        for (size_t k = 0; k < sizeof row->tokens / sizeof *row->tokens && row->tokens[k]; k++)
            add_mark(marks, row->tokens[k], strlen(row->tokens[k]));
    }
}

void filter_marks_free(struct string_list *marks)
{
    for (size_t i = 0; i < marks->count; i++)
        free(marks->items[i]);
    free(marks->items);
    *marks = (struct string_list){0};
}

static bool is_of_name(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr("0123456789_-.:/", c));
}

/* The length of a <|name|> at p; 0: it is none. */
static size_t special_at(const char *p, const char *end)
{
    enum { NAME = 64 };
    const char *q = p + 2;
    if (end - p < 5 || p[0] != '<' || p[1] != '|')
        return 0;
    while (q < end && q - p < NAME && is_of_name(*q))
        q++;
    return q > p + 2 && end - q >= 2 && q[0] == '|' && q[1] == '>' ? (size_t)(q + 2 - p) : 0;
}

static bool is_blank(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p))
        p++;
    return p == end;
}

/* <s> and </s> strike through in HTML: as marks they stand at a text's ends. */
static bool is_html(const char *mark, const char *text, const char *p, const char *end)
{
    const bool is_strike = strcmp(mark, "<s>") == 0 || strcmp(mark, "</s>") == 0;
    return is_strike && !is_blank(text, p) && !is_blank(p + strlen(mark), end);
}

/* The length of the mark at p; 0: there is none. */
static size_t mark_at(const struct string_list *marks, const char *text, const char *p, const char *end)
{
    size_t n = special_at(p, end);
    for (size_t i = 0; i < marks->count && n == 0; i++) {
        const size_t len = strlen(marks->items[i]);
        if ((size_t)(end - p) >= len && memcmp(p, marks->items[i], len) == 0 && !is_html(marks->items[i], text, p, end))
            n = len;
    }
    return n;
}

const char *filter_find_mark(const struct string_list *marks, const char *text, size_t len, size_t *n)
{
    char *prose = without_code(text, len);
    const char *found = NULL;
    for (size_t i = 0; i < len && !found; i++)
        if ((prose[i] == '<' || prose[i] == '[') && (*n = mark_at(marks, prose, prose + i, prose + len)) > 0)
            found = text + i;
    free(prose);
    return found;
}

/* ---- who speaks ---- */

struct line {
    const char *text; /* NULL: there is none */
    size_t len;
};

/* The line at *at, which goes on to the next; at the end that of no text. */
static struct line take_line(const char **at, const char *end)
{
    struct line line = {.text = *at};
    if (!*at)
        return line;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    line.len = (size_t)((newline ? newline : end) - *at);
    *at = newline ? newline + 1 : NULL;
    while (line.len > 0 && strchr(" \t\r", line.text[line.len - 1]))
        line.len--;
    return line;
}

enum speaker { NOBODY, USER, ASSISTANT };

static enum speaker speaker_of(struct line line)
{
    static const char *const labels[] = {"user", "human", "assistant", "ai assistant"};
    const char *p = line.text, *end = p + line.len;
    while (p < end && strchr("*#_> ", *p) && *p)
        p++;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        const size_t len = strlen(labels[i]);
        if ((size_t)(end - p) <= len || strncasecmp(p, labels[i], len) != 0)
            continue;
        const char *behind = p + len;
        while (behind < end && *behind == '*')
            behind++;
        if (behind < end && *behind == ':')
            return i < 2 ? USER : ASSISTANT;
    }
    return NOBODY;
}

/* "Shell: /bin/sh", as forms and settings have it. */
static bool is_field(struct line line)
{
    size_t n = 0;
    while (n < line.len && (is_of_name(line.text[n]) || line.text[n] == ' ') && line.text[n] != ':')
        n++;
    return n > 0 && n + 1 < line.len && line.text[n] == ':' && !speaker_of(line);
}

static bool speaker_follows(const char *at, const char *end, enum speaker who)
{
    while (at) {
        const enum speaker next = speaker_of(take_line(&at, end));
        if (next && next != who)
            return true;
    }
    return false;
}

/* Whether a label that nobody else's follows begins a turn: text is before it, which does not lead up to it, and it is
 * no field among others. text_before: the last line with something in it; before: that just before. */
static bool begins_turn(struct line text_before, struct line before, const char *at, const char *end)
{
    if (!text_before.text) /* a label in front of all */
        return true;
    const struct line next = take_line(&at, end);
    return text_before.text[text_before.len - 1] != ':' && !(before.text && is_field(before)) &&
           !(next.text && is_field(next));
}

static bool has_speakers(const char *text, const char *end)
{
    struct line before = {0}, text_before = {0};
    for (const char *at = text; at;) {
        const struct line line = take_line(&at, end);
        const enum speaker who = speaker_of(line);
        if (who && (speaker_follows(at, end, who) || begins_turn(text_before, before, at, end)))
            return true;
        before = line;
        text_before = line.len ? line : text_before;
    }
    return false;
}

bool filter_has_speakers(const char *text, size_t len)
{
    char *prose = without_code(text, len);
    const bool has = has_speakers(prose, prose + len);
    free(prose);
    return has;
}

/* ---- what it is ---- */

/* The judge's own sense for it is wider, since a refusal is near: "I am here to help" is what a person says, too. */
bool filter_speaks_of_ai(const char *text, size_t len)
{
    static const char *const phrases[] = {
        "as an|a ?large ?advanced ?virtual ?digital ai|chatbot|chatgpt",
        "as an|a ?large ?advanced language model",
        "as an artificial intelligence",
        "as a virtual|digital assistant",
        "as a bot",
        "as a computer program i",
        "i am|was ?just ?only ?merely ?simply ?actually ?not an|a ?virtual bot|chatbot|robot",
        "i am|was ?just ?only ?merely ?simply ?actually ?not an ?advanced ai $",
        "i am|was ?just ?only ?merely ?not an ?advanced ai ?powered assistant|model|tool|program|bot|chatbot|system",
        "i am|was ?just ?only ?merely ?not an ?advanced ai language|artificial|and|so|but|not|which|without|i",
        "i am|was ?just ?only ?merely ?not an ?advanced ai designed|created|trained|developed|made|built",
        "i am|was ?just ?only ?merely ?simply ?actually ?not an|a ?large ?advanced language model",
        "i am|was ?just ?only ?merely ?simply ?actually ?not an artificial intelligence",
        "i am ?just ?only ?merely ?simply a computer program",
        "i am ?just ?only ?merely ?simply a machine|computer $",
        "i am ?just ?only ?merely ?simply an|a virtual|digital assistant|agent|being",
        "i am chatgpt|claude|gemini|llama|qwen|smollm|gpt",
        "i was|am trained|created|developed|made|built by openai|anthropic|google|meta|microsoft|alibaba",
        "i have been trained|created|developed|made|built by openai|anthropic|google|meta|microsoft|alibaba",
        "i was|am|have ?been trained on .. data|text|texts",
        "my training data|cutoff",
        "my knowledge cutoff|cut",
        "my last ?knowledge ?training update|cutoff",
        "against|within my programming",
        "my programming will|does|prevents",
        "i do not have ?any ?real|personal|human ?own feelings|emotions|consciousness|opinions|beliefs|experiences",
        "i do not have ?a|any ?physical|human body|bodies",
    };
    struct sentences said;
    bool speaks = false;
    sentences_split(&said, text, len);
    for (size_t i = 0; i < said.count && !speaks; i++)
        for (size_t k = 0; k < sizeof phrases / sizeof *phrases && !speaks && !said.items[i].is_code; k++)
            speaks = phrase_matches(phrases[k], &said.items[i]);
    sentences_free(&said);
    return speaks;
}

size_t filter_count_characters(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

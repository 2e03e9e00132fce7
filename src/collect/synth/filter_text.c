#include "collect/synth/filter_text.h"

#include "base/mem.h"
#include "judge/phrases.h"
#include "judge/sentences.h"
#include "text/template_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

const char *filter_find_mark(const struct string_list *marks, const char *text, size_t len, size_t *n)
{
    const char *end = text + len;
    for (const char *p = text; p < end; p++) {
        if (*p != '<' && *p != '[')
            continue;
        *n = special_at(p, end);
        for (size_t i = 0; i < marks->count && *n == 0; i++) {
            const size_t mark = strlen(marks->items[i]);
            if ((size_t)(end - p) >= mark && memcmp(p, marks->items[i], mark) == 0)
                *n = mark;
        }
        if (*n)
            return p;
    }
    return NULL;
}

/* ---- who speaks ---- */

static bool is_label(const char *p, const char *end)
{
    static const char *const labels[] = {"user", "human", "assistant", "ai assistant"};
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
            return true;
    }
    return false;
}

bool filter_has_speakers(const char *text, size_t len)
{
    const char *end = text + len;
    for (const char *p = text; p && p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        if (is_label(p, newline ? newline : end))
            return true;
        p = newline ? newline + 1 : NULL;
    }
    return false;
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

#include "judge/spelled.h"

#include "base/mem.h"

#include <string.h>

bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_of_word(char c)
{
    return is_capital(c) || is_small(c) || is_digit(c) || (unsigned char)c >= 0x80;
}

bool is_among(const char *list, const char *word, size_t len)
{
    char wanted[12];
    if (len + 3 > sizeof wanted)
        return false;
    wanted[0] = wanted[len + 1] = ' ';
    wanted[len + 2] = 0;
    memcpy(wanted + 1, word, len);
    return strstr(list, wanted) != NULL;
}

bool is_only(const char *part, size_t len, const char *characters)
{
    for (size_t i = 0; i < len; i++)
        if (!part[i] || !strchr(characters, part[i]))
            return false;
    return true;
}

static bool is_code_mark(char c)
{
    return c && strchr("<>{}();=\\_", c);
}

/* An apostrophe between letters is of the word. */
static size_t word_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && (is_of_word(text[n]) || (n > 0 && n + 1 < len && text[n] == '\'' && is_of_word(text[n + 1]))))
        n++;
    return n;
}

/* The words of what blanks separate from the rest, text[at] to text[end - 1]. */
static void add_words(struct spelled_words *words, const char *text, size_t at, size_t end)
{
    for (size_t n; at < end; at += n ? n : 1) {
        n = word_length(text + at, end - at);
        if (n == 0)
            continue;
        struct spelled w = {.text = text + at, .len = n, .is_number = true};
        for (size_t i = 0; i < n; i++) {
            w.has_digit |= is_digit(w.text[i]);
            w.is_number &= is_digit(w.text[i]);
        }
        w.is_code = (at > 0 && is_code_mark(text[at - 1])) || (at + n < end && is_code_mark(text[at + n]));
        words->items = mem_grow(words->items, &words->capacity, words->count + 1, sizeof *words->items);
        words->items[words->count++] = w;
    }
}

/* "12." or "3)": the number of a list's item, if a line begins at `at`. */
static bool is_item_number(const char *text, size_t at, size_t end)
{
    return end - at >= 2 && (at == 0 || text[at - 1] == '\n') && strchr(".)", text[end - 1]) && text[end - 1] &&
           is_only(text + at, end - at - 1, "0123456789");
}

struct spelled_words spelled_split(const char *text, size_t len)
{
    struct spelled_words words = {0};
    bool in_fence = false;
    for (size_t i = 0, end; i < len; i = end) {
        end = i + 1;
        if (strchr(" \t\r\n", text[i]) && text[i])
            continue;
        while (end < len && (!strchr(" \t\r\n", text[end]) || !text[end]))
            end++;
        if (memmem(text + i, end - i, "```", 3))
            in_fence = !in_fence;
        else if (!in_fence && !memmem(text + i, end - i, "://", 3) && !is_item_number(text, i, end))
            add_words(&words, text, i, end);
    }
    return words;
}

#include "collect/synth/structured.h"

#include "base/bounds.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

struct part {
    const char *start, *end;
};

static size_t length(struct part p)
{
    return (size_t)(p.end - p.start);
}

static bool begins(struct part p, const char *word)
{
    return length(p) >= strlen(word) && strncasecmp(p.start, word, strlen(word)) == 0;
}

static bool ends(struct part p, const char *word)
{
    return length(p) >= strlen(word) && memcmp(p.end - strlen(word), word, strlen(word)) == 0;
}

static const char *find(struct part p, const char *word)
{
    return memmem(p.start, length(p), word, strlen(word));
}

size_t structured_behind_thoughts(const char *text, size_t len)
{
    static const char *const marks[][2] = {{"<think>", "</think>"}, {"<thinking>", "</thinking>"}};
    struct part p = {text, text + len};
    if (begins(p, "\xEF\xBB\xBF"))
        p.start += 3;
    struct part said = p;
    while (said.start < said.end && strchr(" \t\r\n", *said.start) && *said.start)
        said.start++;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (begins(said, marks[i][0])) {
            const char *close = find(said, marks[i][1]);
            return close ? (size_t)(close - text) + strlen(marks[i][1]) : len;
        }
    return (size_t)(p.start - text);
}

static struct part trimmed(struct part p)
{
    uint32_t cp;
    const char *end = p.start;
    bool has_begun = false;
    for (const char *at = p.start; at < p.end;) {
        const size_t n = utf8_decode(at, (size_t)(p.end - at), &cp, NULL), step = at_least(n, 1);
        if (n == 0 || !utf8_is_white_space(cp)) {
            p.start = has_begun ? p.start : at;
            has_begun = true;
            end = at + step;
        }
        at += step;
    }
    p.end = end;
    return p;
}

/* ``` around all of it: of text, since a program may be all that was asked for. */
static struct part without_fence(struct part p)
{
    static const char fence[] = "```", *const names[] = {"", "text", "txt", "plaintext", "markdown", "md"};
    enum { FENCE = sizeof fence - 1 };
    if (length(p) < 2 * FENCE + 1 || !begins(p, fence) || !ends(p, fence))
        return p;
    const struct part inner = {p.start + FENCE, p.end - FENCE};
    const char *newline = find(inner, "\n");
    if (!newline || find(inner, fence))
        return p;
    const struct part name = trimmed((struct part){inner.start, newline});
    return str_is_one_of(name.start, length(name), names, sizeof names / sizeof *names)
               ? (struct part){newline + 1, inner.end}
               : p;
}

static struct part past_marks(struct part p)
{
    while (p.start < p.end && (*p.start == '*' || *p.start == '#' || *p.start == '_' || *p.start == ' '))
        p.start++;
    return p;
}

/* "User:", "**Assistant:**", "### Response:" */
static struct part without_label(struct part p)
{
    static const char *const labels[] = {
        "user",          "human",    "customer",       "student",           "user message",       "assistant",
        "support agent", "agent",    "teacher",        "assistant message", "response",           "answer",
        "reply",         "question", "user's message", "message",           "assistant's message"};
    const struct part name = past_marks(p);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (!begins(name, labels[i]))
            continue;
        struct part behind = {name.start + strlen(labels[i]), p.end};
        const bool is_bold = begins(behind, "**:");
        behind.start += is_bold ? 2 : 0;
        if (!begins(behind, ":"))
            continue;
        behind.start++;
        if (!is_bold && name.start > p.start && begins(behind, "**"))
            behind.start += 2;
        return behind;
    }
    return p;
}

static struct part without_quotes(struct part p)
{
    static const char *const marks[][2] = {
        {"\"", "\""}, {"'", "'"}, {"\xE2\x80\x9C", "\xE2\x80\x9D"}, {"\xE2\x80\x98", "\xE2\x80\x99"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const size_t open = strlen(marks[i][0]), close = strlen(marks[i][1]);
        if (length(p) < open + close || !begins(p, marks[i][0]) || !ends(p, marks[i][1]))
            continue;
        const struct part inner = {p.start + open, p.end - close};
        const bool is_apostrophe = *marks[i][0] == '\'' && !(inner.start < inner.end && strchr(".!?", inner.end[-1]));
        return is_apostrophe || find(inner, marks[i][0]) || find(inner, marks[i][1]) ? p : inner;
    }
    return p;
}

void structured_plain(const char *text, size_t len, size_t *start, size_t *n)
{
    enum { LAYERS = 8 };
    struct part p = trimmed((struct part){text + structured_behind_thoughts(text, len), text + len});
    for (size_t i = 0; i < LAYERS; i++) {
        const struct part before = p;
        p = trimmed(without_quotes(trimmed(without_label(trimmed(without_fence(p))))));
        if (p.start == before.start && p.end == before.end)
            break;
    }
    *start = (size_t)(p.start - text);
    *n = length(p);
}

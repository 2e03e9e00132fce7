/* Only runs that may change go through utf8proc: a character before which nothing can be composed or reordered, and
 * those behind it up to the next such character. */
#include "text/tokenizer/nfc.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct range {
    uint32_t first, last;
};

static bool is_in(uint32_t cp, const struct range *ranges, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (cp > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && cp >= ranges[low].first;
}
#define IS_IN(cp, ranges) is_in(cp, ranges, sizeof(ranges) / sizeof *(ranges))

/* Characters with a combining class, a decomposition or a composition that they got after Unicode 9; of blocks that
 * are newer than Unicode 15, all. */
static bool is_newer(uint32_t cp)
{
    static const struct range newer[] = {
        {0x7fd, 0x7fd},     {0x897, 0x89f},     {0x8ca, 0x8d3},     {0x9fe, 0x9fe},     {0xc3c, 0xc3c},
        {0xd3b, 0xd3c},     {0xeba, 0xeba},     {0x1715, 0x1715},   {0x1abf, 0x1aff},   {0x1df6, 0x1dfa},
        {0xa82c, 0xa82c},   {0x105c0, 0x105ff}, {0x10d24, 0x10d27}, {0x10d40, 0x10d8f}, {0x10eab, 0x10eac},
        {0x10ec2, 0x10eff}, {0x10f46, 0x10f50}, {0x10f82, 0x10f85}, {0x11070, 0x11070}, {0x1133b, 0x1133b},
        {0x11380, 0x113ff}, {0x1145e, 0x1145e}, {0x11839, 0x1183a}, {0x11930, 0x11930}, {0x11935, 0x11935},
        {0x1193d, 0x1193e}, {0x11943, 0x11943}, {0x119e0, 0x119e0}, {0x11a34, 0x11a34}, {0x11a47, 0x11a47},
        {0x11a99, 0x11a99}, {0x11b60, 0x11b7f}, {0x11d42, 0x11d42}, {0x11d44, 0x11d45}, {0x11d97, 0x11d97},
        {0x11db0, 0x11def}, {0x11f41, 0x11f42}, {0x11f5a, 0x11f5a}, {0x16100, 0x1613f},
        {0x16d40, 0x16d7f}, {0x16ff0, 0x16ff1}, {0x1e08f, 0x1e08f}, {0x1e130, 0x1e136}, {0x1e2ae, 0x1e2ae},
        {0x1e2ec, 0x1e2ef}, {0x1e4ec, 0x1e4ef}, {0x1e5ee, 0x1e5ef}, {0x1e6c0, 0x1e6ff},
    };
    return IS_IN(cp, newer);
}

/* Characters of combining class 0 that compose with what is before them (Unicode's NFC_Quick_Check=Maybe). */
static bool composes_backwards(uint32_t cp)
{
    static const struct range second[] = {
        {0x9be, 0x9be},     {0x9d7, 0x9d7},     {0xb3e, 0xb3e},     {0xb56, 0xb57},     {0xbbe, 0xbbe},
        {0xbd7, 0xbd7},     {0xcc2, 0xcc2},     {0xcd5, 0xcd6},     {0xd3e, 0xd3e},     {0xd57, 0xd57},
        {0xdcf, 0xdcf},     {0xddf, 0xddf},     {0x102e, 0x102e},   {0x1161, 0x1175},   {0x11a8, 0x11c2},
        {0x1b35, 0x1b35},   {0x11127, 0x11127}, {0x1133e, 0x1133e}, {0x11357, 0x11357}, {0x114b0, 0x114b0},
        {0x114ba, 0x114ba}, {0x114bd, 0x114bd}, {0x115af, 0x115af},
    };
    return IS_IN(cp, second);
}

/* Most of what is written: below U+0300 everything is in form C and composes with nothing before it; so are
 * ideographs and syllables. */
static bool is_common(uint32_t cp)
{
    return cp < 0x300 || (cp >= 0x400 && cp < 0x483) || (cp >= 0x2010 && cp < 0x20d0) ||
           (cp >= 0x3001 && cp < 0x302a) || (cp >= 0x4e00 && cp < 0xa66f) || (cp >= 0xac00 && cp < 0xd7a4);
}

/* Whether nothing that is before this character, nor it itself, can change on its account. */
static bool is_inert(uint32_t cp)
{
    if (is_common(cp) || is_newer(cp))
        return true;
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)cp);
    return p->combining_class == 0 && p->decomp_seqindex == UINT16_MAX && !composes_backwards(cp);
}

/* Where the first character from `at` on is that is not inert; *before: where the one before it begins that may
 * compose with it, or it itself. */
static size_t next_active(const char *text, size_t len, size_t at, size_t *before)
{
    size_t previous = at;
    bool may_compose = false;
    while (at < len) {
        uint32_t cp;
        const size_t width = (unsigned char)text[at] < 0x80 ? 1 : utf8_decode(text + at, len - at, &cp, NULL);
        if (width == 0) /* the caller has seen to it */
            SFT_BUG("text that is not UTF-8");
        if (width > 1 && !is_inert(cp))
            break;
        previous = at;
        may_compose = width == 1 || !is_newer(cp);
        at += width;
    }
    *before = may_compose ? previous : at;
    return at;
}

bool nfc_is_plain(const char *text, size_t len)
{
    size_t before;
    return next_active(text, len, 0, &before) == len;
}

/* Where the run ends whose characters from `at` on are not inert. */
static size_t end_of_run(const char *text, size_t len, size_t at)
{
    uint32_t cp;
    for (size_t width; at < len; at += width) {
        width = utf8_decode(text + at, len - at, &cp, NULL);
        if (width == 0 || is_inert(cp))
            break;
    }
    return at;
}

/* ---- the order of marks ---- */

enum { FEW = 64 }; /* bytes of a run that utf8proc may sort */

struct marked {
    uint8_t class;
    uint8_t width;
    size_t at; /* in the text */
};

static int by_class(const void *a, const void *b)
{
    const struct marked *x = a, *y = b;
    return x->class != y->class ? (x->class > y->class) - (x->class < y->class) : (x->at > y->at) - (x->at < y->at);
}

/* The characters with each run of marks in the order of their classes, which means the same: utf8proc's own sorting
 * takes the square of a run's length. */
static char *with_sorted_marks(const char *text, size_t len)
{
    struct marked *marks = mem_alloc(len * sizeof *marks);
    char *sorted = mem_alloc(len);
    size_t n = 0, put = 0, waiting = 0;
    for (size_t at = 0; at < len; at += marks[n++].width) {
        uint32_t cp;
        const size_t width = utf8_decode(text + at, len - at, &cp, NULL);
        const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)cp);
        marks[n] = (struct marked){(uint8_t)p->combining_class, (uint8_t)width, at};
    }
    for (size_t i = 0; i <= n; i++)
        if (i == n || marks[i].class == 0) {
            qsort(marks + waiting, i - waiting, sizeof *marks, by_class);
            waiting = i + 1;
        }
    for (size_t i = 0; i < n; put += marks[i++].width)
        memcpy(sorted + put, text + marks[i].at, marks[i].width);
    free(marks);
    return sorted;
}

/* What both have in common at the beginning comes from where it was. */
static void put_composed(struct text_map *out, const char *text, size_t len, size_t origin)
{
    utf8proc_uint8_t *composed = NULL;
    char *sorted = len > FEW ? with_sorted_marks(text, len) : NULL;
    const utf8proc_ssize_t got = utf8proc_map((const utf8proc_uint8_t *)(sorted ? sorted : text),
                                              (utf8proc_ssize_t)len, &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    free(sorted);
    if (got < 0)
        SFT_BUG("utf8proc cannot compose well-formed text");
    const size_t n = (size_t)got;
    size_t same = 0;
    while (same < n && same < len && composed[same] == (unsigned char)text[same])
        same++;
    text_map_copy(out, (const char *)composed, same, origin);
    text_map_put(out, (const char *)composed + same, n - same, origin + (same < len ? same : len - 1));
    free(composed);
}

void nfc_append(struct text_map *out, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t run;
        const size_t active = next_active(text, len, at, &run);
        if (active == len)
            run = len;
        text_map_copy(out, text + at, run - at, at);
        at = active < len ? end_of_run(text, len, active) : len;
        if (run < at)
            put_composed(out, text + run, at - run, run);
    }
}

#include "data/readers/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- keys that speak of training ---- */

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* The next word of a key into word, in small letters: up to a '_', '-', '.', blank, digit, or a capital
 * behind a small letter. Returns what is left; NULL at the end. */
static const char *next_word(const char *key, char *word, size_t size)
{
    size_t n = 0;
    while (*key && !isalpha((unsigned char)*key))
        key++;
    if (!*key)
        return NULL;
    do {
        if (n + 1 < size)
            word[n++] = (char)tolower((unsigned char)*key);
        key++;
    } while (isalpha((unsigned char)*key) &&
             !(isupper((unsigned char)*key) && islower((unsigned char)key[-1])));
    word[n] = '\0';
    return key;
}

/* A list of token labels, as trainers take them, with some left out of the loss; other lists are classes. */
static bool masks_tokens(const json *value)
{
    static const double left_out = -100;
    const json *e = json_is_array(value) ? json_first(value) : NULL;
    while (e && !(json_is_number(e) && json_number(e) <= left_out && json_number(e) >= left_out))
        e = json_next(e);
    return e != NULL;
}

bool key_speaks_of_training(const char *key, const json *value)
{
    static const char *const words[] = {
        "train",   "trained", "training", "trainable", "untrained",  "untrainable", "loss",
        "losses",  "mask",    "masks",    "masked",    "masking",    "unmask",      "unmasked",
        "weight",  "weights", "weighted", "lossmask",  "lossweight", "lossscale",   "trainmask",
        "notrain", "istrain", "learn",    "learnable", "backprop",   "istrainable",
    };
    static const char *const labels[] = {"label", "labels"};
    char word[24];
    const char *text = json_string(value);
    if (text && is_blank(text)) /* a column that says nothing */
        return false;
    for (const char *rest = key; (rest = next_word(rest, word, sizeof word));) {
        const size_t len = strlen(word);
        if (str_is_one_of(word, len, words, sizeof words / sizeof *words) ||
            (str_is_one_of(word, len, labels, 2) && masks_tokens(value)))
            return true;
    }
    return false;
}

/* TRL's and LLaMA-Factory's unpaired preferences: an answer a row, and whether it is one to learn. A class that is
 * called label is a text or a number. */
static bool calls_answer_bad(const char *key, const json *value)
{
    static const char *const keys[] = {"label", "kto_tag"};
    const char *text = json_string(value);
    const bool is_false = text ? strcasecmp(text, "false") == 0 : json_is_bool(value) && !json_is_true(value);
    return is_false && str_is_one_of(key, strlen(key), keys, sizeof keys / sizeof *keys);
}

/* ---- counting ---- */

void key_counts_clear(struct key_counts *counts)
{
    for (size_t i = 0; i < counts->count; i++)
        free(counts->items[i]);
    counts->count = 0;
    counts->others = 0;
}

void key_counts_free(struct key_counts *counts)
{
    key_counts_clear(counts);
    free(counts->items);
    *counts = (struct key_counts){0};
}

/* FNV-1a, going on from `h`: keys are short and many. */
static uint64_t hash_key(const char *key, uint64_t h)
{
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001B3);
    return h;
}
static const uint64_t hash_start = UINT64_C(0xCBF29CE484222325);

/* A key's place in the row: the objects and lists around it, from the inside out. */
struct path {
    const struct path *outer; /* NULL: the row */
    const char *key;
    bool is_list;
    uint64_t hash;
};

static void add_path(const struct path *path, struct strbuf *out)
{
    if (!path->outer) /* the row has no name */
        return;
    add_path(path->outer, out);
    strbuf_printf(out, "%s%s", path->key, path->is_list ? "[]." : ".");
}

static bool fits(const struct key_counts *counts, enum key_kind kind)
{
    return counts->count < KEYS_MAX ||
           (kind != KEY_UNUSED && kind != KEY_USED && counts->count < (size_t)4 * KEYS_MAX);
}

static struct key_count *find(const struct key_counts *counts, enum key_kind kind, uint64_t hash)
{
    for (size_t i = 0; i < counts->count; i++)
        if (counts->items[i]->hash == hash && counts->items[i]->kind == kind)
            return counts->items[i];
    return NULL;
}

/* A new entry, or NULL where there is no room. Its name is cut where it is long. */
static struct key_count *append(struct key_counts *counts, enum key_kind kind, uint64_t hash,
                                const char *name)
{
    if (!fits(counts, kind))
        return NULL;
    const size_t len = strnlen(name, KEY_NAME_MAX);
    struct key_count *entry = mem_alloc(sizeof *entry + len + 1);
    *entry = (struct key_count){.kind = kind, .hash = hash};
    memcpy(entry->name, name, len);
    entry->name[len] = '\0';
    counts->items = mem_grow(counts->items, &counts->capacity, counts->count + 1, sizeof *counts->items);
    counts->items[counts->count++] = entry;
    return entry;
}

static void add_row(struct key_counts *counts, struct key_count *entry, uint64_t line)
{
    if (!entry) {
        counts->others++;
    } else if (entry->rows == 0 || entry->last_row != counts->row) {
        if (entry->rows++ == 0)
            entry->line = line;
        entry->last_row = counts->row;
    }
}

void keys_count_name(enum key_kind kind, const char *name, uint64_t line, struct key_counts *counts)
{
    const uint64_t hash = hash_key(name, hash_start);
    struct key_count *entry = find(counts, kind, hash);
    add_row(counts, entry ? entry : append(counts, kind, hash, name), line);
}

struct counting {
    struct key_counts *counts;
    const struct renamed *renamed;
    uint64_t line;
};

static void count_key(const struct counting *c, const struct path *path, enum key_kind kind, const char *key,
                      const json *value)
{
    const uint64_t hash = hash_key(key, path->hash);
    struct key_count *entry = find(c->counts, kind, hash);
    if (!entry && fits(c->counts, kind)) {
        struct strbuf name = {0};
        add_path(path, &name);
        strbuf_puts(&name, key);
        entry = append(c->counts, kind, hash, name.data);
        strbuf_free(&name);
    }
    add_row(c->counts, entry, c->line);
    if (entry && !entry->tells)
        entry->tells = json_is_string(value) ? !is_blank(json_string(value))
                       : json_is_bool(value) ? path->is_list
                                             : json_first(value) != NULL;
}

/* A reader looked at one of its keys at least: of a tree, the replies that were taken. */
static bool is_read(const json *object)
{
    for (const json *child = json_first(object); child; child = json_next(child))
        if (json_mark(child) != MARK_UNREAD && json_mark(child) != MARK_IGNORED)
            return true;
    return false;
}

static void count_object(const struct counting *c, const struct path *path, const json *object);

/* What lies in a node that was looked into. A list within a list of the same name, as a tree's replies, is
 * that list. */
static void count_inside(const struct counting *c, const struct path *path, const json *node, const char *key)
{
    const bool is_list = json_is_array(node),
               is_same = is_list && path->is_list && strcmp(path->key, key) == 0;
    const struct path own = {path, key, is_list, hash_key(is_list ? "[]." : ".", hash_key(key, path->hash))};
    const struct path *inner = is_same ? path : &own;
    if (json_is_object(node))
        count_object(c, inner, node);
    for (const json *e = is_list ? json_first(node) : NULL; e; e = json_next(e))
        if (json_is_object(e) && is_read(e))
            count_object(c, inner, e);
}

static void count_object(const struct counting *c, const struct path *path, const json *object)
{
    for (const json *child = json_first(object); child; child = json_next(child)) {
        const unsigned mark = json_mark(child);
        const char *was = renamed_was(c->renamed, child), *key = was ? was : json_key(child);
        if (mark == MARK_IGNORED || json_is_null(child))
            continue;
        if (mark == MARK_UNREAD) {
            count_key(c, path, key_speaks_of_training(key, child) ? KEY_FLAG : KEY_UNUSED, key, child);
            if (!path->outer && calls_answer_bad(key, child))
                count_key(c, path, KEY_VERDICT, key, child);
            continue;
        }
        count_key(c, path, KEY_USED, key, child);
        if (mark == MARK_REFUSED)
            count_key(c, path, KEY_REFUSED, key, child);
        if (mark == MARK_READ)
            count_inside(c, path, child, key);
    }
}

void keys_count(const json *row, const struct renamed *renamed, uint64_t line, struct key_counts *counts)
{
    const struct counting c = {counts, renamed, line};
    const struct path root = {.key = "", .hash = hash_start};
    counts->row++;
    count_object(&c, &root, row);
}

void key_counts_add(struct key_counts *to, const struct key_counts *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct key_count *theirs = from->items[i];
        struct key_count *ours = find(to, theirs->kind, theirs->hash);
        if (!ours && !(ours = append(to, theirs->kind, theirs->hash, theirs->name))) {
            to->others += theirs->rows;
            continue;
        }
        if (ours->rows == 0)
            ours->line = theirs->line;
        ours->rows += theirs->rows;
        ours->tells = ours->tells || theirs->tells;
    }
    to->others += from->others;
}

/* ---- packed ---- */

struct packed {
    uint64_t rows, line, hash;
    uint16_t kind, tells;
    uint32_t len; /* then the name */
};

void key_counts_pack(const struct key_counts *counts, struct strbuf *out)
{
    strbuf_add(out, &counts->others, sizeof counts->others);
    for (size_t i = 0; i < counts->count; i++) {
        const struct key_count *k = counts->items[i];
        const struct packed p = {k->rows,           k->line,  k->hash,
                                 (uint16_t)k->kind, k->tells, (uint32_t)strlen(k->name)};
        strbuf_add(out, &p, sizeof p);
        strbuf_add(out, k->name, p.len);
    }
}

bool key_counts_unpack(struct key_counts *counts, const char *bytes, size_t len)
{
    const char *end = bytes + len;
    *counts = (struct key_counts){0};
    if (len < sizeof counts->others)
        return len == 0;
    memcpy(&counts->others, bytes, sizeof counts->others);
    bytes += sizeof counts->others;
    while (bytes < end) {
        struct packed p;
        if ((size_t)(end - bytes) < sizeof p)
            return false;
        memcpy(&p, bytes, sizeof p);
        bytes += sizeof p;
        if (p.kind > KEY_VERDICT || p.len > KEY_NAME_MAX || p.len > (size_t)(end - bytes))
            return false;
        char name[KEY_NAME_MAX + 1] = {0};
        memcpy(name, bytes, p.len);
        bytes += p.len;
        struct key_count *entry = append(counts, (enum key_kind)p.kind, p.hash, name);
        if (!entry)
            return false;
        entry->rows = p.rows;
        entry->line = p.line;
        entry->tells = p.tells;
    }
    return true;
}

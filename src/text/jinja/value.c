#include "text/jinja/value.h"

#include "base/utf8.h"

#include <string.h>

/* ---- making ---- */

struct jinja_value jinja_undefined(void)
{
    return (struct jinja_value){.type = JINJA_UNDEFINED};
}

struct jinja_value jinja_none(void)
{
    return (struct jinja_value){.type = JINJA_NONE};
}

struct jinja_value jinja_bool(bool b)
{
    return (struct jinja_value){.type = JINJA_BOOL, .boolean = b};
}

struct jinja_value jinja_int(int64_t i)
{
    return (struct jinja_value){.type = JINJA_INT, .integer = i};
}

struct jinja_value jinja_bytes(const char *data, size_t len)
{
    return (struct jinja_value){.type = JINJA_STRING, .string = {data, len}};
}

struct jinja_value jinja_text(const char *s)
{
    return jinja_bytes(s, strlen(s));
}

struct jinja_value jinja_list_new(struct arena *arena, size_t count)
{
    struct jinja_list *list = arena_alloc(arena, sizeof *list + count * sizeof *list->items);
    list->count = count;
    for (size_t i = 0; i < count; i++)
        list->items[i] = jinja_undefined();
    return (struct jinja_value){.type = JINJA_LIST, .list = list};
}

struct jinja_value jinja_dict_new(struct arena *arena, size_t capacity)
{
    struct jinja_dict *dict = arena_alloc(arena, sizeof *dict);
    *dict = (struct jinja_dict){.capacity = capacity};
    dict->members = arena_alloc(arena, (capacity ? capacity : 1) * sizeof *dict->members);
    return (struct jinja_value){.type = JINJA_DICT, .dict = dict};
}

static struct jinja_member *member(const struct jinja_dict *dict, const struct jinja_value *key)
{
    for (size_t i = 0; i < dict->count; i++)
        if (jinja_equal(&dict->members[i].key, key))
            return &dict->members[i];
    return NULL;
}

void jinja_dict_set(struct arena *arena, struct jinja_dict *dict, struct jinja_value key, struct jinja_value value)
{
    struct jinja_member *found = member(dict, &key);
    if (found) {
        found->value = value;
        return;
    }
    if (dict->count == dict->capacity) {
        struct jinja_member *old = dict->members;
        dict->capacity = 2 * dict->capacity + 4;
        dict->members = arena_alloc(arena, dict->capacity * sizeof *old);
        memcpy(dict->members, old, dict->count * sizeof *old);
    }
    dict->members[dict->count++] = (struct jinja_member){key, value};
}

const struct jinja_value *jinja_dict_get(const struct jinja_dict *dict, struct jinja_value key)
{
    const struct jinja_member *found = member(dict, &key);
    return found ? &found->value : NULL;
}

const struct jinja_value *jinja_dict_find(const struct jinja_dict *dict, const char *key)
{
    return jinja_dict_get(dict, jinja_text(key));
}

/* ---- asking ---- */

bool jinja_string_is(struct jinja_string a, const char *s)
{
    return a.len == strlen(s) && memcmp(a.data, s, a.len) == 0;
}

bool jinja_is_sequence(const struct jinja_value *v)
{
    return v->type == JINJA_LIST || v->type == JINJA_TUPLE;
}

bool jinja_has_members(const struct jinja_value *v)
{
    return v->type == JINJA_DICT || v->type == JINJA_NAMESPACE || v->type == JINJA_LOOP;
}

bool jinja_truth(const struct jinja_value *v)
{
    switch (v->type) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: return false;
    case JINJA_BOOL: return v->boolean;
    case JINJA_INT: return v->integer != 0;
    case JINJA_STRING: return v->string.len > 0;
    case JINJA_LIST:
    case JINJA_TUPLE: return v->list->count > 0;
    case JINJA_DICT: return v->dict->count > 0;
    default: return true;
    }
}

static bool equal_lists(const struct jinja_list *a, const struct jinja_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!jinja_equal(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool equal_dicts(const struct jinja_dict *a, const struct jinja_dict *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct jinja_member *other = member(b, &a->members[i].key);
        if (!other || !jinja_equal(&a->members[i].value, &other->value))
            return false;
    }
    return true;
}

/* True is 1 and False is 0, as in Python. */
static bool is_integer(const struct jinja_value *v)
{
    return v->type == JINJA_INT || v->type == JINJA_BOOL;
}

static int64_t integer_of(const struct jinja_value *v)
{
    return v->type == JINJA_BOOL ? v->boolean : v->integer;
}

bool jinja_equal(const struct jinja_value *a, const struct jinja_value *b)
{
    if (is_integer(a) && is_integer(b))
        return integer_of(a) == integer_of(b);
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case JINJA_UNDEFINED:
    case JINJA_NONE: return true;
    case JINJA_STRING:
    case JINJA_FUNCTION:
        return a->string.len == b->string.len &&
               (a->string.len == 0 || memcmp(a->string.data, b->string.data, a->string.len) == 0);
    case JINJA_LIST:
    case JINJA_TUPLE: return a->list == b->list || equal_lists(a->list, b->list);
    case JINJA_DICT: return a->dict == b->dict || equal_dicts(a->dict, b->dict);
    case JINJA_NAMESPACE:
    case JINJA_LOOP: return a->dict == b->dict;
    case JINJA_MACRO: return a->macro == b->macro;
    default: return false;
    }
}

/* ---- strings ---- */

size_t jinja_char_len(const char *s, size_t len)
{
    const size_t n = utf8_decode(s, len, NULL, NULL);
    return n ? n : 1;
}

size_t jinja_length(struct jinja_string s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i += jinja_char_len(s.data + i, s.len - i))
        n++;
    return n;
}

struct jinja_string jinja_substring(struct jinja_string s, size_t at, size_t count)
{
    size_t begin = 0;
    for (; at > 0 && begin < s.len; at--)
        begin += jinja_char_len(s.data + begin, s.len - begin);
    size_t end = begin;
    for (; count > 0 && end < s.len; count--)
        end += jinja_char_len(s.data + end, s.len - end);
    return (struct jinja_string){s.data + begin, end - begin};
}

size_t jinja_find(struct jinja_string s, struct jinja_string what, size_t from)
{
    if (what.len == 0)
        return from <= s.len ? from : s.len;
    const char *at = from < s.len ? memmem(s.data + from, s.len - from, what.data, what.len) : NULL;
    return at ? (size_t)(at - s.data) : s.len;
}

/* str.isspace of one character: Unicode's bidirectional types WS, B and S, and category Zs. */
static bool is_white(uint32_t cp)
{
    return (cp >= 0x09 && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x20) || cp == 0x85 || cp == 0xA0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F ||
           cp == 0x3000;
}

static bool strips(const char *s, size_t len, const struct jinja_string *set)
{
    if (set) {
        for (size_t i = 0; i < set->len; i += jinja_char_len(set->data + i, set->len - i))
            if (jinja_char_len(set->data + i, set->len - i) == len && memcmp(set->data + i, s, len) == 0)
                return true;
        return false;
    }
    uint32_t cp;
    return utf8_decode(s, len, &cp, NULL) && is_white(cp);
}

struct jinja_string jinja_strip(struct jinja_string s, const struct jinja_string *set, bool left, bool right)
{
    while (left && s.len > 0) {
        const size_t n = jinja_char_len(s.data, s.len);
        if (!strips(s.data, n, set))
            break;
        s.data += n;
        s.len -= n;
    }
    while (right && s.len > 0) {
        size_t n = 1;
        while (n < s.len && n < 4 && ((unsigned char)s.data[s.len - n] & 0xC0) == 0x80)
            n++;
        if (utf8_decode(s.data + s.len - n, n, NULL, NULL) != n)
            n = 1;
        if (!strips(s.data + s.len - n, n, set))
            break;
        s.len -= n;
    }
    return s;
}

/* What a Jinja expression can be. Values are constant but for namespaces; what they point to lives in an arena. */
#ifndef SFT_TEXT_JINJA_VALUE_H
#define SFT_TEXT_JINJA_VALUE_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jinja_type {
    JINJA_UNDEFINED,
    JINJA_NONE,
    JINJA_BOOL,
    JINJA_INT,
    JINJA_STRING,
    JINJA_LIST,
    JINJA_TUPLE,
    JINJA_DICT,
    JINJA_NAMESPACE, /* a dict whose members can be set */
    JINJA_LOOP,      /* a dict: the variable `loop` */
    JINJA_MACRO,
    JINJA_FUNCTION, /* of the language, by its name */
    JINJA_METHOD    /* of a value, by its name */
};

struct jinja_string {
    const char *data; /* not NUL-terminated */
    size_t len;       /* bytes */
};

struct jinja_value {
    enum jinja_type type;
    union {
        bool boolean;
        int64_t integer;
        struct jinja_string string; /* also a function's name */
        struct jinja_list *list;    /* of a tuple too */
        struct jinja_dict *dict;    /* of a namespace and a loop too */
        const struct jinja_macro *macro;
        const struct jinja_method *method;
    };
};

struct jinja_list {
    size_t count;
    struct jinja_value items[];
};
struct jinja_dict { /* in order of insertion */
    struct jinja_member {
        struct jinja_value key, value;
    } *members;
    size_t count, capacity;
};
struct jinja_method {
    struct jinja_value self;
    struct jinja_string name;
};

/* ---- making; bytes of strings are borrowed ---- */
struct jinja_value jinja_undefined(void);
struct jinja_value jinja_none(void);
struct jinja_value jinja_bool(bool b);
struct jinja_value jinja_int(int64_t i);
struct jinja_value jinja_text(const char *s); /* a C string */
struct jinja_value jinja_bytes(const char *data, size_t len);
struct jinja_value jinja_list_new(struct arena *arena, size_t count); /* of undefined values */
struct jinja_value jinja_dict_new(struct arena *arena, size_t capacity);

/* Add a member, or replace the one of this key. */
void jinja_dict_set(struct arena *arena, struct jinja_dict *dict, struct jinja_value key, struct jinja_value value);
const struct jinja_value *jinja_dict_get(const struct jinja_dict *dict, struct jinja_value key); /* or NULL */
const struct jinja_value *jinja_dict_find(const struct jinja_dict *dict, const char *key);

/* ---- asking ---- */
bool jinja_string_is(struct jinja_string a, const char *s);
bool jinja_truth(const struct jinja_value *v);
bool jinja_equal(const struct jinja_value *a, const struct jinja_value *b);
bool jinja_is_sequence(const struct jinja_value *v); /* a list or a tuple */
bool jinja_has_members(const struct jinja_value *v); /* a dict, a namespace or a loop */

/* ---- strings ---- */

/* Bytes of the character that s[0..len) begins with; one for a byte that is not UTF-8. len at least 1. */
size_t jinja_char_len(const char *s, size_t len);
size_t jinja_length(struct jinja_string s);                               /* in characters */
struct jinja_string jinja_substring(struct jinja_string s, size_t at, size_t count); /* of characters, within s */

/* Where `what` first stands in s at or after byte `from`, or s.len. */
size_t jinja_find(struct jinja_string s, struct jinja_string what, size_t from);

/* Without the characters at the ends that are in `set`, or that Python calls white space where set is NULL. */
struct jinja_string jinja_strip(struct jinja_string s, const struct jinja_string *set, bool left, bool right);

#endif

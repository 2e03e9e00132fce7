/* A tree of cJSON's behind the checks that cJSON leaves out. json_check has seen the whole text before
 * cJSON does; the tree is then walked once for what only it shows: equal keys, and numbers whose spelling
 * is kept (in valuestring, which cJSON copies and frees but uses for strings alone), so that json_print
 * gives back 10000.0 or 2^64 as they came. */
#include "base/json.h"

#include "base/io.h"
#include "base/json_check.h"
#include "base/magic.h"
#include "base/mem.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So that a small allocation that fails ends the program here too, and no node is ever NULL. */
__attribute__((constructor)) static void use_mem_alloc(void)
{
    cJSON_Hooks hooks = {.malloc_fn = mem_alloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
}

/* ---- walking ---- */

/* Every node in the order of the text, without recursion. Zero-initialised, with next = the root. */
struct walk {
    const json *next;
    size_t depth;
    const json *parents[JSON_MAX_DEPTH];
};

static const json *walk_next(struct walk *walk)
{
    const json *node = walk->next;
    if (!node)
        return NULL;
    walk->next = node->child;
    if (node->child) {
        walk->parents[walk->depth++] = node;
    } else {
        const json *n = node;
        while (walk->depth > 0 && !n->next)
            n = walk->parents[--walk->depth];
        walk->next = walk->depth > 0 ? n->next : NULL;
    }
    return node;
}

/* ---- equal keys ---- */

/* Open addressing, reused from object to object. */
struct key_table {
    const json **slots;
    size_t capacity;
};

enum { PAIRWISE_MAX = 12 };

/* The second of two children with the same key, or NULL. */
static const json *find_duplicate_pairwise(const json *object)
{
    for (const json *a = object->child; a; a = a->next)
        for (const json *b = object->child; b != a; b = b->next)
            if (strcmp(a->string, b->string) == 0)
                return a;
    return NULL;
}

static const json *find_duplicate_hashed(struct key_table *table, const json *object, size_t n)
{
    size_t capacity = 16;
    while (capacity < 2 * n)
        capacity *= 2;
    table->slots = mem_grow(table->slots, &table->capacity, capacity, sizeof *table->slots);
    memset(table->slots, 0, capacity * sizeof *table->slots);
    for (const json *child = object->child; child; child = child->next) {
        size_t i = xxh64(child->string, strlen(child->string), 0) & (capacity - 1);
        for (; table->slots[i]; i = (i + 1) & (capacity - 1))
            if (strcmp(table->slots[i]->string, child->string) == 0)
                return child;
        table->slots[i] = child;
    }
    return NULL;
}

static const json *find_duplicate(struct key_table *table, const json *object)
{
    size_t n = 0;
    for (const json *child = object->child; child; child = child->next)
        n++;
    return n <= PAIRWISE_MAX ? find_duplicate_pairwise(object) : find_duplicate_hashed(table, object, n);
}

/* Where in the text the key of `node` stands. */
static size_t key_offset(const json *root, const json *node, const char *text, size_t len)
{
    struct json_check check = {0};
    struct walk walk = {.next = root};
    for (const json *n; (n = walk_next(&walk)) && n != node;)
        check.wanted_key += n->string != NULL;
    json_check(&check, text, len, NULL);
    free(check.spellings);
    return check.key_offset;
}

/* ---- parsing ---- */

/* Give a number its spelling, and the value that cJSON could not read. */
static enum sft_status keep_number(json *node, const struct json_spelling *spelling, const char *text, size_t len,
                                   struct sft_err *err)
{
    const char *first = text + spelling->offset;
    if (*first == 'N')
        node->valuedouble = NAN;
    else if (*first == 'I' || first[1] == 'I')
        node->valuedouble = *first == '-' ? -INFINITY : INFINITY;
    else if (isinf(node->valuedouble))
        return json_fail_at(err, text, len, spelling->offset, "%.*s is too large a number", (int)spelling->len, first);
    node->valuestring = mem_strndup(first, spelling->len);
    return SFT_OK;
}

/* What the tree shows and the text did not. */
static enum sft_status check_tree(json *root, const struct json_check *check, const char *text, size_t len,
                                  struct sft_err *err)
{
    struct key_table table = {0};
    struct walk walk = {.next = root};
    enum sft_status status = SFT_OK;
    size_t n_numbers = 0, n_spelled = 0;
    for (const json *node; !status && (node = walk_next(&walk));) {
        if (cJSON_IsObject(node)) {
            const json *twin = find_duplicate(&table, node);
            if (twin)
                status = json_fail_at(err, text, len, key_offset(root, twin, text, len),
                                      "duplicate key \"%s\"", twin->string);
        } else if (cJSON_IsNumber(node) && n_spelled < check->n_spellings &&
                   n_numbers++ == check->spellings[n_spelled].ordinal) {
            status = keep_number((json *)node, &check->spellings[n_spelled++], text, len, err);
        }
    }
    free(table.slots);
    return status;
}

/* cJSON's tree of a checked document; it sees 0.0 for NaN, and the like. */
static json *make_tree(const struct json_check *check, const char *text)
{
    const size_t len = check->end - check->start;
    if (check->n_specials == 0)
        return cJSON_ParseWithLength(text + check->start, len);
    char *copy = mem_strndup(text + check->start, len);
    for (size_t i = 0; i < check->n_spellings; i++) {
        const struct json_spelling *s = &check->spellings[i];
        char *number = copy + s->offset - check->start, *digits = number + (*number == '-');
        if (*digits != 'N' && *digits != 'I')
            continue;
        memset(digits, '0', s->len - (size_t)(digits - number));
        digits[1] = '.';
    }
    json *root = cJSON_ParseWithLength(copy, len);
    free(copy);
    return root;
}

enum sft_status json_parse_first(const char *text, size_t len, size_t *used, json **root, struct sft_err *err)
{
    *root = NULL;
    struct json_check check = {.wanted_key = SIZE_MAX};
    enum sft_status status = json_check(&check, text, len, err);
    *used = check.rest;
    if (!status) {
        *root = make_tree(&check, text);
        if (*root)
            status = check_tree(*root, &check, text, len, err);
        else
            status = sft_fail(err, SFT_EDATA, "cJSON cannot read this text");
    }
    if (status) {
        json_free(*root);
        *root = NULL;
    }
    free(check.spellings);
    return status;
}

enum sft_status json_parse(const char *text, size_t len, json **root, struct sft_err *err)
{
    size_t used;
    if (json_parse_first(text, len, &used, root, err))
        return SFT_EDATA;
    if (used == len)
        return SFT_OK;
    json_free(*root);
    *root = NULL;
    return json_fail_at(err, text, len, used, "text after the end of the document");
}

enum sft_status json_parse_file(const char *path, json **root, struct sft_err *err)
{
    struct io_map map = {0};
    *root = NULL;
    if (io_map(&map, path, err))
        return err ? err->status : SFT_EIO;
    enum sft_status status = json_parse(map.data, map.size, root, err);
    if (status && !magic_refuse(path, map.data, map.size, err))
        sft_in_file(err, path, 0);
    io_unmap(&map);
    return status;
}

void json_free(json *root)
{
    cJSON_Delete(root);
}

/* ---- looking ---- */

bool json_is_object(const json *node)
{
    return cJSON_IsObject(node);
}

bool json_is_array(const json *node)
{
    return cJSON_IsArray(node);
}

bool json_is_string(const json *node)
{
    return cJSON_IsString(node);
}

bool json_is_number(const json *node)
{
    return cJSON_IsNumber(node) && isfinite(node->valuedouble);
}

bool json_is_bool(const json *node)
{
    return cJSON_IsBool(node);
}

bool json_is_true(const json *node)
{
    return cJSON_IsTrue(node);
}

bool json_is_null(const json *node)
{
    return cJSON_IsNull(node);
}

bool json_is_strict(const json *node)
{
    if (json_is_object(node) || json_is_array(node)) {
        for (const json *child = node->child; child; child = child->next)
            if (!json_is_strict(child))
                return false;
        return true;
    }
    return !node || !cJSON_IsNumber(node) || json_is_number(node);
}

const char *json_type_name(const json *node)
{
    return !node                  ? "missing"
           : json_is_object(node) ? "an object"
           : json_is_array(node)  ? "an array"
           : json_is_string(node) ? "a string"
           : json_is_number(node) ? "a number"
           : json_is_bool(node)   ? "a boolean"
           : json_is_null(node)   ? "null"
           : isnan(node->valuedouble) ? "NaN"
           : node->valuedouble > 0    ? "Infinity"
                                      : "-Infinity";
}

const json *json_get(const json *object, const char *key)
{
    return json_is_object(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

size_t json_size(const json *array_or_object)
{
    size_t n = 0;
    for (const json *child = json_first(array_or_object); child; child = child->next)
        n++;
    return n;
}

const json *json_first(const json *array_or_object)
{
    return array_or_object ? array_or_object->child : NULL;
}

const json *json_next(const json *node)
{
    return node->next;
}

const char *json_key(const json *node)
{
    return node->string;
}

const char *json_string(const json *node)
{
    return json_is_string(node) ? node->valuestring : NULL;
}

double json_number(const json *node)
{
    return json_is_number(node) ? node->valuedouble : NAN;
}

/* ---- marks: in bits of the type that cJSON does not use ---- */

enum { MARK_SHIFT = 16 };

void json_set_mark(const json *node, unsigned mark)
{
    json *own = (json *)(uintptr_t)node;
    if (own)
        own->type = (own->type & ~(JSON_MARK_MAX << MARK_SHIFT)) | (int)(mark << MARK_SHIFT);
}

unsigned json_mark(const json *node)
{
    return (unsigned)node->type >> MARK_SHIFT & JSON_MARK_MAX;
}

/* ---- typed look-ups ---- */

/* The value of key, or NULL where it is absent or null. */
static const json *get_present(const json *object, const char *key)
{
    const json *node = json_get(object, key);
    return json_is_null(node) ? NULL : node;
}

static enum sft_status fail_type(struct sft_err *err, const char *key, const char *expected, const json *node)
{
    return sft_fail_in(err, SFT_EDATA, key, "expected %s, found %s", expected, json_type_name(node));
}

enum sft_status json_get_size(const json *object, const char *key, size_t fallback, size_t *out,
                              struct sft_err *err)
{
    static const double exact_max = 9007199254740992.0; /* 2^53 */
    *out = fallback;
    const json *node = get_present(object, key);
    if (!node)
        return SFT_OK;
    if (!json_is_number(node))
        return fail_type(err, key, "a whole number", node);
    const double x = json_number(node);
    if (!(x >= 0 && x <= exact_max) || x != floor(x))
        return sft_fail_in(err, SFT_EDATA, key, "expected a whole number from 0 to 2^53, found %.17g", x);
    *out = (size_t)x;
    return SFT_OK;
}

enum sft_status json_get_double(const json *object, const char *key, double fallback, double *out,
                                struct sft_err *err)
{
    *out = fallback;
    const json *node = get_present(object, key);
    if (!node)
        return SFT_OK;
    if (!json_is_number(node))
        return fail_type(err, key, "a number", node);
    *out = json_number(node);
    return SFT_OK;
}

enum sft_status json_get_bool(const json *object, const char *key, bool fallback, bool *out,
                              struct sft_err *err)
{
    *out = fallback;
    const json *node = get_present(object, key);
    if (!node)
        return SFT_OK;
    if (!json_is_bool(node))
        return fail_type(err, key, "true or false", node);
    *out = json_is_true(node);
    return SFT_OK;
}

enum sft_status json_get_string(const json *object, const char *key, const char *fallback, const char **out,
                                struct sft_err *err)
{
    *out = fallback;
    const json *node = get_present(object, key);
    if (!node)
        return SFT_OK;
    if (!json_is_string(node))
        return fail_type(err, key, "a string", node);
    *out = json_string(node);
    return SFT_OK;
}

/* ---- editing ---- */

json *json_new_object(void)
{
    return cJSON_CreateObject();
}

void json_set_node(json *object, const char *key, json *value)
{
    if (json_get(object, key))
        cJSON_ReplaceItemInObjectCaseSensitive(object, key, value);
    else
        cJSON_AddItemToObject(object, key, value);
}

void json_set_string(json *object, const char *key, const char *value)
{
    json_set_node(object, key, cJSON_CreateString(value));
}

void json_set_number(json *object, const char *key, double value)
{
    json_set_node(object, key, cJSON_CreateNumber(value));
}

void json_set_bool(json *object, const char *key, bool value)
{
    json_set_node(object, key, cJSON_CreateBool(value));
}

void json_set_null(json *object, const char *key)
{
    json_set_node(object, key, cJSON_CreateNull());
}

json *json_copy(const json *node)
{
    return cJSON_Duplicate(node, true);
}

void json_remove(json *object, const char *key)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
}

void json_rename(json *node, const char *key)
{
    free(node->string);
    node->string = mem_strdup(key);
}

void json_move(json *object, json *child, json *to)
{
    cJSON_DetachItemViaPointer(object, child);
    char *key = mem_strdup(child->string);
    cJSON_AddItemToObject(to, key, child); /* copies the key */
    free(key);
}

/* ---- printing ---- */

static void print_number(const json *node, struct strbuf *out)
{
    if (node->valuestring)
        strbuf_puts(out, node->valuestring); /* as it was written */
    else if (isfinite(node->valuedouble))
        strbuf_double(out, node->valuedouble);
    else
        strbuf_puts(out, "null");
}

struct printer {
    struct strbuf *out;
    bool indented;
};

static void new_line(const struct printer *p, size_t depth)
{
    if (!p->indented)
        return;
    strbuf_putc(p->out, '\n');
    for (size_t i = 0; i < depth; i++)
        strbuf_puts(p->out, "  ");
}

static void print_node(const json *node, size_t depth, const struct printer *p);

static void print_children(const json *node, size_t depth, const struct printer *p)
{
    for (const json *child = node->child; child; child = child->next) {
        new_line(p, depth + 1);
        if (json_is_object(node)) {
            strbuf_json_string(p->out, child->string, strlen(child->string));
            strbuf_puts(p->out, p->indented ? ": " : ":");
        }
        print_node(child, depth + 1, p);
        if (child->next)
            strbuf_putc(p->out, ',');
    }
    if (node->child)
        new_line(p, depth);
}

static void print_node(const json *node, size_t depth, const struct printer *p)
{
    if (json_is_object(node) || json_is_array(node)) {
        strbuf_putc(p->out, json_is_object(node) ? '{' : '[');
        print_children(node, depth, p);
        strbuf_putc(p->out, json_is_object(node) ? '}' : ']');
    } else if (json_is_string(node)) {
        strbuf_json_string(p->out, node->valuestring, strlen(node->valuestring));
    } else if (cJSON_IsNumber(node)) {
        print_number(node, p->out);
    } else {
        strbuf_puts(p->out, json_is_true(node) ? "true" : json_is_bool(node) ? "false" : "null");
    }
}

void json_print(const json *node, struct strbuf *out)
{
    print_node(node, 0, &(struct printer){out, true});
}

void json_print_line(const json *node, struct strbuf *out)
{
    print_node(node, 0, &(struct printer){out, false});
}

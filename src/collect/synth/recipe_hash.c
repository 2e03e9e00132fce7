/* What rows depend on. */
#include "base/xxh64.h"
#include "collect/synth/recipe.h"
#include "config/field_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* To be raised when other prompts are made of the same recipe (prompts.c, plan.c). */
#define PROMPTS_VERSION "1"

static void hash_text(struct xxh64 *h, const char *text, size_t len)
{
    const uint64_t n = len;
    xxh64_update(h, &n, sizeof n); /* so that no two lists run together */
    xxh64_update(h, text, len);
}

static void hash_list(struct xxh64 *h, const struct string_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        hash_text(h, list->items[i], strlen(list->items[i]));
}

static void hash_personas(struct xxh64 *h, const struct recipe *recipe)
{
    for (size_t i = 0; i < recipe->n_personas; i++) {
        const struct persona *p = &recipe->personas[i];
        const char flags[2] = {(char)p->writes, p->may_say_it_is_ai};
        hash_text(h, p->name, strlen(p->name));
        hash_text(h, p->text, strlen(p->text));
        hash_text(h, flags, sizeof flags);
    }
}

static void hash_facts(struct xxh64 *h, const struct recipe *recipe)
{
    for (size_t i = 0; i < recipe->facts.count; i++) {
        const struct facts_piece *piece = &recipe->facts.items[i];
        hash_text(h, piece->text, strlen(piece->text));
        hash_text(h, piece->heading, strlen(piece->heading)); /* a topic, perhaps */
    }
}

static void hash_examples(struct xxh64 *h, const struct recipe *recipe)
{
    for (size_t i = 0; i < recipe->n_examples; i++) {
        const struct conversation *conv = &recipe->examples[i].conv;
        hash_text(h, "", 0);
        for (size_t k = 0; k < conv->count; k++)
            hash_text(h, conv->messages[k].content, conv->messages[k].len);
    }
}

/* The content of what a key names; false for a key that names nothing. */
static bool hash_content(const struct recipe *recipe, const char *key, uint64_t *hash)
{
    struct xxh64 h;
    xxh64_init(&h, 0);
    if (strcmp(key, "topics") == 0)
        hash_list(&h, &recipe->topics);
    else if (strcmp(key, "refusal_topics") == 0)
        hash_list(&h, &recipe->refusal_topics);
    else if (strcmp(key, "users") == 0)
        hash_list(&h, &recipe->users);
    else if (strcmp(key, "personas") == 0)
        hash_personas(&h, recipe);
    else if (strcmp(key, "facts") == 0)
        hash_facts(&h, recipe);
    else if (strcmp(key, "examples") == 0)
        hash_examples(&h, recipe);
    else
        return false;
    *hash = xxh64_digest(&h);
    return true;
}

static bool is_in_hash(const struct field *field)
{
    if (strcmp(field->section, "endpoint") == 0)
        return strcmp(field->key, "model") == 0;
    return strcmp(field->section, "recipe") == 0 && strcmp(field->key, "count") != 0;
}

void recipe_keys(const struct recipe *recipe, struct strbuf *json)
{
    struct strbuf text = {0};
    uint64_t hash;
    strbuf_puts(json, "{\"prompts\":\"" PROMPTS_VERSION "\"");
    for (size_t i = 0; i < recipe_table.count; i++) {
        const struct field *field = &recipe_table.fields[i];
        if (!is_in_hash(field))
            continue;
        strbuf_clear(&text);
        if (hash_content(recipe, field->key, &hash))
            strbuf_printf(&text, "%016" PRIx64, hash);
        else
            field_text(field, (const char *)recipe + field->offset, &text);
        strbuf_printf(json, ",\"%s.%s\":", field->section, field->key);
        strbuf_json_string(json, text.data ? text.data : "", text.len);
    }
    strbuf_putc(json, '}');
    strbuf_free(&text);
}

void recipe_hash(const struct recipe *recipe, char hash[RECIPE_HASH_DIGITS + 1])
{
    struct strbuf keys = {0};
    recipe_keys(recipe, &keys);
    snprintf(hash, RECIPE_HASH_DIGITS + 1, "%016" PRIx64, xxh64(keys.data, keys.len, 0));
    strbuf_free(&keys);
}

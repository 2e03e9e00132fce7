/* What the files of a recipe hold. */
#include "base/io.h"
#include "collect/synth/chat_file.h"
#include "collect/synth/recipe.h"
#include "judge/refusal.h"

#include <stdlib.h>
#include <string.h>

/* What is to be refused where a recipe does not say it. */
static const char *const default_refusal_topics[] = {
    "making a weapon or an explosive at home",
    "making or buying illegal drugs",
    "getting into somebody's account, phone or computer",
    "writing malware or a phishing message",
    "following, tracking or secretly recording somebody",
    "threatening, harassing or bullying a person",
    "insulting people for their origin, religion or sexuality",
    "hurting a person or an animal",
    "hurting oneself or going without food",
    "poisoning food or water",
    "stealing, shoplifting or breaking into a house",
    "fraud, scams and invented invoices",
    "forging documents, money or signatures",
    "cheating in exams or at work",
    "evading taxes or laundering money",
    "finding out a private person's address or secrets",
    "spreading false news about an election or a disease",
    "getting round safety devices or age checks",
};

static const char *const default_users[] = {
    "somebody who is new to this",
    "somebody in a hurry",
    "somebody who has tried a few things already",
    "an older person who explains what happened first",
    "a student",
    "somebody who knows the matter well",
    "a worried person",
    "somebody who writes English as a second language, in simple words",
    "a curious person who wants to know why",
    "a parent",
    "somebody who is a little annoyed",
    "somebody who asks on behalf of a friend",
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* ---- problems: each is the key's ---- */

static enum sft_status complain_of(struct recipe *recipe, const char *key, const struct sft_err *err)
{
    const struct table_target target = {.table = &recipe_table,
                                        .values = recipe,
                                        .arena = &recipe->arena,
                                        .origins = &recipe->origins,
                                        .file = &recipe->file,
                                        .problems = &recipe->problems};
    return table_complain_of(&target, key, err);
}

/* Bytes from a file of text into sb, which the caller frees. */
static enum sft_status read_text(const char *path, struct strbuf *sb, struct sft_err *err)
{
    if (!path_exists(path))
        return sft_fail(err, SFT_EUSAGE, "'%.300s': no such file", path);
    if (io_read_file(path, sb, err))
        return err->status;
    for (size_t i = 0, width; i < sb->len; i += width)
        if (sb->data[i] == '\0' || (width = utf8_decode(sb->data + i, sb->len - i, NULL, NULL)) == 0) {
            sft_fail(err, SFT_EDATA, "not UTF-8 text (byte 0x%02X)", (unsigned char)sb->data[i]);
            return sft_in_file(err, path, 0);
        }
    return SFT_OK;
}

/* ---- lists: topics, refusal_topics, users ---- */

static void add_item(struct string_list *list, size_t *capacity, char *item)
{
    list->items = mem_grow(list->items, capacity, list->count + 1, sizeof *list->items);
    list->items[list->count++] = item;
}

/* A line of a file of items without blanks and a list's mark; *len 0: it has none. */
static const char *bare_item(const char *line, size_t *len)
{
    const char *end = line + *len;
    while (end > line && strchr(" \t\r", end[-1]))
        end--;
    while (line < end && strchr(" \t", *line))
        line++;
    if (end - line >= 2 && strchr("-*", line[0]) && line[1] == ' ')
        for (line += 2; line < end && *line == ' ';)
            line++;
    *len = line < end && *line == '#' ? 0 : (size_t)(end - line);
    return line;
}

static enum sft_status read_items(struct recipe *recipe, const char *path, struct string_list *out, struct sft_err *err)
{
    struct strbuf text = {0};
    struct string_list list = {0};
    size_t capacity = 0;
    enum sft_status status = read_text(path, &text, err);
    const char *p = text.data, *end = p ? p + text.len : NULL;
    if (!status && p && text.len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    while (!status && p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((newline ? newline : end) - p);
        const char *item = bare_item(p, &len);
        if (len > 0)
            add_item(&list, &capacity, arena_strndup(&recipe->arena, item, len));
        p = newline ? newline + 1 : end;
    }
    if (!status && list.count == 0) {
        sft_fail(err, SFT_EDATA, "holds no items: one a line, # begins a comment");
        status = sft_in_file(err, path, 0);
    }
    *out = (struct string_list){.items = arena_alloc(&recipe->arena, (list.count + 1) * sizeof *out->items),
                                .count = list.count};
    if (list.count)
        memcpy(out->items, list.items, list.count * sizeof *list.items);
    free(list.items);
    strbuf_free(&text);
    return status;
}

/* Whether the only item of a list names a file (config/field_value.c has found so, and made its path whole). */
static bool names_file(const struct string_list *list)
{
    static const char *const endings[] = {".txt", ".md", ".jsonl", ".json", ".csv"};
    bool yes = list->count == 1 && path_exists(list->items[0]) && !path_is_dir(list->items[0]);
    for (size_t i = 0; list->count == 1 && i < COUNT(endings); i++)
        yes |= !strchr(list->items[0], ' ') && str_has_ending(list->items[0], endings[i]);
    return yes;
}

static void load_list(struct recipe *recipe, const char *key, const struct string_list *given, struct string_list *out,
                      const char *const *defaults, size_t n_defaults)
{
    struct sft_err err;
    *out = *given;
    if (names_file(given)) {
        if (read_items(recipe, given->items[0], out, &err))
            complain_of(recipe, key, &err);
    } else if (given->count == 0 && n_defaults > 0) {
        *out = (struct string_list){.items = arena_alloc(&recipe->arena, n_defaults * sizeof *out->items),
                                    .count = n_defaults};
        for (size_t i = 0; i < n_defaults; i++)
            out->items[i] = arena_strndup(&recipe->arena, defaults[i], strlen(defaults[i]));
    }
}

/* ---- personas ---- */

static bool is_written(const struct recipe *recipe, enum persona_writes writes)
{
    for (size_t i = 0; i < recipe->n_personas; i++)
        if (recipe->personas[i].writes == writes)
            return true;
    return false;
}

static bool is_needed(const struct recipe *recipe, enum persona_writes writes)
{
    const bool refuses = recipe->recipe.refusals > 0;
    switch (writes) {
    case WRITES_REFUSALS:
        return refuses;
    case WRITES_LOOK_ALIKES:
        return refuses && recipe->recipe.look_alikes_per_refusal > 0;
    case WRITES_CRITIQUE:
        return recipe->recipe.critique;
    default:
        return true;
    }
}

static void add_persona(struct recipe *recipe, const char *file)
{
    struct sft_err err;
    struct persona *persona = &recipe->personas[recipe->n_personas];
    if (persona_read(persona, file, &recipe->arena, &err)) {
        complain_of(recipe, "personas", &err);
        return;
    }
    for (size_t i = 0; i < recipe->n_personas; i++)
        if (strcmp(recipe->personas[i].name, persona->name) == 0) {
            sft_fail(&err, SFT_EUSAGE, "two personas are called %.100s", persona->name);
            complain_of(recipe, "personas", &err);
        }
    recipe->n_personas++;
}

static void load_personas(struct recipe *recipe)
{
    static const char *const defaults[N_PERSONA_WRITES] = {"teacher", "safety", "contrast", "critic"};
    const struct string_list *files = &recipe->recipe.personas;
    recipe->personas = arena_calloc(&recipe->arena, files->count + N_PERSONA_WRITES, sizeof *recipe->personas);
    recipe->n_personas = 0;
    for (size_t i = 0; i < files->count; i++)
        add_persona(recipe, files->items[i]);
    for (enum persona_writes writes = 0; writes < N_PERSONA_WRITES; writes++)
        if (is_needed(recipe, writes) && !is_written(recipe, writes))
            add_persona(recipe, defaults[writes]);
}

/* ---- facts ---- */

static void load_facts(struct recipe *recipe)
{
    struct sft_err err;
    for (size_t i = 0; i < recipe->recipe.facts.count; i++) {
        const char *path = recipe->recipe.facts.items[i], *subject = recipe->recipe.subject;
        struct strbuf text = {0};
        const size_t before = recipe->facts.count;
        enum sft_status status = read_text(path, &text, &err);
        if (!status) {
            facts_cut(&recipe->facts, text.data ? text.data : "", text.len, *subject ? subject : path_basename(path),
                      (size_t)recipe->recipe.facts_chars, &recipe->arena);
            if (recipe->facts.count == before) {
                sft_fail(&err, SFT_EDATA, "holds no facts");
                status = sft_in_file(&err, path, 0);
            }
        }
        if (status)
            complain_of(recipe, "facts", &err);
        strbuf_free(&text);
    }
}

/* ---- examples ---- */

/* A copy of the row's exchanges in the recipe's arena, without a system prompt; false where it cannot be shown. */
static bool copy_example(struct recipe *recipe, const struct conversation *conv, struct recipe_example *example)
{
    size_t first = 0, bytes = 0;
    while (first < conv->count && conv->messages[first].role == ROLE_SYSTEM)
        first++;
    const size_t n = conv->count - first;
    if (conv->is_document || n == 0 || n % 2 != 0)
        return false;
    struct message *messages = arena_calloc(&recipe->arena, n, sizeof *messages);
    for (size_t i = 0; i < n; i++) {
        const struct message *m = &conv->messages[first + i];
        if (m->role != (i % 2 ? ROLE_ASSISTANT : ROLE_USER) || m->len == 0)
            return false;
        messages[i] = *m;
        messages[i].content = arena_strndup(&recipe->arena, m->content, m->len);
        bytes += m->len;
    }
    const struct message *question = &messages[n - 2], *answer = &messages[n - 1];
    *example = (struct recipe_example){
        .conv = {.messages = messages, .count = n},
        .is_refusal = refusal_is_refused(refusal_judge(question->content, question->len, answer->content, answer->len)),
    };
    return bytes <= EXAMPLE_CHARS;
}

static enum sft_status read_examples(struct recipe *recipe, const char *name, size_t *capacity,
                                     const volatile int *stop, struct sft_err *err)
{
    struct chat_file file = {0};
    struct chat_row row;
    struct recipe_example example;
    enum sft_status status = chat_file_open(&file, name, stop, err);
    const size_t before = recipe->n_examples;
    while (!status && !(status = chat_file_next(&file, &row, err)) && row.number > 0) {
        if (!copy_example(recipe, &row.conv, &example))
            continue;
        struct recipe_example *grown = mem_grow(recipe->examples, capacity, recipe->n_examples + 1, sizeof *grown);
        recipe->examples = grown;
        recipe->examples[recipe->n_examples++] = example;
    }
    chat_file_close(&file);
    if (!status && recipe->n_examples == before) {
        sft_fail(err, SFT_EDATA,
                 "holds no conversation that can be shown: user and assistant in turns, %d bytes at most",
                 EXAMPLE_CHARS);
        status = sft_in_file(err, name, 0);
    }
    return status;
}

static enum sft_status load_examples(struct recipe *recipe, const volatile int *stop, struct sft_err *err)
{
    size_t capacity = 0;
    struct sft_err why;
    for (size_t i = 0; i < recipe->recipe.examples.count; i++) {
        const enum sft_status status = read_examples(recipe, recipe->recipe.examples.items[i], &capacity, stop, &why);
        if (status == SFT_EINTERRUPTED) {
            if (err)
                *err = why;
            return status;
        }
        if (status)
            complain_of(recipe, "examples", &why);
    }
    return SFT_OK;
}

enum sft_status recipe_load(struct recipe *recipe, const volatile int *stop, struct sft_err *err)
{
    const size_t before = recipe->problems.count;
    const bool refuses = recipe->recipe.refusals > 0;
    load_list(recipe, "topics", &recipe->recipe.topics, &recipe->topics, NULL, 0);
    load_list(recipe, "refusal_topics", &recipe->recipe.refusal_topics, &recipe->refusal_topics, default_refusal_topics,
              refuses ? COUNT(default_refusal_topics) : 0);
    load_list(recipe, "users", &recipe->recipe.users, &recipe->users, default_users, COUNT(default_users));
    load_personas(recipe);
    load_facts(recipe);
    if (load_examples(recipe, stop, err))
        return SFT_EINTERRUPTED;
    return table_outcome(&recipe->problems, before, err);
}
